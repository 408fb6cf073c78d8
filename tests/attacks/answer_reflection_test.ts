/** Attacks that have a peer send to a third party what nobody there has asked for. */

import assert from "node:assert/strict";
import { readFrame, readFrameBody } from "../../core/messages/frame.ts";
import type { Message, MessageBodyOf } from "../../core/messages/kinds/mod.ts";
import { Identity } from "../../core/model/identity.ts";
import { type Post, signPost } from "../../core/model/post.ts";
import { signRecord } from "../../core/model/record.ts";
import type { ConnectionsBody, DeviceEntry } from "../../core/model/record_body.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import type { UserRef } from "../../core/model/user.ts";
import { signMessage } from "../../core/messages/frame.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";

/** A stranger with a key and no peer. */
class Stranger {
  readonly #world: MessageWorld;
  readonly #identity: Identity;
  readonly self: UserRef;
  #sequence = 0;
  /** Bytes that it has sent. */
  sent = 0;

  constructor(world: MessageWorld, username: string) {
    this.#world = world;
    this.#identity = new Identity(world.random.bytes(32));
    this.self = { username, key: this.#identity.publicKey };
  }

  /** A signed record that says that its devices are these. */
  connections(...devices: DeviceEntry[]): Uint8Array {
    return signRecord<ConnectionsBody>({
      username: this.self.username,
      namespace: "connections",
      sequence: ++this.#sequence,
      expiresAt: Math.floor(this.#world.clock.now()) + 900_000,
      body: { devices },
    }, this.#identity).value;
  }

  /** Asks for posts. */
  ask(to: TestUser, body: Partial<MessageBodyOf["want"]>): void {
    const asked = { author: to.self, feeds: [], since: 0, device: 1, ...body };
    this.#send(to, { kind: "want", body: asked });
  }

  /** Asks for a thread. */
  askThread(to: TestUser, body: Pick<MessageBodyOf["thread"], "root" | "connections">): void {
    this.#send(to, { kind: "thread", body: { had: [], device: 1, ...body } });
  }

  #send(to: TestUser, message: Pick<Message, "kind" | "body">): void {
    const frame = signMessage({
      from: this.self,
      to: to.self,
      time: Math.floor(this.#world.clock.now()),
      id: this.#world.random.bytes(16),
      ...message,
    } as Message, this.#identity);
    this.sent += frame.length;
    to.receive(frame);
  }
}

/** Alice has two thousand posts; carol has a device, and asks for nothing. */
async function scene(): Promise<{ world: MessageWorld; alice: TestUser; carol: TestUser }> {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  const start = world.clock.now() - 3_600_000;
  const text = "A post of the usual length, say. ".repeat(5);
  const posts: Post[] = Array.from({ length: 2_000 }, (_, i) => {
    const id = composeSnowflake({ timeMs: Math.floor(start) + i, device: 1, sequence: 0 });
    return signPost({ author: "alice", device: 1, number: i + 1, id, text }, alice.identity);
  });
  await alice.store.addPosts("alice", posts);
  return { world, alice, carol };
}

/** Counts what arrives at a device, and collects the tokens among it. */
function watch(world: MessageWorld, ip: string): { bytes: number; tokens: Uint8Array[] } {
  const seen = { bytes: 0, tokens: [] as Uint8Array[] };
  const { onFrame } = world.network;
  world.network.onFrame = (transit) => {
    if (transit.to.ip === ip) {
      seen.bytes += transit.frame.length;
      const message = readFrameBody(readFrame(transit.frame));
      if (message.kind === "posts" && message.body.more) seen.tokens.push(message.body.more);
    }
    return onFrame(transit);
  };
  return seen;
}

Deno.test("Attack: a stranger asks in the place of a third party, who gets at most three times what was asked with", async () => {
  const { world, alice, carol } = await scene();
  const victim = watch(world, carol.ip);
  const mallory = new Stranger(world, "mallory");
  for (let i = 0; i < 20; i++) {
    mallory.ask(alice, { connections: mallory.connections(carol.entry) });
    await world.clock.advance(1_000);
  }
  assert.ok(victim.bytes > 0, "an honest newcomer is answered like this");
  assert.ok(victim.bytes <= 3 * mallory.sent, `${mallory.sent} in, ${victim.bytes} out`);
  await world.stop();
});

Deno.test("Attack: a stranger asks for a thread in the place of a third party, who gets at most three times that", async () => {
  const { world, alice, carol } = await scene();
  const start = Math.floor(world.clock.now()) - 1_000;
  const idOf = (n: number) => composeSnowflake({ timeMs: start + n, device: 2, sequence: 0 });
  const root = { author: "alice", id: idOf(0) };
  const posts = Array.from({ length: 100 }, (_, i) => {
    const content = { author: "alice", device: 2, number: i + 1, id: idOf(i), text: "yes" };
    return signPost(i === 0 ? content : { ...content, replyTo: root }, alice.identity);
  });
  await alice.store.addPosts("alice", posts);
  const victim = watch(world, carol.ip);
  const mallory = new Stranger(world, "mallory");
  for (let i = 0; i < 20; i++) {
    mallory.askThread(alice, { root, connections: mallory.connections(carol.entry) });
    await world.clock.advance(1_000);
  }
  assert.ok(victim.bytes > 0, "an honest newcomer is answered like this");
  assert.ok(victim.bytes <= 3 * mallory.sent, `${mallory.sent} in, ${victim.bytes} out`);
  await world.stop();
});

Deno.test("Attack: many keys ask in the place of a third party, and bytes a second are bounded over all", async () => {
  const { world, alice, carol } = await scene();
  const victim = watch(world, carol.ip);
  const strangers = Array.from({ length: 24 }, (_, i) => new Stranger(world, `mallory${i}`));
  const records = strangers.map((mallory) => mallory.connections(carol.entry));
  let count = 0;
  for (let round = 0; round < 80; round++) {
    for (const [i, mallory] of strangers.entries()) {
      mallory.ask(alice, { connections: records[i] ?? new Uint8Array() });
    }
    count += strangers.length;
    await world.clock.advance(10);
  }
  await world.clock.advance(1_200);
  const seconds = 2;
  const bound = (1024 + 128 * seconds) * 1024;
  const asked = strangers.reduce((sum, { sent }) => sum + sent, 0);
  assert.ok(victim.bytes > 500_000 && victim.bytes <= bound, `${victim.bytes}, at most ${bound}`);
  assert.ok(3 * asked > 2 * bound, `${count} questions are too few to reach the bound`);
  await world.stop();
});

Deno.test("Attack: a token that one device was sent opens no answer to another place, author or key", async () => {
  const { world, alice, carol } = await scene();
  const mallory = await world.add("mallory");
  const own = watch(world, mallory.ip);
  const victim = watch(world, carol.ip);
  const stranger = new Stranger(world, "stranger");
  const token = async () => {
    stranger.ask(alice, { connections: stranger.connections(mallory.entry) });
    const count = own.tokens.length;
    await world.until(() => own.tokens.length > count);
    return own.tokens.at(-1) ?? new Uint8Array(16);
  };
  // The device moves to the victim's place before it sends the token back.
  const first = await token();
  stranger.ask(alice, { connections: stranger.connections(carol.entry) });
  stranger.ask(alice, { token: first });
  await world.clock.advance(5_000);
  assert.ok(victim.bytes > 0 && victim.bytes <= 3 * stranger.sent, `${victim.bytes} out`);
  // What one key has shown is nothing to another.
  const before = { victim: victim.bytes, own: own.bytes };
  const other = new Stranger(world, "other");
  other.ask(alice, { connections: other.connections(mallory.entry) });
  await world.clock.advance(5_000);
  assert.ok(own.bytes - before.own <= 3 * other.sent);
  // Of another key, of another author, or a second time, a token is worth nothing.
  const second = await token();
  const count = own.bytes;
  other.ask(alice, { token: second });
  stranger.ask(alice, { token: second, author: carol.self });
  stranger.ask(alice, { token: second, device: 2 });
  stranger.ask(alice, { token: first });
  await world.clock.advance(5_000);
  assert.equal(own.bytes, count);
  // Its own brings the next step, a large one.
  stranger.ask(alice, { token: second });
  await world.until(() => own.bytes > count);
  assert.ok(own.bytes - count > 100_000, `${own.bytes - count}`);
  await world.stop();
});

Deno.test("Attack: a stranger claims to have more, and no long question comes back to the third party that it names", async () => {
  const world = new MessageWorld();
  const [alice, dave, carol] = await world.addAll("alice", "dave", "carol");
  world.follow(alice, dave);
  // Alice has every other post of sixteen feeds: to say so takes 5 KB.
  const timeMs = Math.floor(world.clock.now()) - 3_600_000;
  const posts = Array.from({ length: 16 * 60 }, (_, i) => {
    const device = i % 16;
    const number = 2 * Math.floor(i / 16) + 2;
    const id = composeSnowflake({ timeMs: timeMs + number, device, sequence: 0 });
    return signPost({ author: "dave", device, number, id, text: "even" }, dave.identity);
  });
  await alice.store.addPosts("dave", posts);
  await dave.stop();
  const victim = watch(world, carol.ip);
  const mallory = new Stranger(world, "mallory");
  const feeds = [{ device: 1, floor: 1_000, ranges: [] }];
  mallory.ask(alice, {
    author: dave.self,
    feeds,
    connections: mallory.connections(carol.entry),
  });
  await world.clock.advance(10_000);
  assert.ok(victim.bytes > 0 && victim.bytes <= 3 * mallory.sent, `${victim.bytes} out`);
  // An honest fellow follower, whose question is as long, is asked back.
  const fellow = await world.add("fellow");
  world.follow(fellow, dave);
  let asked = 0;
  world.network.onFrame = ({ from, to, frame }) => {
    if (from.ip === alice.ip && to.ip === fellow.ip && readFrame(frame).kind === "want") asked++;
    return frame;
  };
  const had = (await alice.store.feeds("dave")).map((feed) => ({ ...feed, floor: 1 }));
  const body = { author: dave.self, feeds: had, since: 0, device: 1 };
  alice.receive(fellow.frame(alice.self, { kind: "want", body }));
  await world.until(() => asked > 0, 5_000);
  assert.equal(asked, 1);
  await world.stop();
});

Deno.test("Attack: strangers claim to have more, and no question that comes back has more than three times their bytes", async () => {
  const world = new MessageWorld();
  const [alice, dave, carol] = await world.addAll("alice", "dave", "carol");
  world.follow(alice, dave);
  await dave.stop();
  let asked = 0;
  let largest = 0;
  world.network.onFrame = ({ to, frame }) => {
    if (to.ip !== carol.ip || readFrame(frame).kind !== "want") return frame;
    asked++;
    largest = Math.max(largest, frame.length);
    return frame;
  };
  const timeMs = Math.floor(world.clock.now()) - 3_600_000;
  const feeds = [{ device: 1, floor: 1_000, ranges: [] }];
  // With each round the question back has a gap more in each of sixteen feeds.
  for (let round = 1; round <= 40; round++) {
    const number = 2 * round;
    const posts = Array.from({ length: 16 }, (_, device) => {
      const id = composeSnowflake({ timeMs: timeMs + number, device, sequence: 0 });
      return signPost({ author: "dave", device, number, id, text: "even" }, dave.identity);
    });
    await alice.store.addPosts("dave", posts);
    const mallory = new Stranger(world, `mallory${round}`);
    const connections = mallory.connections(carol.entry);
    mallory.ask(alice, { author: dave.self, feeds, connections });
    largest = 0;
    await world.clock.advance(1_000);
    assert.ok(largest <= 3 * mallory.sent, `${mallory.sent} in, ${largest} out`);
  }
  assert.ok(asked > 5 && asked < 40, `${asked} questions`);
  await world.stop();
});

Deno.test("Attack: a user announces 32 devices in the place of a third party, and a message goes to four of them", async () => {
  const { world, alice, carol } = await scene();
  const mallory = new Stranger(world, "mallory");
  const devices = Array.from({ length: 32 }, (_, device) => ({ ...carol.entry, device }));
  mallory.ask(alice, { device: 99, connections: mallory.connections(...devices) });
  await world.clock.advance(1_000);
  const victim = watch(world, carol.ip);
  const body = { id: new Uint8Array(16) };
  const report = await world.clock.drive(
    alice.messenger.send({ kind: "ack", to: mallory.self, body }),
  );
  assert.equal(report.devices, 4);
  await world.clock.advance(1_000);
  assert.ok(victim.bytes > 0 && victim.bytes < 4 * 400, `${victim.bytes}`);
  await world.stop();
});
