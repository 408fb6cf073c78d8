import assert from "node:assert/strict";
import { Identity } from "../../../core/model/identity.ts";
import { encode } from "../../../lib/msgpack.ts";
import { messageBytesMax, signMessage } from "../../../core/messages/frame.ts";
import type { MessageOf } from "../../../core/messages/kinds/mod.ts";
import { sealSigned } from "../../../core/model/signed.ts";
import { PeerMessenger } from "../../../core/messages/messenger.ts";
import type { Links } from "../../../core/ports.ts";
import { only, TestPeople, testSession } from "../doubles.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** A follow, with some of it as a test wants it. */
const follow = { kind: "follow" as const, body: { updatedAt: 5 } };

/** Two users, the second of whom collects the follows that reach its handler. */
async function pair(
  seed = 1,
): Promise<{ world: MessageWorld; alice: TestUser; bob: TestUser; got: MessageOf<"follow">[] }> {
  const world = new MessageWorld(seed);
  const [alice, bob] = await world.addAll("alice", "bob");
  const got: MessageOf<"follow">[] = [];
  bob.on.follow = (message) => void got.push(message);
  return { world, alice, bob, got };
}

/** How often a reason was given. */
function refused(user: TestUser, why: string): number {
  return [...user.messenger.refused].find(([reason]) => reason === why)?.[1] ?? 0;
}

Deno.test("A message reaches the handler of its kind on the device it is for", async () => {
  const { world, alice, bob, got } = await pair();
  const report = await world.clock.drive(alice.messenger.send({ ...follow, to: bob.self }));
  await world.until(() => got.length > 0);
  assert.equal(report.devices, 1);
  assert.deepEqual(got[0]?.id, report.id);
  assert.deepEqual(got[0]?.from, alice.self);
  const none = await world.clock.drive(
    alice.messenger.send({ ...follow, to: bob.self, device: 99 }),
  );
  assert.equal(none.devices, 0);
  await world.stop();
});

Deno.test("Nothing is queued to a user of whom no device is announced", async () => {
  const { world, alice, bob } = await pair();
  bob.announced = false;
  const { devices } = await world.clock.drive(alice.messenger.send({ ...follow, to: bob.self }));
  assert.equal(devices, 0);
  await world.stop();
});

Deno.test("A message to oneself goes to one's other devices alone", async () => {
  const world = new MessageWorld();
  const first = await world.add("alice");
  const second = await world.add("alice", { device: 2 });
  const got: number[] = [];
  first.on.follow = () => void got.push(1);
  second.on.follow = () => void got.push(2);
  await world.clock.drive(first.messenger.send({ ...follow, to: first.self }));
  await world.clock.advance(1_000);
  assert.deepEqual(got, [2]);
  await world.stop();
});

Deno.test("Messages for another name or another key are refused", async () => {
  const { world, alice, bob, got } = await pair();
  alice.throw(bob, alice.frame({ username: "carol", key: bob.self.key }, follow));
  alice.throw(bob, alice.frame({ username: "bob", key: alice.self.key }, follow));
  await world.clock.advance(1_000);
  assert.equal(refused(bob, "not_for_me"), 2);
  assert.deepEqual(got, []);
  await world.stop();
});

Deno.test("Messages older or newer than ten minutes are refused", async () => {
  const { world, alice, bob, got } = await pair();
  const now = world.clock.now();
  for (const time of [now - 600_100, now + 600_100]) {
    alice.throw(bob, alice.frame(bob.self, { ...follow, time: Math.floor(time) }));
  }
  await world.clock.advance(50);
  assert.equal(refused(bob, "wrong_age"), 2);
  for (const time of [now - 599_000, now + 600_000]) {
    alice.throw(bob, alice.frame(bob.self, { ...follow, time: Math.floor(time) }));
  }
  await world.clock.advance(1_000);
  assert.equal(got.length, 2);
  await world.stop();
});

Deno.test("A replayed message is dealt with once, however late within its time it comes again", async () => {
  const { world, alice, bob, got } = await pair();
  const time = Math.floor(world.clock.now()) + 590_000;
  const frame = alice.frame(bob.self, { ...follow, time });
  for (let i = 0; i < 5; i++) alice.throw(bob, frame);
  await world.clock.advance(1_100_000);
  alice.throw(bob, frame);
  await world.clock.advance(5_000);
  assert.equal(got.length, 1);
  assert.equal(refused(bob, "seen"), 5);
  await world.stop();
});

Deno.test("A name signed with another key than the pinned one is refused", async () => {
  const { world, alice, bob, got } = await pair();
  bob.enlist("followers", alice);
  const mallory = await world.add("mallory");
  const from = { username: "alice", key: mallory.self.key };
  mallory.throw(bob, mallory.frame(bob.self, { ...follow, from }));
  await world.clock.advance(1_000);
  assert.equal(refused(bob, "wrong_key"), 1);
  assert.deepEqual(got, []);
  await world.stop();
});

Deno.test("A signature that is not the sender's is refused, and so is a key that did not sign", async () => {
  const { world, alice, bob, got } = await pair();
  bob.enlist("followers", alice);
  const frame = alice.frame(bob.self, follow);
  frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
  alice.throw(bob, frame);
  const mallory = await world.add("mallory");
  mallory.throw(bob, mallory.frame(bob.self, { ...follow, from: alice.self }));
  await world.clock.advance(1_000);
  assert.equal(refused(bob, "bad_signature"), 1);
  assert.equal(refused(bob, "malformed"), 1);
  assert.deepEqual(got, []);
  await world.stop();
});

Deno.test("Unknown kinds, unknown versions, garbage and what is too large are refused", async () => {
  const { world, alice, bob, got } = await pair();
  const user = [alice.username, alice.self.key];
  const parts = (kind: string, body: unknown) =>
    encode([
      kind,
      user,
      ["bob", bob.self.key],
      Math.floor(world.clock.now()),
      new Uint8Array(16),
      body,
    ]);
  const seal = (payload: Uint8Array) => sealSigned("message", payload, alice.identity);
  const versionTwo = seal(parts("follow", [5]));
  versionTwo[1] = 2;
  const frames = [
    seal(parts("poke", [5])),
    seal(parts("toString", [5])),
    versionTwo,
    seal(parts("follow", [5]).subarray(0, 50)),
    sealSigned("post", parts("follow", [5]), alice.identity),
    new Uint8Array(),
    world.random.bytes(300),
  ];
  for (const frame of frames) alice.throw(bob, frame);
  await world.clock.advance(1_000);
  assert.equal(refused(bob, "malformed"), frames.length - 1);
  assert.equal(refused(bob, "bad_signature"), 1, "a post's signature is none under a message");
  // A body that does not fit its kind is found out only after the signature was good.
  alice.throw(bob, seal(parts("follow", ["five"])));
  await world.clock.advance(1_000);
  assert.equal(refused(bob, "malformed"), frames.length);
  // The links let nothing larger through; should they, it ends here.
  bob.receive(new Uint8Array(messageBytesMax + 1));
  assert.equal(refused(bob, "too_large"), 1);
  assert.deepEqual(got, []);
  assert.throws(() => {
    const posts = Array.from({ length: 500 }, () => new Uint8Array(2_200));
    const body = { author: alice.self, posts, heads: [], relay: [] };
    signMessage({
      kind: "posts",
      from: alice.self,
      to: bob.self,
      time: 1,
      id: new Uint8Array(16),
      body,
    }, alice.identity);
  }, /over 1048576/);
  await world.stop();
});

Deno.test("A stranger's follow counts only once the network confirms the name", async () => {
  const { world, alice, bob, got } = await pair();
  const mallory = await world.add("mallory");
  // Another key claims alice's name, which nobody here has pinned.
  mallory.throw(
    bob,
    mallory.frame(bob.self, { ...follow, from: { username: "alice", key: mallory.self.key } }),
  );
  alice.throw(bob, alice.frame(bob.self, follow));
  await world.until(() => got.length > 0);
  await world.clock.advance(1_000);
  assert.equal(got.length, 1);
  assert.deepEqual(got[0]?.from, alice.self);
  assert.equal(world.lookUps.find, 2);
  alice.throw(bob, alice.frame(bob.self, follow));
  await world.until(() => got.length > 1);
  assert.equal(world.lookUps.find, 2, "a confirmed name is not looked up again");
  await world.stop();
});

Deno.test("However many strangers follow at once, look-ups a second are bounded", async () => {
  const { world, alice, bob, got } = await pair();
  for (let i = 0; i < 1_000; i++) {
    const from = { username: `stranger${i}`, key: alice.self.key };
    alice.throw(bob, alice.frame(bob.self, { ...follow, from }));
    // The sender's own limit is not what is tested here.
    await world.clock.advance(21);
  }
  const seconds = 21;
  assert.ok(world.lookUps.find <= 100 + 50 * seconds, `${world.lookUps.find}`);
  assert.deepEqual(got, []);
  await world.stop();
});

Deno.test("A stranger's hello teaches nothing", async () => {
  const { world, alice, bob } = await pair();
  const body = { device: 1, heads: [{ device: 1, head: 9 }], connections: alice.connections.value };
  alice.throw(bob, alice.frame(bob.self, { kind: "hello", body }));
  await world.clock.advance(2_000);
  assert.equal(bob.learnt.length, 0);
  bob.enlist("followers", alice);
  alice.throw(bob, alice.frame(bob.self, { kind: "hello", body }));
  await world.until(() => bob.learnt.length > 0);
  assert.deepEqual(bob.learnt, ["alice"]);
  await world.stop();
});

Deno.test("Strangers who flood leave half of the budget to those who are pinned", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let follows = 0;
  let unfollows = 0;
  bob.on.unfollow = ({ from }) => {
    if (from.username === "alice") unfollows++;
    else follows++;
  };
  const strangers = Array.from({ length: 300 }, (_, i) => `stranger${i}`);
  const identities = strangers.map(() => new Identity(world.random.bytes(32)));
  const time = Math.floor(world.clock.now());
  // Past the links, which would slow the flood down.
  const receive = (frame: Uint8Array) => bob.receive(frame);
  for (let i = 0; i < 6_000; i++) {
    const identity = identities[i % 300];
    const username = strangers[i % 300];
    if (identity === undefined || username === undefined) throw new Error("no stranger");
    receive(signMessage({
      kind: "ack",
      from: { username, key: identity.publicKey },
      to: bob.self,
      time,
      id: world.random.bytes(16),
      body: { id: new Uint8Array(16) },
    }, identity));
  }
  for (let i = 0; i < 500; i++) {
    receive(alice.frame(bob.self, { kind: "unfollow", body: { updatedAt: i } }));
  }
  await world.until(() => unfollows === 500, 2_000);
  assert.equal(unfollows, 500);
  assert.ok(refused(bob, "over_budget") + refused(bob, "queue_full") >= 2_000);
  assert.equal(follows, 0);
  await world.stop();
});

Deno.test("Forged messages use up nothing of the share of the user they name", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let unfollows = 0;
  bob.on.unfollow = () => void unfollows++;
  for (let i = 0; i < 1_500; i++) {
    const frame = alice.frame(bob.self, { kind: "unfollow", body: { updatedAt: i } });
    frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
    bob.receive(frame);
  }
  await world.clock.advance(100);
  assert.equal(unfollows, 0);
  await world.clock.advance(10_000);
  for (let i = 0; i < 900; i++) {
    bob.receive(alice.frame(bob.self, { kind: "unfollow", body: { updatedAt: i } }));
  }
  await world.until(() => unfollows === 900, 1_000);
  assert.equal(unfollows, 900);
  await world.stop();
});

Deno.test("One sender, however well known, is limited in messages and bytes a second", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let unfollows = 0;
  bob.on.unfollow = () => void unfollows++;
  for (let i = 0; i < 2_000; i++) {
    bob.receive(alice.frame(bob.self, { kind: "unfollow", body: { updatedAt: i } }));
  }
  await world.clock.advance(500);
  assert.ok(unfollows >= 1_000 && unfollows <= 1_100, `${unfollows}`);
  assert.ok(refused(bob, "over_budget") >= 900);
  await world.stop();
});

Deno.test("What a handler throws is a warning, and the next message is dealt with", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let count = 0;
  bob.on.unfollow = () => {
    count++;
    throw new TypeError("broken");
  };
  for (const updatedAt of [1, 2]) {
    alice.throw(bob, alice.frame(bob.self, { kind: "unfollow", body: { updatedAt } }));
  }
  await world.until(() => count === 2);
  await world.clock.advance(10);
  // A world without such a plan has no mistake to tell of when it stops.
  const told = bob.events.splice(0);
  assert.ok(told.some((event) => event.event === "warning" && /broken/.test(event.message)));
  await world.stop();
});

Deno.test("A handler that never returns loses its place after a while", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let count = 0;
  bob.on.unfollow = () => {
    count++;
    return new Promise<void>(() => {});
  };
  for (let updatedAt = 0; updatedAt < 20; updatedAt++) {
    alice.throw(bob, alice.frame(bob.self, { kind: "unfollow", body: { updatedAt } }));
  }
  await world.clock.advance(5_000);
  assert.equal(count, 12);
  await world.clock.advance(30_000);
  assert.equal(count, 20);
  await world.stop();
});

Deno.test("An acknowledgement goes to whoever awaits it, others to the handler", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  const handled: number[] = [];
  bob.on.ack = ({ body }) => void handled.push(body.id[0] ?? 0);
  const heard: (string | undefined)[] = [];
  const idOf = (fill: number) => new Uint8Array(16).fill(fill);
  const awaitAck = (fill: number) =>
    bob.messenger.onAck(idOf(fill), (_, reason) => void heard.push(reason));
  const ack = (fill: number, reason?: string) => {
    const body = { id: idOf(fill), ...(reason === undefined ? {} : { reason }) };
    alice.throw(bob, alice.frame(bob.self, { kind: "ack", body }));
  };
  const stop = awaitAck(7);
  ack(7, "future");
  ack(8);
  await world.until(() => handled.length > 0 && heard.length > 0);
  stop();
  ack(7);
  await world.until(() => handled.length > 1);
  assert.deepEqual(heard, ["future"]);
  assert.deepEqual(handled, [8, 7]);
  // Most are never called: after a minute the next one makes them be forgotten.
  awaitAck(1);
  await world.clock.advance(61_000);
  awaitAck(2);
  for (const fill of [1, 2]) ack(fill, "late");
  await world.until(() => handled.length > 2 && heard.length > 1);
  assert.deepEqual([heard, handled], [["future", "late"], [8, 7, 1]]);
  await world.stop();
});

Deno.test("What comes in before the parts are named is dropped", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let receive = (_: Uint8Array): void => {};
  const links = only<Links>({
    open: (_, onFrame) => {
      receive = onFrame;
      return Promise.resolve({ ip: bob.ip, port: 1 });
    },
    flush: () => Promise.resolve(),
  });
  const clock = world.clock.view();
  const session = testSession({ username: "bob", clock, ports: { links } });
  const messenger = new PeerMessenger({ session, people: new TestPeople() });
  await messenger.start();
  receive(alice.frame(bob.self, follow));
  await world.clock.drive(messenger.drain(1_000));
  assert.equal(messenger.refused.size, 0);
  assert.equal(messenger.heardAt(alice.self), 0);
  session.end();
  await world.stop();
});

Deno.test("After the session's end nothing is sent and nothing taken in", async () => {
  const { world, alice, bob, got } = await pair();
  const frame = alice.frame(bob.self, follow);
  await bob.stop();
  bob.receive(frame);
  await world.clock.advance(1_000);
  assert.deepEqual(got, []);
  const { devices } = await world.clock.drive(bob.messenger.send({ ...follow, to: alice.self }));
  assert.equal(devices, 0);
  await world.stop();
});

Deno.test("Draining waits for handlers and for what is queued", async () => {
  const { world, alice, bob } = await pair();
  bob.enlist("followers", alice);
  let done = false;
  bob.on.unfollow = async () => {
    await new Promise<void>((resolve) => {
      world.clock.after(700, resolve);
    });
    done = true;
  };
  bob.receive(alice.frame(bob.self, { kind: "unfollow", body: { updatedAt: 1 } }));
  await world.clock.drive(bob.messenger.drain(100));
  assert.equal(done, false);
  await world.clock.drive(bob.messenger.drain(5_000));
  assert.equal(done, true);
  await world.stop();
});
