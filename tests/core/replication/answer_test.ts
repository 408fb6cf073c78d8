import assert from "node:assert/strict";
import { toHex } from "../../../core/model/bytes.ts";
import { Identity } from "../../../core/model/identity.ts";
import { readFrame, readFrameBody, signMessage } from "../../../core/messages/frame.ts";
import type { Message, MessageBodyOf, MessageOf } from "../../../core/messages/kinds/mod.ts";
import type { Post } from "../../../core/model/post.ts";
import type { UserRef } from "../../../core/model/user.ts";
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
