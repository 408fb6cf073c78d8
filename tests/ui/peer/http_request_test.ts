import assert from "node:assert/strict";
import { HttpRequest } from "../../../ui/peer/http_request.ts";

const decoder = new TextDecoder();

interface Met {
  /** All that the other program read. */
  readonly read: string;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Reads up to an empty line. */
async function readHead(conn: Deno.Conn): Promise<string> {
  let text = "";
  const part = new Uint8Array(1024);
  while (!text.includes("\r\n\r\n")) {
    const length = await conn.read(part);
    if (length === null) break;
    text += decoder.decode(part.subarray(0, length));
  }
  return text;
}

/** Asks a program that answers with these pieces, and looks whether there is more to read after the first. */
async function ask(pieces: readonly string[], body?: string): Promise<Met> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    let read = await readHead(conn);
    for (const [at, piece] of pieces.entries()) {
      const bytes = Uint8Array.from(piece, (letter) => letter.charCodeAt(0));
      await conn.write(bytes).catch(() => 0);
      const part = new Uint8Array(1024);
      if (at > 0 || !piece.startsWith("HTTP/1.1 100")) continue;
      read += decoder.decode(part.subarray(0, await conn.read(part) ?? 0));
    }
    return read;
  })();
  try {
    const { port } = listener.addr as Deno.NetAddr;
    const request = new HttpRequest({
      port,
      path: "/call",
      headers: { "camellia-nonce": "n" },
      ...(body === undefined ? {} : { body }),
    });
    const { status, headers, body: answered } = await request.answer;
    let text = "";
    for await (const part of answered) text += decoder.decode(part);
    assert.ok(request.isClosed);
    return { read: await serving, status, headers, body: text };
  } finally {
    await serving;
    listener.close();
  }
}

Deno.test("A body comes by its length, in chunks, or up to the end of the connection", async () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const answers: readonly (readonly string[])[] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world and more"],
    ["HTTP/1.1 200\r\n", "\r\nhello", " world"],
    [`${chunked}5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n`],
    [chunked, "5", "\r", "\nhel", "lo\r\n", "6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"],
    [...`${chunked}B\r\nhello world\r\n0\r\n\r\n`],
  ];
  for (const pieces of answers) {
    const { status, body } = await ask(pieces);
    assert.deepEqual([status, body], [200, "hello world"], pieces.join("|"));
  }
});

Deno.test("A request says what it must, and its headers are found whatever their letters", async () => {
  const { read, headers } = await ask([
    "HTTP/1.1 401 No\r\nCamellia-Proof:  p \r\nContent-Length: 0\r\n\r\n",
  ]);
  assert.match(read, /^GET \/call HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/);
  assert.match(read, /\r\ncamellia-nonce: n\r\n/);
  assert.equal(headers.get("camellia-proof"), "p");
});

Deno.test("The body is sent only once it is asked for", async () => {
  const done = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const asked = await ask(["HTTP/1.1 100 Continue\r\n\r\n", done], "the söcret");
  assert.equal(asked.body, "ok");
  assert.match(asked.read, /content-length: 11\r\nexpect: 100-continue\r\n[^]*\r\n\r\nthe söcret$/);
  const refused = await ask(["HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"], "the secret");
  assert.equal(refused.status, 401);
  assert.doesNotMatch(refused.read, /the secret/);
});

Deno.test("What is no answer by HTTP is refused, and no line or head is read without end", async () => {
  const long = "x".repeat(20_000);
  const head = "HTTP/1.1 200 OK\r\n";
  const bad: readonly (readonly [answer: string, why: RegExp])[] = [
    ["SSH-2.0-OpenSSH\r\n\r\n", /no answer by HTTP/],
    ["", /ends too early/],
    [`${head}Content-Le`, /ends too early/],
    [`${head}nonsense\r\n\r\n`, /no name/],
    [`${head}Content-Length: 5\r\n\r\nhell`, /ends too early/],
    [`${head}Content-Length: -1\r\n\r\n`, /not clear/],
    [`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, /not clear/],
    [`${head}Transfer-Encoding: gzip\r\n\r\n`, /not clear/],
    [`${head}Transfer-Encoding: chunked\r\n\r\nx\r\n`, /no length/],
    [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n`, /another length/],
    [`${head}X: ${long}\r\n\r\n`, /too long/],
    [`${head}${"A: b\r\n".repeat(5_000)}\r\n`, /too long/],
    ["HTTP/1.1 100 Continue\r\n\r\n", /no answer of a peer/],
  ];
  for (const [answer, why] of bad) {
    await assert.rejects(ask([answer]), why, JSON.stringify(answer.slice(0, 80)));
  }
});

Deno.test("A request that is given up ends at once, wherever it is", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const question = { port, path: "/", headers: {} };
  const early = new HttpRequest(question);
  early.close();
  await assert.rejects(early.answer, /given up/);
  const late = new HttpRequest(question);
  using _first = await listener.accept();
  using second = await listener.accept();
  await readHead(second);
  late.close();
  await assert.rejects(late.answer);
  assert.equal(await second.read(new Uint8Array(1)), null);
  listener.close();
  await assert.rejects(new HttpRequest(question).answer, Deno.errors.ConnectionRefused);
});
