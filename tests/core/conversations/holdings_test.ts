import assert from "node:assert/strict";
import { mentionMsMax } from "../../../core/conversations/limits.ts";
import { heldByOneMax, heldForOneMax, Holdings } from "../../../core/conversations/holdings.ts";
import type { HeldMention } from "../../../core/conversation_store.ts";
import type { AckListener } from "../../../core/messages/messenger.ts";
import { type Post, readPost, signPost } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { identityOf, userNamed } from "../../sim/users.ts";
import { TestLists, TestMessenger, testSession } from "../doubles.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** Waits until a user is told something. */
async function isTold(world: MessageWorld, user: TestUser, wanted: string[], list?: "requests") {
  for (let i = 0; i < 600 && (await user.told(list)).length < wanted.length; i++) {
    await world.clock.advance(100);
  }
  assert.deepEqual(await user.told(list), wanted);
}

/** Takes a user offline, and says so to the network. */
async function leave(user: TestUser): Promise<void> {
  user.announced = false;
  await user.stop();
}

async function comeBack(user: TestUser, ...greeted: TestUser[]): Promise<void> {
  user.announced = true;
  await user.start();
  for (const { self } of greeted) user.greeter.greet(self);
}

Deno.test("Followers who are online keep a mention, and hand it over at the user's hello", async () => {
  const world = new MessageWorld("held");
  const [alice, bob, carol, dave] = await world.addAll("alice", "bob", "carol", "dave");
  world.follow(carol, bob);
  world.follow(dave, bob);
  await leave(bob);
  await leave(dave);
  const post = await alice.say("@bob");
  assert.ok(await world.until(() => carol.conversations.held === 1));
  await world.clock.advance(1_000);
  assert.deepEqual(
    (await alice.store.conversations.pendingMentions()).map(({ holders }) => holders),
    [["carol"]],
  );
  await leave(alice);
  // What carol keeps survives her restart.
  await carol.stop();
  await carol.start();
  await comeBack(bob, carol);
  await isTold(world, bob, [`mention alice ${post.id}`], "requests");
  assert.ok(await world.until(() => carol.conversations.held === 0));
  assert.deepEqual(await carol.store.conversations.held(), []);
  assert.deepEqual(await carol.told(), []);
  // The author, who does not know it yet, sends it again: it is there once.
  await comeBack(alice);
  alice.conversations.outgoing.send();
  assert.ok(await world.until(() => alice.conversations.outgoing.size === 0));
  assert.equal((await bob.told("requests")).length, 1);
  await world.stop();
});

Deno.test("At most three followers are asked to keep a mention", async () => {
  const world = new MessageWorld("three");
  const [alice, bob, ...others] = await world.addAll(
    "alice",
    "bob",
    "u_one",
    "u_two",
    "u_three",
    "u_four",
  );
  for (const one of others) world.follow(one, bob);
  await leave(bob);
  await alice.say("@bob");
  const held = () => others.reduce((sum, { conversations }) => sum + conversations.held, 0);
  assert.ok(await world.until(() => held() === 3));
  await world.clock.advance(4 * 3_600_000);
  assert.equal(held(), 3);
  await world.stop();
});

Deno.test("A post that is taken back is no longer kept, and its user is not told of it", async () => {
  const world = new MessageWorld("taken back");
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  world.follow(carol, bob);
  await leave(bob);
  const post = await alice.say("@bob");
  assert.ok(await world.until(() => carol.conversations.held === 1));
  await world.clock.advance(1_000);
  await alice.takeBack(post);
  assert.ok(await world.until(() => carol.conversations.held === 0));
  assert.deepEqual(await carol.store.conversations.held(), []);
  await comeBack(bob, carol);
  await world.clock.advance(400_000);
  assert.deepEqual(await bob.told("requests"), []);
  assert.equal(alice.conversations.outgoing.size, 0);
  await world.stop();
});

Deno.test("A follower who comes online later is asked to keep a mention within a minute", async () => {
  const world = new MessageWorld("later");
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  await leave(bob);
  await alice.say("@bob");
  await world.clock.advance(5_000);
  assert.equal(carol.conversations.held, 0);
  world.follow(carol, bob);
  assert.ok(await world.until(() => carol.conversations.held === 1, 60_000));
  await world.stop();
});

Deno.test("No post is kept for a user who is not followed, nor one that does not speak to that user", async () => {
  const world = new MessageWorld("not kept");
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  const ask = (post: Post) =>
    carol.receive(alice.frame(carol.self, {
      kind: "mention",
      body: { post: post.signed, for: "bob" },
    }));
  ask(alice.make(1, "@bob"));
  await world.clock.advance(1_000);
  world.follow(carol, bob);
  ask(alice.make(1, "@bobby"));
  ask({ ...alice.make(1, "@bob"), signed: alice.make(1, "@bob").signed.with(-1, 0) });
  await world.clock.advance(1_000);
  assert.equal(carol.conversations.held, 0);
  ask(alice.make(1, "@bob"));
  await world.clock.advance(1_000);
  assert.equal(carol.conversations.held, 1);
  await world.stop();
});

const dayMs = 86_400_000;

async function setUp() {
  const base = new VirtualClock();
  const clock = base.view();
  const store = await new MemoryStores().open("carol");
  const lists = new TestLists();
  for (const name of ["bob", "dave", "erin"]) lists.add("following", name);
  const session = testSession({ username: "carol", clock, store });
  const messenger = Object.assign(new TestMessenger(), {
    /** What the last message's acknowledgement is told to. */
    listener: undefined as AckListener | undefined,
    onAck: (_id: Uint8Array, listener: AckListener) => {
      messenger.listener = listener;
      return () => {};
    },
  });
  const open = async () => {
    const holdings = new Holdings({ session, lists, messenger });
    await holdings.load();
    return holdings;
  };
  let number = 0;
  const read = (user: string) => {
    const id = composeSnowflake({ timeMs: clock.now(), device: 1, sequence: ++number % 4096 });
    const text = `@${user}`;
    const content = { author: "alice", device: 1, number, id, text };
    return readPost(signPost(content, identityOf("alice")).signed);
  };
  const keep = (holdings: Holdings, user: string, by: number) =>
    holdings.keep({ for: user, read: read(user), by: by.toString(16).padStart(64, "0") });
  return { base, store, session, messenger, open, keep };
}

Deno.test("Holdings keep a bounded number of posts for one sender, for one user, and for 30 days", async () => {
  const { base, store, open, keep, session } = await setUp();
  const holdings = await open();
  for (let n = 0; n < heldByOneMax; n++) assert.equal(await keep(holdings, "bob", 1), true);
  assert.equal(await keep(holdings, "bob", 1), false);
  assert.equal(await keep(holdings, "dave", 1), false);
  for (let n = heldByOneMax; n < heldForOneMax; n++) {
    assert.equal(await keep(holdings, "bob", 2 + Math.floor(n / heldByOneMax)), true);
  }
  assert.equal(await keep(holdings, "bob", 100), false);
  assert.equal(await keep(holdings, "dave", 100), true);
  assert.equal((await open()).size, heldForOneMax + 1);
  await base.advance(mentionMsMax + dayMs);
  assert.equal((await open()).size, 0);
  assert.deepEqual(await store.conversations.held(), [] as HeldMention[]);
  session.end();
});

Deno.test("What is kept goes to the user under the key that is followed, again until it is acknowledged", async () => {
  const { base, open, keep, session, messenger } = await setUp();
  const holdings = await open();
  await keep(holdings, "bob", 1);
  const impostor = { username: "bob", key: identityOf("mallory").publicKey };
  await base.drive(holdings.handOver(impostor), 60_000);
  assert.equal(messenger.sent.length, 0);
  await base.drive(holdings.handOver(userNamed("bob")), 60_000);
  assert.equal(messenger.sent.length, 3);
  assert.equal(holdings.size, 1);
  const done = holdings.handOver(userNamed("bob"));
  await base.advance(100);
  messenger.listener?.(userNamed("mallory"), undefined, []);
  await base.advance(100);
  assert.equal(holdings.size, 1);
  messenger.listener?.(userNamed("bob"), undefined, []);
  await base.drive(done, 60_000);
  assert.equal(holdings.size, 0);
  session.end();
});
