import assert from "node:assert/strict";
import { toHex } from "../../../core/model/bytes.ts";
import { Identity } from "../../../core/model/identity.ts";
import { readFrame, readFrameBody, signMessage } from "../../../core/messages/frame.ts";
import type { Message, MessageBodyOf, MessageOf } from "../../../core/messages/kinds/mod.ts";
import { type Post, readPost } from "../../../core/model/post.ts";
import type { Head } from "../../../core/model/record_body.ts";
import { snowflakeTimeMs } from "../../../core/model/snowflake.ts";
import type { UserRef } from "../../../core/model/user.ts";
import type { Store } from "../../../core/ports.ts";
import { Answer, type Step } from "../../../core/replication/answer.ts";
import { userNamed } from "../../sim/users.ts";
import { postAt, postsOf as storedPosts } from "../../storage/posts.ts";
import { only } from "../doubles.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** Collects what goes to a user over the links, as messages. */
function tap(world: MessageWorld, to: TestUser): Message[] {
  const seen: Message[] = [];
  const { onFrame } = world.network;
  world.network.onFrame = (transit) => {
    if (transit.to.ip === to.ip) seen.push(readFrameBody(readFrame(transit.frame)));
    return onFrame(transit);
  };
  return seen;
}

/** The answers among messages. */
function answers(messages: readonly Message[]): MessageOf<"posts">[] {
  return messages.filter((message) => message.kind === "posts");
}

/** Asks for an author's posts, and for every further step, and waits for the whole answer. */
async function ask(
  from: TestUser,
  to: TestUser,
  want: Pick<MessageBodyOf["want"], "author"> & Partial<MessageBodyOf["want"]>,
): Promise<MessageOf<"posts">[]> {
  const seen = tap(from.world, from);
  const body = { feeds: [], since: 0, device: from.device, ...want };
  for (let asked: MessageBodyOf["want"] | undefined = body, steps = 1; asked; steps++) {
    from.throw(to, from.frame(to.self, { kind: "want", body: asked }));
    await from.world.until(() => answers(seen).length >= steps, 20_000);
    const token = answers(seen)[steps - 1]?.body.more;
    asked = token && { ...body, feeds: [], token };
  }
  return answers(seen);
}

/** The posts that messages carry. */
function postsOf(messages: readonly MessageOf<"posts">[]): Uint8Array[] {
  return messages.flatMap((message) => message.body.posts);
}

/** Counts the bytes that go to a user, who asks at once for every further step of every answer. */
function pullAll(
  from: TestUser,
  to: TestUser,
  author: UserRef,
): { bytes: number; largest: number } {
  const pulled = { bytes: 0, largest: 0 };
  from.world.network.onFrame = (transit) => {
    if (transit.to.ip !== from.ip) return transit.frame;
    const { length } = transit.frame;
    pulled.bytes += length;
    pulled.largest = Math.max(pulled.largest, length);
    const message = readFrameBody(readFrame(transit.frame));
    const token = message.kind === "posts" ? message.body.more : undefined;
    if (token === undefined) return transit.frame;
    const body = { author, feeds: [], since: 0, device: from.device, token };
    to.receive(from.frame(to.self, { kind: "want", body }));
    return transit.frame;
  };
  return pulled;
}

const noToken = new Uint8Array();

/** Posts as long as can be. */
function longPosts(author: TestUser, count: number): Post[] {
  const from = author.clock.now() - count;
  const text = "\u{1f600}".repeat(500);
  return Array.from({ length: count }, (_, i) => author.make(i + 1, text, from + i));
}

/** How many posts messages carry. */
function count(messages: readonly MessageOf<"posts">[]): number {
  return messages.reduce((sum, message) => sum + message.body.posts.length, 0);
}

Deno.test("A want is answered to anybody, in steps, with heads and a token in all but the last", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  await alice.write(1_100);
  const got = await ask(carol, alice, { author: alice.self });
  const counts = got.map((message) => message.body.posts.length);
  const first = counts[0] ?? 0;
  assert.ok(first > 0 && first < 10, `${counts}`);
  assert.deepEqual(counts.slice(1), [500, 500, 100 - first]);
  assert.equal(new Set(got.map((message) => toHex(message.body.more ?? noToken))).size, 4);
  assert.equal(got.at(-1)?.body.more, undefined);
  for (const message of got) {
    assert.deepEqual(message.body.heads, [{ device: 1, head: 1_100 }]);
    assert.deepEqual(message.body.inReplyTo, got[0]?.body.inReplyTo);
  }
  await world.stop();
});

Deno.test("Batches of the longest posts stay well under the size of a message", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  await alice.store.addPosts("alice", longPosts(alice, 300));
  const pulled = pullAll(carol, alice, alice.self);
  const body = { author: alice.self, feeds: [], since: 0, device: 1 };
  carol.throw(alice, carol.frame(alice.self, { kind: "want", body }));
  await world.clock.advance(5_000);
  const { largest } = pulled;
  assert.ok(largest > 200_000 && largest < 300_000, `${largest}`);
  await world.stop();
});

Deno.test("Only what the asker lacks is sent", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  await alice.write(20);
  const feeds = [{ device: 1, floor: 3, ranges: [[6, 9], [12, 19]] as const }];
  assert.equal(count(await ask(carol, alice, { author: alice.self, feeds })), 5);
  const all = [{ device: 1, floor: 0, ranges: [[1, Number.MAX_SAFE_INTEGER]] as const }];
  const [none] = await ask(carol, alice, { author: alice.self, feeds: all });
  assert.deepEqual([none?.body.posts.length, none?.body.more], [0, undefined]);
  await world.stop();
});

Deno.test("Of posts too old for the asker only the newest is sent, as proof", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  const old = await alice.write(700, 3_600_000);
  const young = await alice.write(5);
  const since = Math.floor(world.clock.now()) - 1_800_000;
  const got = await ask(carol, alice, { author: alice.self, since });
  const expected = [old[699], ...young].map((post) => post?.signed);
  assert.deepEqual(postsOf(got), expected);
  const later = since + 3_600_000 * 2;
  const only = await ask(carol, alice, { author: alice.self, since: later });
  assert.deepEqual(postsOf(only), [young[4]?.signed]);
  await world.stop();
});

Deno.test("A follower whose collector has removed posts hands on the proof of its floor", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  const posts = await alice.write(10);
  await world.clock.drive(bob.sync.fetch(alice.self));
  await bob.store.collect({ before: (posts[6]?.id ?? 0n) + 1n, keep: "bob", limit: 100 });
  const got = await ask(carol, bob, { author: alice.self });
  assert.deepEqual(postsOf(got), posts.slice(6).map((post) => post.signed));
  await world.stop();
});

Deno.test("Of authors who are not kept, or under another key, an empty answer says so at once", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  await alice.write(3);
  await bob.store.addPosts("alice", [alice.make(9)]);
  for (const author of [alice.self, { username: "bob", key: carol.self.key }]) {
    const [message] = await ask(carol, bob, { author });
    assert.deepEqual(
      [message?.body.posts.length, message?.body.more, message?.body.heads],
      [0, undefined, []],
    );
  }
  await world.stop();
});

Deno.test("A follower tells how far the author's feeds reach, and nothing of its own", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  await alice.write(3);
  await bob.write(50);
  await world.clock.drive(bob.sync.fetch(alice.self));
  const [message] = await ask(carol, bob, { author: alice.self });
  assert.deepEqual(message?.body.heads, [{ device: 1, head: 3 }]);
  await world.stop();
});

Deno.test("An answer waits for room in the queue to its asker, ever longer, for half a minute", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  await alice.write(3);
  const send = alice.links.send.bind(alice.links);
  const tries: number[] = [];
  alice.links.send = () => {
    tries.push(world.clock.monotonic());
    return "full";
  };
  const body = { author: alice.self, feeds: [], since: 0, device: 1 };
  carol.throw(alice, carol.frame(alice.self, { kind: "want", body }));
  await world.clock.advance(100_000);
  const [first = NaN] = tries;
  const waits = tries.slice(1).map((at, i) => Math.round(at - (tries[i] ?? 0)));
  assert.deepEqual(waits.slice(0, 8), [10, 20, 40, 80, 160, 250, 250, 250]);
  assert.ok(waits.every((ms) => ms <= 250));
  const lasted = (tries.at(-1) ?? NaN) - first;
  assert.ok(lasted > 30_000 && lasted <= 30_250, `${lasted} ms`);
  alice.links.send = send;
  assert.equal(count(await ask(carol, alice, { author: alice.self })), 3);
  await world.stop();
});

Deno.test("A question that has waited for a minute is answered no more: its asker has given up", async () => {
  const world = new MessageWorld();
  const [alice, dave] = await world.addAll("alice", "dave");
  await alice.write(1);
  const body = { author: alice.self, feeds: [], since: 0, device: 1 };
  // As many strangers as are answered at once, each with a look-up that takes its time.
  world.lookUpMs = 70_000;
  for (let i = 0; i < 4; i++) {
    const identity = new Identity(world.random.bytes(32));
    const from = { username: `stranger${i}`, key: identity.publicKey };
    const head = { from, to: alice.self, time: world.clock.now(), id: world.random.bytes(16) };
    alice.receive(signMessage({ ...head, kind: "want", body }, identity));
  }
  await world.clock.advance(1_000);
  const seen = tap(world, dave);
  const asked = { ...body, connections: dave.connections.value };
  dave.throw(alice, dave.frame(alice.self, { kind: "want", body: asked }));
  await world.clock.advance(100_000);
  assert.equal(answers(seen).length, 0);
  dave.throw(alice, dave.frame(alice.self, { kind: "want", body: asked }));
  await world.clock.advance(1_000);
  assert.equal(answers(seen).length, 1);
  await world.stop();
});

Deno.test("The next step may be asked for within half a minute, and once", async () => {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  await alice.write(300);
  const seen = tap(world, carol);
  const body = { author: alice.self, feeds: [], since: 0, device: 1 };
  const steps = async (token?: Uint8Array) => {
    const before = answers(seen).length;
    const asked = token === undefined ? body : { ...body, token };
    carol.throw(alice, carol.frame(alice.self, { kind: "want", body: asked }));
    await world.clock.advance(500);
    return answers(seen).length - before;
  };
  const token = () => answers(seen).at(-1)?.body.more ?? assert.fail();
  assert.equal(await steps(), 1);
  await world.clock.advance(30_000);
  assert.equal(await steps(token()), 0, "too late");
  assert.equal(await steps(), 1);
  const good = token();
  await world.clock.advance(28_000);
  assert.equal(await steps(good), 1);
  assert.equal(await steps(good), 0, "it was used");
  await world.stop();
});

Deno.test("A thousand wants for everything hold up nobody else's", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  const dave = await world.add("dave");
  world.follow(bob, alice);
  await alice.write(2_000);
  const frames = Array.from({ length: 1_000 }, () =>
    carol.frame(alice.self, {
      kind: "want",
      body: { author: alice.self, feeds: [], since: 0, device: 1 },
    }));
  for (const frame of frames) alice.receive(frame);
  const flood = pullAll(carol, alice, alice.self);
  const start = world.clock.monotonic();
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.equal((await bob.numbers(alice)).length, 2_000);
  assert.ok(world.clock.monotonic() - start < 1_000);
  // Neither does it hold up another stranger.
  const got = await ask(dave, alice, { author: alice.self });
  assert.equal(count(got), 2_000);
  // Wants for the same are one answer, however often they are put.
  await world.clock.advance(60_000);
  assert.ok(flood.bytes < 3 * 2_000 * 300, `${flood.bytes} bytes`);
  await world.stop();
});

Deno.test("An asker who asks for everything again and again gets so many bytes a second", async () => {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  await alice.store.addPosts("alice", longPosts(alice, 500));
  const pulled = pullAll(bob, alice, alice.self);
  const seconds = 5;
  for (let i = 0; i < seconds * 20; i++) {
    const body = { author: alice.self, feeds: [], since: 0, device: 1 };
    alice.receive(bob.frame(alice.self, { kind: "want", body }));
    await world.clock.advance(50);
  }
  const mebibytes = pulled.bytes / 1024 / 1024;
  assert.ok(mebibytes > 16 && mebibytes < 16 + 4 * (seconds + 1), `${mebibytes} MiB`);
  await world.stop();
});

Deno.test("More askers than there is room for leave those who are pinned their places", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  await alice.write(50);
  // Strangers without any device: each takes a look-up that finds nothing.
  world.lookUpMs = 2_000;
  for (let i = 0; i < 190; i++) {
    const body = { author: alice.self, feeds: [], since: 0, device: i };
    alice.receive(carol.frame(alice.self, { kind: "want", body }));
  }
  world.lookUpMs = 5;
  const start = world.clock.monotonic();
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.ok(world.clock.monotonic() - start < 500);
  assert.equal((await bob.numbers(alice)).length, 50);
  await world.stop();
});

Deno.test("Strangers who do not say where to answer cost so many look-ups a second", async () => {
  const world = new MessageWorld();
  const alice = await world.add("alice");
  await alice.write(1);
  const body = { author: alice.self, feeds: [], since: 0, device: 1 };
  for (let i = 0; i < 250; i++) {
    const identity = new Identity(world.random.bytes(32));
    const from = { username: `stranger${i}`, key: identity.publicKey };
    const head = { from, to: alice.self, time: world.clock.now(), id: world.random.bytes(16) };
    alice.receive(signMessage({ ...head, kind: "want", body }, identity));
  }
  await world.clock.advance(10_000);
  const { devices } = world.lookUps;
  assert.ok(devices >= 90 && devices <= 110, `${devices} look-ups`);
  await world.stop();
});

/** An answer of bob's about alice's ten posts, of which bob has collected those up to a floor. */
function answerOf(
  want: Partial<MessageBodyOf["want"]>,
  { floor = 0, heads = [] as Head[] } = {},
): Answer {
  const posts = storedPosts("alice", 1, 10).filter(({ number }) => number > floor);
  const author = userNamed("alice");
  const proof = floor > 0 ? postAt({ author: "alice", number: floor }) : undefined;
  const store = only<Store>({
    feeds: () => Promise.resolve([{ device: 1, floor: 10, ranges: [] }]),
    floorProof: () => Promise.resolve(proof),
    feedPosts: ({ from, to, limit }) =>
      Promise.resolve(
        posts.filter(({ number }) => number >= from && number <= to).slice(0, limit),
      ),
  });
  const body = { author, feeds: [], since: 0, device: 1, ...want };
  const message = { kind: "want", id: new Uint8Array(16), body } as unknown as MessageOf<"want">;
  return new Answer({ store, want: message, heads, isKept: true });
}

/** Numbers of the posts of a step. */
function numbersOf(step: Step): number[] {
  return step.posts.map((signed) => readPost(signed).post.number);
}

Deno.test("The proof of a floor goes to an asker whose gap it is in, at either end of it", async () => {
  const ask = async (floor: number, ranges: [number, number][]) => {
    const answer = answerOf({ feeds: [{ device: 1, floor, ranges }] }, { floor: 7 });
    return numbersOf(await answer.step({ posts: 100, bytes: 100_000 }));
  };
  assert.deepEqual(await ask(0, []), [7, 8, 9, 10]);
  assert.deepEqual(await ask(6, []), [7, 8, 9, 10]);
  assert.deepEqual(await ask(4, [[8, 10]]), [7]);
  assert.deepEqual(await ask(7, []), [8, 9, 10]);
  assert.deepEqual(await ask(7, [[9, 9]]), [8, 10]);
  assert.deepEqual(await ask(4, [[7, 10]]), []);
});

Deno.test("Heads go along where they fit to the byte, and posts as far as there is room", async () => {
  const heads = [{ device: 2, head: 5 }];
  const bytesOf = (count: number) =>
    storedPosts("alice", 1, count).reduce((sum, { signed }) => sum + signed.length + 3, 0);
  const step = async (bytes: number, posts = 100) =>
    await answerOf({}, { heads }).step({ posts, bytes });
  assert.equal((await step(26)).heads.length, 2);
  assert.equal((await step(25)).heads.length, 0);
  assert.deepEqual(numbersOf(await step(26 + bytesOf(3))), [1, 2, 3]);
  assert.deepEqual(numbersOf(await step(25 + bytesOf(3))), [1, 2]);
  assert.deepEqual(numbersOf(await step(100_000, 4)), [1, 2, 3, 4]);
  const whole = await step(100_000, 10);
  assert.deepEqual([whole.posts.length, whole.isLast], [10, true]);
  assert.equal((await step(100_000, 9)).isLast, false);
});

Deno.test("An answer goes on where the step before it ended", async () => {
  const answer = answerOf({ feeds: [{ device: 1, floor: 1, ranges: [[4, 6]] }] });
  const numbers: number[][] = [];
  for (let isLast = false; !isLast;) {
    const step = await answer.step({ posts: 2, bytes: 100_000 });
    numbers.push(numbersOf(step));
    isLast = step.isLast;
    assert.ok(numbers.length < 5);
  }
  assert.deepEqual(numbers.flat(), [2, 3, 7, 8, 9, 10]);
  assert.ok(numbers.length <= 4);
});

Deno.test("What is older than the asker wants is told by one post that proves it", async () => {
  const since = snowflakeTimeMs(postAt({ author: "alice", number: 6 }).id);
  const ask = async (sinceMs: number, floor = 0) => {
    const answer = answerOf({ since: sinceMs }, { floor });
    return numbersOf(await answer.step({ posts: 100, bytes: 100_000 }));
  };
  assert.deepEqual(await ask(since), [5, 6, 7, 8, 9, 10]);
  assert.deepEqual(await ask(since + 1), [6, 7, 8, 9, 10]);
  assert.deepEqual(await ask(since + 100_000), [10]);
  assert.deepEqual(await ask(since, 3), [5, 6, 7, 8, 9, 10]);
  assert.deepEqual(
    await ask(since, 8),
    [8, 9, 10],
    "what was collected here is proved by the floor",
  );
});
