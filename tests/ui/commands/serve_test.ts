import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { proofOf } from "../../../ui/peer/loopback_protocol.ts";
import { type FakeIo, Machine } from "../fake_io.ts";
import { FakePeer } from "../fake_peer.ts";

function lines(io: FakeIo): Record<string, unknown>[] {
  return io.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Starts `node` or `up`; resolves when it is ready. */
async function serve(machine: Machine, ...args: string[]) {
  const { io, ended } = machine.start("--json", ...args);
  await io.until(() => io.stdout.includes("\n"));
  const peer = machine.host.started.at(-1)?.peer;
  assert.ok(peer !== undefined);
  return { io, ended, peer };
}

Deno.test("node prints a ready line and then its events until it is interrupted", async () => {
  const m = new Machine();
  const { io, ended, peer } = await serve(m, "node");
  peer.emit({ event: "network", joined: true, contacts: 4 });
  io.interrupt();
  assert.equal(await ended, 0);
  assert.deepEqual(lines(io), [
    {
      event: "ready",
      user: null,
      node_id: "00".repeat(20),
      udp: { ip: "127.0.0.1", port: 8000 },
      listening: null,
    },
    { event: "reach", ...peer.reach },
    { event: "network", joined: true, contacts: 4 },
  ]);
  assert.ok(peer.stopped);
  assert.equal(m.host.locked.size, 0);
  assert.equal(m.io.files.size, 0);
  assert.equal(io.interrupts.size, 0);
});

Deno.test("How others see a peer is told to people only when it has changed, and to scripts each time", async () => {
  const told = async (...args: string[]) => {
    const m = new Machine();
    const { io, ended } = m.start(...args, "node");
    await io.until(() => io.stdout.includes("ready"));
    const peer = m.host.started.at(-1)?.peer ?? assert.fail();
    const reach = { event: "reach", state: "unknown", outer_ip: null } as const;
    for (const [relays, ip] of [[0, "1"], [1, "1"], [0, "2"], [0, "1"]] as const) {
      peer.emit({ ...reach, relays, addresses: [{ ip: `192.0.2.${ip}`, reached: null }] });
    }
    io.interrupt();
    await ended;
    return [...io.stdout.matchAll(/192\.0\.2\.(\d)/g)].map(([, last]) => last);
  };
  assert.deepEqual(await told(), ["1", "2", "1"]);
  assert.deepEqual(await told("--json"), ["1", "1", "2", "1"]);
});

Deno.test("A peer that no node answers says so after it is ready", async () => {
  const m = new Machine();
  m.host.prepare = (peer) => peer.joined = false;
  const json = await serve(m, "node");
  await json.io.until(() => lines(json.io).length === 2);
  assert.deepEqual(lines(json.io)[1], { event: "network", joined: false, contacts: 0 });
  json.io.interrupt();
  await json.ended;
  const text = m.start("node", "-b", "192.0.2.1:8000");
  const words = "No node answers at 192.0.2.1:8000; trying on";
  await text.io.until(() => text.io.stdout.includes(words));
  text.io.interrupt();
  assert.equal(await text.ended, 0);
});

Deno.test("A peer that is ready says that its network lets no UDP out, whether TCP helps or not", async () => {
  const m = new Machine();
  const cases = [
    [{ carrier: "tcp" }, /Your network lets no UDP out, so nodes are asked by TCP/],
    [{ hindrance: "no_udp" }, /Your network lets no UDP out, and no node answers by TCP/],
    [{ hindrance: "no_network" }, /This machine has no network/],
  ] as const;
  for (const [carriage, words] of cases) {
    const joined = "carrier" in carriage;
    m.host.prepare = (peer) => Object.assign(peer, { joined, carriage });
    const json = await serve(m, "node");
    await json.io.until(() => lines(json.io).length === 2);
    const contacts = joined ? 3 : 0;
    assert.deepEqual(lines(json.io)[1], { event: "network", joined, contacts, ...carriage });
    json.io.interrupt();
    await json.ended;
    const text = m.start("node", "-b", "192.0.2.1:8000");
    await text.io.until(() => words.test(text.io.stdout));
    text.io.interrupt();
    assert.equal(await text.ended, 0);
  }
});

Deno.test("A network's first node is ready before contacts of an earlier run have answered", async () => {
  const m = new Machine();
  m.host.firstAttempt = new Promise(() => {});
  const { io, ended } = await serve(m, "--init", "node");
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("A user who logs in to a peer that runs already is logged in there to stay", async () => {
  const m = new Machine();
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  const { io, ended, peer } = await serve(m, "--init", "node");
  await m.json("register", "alice");
  assert.equal(peer.user?.username, "alice");
  assert.deepEqual(peer.brief, []);
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("Commands reach the peer that runs on their folder, without a password", async () => {
  const m = await Machine.withAlice();
  const { io, ended, peer } = await serve(m, "up");
  assert.equal(lines(io)[0]?.["user"], "alice");
  delete m.io.variables["CAMELLIA_PASSWORD"];
  const started = m.host.started.length;
  const { post } = await m.json("post", "hello") as { post: { text: string } };
  assert.equal(post.text, "hello");
  assert.equal(peer.posts.length, 1);
  assert.deepEqual(await m.json("whoami"), FakePeer.view("alice"));
  assert.deepEqual((await m.json("profile", "--user", "Alice") as { posts: number }).posts, 1);
  assert.equal((await m.failure("post", "x", "--user", "bob")).error, "already_logged_in");
  assert.equal(m.host.started.length, started);
  for (const command of ["up", "node"]) {
    const inUse = await m.failure(command);
    assert.deepEqual([inUse.code, inUse.error], [1, "folder_in_use"]);
  }
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("A command makes one call to the running peer, or two where it has to ask something first", async () => {
  const m = await Machine.withAlice();
  const { io, ended, peer } = await serve(m, "up");
  m.io.variables["CAMELLIA_NEW_PASSWORD"] = "secret";
  const calls: Readonly<Record<string, string[]>> = {
    "status": ["status"],
    "whoami": ["whoami"],
    "post hello": ["post"],
    "timeline": ["timeline"],
    "timeline --limit 2 --author alice": ["timeline"],
    "follow bob": ["follow"],
    "unfollow bob": ["unfollow"],
    "profile": ["profile"],
    "suggest": ["suggest"],
    "passwd": ["whoami", "changePassword"],
    "logout": ["logout"],
  };
  for (const [command, expected] of Object.entries(calls)) {
    peer.calls.length = 0;
    await m.json(...command.split(" "));
    assert.deepEqual(peer.calls.slice(0, expected.length), expected, command);
    if (command !== "logout") assert.equal(peer.calls.length, expected.length, command);
  }
  assert.equal(await ended, 0);
  assert.equal(io.interrupts.size, 0);
});

Deno.test("The running peer itself checks whom --user names, before it does anything", async () => {
  const m = await Machine.withAlice();
  const { io, ended, peer } = await serve(m, "up");
  peer.calls.length = 0;
  const failure = await m.failure("post", "x", "--user", "bob");
  assert.equal(failure.error, "already_logged_in");
  assert.match(failure.message, /Cannot act as bob: alice is logged in to the peer that runs on/);
  assert.deepEqual([peer.calls, peer.posts], [["whoami"], []]);
  assert.equal((await m.failure("post", "x", "--user", "a b")).error, "invalid_username");
  assert.equal(
    (await m.failure("timeline", "--watch", "--user", "bob")).error,
    "already_logged_in",
  );
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("up ends when its user logs out, and node does not", async () => {
  const m = await Machine.withAlice();
  const up = await serve(m, "up");
  assert.deepEqual(await m.json("logout"), { username: "alice" });
  assert.equal(await up.ended, 0);
  const node = await serve(m, "node");
  assert.deepEqual(await m.json("login", "alice"), FakePeer.view("alice"));
  assert.deepEqual(await m.json("logout"), { username: "alice" });
  assert.equal((await m.failure("post", "x")).error, "not_logged_in");
  assert.deepEqual(await m.json("register", "bob"), FakePeer.view("bob"));
  assert.equal(node.peer.user?.username, "bob");
  node.io.interrupt();
  assert.equal(await node.ended, 0);
});

Deno.test("timeline --watch tells the posts of the page, then each post once, until interrupted", async () => {
  const m = await Machine.withAlice();
  const { io, ended, peer } = await serve(m, "up");
  const before = peer.arrive("bob", "before");
  const watching = m.start("timeline", "--watch", "--author", "bob", "--json");
  await watching.io.until(() => watching.io.stdout.includes("\n"));
  peer.arrive("carol", "not this");
  const post = peer.arrive("bob", "after");
  await watching.io.until(() => lines(watching.io).length === 2);
  watching.io.interrupt();
  assert.equal(await watching.ended, 0);
  assert.deepEqual(lines(watching.io), [{ event: "post", post: before }, { event: "post", post }]);
  const orphan = m.start("timeline", "--watch", "--json");
  await orphan.io.until(() => orphan.io.stdout.includes("\n"));
  io.interrupt();
  assert.equal(await ended, 0);
  assert.equal(await orphan.ended, 0);
});

Deno.test("A port file of a dead peer is no running peer", async () => {
  const m = await Machine.withAlice();
  m.writeFile("/data/peer.json", JSON.stringify({ port: 9, token: "a".repeat(64) }));
  await m.json("post", "hello");
  assert.ok(!m.io.files.has("/data/peer.json"));
});

Deno.test("A port file that leads to no peer is passed over, also while another command has the folder", async () => {
  const stranger = createServer((_request, response) => response.writeHead(401).end("{}"));
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  for (const stale of [9, port]) {
    const m = await Machine.withAlice();
    const folder = await m.host.openFolder("/data");
    m.writeFile("/data/peer.json", JSON.stringify({ port: stale, token: "a".repeat(64) }));
    const reads = Promise.withResolvers<void>();
    const { readFile } = m.io;
    let count = 0;
    m.io.readFile = (path) => {
      if (++count === 2) reads.resolve();
      return readFile.call(m.io, path);
    };
    const posting = m.json("post", "hello");
    // Where the command fails instead, its error is the test's.
    await Promise.race([reads.promise, posting]);
    await folder.close();
    assert.equal((await posting as { post: { text: string } }).post.text, "hello");
  }
  stranger.close();
  await once(stranger, "close");
});

Deno.test("A call that broke off after it was sent is not repeated", async () => {
  const m = await Machine.withAlice();
  const folder = await m.host.openFolder("/data");
  const token = "a".repeat(64);
  let requests = 0;
  const dying = createServer(async ({ method, headers, socket }, response) => {
    if (method === "GET") {
      const { port } = dying.address() as AddressInfo;
      const nonce = String(headers["camellia-nonce"]);
      response.writeHead(401, { "camellia-proof": await proofOf({ port, token }, nonce) }).end();
    } else {
      requests++;
      socket.destroy();
    }
  });
  dying.listen(0, "127.0.0.1");
  await once(dying, "listening");
  const { port } = dying.address() as AddressInfo;
  m.writeFile("/data/peer.json", JSON.stringify({ port, token }));
  const failure = await m.failure("post", "hello");
  assert.equal(failure.error, "no_peer");
  assert.match(failure.message, /it has stopped\. Try again/);
  assert.equal(requests, 1);
  await folder.close();
  dying.close();
  await once(dying, "close");
});

Deno.test("A command waits for another one that has the folder", async () => {
  const m = await Machine.withAlice();
  const folder = await m.host.openFolder("/data");
  const posting = m.json("post", "hello");
  await folder.close();
  assert.equal((await posting as { post: { text: string } }).post.text, "hello");
});

Deno.test("Commands find a peer once its user is logged in", async () => {
  const m = await Machine.withAlice();
  const isFound = () => [...m.io.files.keys()].some((path) => path.endsWith("peer.json"));
  const found: boolean[] = [];
  const { started } = m.host;
  started.push = (...entries) => {
    for (const { peer } of entries) peer.subscribe(() => found.push(isFound()));
    return Array.prototype.push.apply(started, entries);
  };
  const { io, ended } = await serve(m, "up");
  assert.deepEqual(found, [false]);
  assert.ok(isFound());
  io.interrupt();
  assert.equal(await ended, 0);
  assert.ok(!isFound());
});

Deno.test("The peer of the folder ends without a stale port file when login fails", async () => {
  const m = await Machine.withAlice();
  m.io.variables["CAMELLIA_PASSWORD"] = "wrong";
  const failure = await m.failure("up");
  assert.deepEqual([failure.code, failure.error], [1, "wrong_password"]);
  assert.ok(m.host.started.at(-1)?.peer.stopped);
  assert.equal(m.host.locked.size, 0);
});
