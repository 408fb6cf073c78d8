import assert from "node:assert/strict";
import { mention } from "../../../core/messages/kinds/mention.ts";
import { ofOneMax } from "../../../core/conversations/strangers.ts";
import { pendingMax } from "../../../core/conversations/outgoing.ts";
import { type Post, readPost, signPost } from "../../../core/model/post.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** A world in which the users named do not know one another. */
async function strangers<const N extends readonly string[]>(...names: N) {
  const world = new MessageWorld(names.join(" "));
  return { world, users: await world.addAll(...names) };
}

/** Waits until a user is told something. */
async function isTold(world: MessageWorld, user: TestUser, wanted: string[], list?: "requests") {
  for (let i = 0; i < 600; i++) {
    const told = await user.told(list);
    if (told.length >= wanted.length) return assert.deepEqual(told, wanted);
    await world.clock.advance(100);
  }
  assert.deepEqual(await user.told(list), wanted);
}

/** A message with a post as its sender could have made it. */
function carry(sender: TestUser, to: TestUser, post: Post, forUser?: string): void {
  const body = forUser === undefined ? { post: post.signed } : { post: post.signed, for: forUser };
  to.receive(sender.frame(to.self, { kind: "mention", body }));
}

const dayMs = 86_400_000;

Deno.test("A mention of a stranger is a request there, and is sent no more once it is acknowledged", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const post = await alice.say("@bob, hello");
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  assert.deepEqual(await bob.told(), []);
  assert.deepEqual(await bob.store.conversations.contextPost(post), post);
  assert.deepEqual(await bob.store.timeline({ limit: 9 }), []);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  assert.deepEqual(await alice.store.conversations.pendingMentions(), []);
  await world.stop();
});

Deno.test("A follower's mention and a followed user's reply are notifications, once each", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(alice, bob);
  const first = await alice.say("@bob");
  await isTold(world, bob, [`mention alice ${first.id}`]);
  const answered = await bob.say("good");
  const reply = await alice.say("@bob good?", {
    replyTo: { author: "bob", id: answered.id },
  });
  await isTold(world, bob, [`mention alice ${first.id}`, `reply alice ${reply.id}`]);
  world.follow(bob, alice);
  // By the feed and as a mention: the post comes twice.
  const third = await alice.say("@bob, again");
  const wanted = [
    `mention alice ${first.id}`,
    `reply alice ${reply.id}`,
    `mention alice ${third.id}`,
  ];
  await isTold(world, bob, wanted);
  await world.clock.advance(60_000);
  assert.deepEqual(await bob.told(), wanted);
  assert.equal(await bob.store.conversations.contextPost(third), undefined);
  assert.equal(alice.conversations.outgoing.size, 0);
  await world.stop();
});

Deno.test("A repost tells the author of the original, unless the original is forged", async () => {
  const { world, users: [alice, bob, mallory] } = await strangers("alice", "bob", "mallory");
  const original = await bob.say("mine");
  const repost = await alice.say("", { repostOf: original });
  await isTold(world, bob, [`repost alice ${repost.id}`], "requests");
  const { id, number, device } = original;
  const forged = signPost({ author: "bob", id, number, device, text: "?" }, mallory.identity);
  await mallory.say("", { repostOf: forged });
  await world.clock.advance(60_000);
  assert.equal((await bob.told("requests")).length, 1);
  await world.stop();
});

Deno.test("A mention waits for a user who is offline, across a restart of its author", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  await bob.stop();
  const post = await alice.say("@bob");
  await world.clock.advance(20_000);
  await alice.stop();
  await alice.start();
  await bob.start();
  alice.conversations.outgoing.send();
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  await world.stop();
});

Deno.test("A user who says hello gets at once what waits", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(bob, alice);
  await bob.stop();
  bob.announced = false;
  const post = await alice.say("@bob");
  await world.clock.advance(30 * 60_000);
  await bob.start();
  bob.announced = true;
  bob.greeter.greet(alice.self);
  await world.clock.advance(500);
  assert.deepEqual(await bob.told(), [`mention alice ${post.id}`]);
  await world.stop();
});

Deno.test("A mention is given up after 30 days, and an hour after the network knows of no such user", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  await bob.stop();
  await alice.say("@bob and @nemo_nobody");
  await world.clock.advance(10_000);
  assert.equal(alice.conversations.outgoing.size, 2);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 1, 2 * 3_600_000));
  const warnings = alice.events.filter(({ event }) => event === "warning");
  assert.deepEqual(warnings.map((event) => event.event === "warning" && event.code), [
    "unknown_user",
  ]);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0, 31 * dayMs));
  assert.deepEqual(await alice.store.conversations.pendingMentions(), []);
  await world.stop();
});

Deno.test("No more than 500 mentions wait: the oldest are given up", async () => {
  const { world, users: [alice] } = await strangers("alice");
  for (let n = 0; n * 10 <= pendingMax; n++) {
    const names = Array.from({ length: 10 }, (_, i) => `@user_${n}_${i}`);
    for (const name of names) await world.users.set(name.slice(1), alice);
    await alice.say(names.join(" "));
  }
  assert.equal(alice.conversations.outgoing.size, pendingMax);
  await world.clock.advance(1);
  const kept = await alice.store.conversations.pendingMentions();
  assert.equal(kept.length, pendingMax);
  assert.equal(kept.some(({ to }) => to === "user_0_0"), false);
  await world.stop();
});

Deno.test("A post that names more than ten users goes to ten, and its author is told", async () => {
  const { world, users: [alice] } = await strangers("alice");
  const names = Array.from({ length: 12 }, (_, n) => `@user_${n}`);
  assert.equal(alice.conversations.named(await alice.say(names.join(" "))).length, 10);
  const warning = alice.events.find((event) =>
    event.event === "warning" && event.code === "too_many_mentions"
  );
  assert.ok(warning !== undefined);
  await world.stop();
});

Deno.test("What does not mention the receiver, is forged, early or old is neither kept nor acknowledged", async () => {
  const { world, users: [alice, bob, mallory] } = await strangers("alice", "bob", "mallory");
  const make = (text: string, timeMs = world.clock.now()) => alice.make(1, text, timeMs);
  const forged = { ...make("@bob"), signed: make("@bob").signed.with(-1, 0) };
  const { id, number, device } = make("@bob");
  const stolen = signPost({ author: "alice", id, number, device, text: "@bob" }, mallory.identity);
  const bad = [
    make("nothing"),
    make("@bobby"),
    forged,
    stolen,
    make("@bob", world.clock.now() - 31 * dayMs),
    make("@bob", world.clock.now() + 600_000),
  ];
  for (const post of bad) carry(mallory, bob, post);
  bob.receive(mallory.frame(bob.self, { kind: "mention", body: { post: new Uint8Array(9) } }));
  await world.clock.advance(60_000);
  assert.deepEqual(await bob.told("requests"), []);
  assert.deepEqual(await bob.told(), []);
  carry(mallory, bob, make("@bob"));
  await isTold(world, bob, [`mention alice ${make("@bob").id}`], "requests");
  await world.stop();
});

Deno.test("Of one stranger ten requests are taken in a day, across restarts; the others come the day after", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  for (let n = 0; n < ofOneMax + 2; n++) await alice.say(`@bob ${n}`);
  await world.clock.advance(60_000);
  assert.equal((await bob.told("requests")).length, ofOneMax);
  await bob.stop();
  await bob.start();
  await world.clock.advance(600_000);
  assert.equal((await bob.told("requests")).length, ofOneMax);
  assert.equal(alice.conversations.outgoing.size, 2);
  await world.clock.advance(dayMs);
  assert.equal((await bob.told("requests")).length, ofOneMax + 2);
  assert.equal(alice.conversations.outgoing.size, 0);
  await world.stop();
});

Deno.test("What an author takes back goes from outside the timeline; another's delete does nothing", async () => {
  const { world, users: [alice, bob, mallory] } = await strangers("alice", "bob", "mallory");
  const post = await alice.say("@bob");
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  const deletes = { device: post.device, number: post.number };
  const taking = {
    author: "alice",
    device: 1,
    number: 2,
    id: post.id + (1n << 22n),
    text: "",
    deletes,
  };
  carry(mallory, bob, signPost(taking, mallory.identity));
  await world.clock.advance(1_000);
  assert.deepEqual(await bob.store.conversations.contextPost(post), post);
  await alice.takeBack(post);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  assert.equal(await bob.store.conversations.contextPost(post), undefined);
  await world.stop();
});

Deno.test("A stranger's delete that comes again and again is charged once", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const post = await alice.say("@bob");
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  const by = await alice.takeBack(post);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  for (let n = 0; n < ofOneMax; n++) carry(alice, bob, by);
  await world.clock.advance(1_000);
  for (let n = 2; n < ofOneMax + 2; n++) await alice.say(`@bob ${n}`);
  await world.clock.advance(60_000);
  // The first post, what took it back, and eight more.
  assert.equal((await bob.told("requests")).length, ofOneMax - 1);
  await world.stop();
});

Deno.test("A mention's body is small, and each stranger's costs a unit", () => {
  assert.equal(mention.strangers?.units({ post: new Uint8Array() }), 1);
  assert.ok(mention.limits.maxBytes < 8_192);
});

Deno.test("A post that its author has taken back does not come back by a copy that was on its way", async () => {
  const { world, users: [alice, bob, mallory] } = await strangers("alice", "bob", "mallory");
  const post = alice.make(1, "@bob oops");
  const deletes = { device: 1, number: 1 };
  const content = { author: "alice", device: 1, number: 2, id: post.id + (1n << 22n), text: "" };
  carry(mallory, bob, signPost({ ...content, deletes }, alice.identity));
  await world.clock.advance(1_000);
  carry(mallory, bob, post);
  await world.clock.advance(1_000);
  assert.deepEqual(await bob.told("requests"), []);
  assert.equal(await bob.store.conversations.contextPost(post), undefined);
  assert.equal(await bob.store.conversations.contextPost(content), undefined);
  await world.stop();
});

Deno.test("Both devices of a user are told, also the one that was offline", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const other = await world.add("bob", { device: 2 });
  other.announced = false;
  await other.stop();
  const post = await alice.say("@bob");
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  await alice.stop();
  await other.start();
  other.announced = true;
  other.greeter.greet(bob.self);
  await isTold(world, other, [`mention alice ${post.id}`], "requests");
  // What one has handed over it does not hand over again.
  let sent = 0;
  const { send } = bob.messenger;
  bob.messenger.send = (order, signal) => {
    if (order.kind === "mention") sent++;
    return send.call(bob.messenger, order, signal) as ReturnType<typeof send>;
  };
  await world.clock.advance(10_000);
  bob.conversations.share();
  await world.clock.advance(10_000);
  assert.equal(sent, 0);
  await alice.start();
  await world.stop();
});

Deno.test("A post from the future is not refused for good: it is taken when its time has come", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(alice, bob);
  const reasons: (string | undefined)[] = [];
  alice.on.ack = ({ body: { reason } }) => void reasons.push(reason);
  const early = alice.make(1, "@bob", world.clock.now() + 200_000);
  carry(alice, bob, early);
  carry(alice, bob, alice.make(2, "not for you"));
  await world.clock.advance(10_000);
  assert.deepEqual(reasons, ["unwanted"]);
  await world.clock.advance(100_000);
  carry(alice, bob, early);
  await isTold(world, bob, [`mention alice ${early.id}`]);
  assert.deepEqual(reasons, ["unwanted", undefined]);
  await world.stop();
});

Deno.test("A post that was kept just before a crash is told of after the next start", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(bob, alice);
  const post = alice.make(1, "@bob");
  await bob.store.addPosts("alice", [post]);
  assert.deepEqual(await bob.told(), []);
  await bob.stop();
  await bob.start();
  await isTold(world, bob, [`mention alice ${post.id}`]);
  await world.stop();
});

Deno.test("A peer that is about to leave waits until a new mention is acknowledged, or was tried", async () => {
  const { world, users: [alice, bob, carol] } = await strangers("alice", "bob", "carol");
  carol.announced = false;
  await carol.stop();
  await alice.say("@bob");
  await world.clock.drive(alice.conversations.outgoing.settled(), 60_000);
  assert.equal((await bob.told("requests")).length, 1);
  assert.equal(alice.conversations.outgoing.size, 0);
  await alice.say("@carol");
  const from = world.clock.monotonic();
  await world.clock.drive(alice.conversations.outgoing.settled(), 60_000);
  assert.ok(world.clock.monotonic() - from < 4_000);
  assert.equal(alice.conversations.outgoing.size, 1);
  // What an earlier session left holds nothing up.
  alice.conversations.outgoing.send();
  await world.clock.drive(alice.conversations.outgoing.settled(), 60_000);
  assert.ok(world.clock.monotonic() - from < 4_000);
  await carol.start();
  await world.stop();
});

Deno.test("A device whose clock was set back hands over later what it takes for early", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const other = await world.add("bob", { device: 2 });
  other.announced = false;
  await other.stop();
  const post = await alice.say("@bob");
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  await alice.stop();
  bob.clock.step(-300_000);
  await other.start();
  other.announced = true;
  other.greeter.greet(bob.self);
  await world.clock.advance(10_000);
  assert.deepEqual(await other.told("requests"), []);
  bob.clock.step(300_000);
  bob.conversations.share();
  await isTold(world, other, [`mention alice ${post.id}`], "requests");
  await alice.start();
  await world.stop();
});

Deno.test("Old posts that a new follower fetches are no news", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(bob, alice);
  const old = alice.make(1, "@bob", world.clock.now() - 40 * dayMs);
  const young = alice.make(2, "@bob", world.clock.now() - 20 * dayMs);
  const posts = [old.signed, young.signed];
  const body = { author: alice.self, posts, heads: [], relay: [] };
  bob.receive(alice.frame(bob.self, { kind: "posts", body }));
  await isTold(world, bob, [`mention alice ${young.id}`]);
  assert.deepEqual(await bob.numbers(alice), [1, 2]);
  await world.stop();
});

Deno.test("What another device has not taken is handed over to it again", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const other = await world.add("bob", { device: 2 });
  other.announced = false;
  await other.stop();
  const posts = [await alice.say("@bob one"), await alice.say("@bob two")];
  const wanted = posts.map(({ id }) => `mention alice ${id}`);
  await isTold(world, bob, wanted, "requests");
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  await other.start();
  other.announced = true;
  const received = other.conversations.received.bind(other.conversations);
  let dropped = 0;
  other.conversations.received = (message) => {
    if (dropped++ > 0) received(message);
  };
  bob.conversations.share(2);
  await world.clock.advance(10_000);
  assert.equal((await other.told("requests")).length, 1);
  bob.conversations.share(2);
  await world.clock.advance(10_000);
  assert.deepEqual((await other.told("requests")).sort(), wanted.sort());
  await world.stop();
});

/** Bob, told of 60 things while his other device is offline, and what he sends it from then on. */
async function manyToHandOver() {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  world.follow(alice, bob);
  const other = await world.add("bob", { device: 2 });
  world.follow(alice, bob);
  other.announced = false;
  await other.stop();
  const wanted: string[] = [];
  for (let n = 0; n < 60; n++) wanted.push(`mention alice ${(await alice.say(`@bob ${n}`)).id}`);
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  await isTold(world, bob, wanted);
  await other.start();
  other.announced = true;
  const counts = { sent: 0 };
  const { send } = bob.messenger;
  bob.messenger.send = (order, signal) => {
    if (order.kind === "mention") counts.sent++;
    return send.call(bob.messenger, order, signal) as ReturnType<typeof send>;
  };
  /** Waits until the other device has been told of these; what it is sent at once comes in any order. */
  const has = async (all: readonly string[]) => {
    for (let i = 0; i < 600 && (await other.told()).length < all.length; i++) {
      await world.clock.advance(100);
    }
    assert.deepEqual((await other.told()).sort(), [...all].sort());
  };
  return { world, bob, other, wanted, counts, has };
}

Deno.test("Another device gets all that came meanwhile, however much it is", async () => {
  const { world, bob, wanted, counts, has } = await manyToHandOver();
  bob.conversations.share(2);
  await has(wanted);
  bob.conversations.share(2);
  await world.clock.advance(10_000);
  assert.equal(counts.sent, wanted.length);
  await world.stop();
});

Deno.test("One post that another device does not take holds up no others, and is sent alone again", async () => {
  const { world, bob, other, wanted, counts, has } = await manyToHandOver();
  const received = other.conversations.received.bind(other.conversations);
  const [first] = await bob.store.conversations.notifications(
    { list: "notifications", limit: 1, oldestFirst: true },
  );
  other.conversations.received = (message) => {
    if (readPost(message.body.post).post.id !== first?.post?.id) received(message);
  };
  bob.conversations.share(2);
  await has(wanted.slice(1));
  await world.clock.advance(10_000);
  bob.conversations.share(2);
  await world.clock.advance(10_000);
  assert.equal(counts.sent, wanted.length + 1);
  await world.stop();
});

Deno.test("A device of which the sender does not know has a mention from the others in seconds", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  // Alice's peer believes for a while what bob's first device told it.
  world.follow(bob, alice);
  await world.clock.drive(bob.greeter.greet(alice.self));
  await world.clock.advance(100);
  const second = await world.add("bob", { device: 2 });
  second.enlist("following", alice);
  await world.clock.drive(second.greeter.greet(bob.self));
  await world.clock.advance(1_000);
  const post = await alice.say("@bob, hello");
  await world.clock.advance(1_000);
  assert.deepEqual(await bob.told(), [`mention alice ${post.id}`]);
  assert.deepEqual(await second.told(), []);
  await world.clock.advance(2_000);
  assert.deepEqual(await second.told(), [`mention alice ${post.id}`]);
  await world.stop();
});
