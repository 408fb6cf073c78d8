/** Attacks that make questions for posts cost more than they bring. */

import assert from "node:assert/strict";
import { type Post, signPost } from "../../core/model/post.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import { readFrame, readFrameBody } from "../../core/messages/frame.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";

/** A post of each of a user's devices, from 1 on. */
function postsOfDevices(author: TestUser, count: number): Post[] {
  const timeMs = Math.floor(author.clock.now()) - 60_000;
  return Array.from({ length: count }, (_, i) => {
    const device = i + 1;
    const id = composeSnowflake({ timeMs, device, sequence: 0 });
    const text = `device ${device}`;
    return signPost({ author: author.username, device, number: 1, id, text }, author.identity);
  });
}

/** Counts how often posts and proofs are read at a user's. */
function countReads(user: TestUser): { reads: number } {
  const count = { reads: 0 };
  const { store } = user;
  const feedPosts = store.feedPosts.bind(store);
  const floorProof = store.floorProof.bind(store);
  store.feedPosts = (query) => {
    count.reads++;
    return feedPosts(query);
  };
  store.floorProof = (author, device) => {
    count.reads++;
    return floorProof(author, device);
  };
  return count;
}

Deno.test("Attack: an author has a thousand feeds, and a follower takes sixteen and then one a day", async () => {
  const world = new MessageWorld();
  const [mallory, bob, carol] = await world.addAll("mallory", "bob", "carol");
  world.follow(bob, mallory);
  const posts = postsOfDevices(mallory, 1_000);
  for (let at = 0; at < posts.length; at += 250) {
    const part = posts.slice(at, at + 250);
    const heads = part.map(({ device }) => ({ device, head: 1 }));
    const body = { author: mallory.self, posts: part.map((p) => p.signed), heads, relay: [] };
    bob.receive(mallory.frame(bob.self, { kind: "posts", body }));
    await world.clock.advance(1_000);
  }
  assert.equal((await bob.store.feeds("mallory")).length, 16);
  // Feeds that are here go on.
  const next = signPost({
    author: "mallory",
    device: 3,
    number: 2,
    id: composeSnowflake({ timeMs: Math.floor(world.clock.now()), device: 3, sequence: 0 }),
    text: "second",
  }, mallory.identity);
  const bring = (...list: Post[]) => {
    const signed = list.map((post) => post.signed);
    const body = { author: mallory.self, posts: signed, heads: [], relay: [] };
    bob.receive(carol.frame(bob.self, { kind: "posts", body }));
    return world.clock.advance(1_000);
  };
  await bring(next);
  assert.equal(await bob.store.countPosts("mallory"), 17);
  await world.clock.advance(86_400_000);
  await bring(...posts.slice(500));
  assert.equal((await bob.store.feeds("mallory")).length, 17);
  await world.stop();
});

Deno.test("Attack: a question for an author with a thousand feeds costs what its step brings", async () => {
  const world = new MessageWorld();
  const [alice, mallory] = await world.addAll("alice", "mallory");
  await alice.store.addPosts("alice", postsOfDevices(alice, 1_000));
  const count = countReads(alice);
  const since = Math.floor(world.clock.now()) - 3_600_000;
  const body = { author: alice.self, feeds: [], since, device: 1 };
  alice.receive(mallory.frame(alice.self, { kind: "want", body }));
  await world.clock.advance(1_000);
  assert.ok(count.reads > 0 && count.reads < 20, `${count.reads} reads`);
  await world.stop();
});

Deno.test("Attack: strangers ask for what takes many reads, and all of them get so much work a second", async () => {
  const world = new MessageWorld();
  const alice = await world.add("alice");
  await alice.write(4_000);
  const strangers: TestUser[] = [];
  for (let i = 0; i < 16; i++) strangers.push(await world.add(`stranger${i}`));
  const ask = (stranger: TestUser, since: number, token?: Uint8Array) => {
    const connections = stranger.connections.value;
    const body = { author: alice.self, feeds: [], since, device: 1, connections };
    alice.receive(
      stranger.frame(alice.self, { kind: "want", body: { ...body, ...(token && { token }) } }),
    );
  };
  // Each pulls one step, as honest askers do, so that first steps do not bound them.
  world.network.onFrame = (transit) => {
    const stranger = strangers.find(({ ip }) => ip === transit.to.ip);
    const message = readFrameBody(readFrame(transit.frame));
    if (stranger && message.kind === "posts" && message.body.more) {
      ask(stranger, 0, message.body.more);
    }
    return transit.frame;
  };
  for (const stranger of strangers) ask(stranger, 0);
  await world.clock.advance(200);
  world.network.onFrame = (transit) => transit.frame;
  await world.clock.advance(10_000);
  const count = countReads(alice);
  const seconds = 2;
  // All is too old for them: a dozen reads find the one post that proves it.
  for (let round = 0; round < seconds * 50; round++) {
    for (const stranger of strangers) ask(stranger, Math.floor(world.clock.now()) + 60_000);
    await world.clock.advance(20);
  }
  // An answer with 13 reads and a post counts as 1,186 µs of the 250 ms a second.
  const bound = 13 * (500_000 + 250_000 * (seconds + 1)) / 1_186;
  assert.ok(count.reads > 2_000 && count.reads < bound, `${count.reads} reads, not ${bound}`);
  await world.stop();
});

Deno.test("Attack: an author promises posts that are nowhere, again and again, and few others are asked", async () => {
  const world = new MessageWorld();
  const [mallory, bob] = await world.addAll("mallory", "bob");
  for (let i = 0; i < 101; i++) world.follow(await world.add(`fellow${i}`), mallory);
  world.follow(bob, mallory);
  const asked = new Set<string>();
  let wants = 0;
  world.network.onFrame = ({ from, to, frame }) => {
    if (from.ip === bob.ip && to.ip !== mallory.ip && readFrame(frame).kind === "want") {
      asked.add(to.ip);
      wants++;
    }
    return frame;
  };
  for (let hello = 1; hello <= 6; hello++) {
    const heads = [{ device: 1, head: 1_000_000 * hello }];
    const body = { device: 1, heads, connections: mallory.connections.value };
    bob.receive(mallory.frame(bob.self, { kind: "hello", body }));
    await world.clock.advance(40_000);
  }
  // Bob compares heads with one or two of them besides.
  assert.ok(wants > 0 && wants <= 12 + 6 + 3 + 2 + 2 + 2 + 2, `${wants} to ${asked.size}`);
  await world.stop();
});
