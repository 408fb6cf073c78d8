/** Attacks by strangers with mentions: on disk, screen, look-ups, names, and on those who keep posts for others. */

import assert from "node:assert/strict";
import { heldByOneMax, heldForOneMax, heldMax } from "../../core/conversations/holdings.ts";
import { ofAllMax, ofOneMax } from "../../core/conversations/strangers.ts";
import { type Post, signPost } from "../../core/model/post.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";
import { identityOf } from "../sim/users.ts";

/** A message with a post, as any user could have made it. */
function carry(sender: TestUser, to: TestUser, post: Post, forUser?: string): void {
  const body = forUser === undefined ? { post: post.signed } : { post: post.signed, for: forUser };
  to.receive(sender.frame(to.self, { kind: "mention", body }));
}

/** A world with alice, who knows nobody, and as many strangers. */
async function world(strangers: number) {
  const world = new MessageWorld(`mentions ${strangers}`);
  const alice = await world.add("alice");
  const others: TestUser[] = [];
  for (let n = 0; n < strangers; n++) others.push(await world.add(`stranger_${n}`));
  return { world, alice, others };
}

Deno.test("Attack: 25 strangers mention a user 15 times each in a day, and 200 requests are kept, 10 of each", async () => {
  const { world: w, alice, others } = await world(25);
  const flood = async () => {
    for (let n = 0; n < 15; n++) {
      for (const one of others) carry(one, alice, one.make(n + 1, `@alice ${n}`));
      await w.clock.advance(5_000);
    }
  };
  await flood();
  const told = await alice.told("requests");
  assert.equal(told.length, ofAllMax);
  for (const list of Map.groupBy(told, (line) => line.split(" ")[1]).values()) {
    assert.ok(list.length <= ofOneMax);
  }
  assert.deepEqual(await alice.told(), []);
  // A restart forgets nothing of it.
  await alice.stop();
  await alice.start();
  await flood();
  assert.equal((await alice.told("requests")).length, ofAllMax);
  await w.stop();
});

Deno.test("Attack: a thousand mentions a second come from new keys, and look-ups stay bounded", async () => {
  const { world: w, alice, others: [mallory, friend] } = await world(2);
  assert.ok(mallory !== undefined && friend !== undefined);
  w.follow(friend, alice);
  for (let n = 0; n < 3_000; n++) {
    const author = `nobody_${n}`;
    const { id } = mallory.make(1);
    const content = { author, device: 1, number: 1, id, text: "@alice" };
    carry(mallory, alice, signPost(content, identityOf("some key")));
    if (n % 1_000 === 999) await w.clock.advance(1_000);
  }
  assert.ok(w.lookUps.find < 300, `${w.lookUps.find} look-ups`);
  // A follower gets through all the same.
  const post = friend.make(1, "@alice, are you there?");
  carry(friend, alice, post);
  await w.clock.advance(1_000);
  assert.deepEqual(await alice.told(), [`mention ${friend.username} ${post.id}`]);
  assert.deepEqual(await alice.told("requests"), []);
  await w.stop();
});

Deno.test("Attack: strangers bring a mention 2,000 times in 2 s, and 250 of these are looked at", async () => {
  const { world: w, alice, others } = await world(20);
  const [first] = others;
  const post = await first?.say("@alice") ?? assert.fail();
  await w.clock.advance(1_000);
  let handled = 0;
  const { conversations } = alice;
  const received = conversations.received.bind(conversations);
  conversations.received = (message) => {
    handled++;
    received(message);
  };
  for (let n = 0; n < 100; n++) {
    for (const one of others) carry(one, alice, post);
    await w.clock.advance(20);
  }
  assert.ok(handled >= 200 && handled <= 250, `${handled} were looked at`);
  assert.equal((await alice.told("requests")).length, 1);
  await w.stop();
});

Deno.test("Attack: a friend brings 400 posts of unknown authors at once, and 128 wait for their look-up", async () => {
  const { world: w, alice, others: [friend] } = await world(1);
  assert.ok(friend !== undefined);
  w.follow(friend, alice);
  w.lookUpMs = 2_000;
  const { id } = friend.make(1);
  for (let n = 0; n < 400; n++) {
    const content = { author: `unknown_${n}`, device: 1, number: 1, id, text: "@alice" };
    carry(friend, alice, signPost(content, identityOf("some key")));
  }
  const before = w.lookUps.find;
  await w.clock.advance(240_000);
  assert.equal(w.lookUps.find - before, 128);
  await w.stop();
});

Deno.test("Attack: a reply by a key that is not the name's is never shown as that name's", async () => {
  const { world: w, alice, others: [bob, mallory] } = await world(2);
  assert.ok(bob !== undefined && mallory !== undefined);
  const [own] = await alice.write(1);
  const replyTo = { author: "alice", id: own?.id ?? 0n };
  const forge = (number: number) => {
    const { id } = mallory.make(1);
    const content = { author: bob.username, device: 1, number, id, text: "yes", replyTo };
    return signPost(content, mallory.identity);
  };
  // Bob's name is not known here, then his key is pinned.
  carry(mallory, alice, forge(1));
  carry(bob, alice, forge(2));
  await w.clock.advance(10_000);
  w.follow(alice, bob);
  carry(mallory, alice, forge(3));
  carry(bob, alice, forge(4));
  await w.clock.advance(10_000);
  assert.deepEqual([await alice.told(), await alice.told("requests")], [[], []]);
  assert.deepEqual(await alice.numbers(bob), []);
  await w.stop();
});

Deno.test("Attack: a repost of what the user never wrote is not told of", async () => {
  const { world: w, alice, others: [mallory] } = await world(1);
  assert.ok(mallory !== undefined);
  const { id } = mallory.make(1);
  const original = { author: "alice", device: 1, number: 1, id, text: "I am a fool" };
  const repostOf = signPost(original, mallory.identity);
  await mallory.say("", { repostOf });
  await w.clock.advance(10_000);
  assert.deepEqual([await alice.told(), await alice.told("requests")], [[], []]);
  await w.stop();
});

Deno.test("Attack: deletes by another, and deletes without end, take no post of others away", async () => {
  const { world: w, alice, others: [bob, mallory] } = await world(2);
  assert.ok(bob !== undefined && mallory !== undefined);
  const post = await bob.say("@alice");
  await w.clock.advance(1_000);
  assert.equal((await alice.told("requests")).length, 1);
  const remove = (author: string, number: number) => {
    const id = mallory.make(number + 1).id + (BigInt(number) << 22n);
    const deletes = { device: 1, number };
    return signPost(
      { author, device: 1, number: number + 1, id, text: "", deletes },
      mallory.identity,
    );
  };
  carry(mallory, alice, remove(bob.username, post.number));
  for (let number = 1; number <= 100; number++) {
    carry(mallory, alice, remove(mallory.username, number));
    if (number % 20 === 0) await w.clock.advance(2_000);
  }
  await w.clock.advance(10_000);
  assert.deepEqual(await alice.store.conversations.contextPost(post), post);
  // What they leave behind counts as what a stranger brings.
  let kept = 0;
  for (let number = 1; number <= 100; number++) {
    const named = mallory.make(number);
    if (await alice.store.conversations.isTakenBack(named)) kept++;
  }
  assert.equal(kept, ofOneMax);
  await w.stop();
});

Deno.test("Attack: strangers ask a follower to keep posts without end, and each bound holds", async () => {
  const { world: w, alice: carol, others: [bob] } = await world(1);
  assert.ok(bob !== undefined);
  const followed = await w.addAll("friend_0", "friend_1", "friend_2");
  w.follow(carol, bob, ...followed);
  const senders: TestUser[] = [];
  for (let n = 0; n < 8; n++) senders.push(await w.add(`sender_${n}`));
  const ask = async (sender: TestUser, user: string, count: number) => {
    for (let n = 1; n <= count; n++) {
      carry(sender, carol, sender.make(n, `@${user} ${n}`), user);
      await w.clock.advance(100);
    }
  };
  const [first, ...others] = senders;
  assert.ok(first !== undefined);
  for (const { username } of followed) await ask(first, username, 30);
  assert.equal(carol.conversations.held, heldByOneMax);
  for (const sender of others) await ask(sender, bob.username, 30);
  const held = await carol.store.conversations.held();
  const forBob = held.filter((one) => one.for === bob.username);
  assert.equal(forBob.length, heldForOneMax);
  assert.equal(held.length, heldForOneMax + heldByOneMax);
  assert.ok(held.length < heldMax);
  assert.deepEqual([await carol.told(), await carol.told("requests")], [[], []]);
  await w.stop();
});
