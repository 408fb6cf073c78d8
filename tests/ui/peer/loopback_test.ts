import assert from "node:assert/strict";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers";
import { methods, type PeerEvent, type ReadRequest } from "../../../core/api.ts";
import { CamelliaError } from "../../../core/model/errors.ts";
import { SystemRandom } from "../../../net/system/system_random.ts";
import type { OpenFolder } from "../../../ui/peer/host.ts";
import { LoopbackClient } from "../../../ui/peer/loopback_client.ts";
import { bodyBytesMax, parsePortFile } from "../../../ui/peer/loopback_protocol.ts";
import { type Arrival, LoopbackServer } from "../../../ui/peer/loopback_server.ts";
import { FakePeer } from "../fake_peer.ts";
import { persistently } from "./persistently.ts";

class Opened {
  readonly files = new Map<string, string>();
  readonly logged: string[] = [];
  readonly api = new FakePeer();
  server!: LoopbackServer;
  client!: LoopbackClient;

  static async open(arrival?: Arrival): Promise<Opened> {
    const opened = new Opened();
    const random = new SystemRandom();
    opened.server = await LoopbackServer.open({
      api: opened.api,
      folder: {
        writePrivate: (name: string, bytes: Uint8Array) =>
          Promise.resolve(void opened.files.set(name, new TextDecoder().decode(bytes))),
        remove: (name: string) => Promise.resolve(void opened.files.delete(name)),
      } as OpenFolder,
      host: { randomBytes: (length) => random.bytes(length) },
      log: (_level, message) => opened.logged.push(message),
      ...(arrival && { arrival }),
    });
    opened.client = new LoopbackClient(opened.port);
    return opened;
  }

  get port() {
    const port = parsePortFile(this.files.get("peer.json") ?? "");
    assert.ok(port !== undefined);
    return port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.close();
  }
}

/** A request with exactly these headers; fetch would not let us forge them. */
function rawRequest(
  port: number,
  { method = "POST", path = "/call", headers = {}, body = "" }: {
    method?: string;
    path?: string;
    headers?: Record<string, string>;
    body?: string;
  },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const length = { "content-length": String(new TextEncoder().encode(body).length) };
    const sent = request(
      { host: "127.0.0.1", port, method, path, agent: false, headers: { ...length, ...headers } },
      (response) => {
        let text = "";
        response.on("data", (part) => text += part);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const whoami = JSON.stringify({ method: "whoami", argument: {} });

Deno.test("The loopback client does what the peer does", async () => {
  await using opened = await Opened.open();
  const { client, api } = opened;
  const alice = FakePeer.view("alice");
  await client.api.prepare();
  await client.api.checkName("alice");
  assert.deepEqual(await client.api.register({ username: "Alice", password: "p" }), alice);
  await assert.rejects(client.api.checkName("alice"), { code: "name_taken" });
  assert.deepEqual(await client.api.whoami(), alice);
  assert.deepEqual(await client.api.users(), ["alice"]);
  const replyTo = { author: "bob", id: "7" };
  const post = await client.api.post({ text: "grüß\n\x1b[31m", replyTo });
  assert.deepEqual(post, api.posts[0]);
  assert.deepEqual(await client.api.timeline({ limit: 5, author: "alice" }), {
    posts: [post],
  });
  assert.deepEqual(await client.api.timeline({ limit: 5, before: post.id }), { posts: [] });
  const found = await client.api.search({ query: "grüß", limit: 5 });
  assert.deepEqual(found, { posts: [], took_ms: 1.5 });
  assert.deepEqual((await client.api.search({ query: "31m", limit: 5 })).posts, [post]);
  await assert.rejects(client.api.search({ query: "*", limit: 5 }), { code: "invalid_argument" });
  const thread = { root: replyTo, posts: [post], missing: 0 };
  assert.deepEqual(await client.api.thread({ ...replyTo, local: true }), thread);
  const name = { author: "alice", id: post.id };
  assert.deepEqual(await client.api.postsNamed({ names: [replyTo, name] }), [post]);
  assert.equal((await client.api.repost(name)).repost_of?.id, post.id);
  await assert.rejects(client.api.repost({ ...name, id: "1" }), { code: "unknown_post" });
  assert.deepEqual(await client.api.deletePosts({ ids: [post.id] }), [post.id]);
  const many = Array.from({ length: 1001 }, () => "1");
  await assert.rejects(client.api.deletePosts({ ids: many }), { code: "invalid_argument" });
  assert.equal((await client.api.about({ name: "Alice ✿" })).name, "Alice ✿");
  const mute = { kind: "word", what: "cats", until: "2026-01-01T00:01:00.000Z" };
  assert.deepEqual(await client.api.mute({ what: "cats", forMs: 60_000 }), mute);
  await assert.rejects(client.api.mute({ what: "x", forMs: 59_999 }), { code: "invalid_argument" });
  assert.deepEqual(await client.api.mutes(), [mute]);
  assert.deepEqual(await client.api.unmute({ what: "cats" }), mute);
  assert.deepEqual(await client.api.block({ username: "eve" }), { username: "eve", blocked: true });
  assert.deepEqual(await client.api.blocks(), ["eve"]);
  assert.equal((await client.api.unblock({ username: "eve" })).blocked, false);
  api.followers.add("dan");
  assert.deepEqual((await client.api.people({ list: "followers" })).map((one) => one.username), [
    "dan",
  ]);
  assert.deepEqual(await client.api.removeFollower({ username: "dan" }), { username: "dan" });
  assert.equal((await client.api.follow({ username: "bob" })).following, true);
  assert.deepEqual((await client.api.profile({})).following, ["bob"]);
  assert.deepEqual(await client.api.followed(), ["bob"]);
  assert.equal((await client.api.unfollow({ username: "bob" })).following, false);
  assert.deepEqual(await client.api.suggest(), []);
  assert.equal((await client.api.status()).user?.username, "alice");
  assert.deepEqual((await client.api.devices()).map(({ device }) => device), [5]);
  assert.equal((await client.api.removeDevice({ device: 1023 })).length, 1);
  await assert.rejects(client.api.removeDevice({ device: 1024 }), { code: "invalid_argument" });
  const made = await client.api.invite({ once: true, expiresInMs: 60_000 });
  assert.equal(made.expires, "2026-01-01T00:01:00.000Z");
  await assert.rejects(client.api.invite({ expiresInMs: 59_999 }), { code: "invalid_argument" });
  assert.deepEqual(await client.api.enter(made), { joined: true, nodes: api.inviteNodes });
  await assert.rejects(client.api.accept(made), { code: "follow_self" });
  const words = await client.api.recoveryWords({ username: "alice", password: "p" });
  assert.deepEqual(words, await FakePeer.words("alice"));
  assert.equal(new TextDecoder().decode(await client.api.exportAccount()), "sealed:alice");
  assert.equal(
    (await client.api.importAccount(new TextEncoder().encode("sealed:carol"))).username,
    "carol",
  );
  await assert.rejects(client.api.checkPassword("q"), { code: "wrong_password" });
  await client.api.checkPassword("p");
  await client.api.changePassword({ old: "p", new: "q" });
  assert.deepEqual(await client.api.notifications({ unread: true }), {
    notifications: [],
    unread: 0,
  });
  assert.deepEqual(await client.api.requests({ limit: 5 }), { requests: [], unread: 0 });
  await assert.rejects(client.api.requests({ limit: 0 }), { code: "invalid_argument" });
  await client.api.dismiss({ username: "bob" });
  await client.api.markRead({ what: "timeline", id: "4096" });
  assert.deepEqual(api.readUpTo, ["4096"]);
  const nonsense = { what: "everything" } as unknown as ReadRequest;
  await assert.rejects(client.api.markRead(nonsense), { code: "invalid_argument" });
  await client.api.reload();
  await client.api.drain(10);
  assert.deepEqual(await client.api.logout(), alice);
  assert.equal(api.user, undefined);
  assert.equal((await client.api.login({ username: "alice", password: "q" })).username, "alice");
  await client.api.logout();
  const recovery = { username: "alice", password: "r", words: words.join(" ") };
  assert.deepEqual(await client.api.recover(recovery), alice);
  assert.deepEqual(await client.api.closeAccount({ username: "alice" }), alice);
  for (const name of Object.keys(methods)) {
    assert.ok(name === "subscribe" || api.calls.includes(name), `${name} was not tried`);
  }
});

Deno.test("A port that cannot be published is closed", async () => {
  const message = "Cannot write: the disk is full";
  const server = await LoopbackServer.listen({
    api: new FakePeer(),
    folder: {
      writePrivate: () => Promise.reject(new CamelliaError("disk_full", message)),
      remove: () => Promise.resolve(),
    } as Partial<OpenFolder> as OpenFolder,
    host: { randomBytes: (length) => new SystemRandom().bytes(length) },
    log: () => {},
  });
  const { port } = server;
  assert.notEqual(port, 0);
  await assert.rejects(server.publish(), { code: "disk_full" });
  assert.equal(server.port, 0);
});

Deno.test("Errors cross the loopback port with code and message", async () => {
  await using opened = await Opened.open();
  await assert.rejects(opened.client.api.whoami(), (error: CamelliaError) => {
    assert.ok(error instanceof CamelliaError);
    assert.equal(error.code, "not_logged_in");
    assert.equal(error.message, "Cannot do that: no user is logged in");
    return true;
  });
});

Deno.test("A mistake in the program is logged, and its stack stays there", async () => {
  await using opened = await Opened.open();
  opened.api.status = () => Promise.reject(new TypeError("boom"));
  await assert.rejects(opened.client.api.status(), { code: "internal" });
  assert.match(opened.logged[0] ?? "", /TypeError: boom/);
});

Deno.test("A subscriber that stops listening is no sign of a peer that has stopped", async () => {
  await using opened = await Opened.open();
  const { client, api } = opened;
  let hasEnded = false;
  void client.ended.then(() => hasEnded = true);
  const heard = Promise.withResolvers<PeerEvent>();
  await client.subscribe(heard.resolve);
  const stop = await client.subscribe(() => {});
  stop();
  // What the other subscriber hears comes after the end of the first one's answer.
  await client.api.status();
  await new Promise((resolve) => setImmediate(resolve));
  api.emit({ event: "follower", username: "bob", following: true });
  assert.equal((await heard.promise).event, "follower");
  assert.equal(hasEnded, false);
});

Deno.test("Events reach the client in order, from the moment it is subscribed", async () => {
  await using opened = await Opened.open();
  const { api, client } = opened;
  const events: PeerEvent[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = await client.subscribe((event) => {
    events.push(event);
    if (events.length === 101) resolve();
  });
  await client.api.register({ username: "alice", password: "p" });
  for (let i = 0; i < 100; i++) api.arrive("bob", `post ${i}`);
  await promise;
  assert.deepEqual(events[0], { event: "login", user: FakePeer.view("alice") });
  assert.deepEqual(
    events.slice(1).map((event) => event.event === "post" ? event.post.text : ""),
    Array.from({ length: 100 }, (_, i) => `post ${i}`),
  );
  stop();
});

Deno.test("A watcher that does not read is dropped, and the peer goes on", async () => {
  await using opened = await Opened.open();
  const { api, client } = opened;
  const { port, token } = opened.port;
  const { promise: subscribed, resolve: isSubscribed } = Promise.withResolvers<void>();
  const subscribe = api.subscribe.bind(api);
  api.subscribe = (listener) => {
    isSubscribed();
    return subscribe(listener);
  };
  const deaf = connect(port, "127.0.0.1");
  deaf.pause();
  const closed = new Promise((resolve) => deaf.once("close", resolve));
  deaf.write(
    `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  await subscribed;
  // Beyond what the system takes in for a socket on its own, and far below what would fill the memory.
  const message = "x".repeat(2000);
  for (let i = 0; i < 100_000 && api.listeners.size > 0; i++) {
    api.emit({ event: "warning", code: "internal", message });
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(api.listeners.size, 0);
  await client.api.register({ username: "alice", password: "p" });
  deaf.resume();
  await closed;
});

Deno.test("The client learns that the peer has stopped", async () => {
  await using opened = await Opened.open();
  const { client, server } = opened;
  const port = opened.port;
  await client.subscribe(() => {});
  await server.close();
  await client.ended;
  assert.equal(opened.files.size, 0);
  await assert.rejects(new LoopbackClient(port).api.status(), { code: "no_peer" });
});

Deno.test("What a watcher reads of a peer that stops ends in order, and its connection is not cut", async () => {
  await using opened = await Opened.open();
  const { api, server, port: { port, token } } = opened;
  const { promise: subscribed, resolve: isSubscribed } = Promise.withResolvers<void>();
  const subscribe = api.subscribe.bind(api);
  api.subscribe = (listener) => {
    isSubscribed();
    return subscribe(listener);
  };
  const headers = { host: `127.0.0.1:${port}`, authorization: `Bearer ${token}` };
  const watched = rawRequest(port, { method: "GET", path: "/events", headers });
  await subscribed;
  await server.close();
  assert.deepEqual(await watched, { status: 200, text: "\n" });
  assert.equal(api.listeners.size, 0);
});

Deno.test("A request that the client gives up is aborted in the peer", async () => {
  await using opened = await Opened.open();
  const { api, client } = opened;
  let isAborted = false;
  let finish = () => {};
  api.suggest = (signal?: AbortSignal) =>
    new Promise((resolve, reject) => {
      finish = () => resolve([]);
      signal?.addEventListener("abort", () => {
        isAborted = true;
        reject(signal.reason);
      });
      controller.abort(new CamelliaError("interrupted", "by hand"));
    });
  const controller = new AbortController();
  const call = assert.rejects(client.api.suggest(controller.signal), { code: "interrupted" });
  // Other requests are answered meanwhile; the peer hears of the end of this one before long.
  for (let i = 0; i < 500 && !isAborted; i++) await client.api.status();
  finish();
  await call;
  assert.ok(isAborted);
});

Deno.test("A request is not sent for a client that has given up before", async () => {
  await using opened = await Opened.open();
  const signal = AbortSignal.abort(new CamelliaError("interrupted", "by hand"));
  await assert.rejects(opened.client.api.suggest(signal), { code: "interrupted" });
  await opened.client.api.status();
  assert.deepEqual(opened.api.calls, ["status"]);
});

Deno.test("A logout that ends the peer is still answered", async () => {
  await using opened = await Opened.open();
  const { api, client, server } = opened;
  await client.api.register({ username: "alice", password: "p" });
  let closed: Promise<void> | undefined;
  api.subscribe((event) => {
    if (event.event === "logout") closed = server.close();
  });
  await client.api.logout();
  await closed;
});

Deno.test("Requests without the token, with an Origin, or for a foreign Host are refused", async () => {
  await using opened = await Opened.open();
  const { port, token } = opened.port;
  await opened.api.register({ username: "alice", password: "p" }, new AbortController().signal);
  const host = `127.0.0.1:${port}`;
  const authorization = `Bearer ${token}`;
  const cases: readonly [status: number, headers: Record<string, string>][] = [
    [200, { host, authorization }],
    [200, { host: `localhost:${port}`, authorization }],
    [401, { host }],
    [401, { host, authorization: `Bearer ${"0".repeat(64)}` }],
    [401, { host, authorization: `Bearer ${token.slice(0, 63)}` }],
    [401, { host, authorization: token }],
    [403, { host, authorization, origin: `http://${host}` }],
    [403, { host, authorization, origin: "null" }],
    [403, { host: "camellia.example", authorization }],
    [403, { host: `camellia.example:${port}`, authorization }],
    [403, { host: "127.0.0.1:1", authorization }],
  ];
  for (const [status, headers] of cases) {
    for (
      const target of [
        { body: whoami },
        ...status === 200 ? [] : [{ method: "GET", path: "/events" }],
      ]
    ) {
      const answer = await rawRequest(port, { headers, ...target });
      assert.equal(answer.status, status, JSON.stringify(headers));
      if (status !== 200) assert.equal(JSON.parse(answer.text).error.code, "unauthorized");
    }
  }
});

Deno.test("Malformed requests are refused with a reason, whatever they carry", async () => {
  await using opened = await Opened.open();
  const { port, token } = opened.port;
  const headers = { host: `127.0.0.1:${port}`, authorization: `Bearer ${token}` };
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    '{"method":"stop"}',
    '{"method":"__proto__"}',
    '{"method":"constructor"}',
    '{"method":7}',
    '{"method":"register","argument":{"username":"alice"}}',
    '{"method":"register","argument":{"username":"alice","password":7}}',
    '{"method":"timeline","argument":{"limit":1e9}}',
    '{"method":"timeline","argument":{"limit":"5"}}',
    '{"method":"search","argument":{"limit":5}}',
    '{"method":"search","argument":{"query":"x","limit":0}}',
    '{"method":"thread","argument":{"author":"bob"}}',
    '{"method":"post","argument":{"text":"a","replyTo":{"author":"bob"}}}',
    '{"method":"drain","argument":-1}',
    '{"method":"drain"}',
    '{"method":"subscribe"}',
    '{"method":"importAccount","argument":"*"}',
    '{"method":"importAccount","argument":7}',
    JSON.stringify({ method: "profile", argument: { username: "a".repeat(1001) } }),
    JSON.stringify({ method: "post", argument: { text: "x".repeat(bodyBytesMax) } }),
  ];
  for (const body of bodies) {
    const answer = await rawRequest(port, { headers, body });
    assert.equal(answer.status, 400, body.slice(0, 80));
    assert.equal(JSON.parse(answer.text).error.code, "invalid_argument", body.slice(0, 80));
  }
  assert.equal((await rawRequest(port, { headers, path: "/" })).status, 404);
  assert.equal((await rawRequest(port, { headers, method: "GET" })).status, 404);
});

const quick: Arrival = {
  headersTimeout: 400,
  requestTimeout: 600,
  connectionsCheckingInterval: 50,
};

/** Connects, says something, and tells when the server has closed. */
function stranger(port: number, bytes = ""): { socket: Socket; closed: Promise<unknown> } {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.resume();
  if (bytes !== "") socket.write(bytes);
  return { socket, closed };
}

Deno.test("Attack: idle connections fill the loopback port, and its owner's commands go on", async () => {
  await using opened = await Opened.open(quick);
  const { port, client } = opened;
  const strangers = Array.from(
    { length: 400 },
    (_, i) => stranger(port.port, i % 2 === 0 ? "" : "POST /call HTTP/1.1\r\nHost"),
  );
  await persistently(opened.port, (api) => api.register({ username: "alice", password: "p" }));
  assert.equal((await client.api.whoami()).username, "alice");
  // All but the last few are closed at once, and those when their time is over.
  await Promise.all(strangers.map(({ closed }) => closed));
});

Deno.test("Attack: connections come and go at the loopback port without a pause, and commands go on", async () => {
  await using opened = await Opened.open();
  let isGoing = true;
  let made = 0;
  const churn = async () => {
    while (isGoing) {
      const { socket, closed } = stranger(opened.port.port, "GET /events HTTP/1.1\r\n");
      await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
      made++;
      socket.destroy();
      await closed;
    }
  };
  const churning = Array.from({ length: 16 }, churn);
  await persistently(opened.port, (api) => api.register({ username: "alice", password: "p" }));
  for (let i = 0; i < 50; i++) {
    await persistently(opened.port, (api) => api.follow({ username: `friend${i}` }));
  }
  assert.equal(opened.api.calls.filter((name) => name === "follow").length, 50);
  while (made < 500) await new Promise((resolve) => setImmediate(resolve));
  isGoing = false;
  await Promise.all(churning);
});

Deno.test("Attack: a request that never ends is closed, before the token and after it", async () => {
  await using opened = await Opened.open(quick);
  const { port, token } = opened.port;
  const host = `POST /call HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
  const slow = [
    stranger(port),
    stranger(port, host),
    stranger(port, `${host}Authorization: Bearer ${token}\r\nContent-Length: 100\r\n\r\n{`),
  ];
  const drip = setInterval(() => {
    for (const { socket } of slow.slice(1)) if (!socket.destroyed) socket.write("a");
  }, 30);
  await Promise.all(slow.map(({ closed }) => closed));
  clearInterval(drip);
  await opened.client.api.register({ username: "alice", password: "p" });
});

Deno.test("A peer that does not answer is given up in words, one that takes its time is not", async () => {
  await using opened = await Opened.open();
  const patience = { lookMs: 20, aliveMs: 2_000 };
  opened.api.suggest = async () => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 25));
    return [];
  };
  const client = new LoopbackClient(opened.port, undefined, patience);
  assert.deepEqual(await client.api.suggest(), []);
  // It accepts and says nothing, as a process does that was stopped.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deaf = new LoopbackClient(
    { ...opened.port, port: listener.addr.port },
    undefined,
    { lookMs: 20, aliveMs: 50 },
  );
  const words = { code: "no_peer", message: /does not answer\. End its process/ };
  await assert.rejects(deaf.api.status(), words);
  await assert.rejects(deaf.subscribe(() => {}), words);
  assert.equal(deaf.isUntouched, false, "it may still do what it was asked for");
});

Deno.test("Sixty-four requests are worked on at once, further ones refused until one has ended", async () => {
  await using opened = await Opened.open();
  const { api, client } = opened;
  api.hangs = true;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const calls: { controller: AbortController; ended: Promise<void> }[] = [];
  for (let i = 1; i <= 63; i++) {
    const controller = new AbortController();
    const call = client.api.follow({ username: "bob" }, controller.signal);
    calls.push({ controller, ended: assert.rejects(call) });
    while (api.calls.length < i) await turn();
  }
  // A watcher counts as well.
  const stop = await client.subscribe(() => {});
  await assert.rejects(client.api.status(), { code: "unauthorized", message: /Too many commands/ });
  stop();
  const isServed = () => client.api.status().then(() => true, () => false);
  while (!await isServed()) await turn();
  for (const { controller, ended } of calls) {
    controller.abort(new Error("enough"));
    await ended;
  }
  await client.api.status();
});

Deno.test("A port file is taken only as the peer writes it", () => {
  const token = "a".repeat(64);
  assert.deepEqual(parsePortFile(JSON.stringify({ port: 1, token })), { port: 1, token });
  const bad = [
    "",
    "null",
    "{}",
    `{"port":0,"token":"${token}"}`,
    `{"port":65536,"token":"${token}"}`,
    `{"port":1.5,"token":"${token}"}`,
    '{"port":1,"token":"ab"}',
    `{"port":1,"token":"${token}a"}`,
    "\x00",
  ];
  for (const text of bad) assert.equal(parsePortFile(text), undefined, text);
});
