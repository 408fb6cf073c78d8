import assert from "node:assert/strict";
import { readFrame } from "../../../core/messages/frame.ts";
import { MessageWorld } from "../message_world.ts";

/** Numbers from 1 to the given one. */
function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

Deno.test("A new post reaches every follower and nobody else", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol, dave] = await world.addAll("alice", "bob", "carol", "dave");
  world.follow(bob, alice);
  world.follow(carol, alice);
  await alice.post();
  await world.until(() => bob.events.length + carol.events.length === 2, 1_000);
  assert.deepEqual(await bob.numbers(alice), [1]);
  assert.deepEqual(await carol.numbers(alice), [1]);
  assert.deepEqual(await dave.numbers(alice), []);
  assert.equal(bob.events[0]?.event, "post");
  await world.stop();
});

Deno.test("Fetching gets all posts from the author in batches", async () => {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  await alice.write(1_234);
  world.follow(bob, alice);
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.deepEqual(await bob.numbers(alice), upTo(1_234));
  assert.equal(bob.events.filter(({ event }) => event === "post").length, 1_234);
  assert.equal(world.lookUps.find, 0, "the author's answer needs no public record");
  await world.stop();
});

Deno.test("Fetching turns to fellow followers when nobody listens at the author's", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  await alice.write(30);
  await world.clock.drive(bob.sync.fetch(alice.self));
  await alice.stop();
  world.follow(carol, alice);
  const start = world.clock.monotonic();
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.deepEqual(await carol.numbers(alice), upTo(30));
  assert.ok(world.clock.monotonic() - start < 300);
  await world.stop();
});

Deno.test("Fetching gets past an author who hangs and ten dead followers in time", async () => {
  const world = new MessageWorld(7);
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  await alice.write(20);
  await world.clock.drive(bob.sync.fetch(alice.self));
  for (let i = 0; i < 10; i++) {
    const dead = await world.add(`dead${i}`);
    world.follow(dead, alice);
    if (i < 5) await dead.stop();
    else world.network.setSilent(dead.ip, true);
  }
  world.network.setSilent(alice.ip, true);
  world.follow(carol, alice);
  const start = world.clock.monotonic();
  const fetching = carol.sync.fetch(alice.self);
  await world.until(() => carol.events.length === 20, 2_500);
  assert.deepEqual(await carol.numbers(alice), upTo(20));
  assert.ok(world.clock.monotonic() - start < 2_500);
  await world.clock.drive(fetching);
  world.network.setSilent(alice.ip, false);
  await world.stop();
});

Deno.test("After rejoining a peer has what it missed, and its followers what they missed of it", async () => {
  const world = new MessageWorld();
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(bob, alice);
  world.follow(carol, bob);
  await bob.stop();
  await alice.write(3);
  await bob.write(2);
  await bob.start();
  await world.clock.drive(bob.sync.rejoin());
  await world.until(() => carol.events.length === 2, 5_000);
  assert.deepEqual(await bob.numbers(alice), upTo(3));
  assert.deepEqual(await carol.numbers(bob), upTo(2));
  await world.stop();
});

Deno.test("After a change of address what was asked in vain before is asked again at once", async () => {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  await alice.write(20);
  world.follow(bob, alice);
  let isLost = true;
  // What is sent to Bob's old address gets lost.
  world.network.onFrame = ({ to, frame }) => isLost && to.ip === bob.ip ? undefined : frame;
  const inVain = bob.sync.fetch(alice.self);
  await world.clock.advance(1_000);
  const again = bob.sync.rejoin();
  await world.clock.drive(inVain);
  assert.deepEqual(await bob.numbers(alice), []);
  isLost = false;
  await world.clock.drive(again);
  assert.deepEqual(await bob.numbers(alice), upTo(20));
  await world.stop();
});

Deno.test("A gap that a pushed post shows is filled soon", async () => {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  world.follow(bob, alice);
  await alice.write(5);
  await alice.post();
  await world.until(() => bob.events.length === 6, 2_000);
  assert.deepEqual(await bob.numbers(alice), upTo(6));
  await world.stop();
});

Deno.test("A follower who says hello and does not ask is told how far the feeds reach", async () => {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  world.follow(bob, alice);
  await alice.write(3);
  let words = 0;
  world.network.onFrame = ({ from, frame }) => {
    if (from.ip === alice.ip && readFrame(frame).kind === "posts") words++;
    return frame;
  };
  await world.clock.drive(bob.greeter.greet(alice.self));
  await world.clock.advance(3_500);
  assert.deepEqual(await bob.numbers(alice), upTo(3));

  // Whoever asks needs no such word.
  await world.clock.drive(bob.sync.rejoin());
  await world.clock.advance(100);
  words = 0;
  await world.clock.advance(10_000);
  assert.equal(words, 0);
  await world.stop();
});
