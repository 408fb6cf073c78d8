/** Attacks by other programs of the machine, and by web pages, on the port at which commands reach a peer. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { SystemRandom } from "../../net/system/system_random.ts";
import type { OpenFolder } from "../../ui/peer/host.ts";
import { LoopbackClient } from "../../ui/peer/loopback_client.ts";
import { parsePortFile, type PortFile } from "../../ui/peer/loopback_protocol.ts";
import { LoopbackServer } from "../../ui/peer/loopback_server.ts";
import { FakePeer } from "../ui/fake_peer.ts";

/** A peer with alice logged in, behind a real port. */
class Target {
  readonly api = new FakePeer();
  readonly logged: string[] = [];
  server!: LoopbackServer;
  port!: PortFile;

  static async open(): Promise<Target> {
    const target = new Target();
    const random = new SystemRandom();
    target.server = await LoopbackServer.open({
      api: target.api,
      folder: {
        writePrivate: (_name: string, bytes: Uint8Array) => {
          const port = parsePortFile(new TextDecoder().decode(bytes));
          assert(port !== undefined);
          target.port = port;
          return Promise.resolve();
        },
        remove: () => Promise.resolve(),
      } as unknown as OpenFolder,
      host: { randomBytes: (length) => random.bytes(length) },
      log: (_level, message) => target.logged.push(message),
      arrival: { headersTimeout: 300, requestTimeout: 400, connectionsCheckingInterval: 50 },
    });
    const account = { username: "alice", password: "p" };
    await target.api.register(account, new AbortController().signal);
    target.api.calls.length = 0;
    return target;
  }

  /** Says exactly these bytes; resolves to the answer once the server has closed. */
  say(bytes: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(this.port.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (part) => answer += part);
    // What was closed before all of it was read ends with a reset.
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(bytes);
    return promise;
  }

  /** Commands still work, and nothing went wrong unseen. */
  async goesOn(): Promise<void> {
    this.api.calls.length = 0;
    assert.equal((await new LoopbackClient(this.port).api.whoami()).username, "alice");
    assert.deepEqual([this.api.calls, this.logged], [["whoami"], []]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

/** Lines of a request, and its body. */
function request(lines: readonly string[], body = "", length = body.length): string {
  return [...lines, `Content-Length: ${length}`, "", body].join("\r\n");
}

const question = JSON.stringify({ method: "whoami" });
const order = JSON.stringify({ method: "post", argument: { text: "hidden" } });

Deno.test("Attack: requests hidden behind others at the loopback port are not done", async () => {
  await using target = await Target.open();
  const { port, token } = target.port;
  const host = `Host: 127.0.0.1:${port}`;
  const call = ["POST /call HTTP/1.1", host];
  const key = `Authorization: Bearer ${token}`;
  const hidden = request([...call, key], order);
  const chunked = "Transfer-Encoding: chunked";
  const carriers = [
    request([...call, key], question) + hidden,
    request(call, "12345") + hidden,
    request(call, hidden, 0),
    request(["POST /elsewhere HTTP/1.1", host, key], hidden, 0),
    request([...call, key, chunked], `0\r\n\r\n${hidden}`, 5),
    request([...call, key, "Content-Length: 0"], question + hidden, question.length),
    [...call, key, chunked, "", `5;${"x".repeat(100)}\r\n12345\r\n0\r\n\r\n${hidden}`].join("\r\n"),
    request(["GET /nothing HTTP/1.1", host]) + hidden + hidden,
  ];
  for (const carrier of carriers) {
    await target.say(carrier);
    assert(!target.api.calls.includes("post"), JSON.stringify(carrier));
  }
  assert.equal(target.api.posts.length, 0);
  await target.goesOn();
});

Deno.test("Attack: what is no proper request arrives at the loopback port with the token, and nothing is done", async () => {
  await using target = await Target.open();
  const { port, token } = target.port;
  const host = `Host: 127.0.0.1:${port}`;
  const start = "POST /call HTTP/1.1";
  const key = `Authorization: Bearer ${token}`;
  const many = Array.from({ length: 20_000 }, () => "X: a");
  const requests = [
    request(["CONNECT evil.example:1 HTTP/1.1", host, key]),
    request(["POST http://evil.example/call HTTP/1.1", host, key], order),
    request(["POST /call HTTP/1.0", key], order),
    request([start, key], order),
    request([start, host, "Host: evil.example", key], order),
    request([start, "Host: evil.example", host, key], order),
    request([start, host, key, "Origin:"], order),
    request([start, host, key, "Origin: null"], order),
    request([start, host, `Authorization : Bearer ${token}`], order),
    request([start, host, "Authorization: Bearer", ` ${token}`], order),
    request([start, host, key, "X: a\0b"], order),
    request([start, host, key, "Transfer-Encoding: xchunked"], order),
    request([start, host, key], order, -1),
    request([start, host, key], order).replaceAll("\r\n", "\n"),
    request([start, host, key, ...many], order),
    request([start, host, key, `X: ${"a".repeat(1_000_000)}`], order),
    request([`POST /call?${"a".repeat(1_000_000)} HTTP/1.1`, host, key], order),
    request([start, host, key], JSON.stringify({ text: "x".repeat(1_000_000) })),
    request([start, host, key], "[".repeat(60_000)),
    request([start, host], "x".repeat(1_000_000)),
    request([start, host, "Expect: anything"], order),
    request(["OPTIONS /call HTTP/1.1", host, "Access-Control-Request-Private-Network: true"]),
    request(["GET /events HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket"]),
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET /\r\n",
  ];
  const answers = await Promise.all(requests.map((bytes) => target.say(bytes)));
  for (const [i, answer] of answers.entries()) {
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 400);
    assert(
      status >= 400 && status < 500,
      `${JSON.stringify(requests[i]?.slice(0, 99))}: ${answer}`,
    );
    assert(!answer.toLowerCase().includes("access-control-allow"));
  }
  assert.deepEqual(target.api.calls, []);
  await target.goesOn();
});

Deno.test("Attack: another program listens at the port of a peer that is gone, and learns neither token nor password", async () => {
  await using target = await Target.open();
  const heard: string[] = [];
  // It asks for the body, as a peer does that has seen the token, and answers whatever may please.
  const impostor = createServer((incoming, response) => {
    heard.push(JSON.stringify(incoming.headers));
    incoming.on("data", (part) => heard.push(String(part)));
    incoming.on("end", () => {
      response.writeHead(200, { "camellia-proof": "0".repeat(64) });
      response.end('{"result":{"username":"alice","fingerprint":""}}');
    });
  });
  impostor.on("checkContinue", (incoming, response) => {
    response.writeContinue();
    impostor.emit("request", incoming, response);
  });
  await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
  const address = impostor.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { token } = target.port;
  const client = new LoopbackClient({ port, token });
  const account = { username: "alice", password: "seven green lanterns drift" };
  const signal = new AbortController().signal;
  await assert.rejects(client.api.login(account, signal), { code: "no_peer" });
  await assert.rejects(client.subscribe(() => {}), { code: "no_peer" });
  assert(client.isUntouched, "another way to a peer may be tried");
  assert(heard.length > 0);
  assert.doesNotMatch(heard.join("\n"), new RegExp(`${token}|lanterns|login`));
  // Nor does it help to ask a peer elsewhere that knows the token: the proof is for its own port.
  const nonce = /"camellia-nonce":"([^"]+)"/.exec(heard.join())?.[1] ?? "";
  const elsewhere = await target.say(
    request(["GET / HTTP/1.1", `Host: 127.0.0.1:${target.port.port}`, `Camellia-Nonce: ${nonce}`]),
  );
  assert.match(elsewhere, /^HTTP\/1\.1 401 [^]*camellia-proof: [0-9a-f]{64}\r\n/i);
  const relayed = /camellia-proof: ([0-9a-f]{64})/i.exec(elsewhere)?.[1] ?? "";
  impostor.removeAllListeners("request");
  impostor.on("request", (incoming, response) => {
    heard.push(JSON.stringify(incoming.headers));
    response.writeHead(200, { "camellia-proof": relayed }).end("{}");
  });
  await assert.rejects(client.api.login(account, signal), { code: "no_peer" });
  assert.doesNotMatch(heard.join("\n"), new RegExp(`${token}|lanterns|login`));
  await new Promise<void>((resolve) => impostor.close(() => resolve()));
  await target.goesOn();
});
