/**
 * Attacks on the delivery of posts: by followers who name strangers' addresses, by authors who make
 * their followers send, and by relays that lie.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readRoute } from "../../net/links/addresses.ts";
import { Dialler } from "../../net/links/dialler.ts";
import { ByteBudget } from "../../net/links/frame_queue.ts";
import { Link } from "../../net/links/link.ts";
import { Scheduler } from "../../lib/scheduler.ts";
import { VirtualClock } from "../sim/clock.ts";
import { identityOf } from "../sim/users.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";
import { readFrame, readFrameBody } from "../../core/messages/frame.ts";
import { passersMax } from "../../core/messages/kinds/ack.ts";
import type { Post } from "../../core/model/post.ts";

/** Links of one peer to devices at made-up places; all TCP connections are counted. */
class Dialled {
  readonly clock = new VirtualClock();
  /** TCP connections so far, by address and port. */
  readonly connections = new Map<string, number>();
  /** Link keys that a program listens under, by address and port. */
  readonly listening = new Map<string, Set<string>>();
  /** Frames that arrived, by link key. */
  readonly arrived = new Map<string, number>();
  readonly #links: Link[] = [];
  readonly #dialler = new Dialler(this.clock, (ip, port) => {
    this.#count(`${ip} ${port}`);
    return Promise.resolve();
  });

  link(key: string, ip: string, port: number): Link {
    const route = readRoute(ip, port);
    assert.ok(route !== undefined);
    const place = `${ip} ${port}`;
    let isBusy = false;
    const link = new Link({
      key,
      linkKey: new Uint8Array(32),
      routes: [route],
      clock: this.clock,
      scheduler: new Scheduler(this.clock, reportError),
      dialler: this.#dialler,
      connect: () => {
        this.#count(place);
        const isRight = this.listening.get(place)?.has(key) === true;
        return {
          get writable() {
            return isRight && !isBusy;
          },
          send: () => {
            this.arrived.set(key, (this.arrived.get(key) ?? 0) + 1);
            isBusy = true;
            this.clock.after(1, () => isBusy = false);
            return Promise.resolve();
          },
          close: () => {},
        };
      },
      budget: new ByteBudget(1e9),
      soon: (fn) => void this.clock.after(0, fn),
      onIdle: () => {},
    });
    this.#links.push(link);
    return link;
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #count(place: string): void {
    this.connections.set(place, (this.connections.get(place) ?? 0) + 1);
  }
}

const frame = new Uint8Array(100);

Deno.test("Attack: 400 followers name one stranger's port, and it gets a handful of connections", async () => {
  const world = new Dialled();
  for (let i = 0; i < 400; i++) world.link(`fake ${i}`, "9.9.9.9", 80).send(frame);
  await world.clock.advance(30_000);
  const connections = world.connections.get("9.9.9.9 80") ?? 0;
  assert.ok(connections > 0 && connections <= 8, `${connections} connections`);
  world.close();
});

Deno.test("Attack: 400 followers name 400 ports of one stranger, and few are dialled", async () => {
  const world = new Dialled();
  for (let i = 0; i < 400; i++) world.link(`fake ${i}`, "9.9.9.9", 1000 + i).send(frame);
  await world.clock.advance(30_000);
  const connections = [...world.connections.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(connections > 0 && connections <= 200, `${connections} connections`);
  world.close();
});

Deno.test("Attack: followers name an honest follower's port, and the honest one is still linked", async () => {
  const world = new Dialled();
  world.listening.set("9.9.9.9 7000", new Set(["honest"]));
  const first = world.link("honest", "9.9.9.9", 7000);
  first.send(frame);
  await world.clock.advance(100);
  first.close();
  for (let i = 0; i < 400; i++) world.link(`fake ${i}`, "9.9.9.9", 7000).send(frame);
  await world.clock.advance(10_000);
  world.link("honest", "9.9.9.9", 7000).send(frame);
  await world.clock.advance(100);
  assert.equal(world.arrived.get("honest"), 2);
  world.close();
});

Deno.test("Attack: one program listens under 400 followers' keys, and gets four links", async () => {
  const world = new Dialled();
  const keys = Array.from({ length: 400 }, (_, i) => `fake ${i}`);
  world.listening.set("9.9.9.9 7000", new Set(keys));
  const links = keys.map((key) => world.link(key, "9.9.9.9", 7000));
  for (let s = 0; s < 120; s++) {
    for (const link of links) link.send(frame);
    await world.clock.advance(1_000);
  }
  const up = links.filter((link) => link.state === "up").length;
  assert.ok(up > 0 && up <= 4, `${up} links`);
  world.close();
});

Deno.test("Attack: a follower announces 80 devices, and posts are pushed to the two newest", async () => {
  const world = new MessageWorld();
  const author = await world.add("author");
  const follower = await world.add("follower");
  world.follow(follower, author);
  const { entry } = follower;
  const entries = Array.from({ length: 80 }, (_, i) => ({
    ...entry,
    device: i + 2,
    linkKey: identityOf("follower").linkKeys(i + 2).publicKey,
    addresses: [`10.9.0.${i + 1}`],
    updatedAt: i % 2 === 0 ? -i : 0,
  }));
  const targets: string[] = [];
  const { links } = author;
  const send = links.send.bind(links);
  links.send = (target, bytes) => {
    if (readFrame(bytes).to.username === "follower") targets.push(target.addresses[0] ?? "");
    return send(target, bytes);
  };
  Object.defineProperty(follower, "siblings", {
    value: entries.map((other) => ({ entry: other, announced: true, events: [], stop() {} })),
  });
  await author.post();
  await world.clock.advance(5_000);
  assert.equal(targets.length, 2);
  assert.equal(targets[0], follower.ip, "the newest comes first");
  await world.stop();
});

/** An author, a follower who is asked to pass posts on, and other users. */
async function amplifier(
  count: number,
  options: { readonly registered?: boolean; readonly following?: boolean } = {},
) {
  const world = new MessageWorld();
  const { registered = true, following = true } = options;
  const [author, relay] = await world.addAll("author", "relay");
  world.follow(relay, author);
  const others: TestUser[] = [];
  for (let i = 0; i < count; i++) {
    const other = await world.add(`other${i}`);
    other.registered = registered;
    if (following) world.follow(other, author);
    others.push(other);
  }
  const sent = { posts: 0, bytes: 0, asked: 0 };
  world.network.onFrame = ({ from, frame }) => {
    const message = readFrameBody(readFrame(frame));
    // Answers to those who compare heads are no concern here.
    if (message.kind !== "posts" || message.body.inReplyTo !== undefined) return frame;
    if (from.ip === author.ip) sent.asked += frame.length;
    if (from.ip !== relay.ip) return frame;
    sent.posts++;
    sent.bytes += frame.length;
    return frame;
  };
  const ask = (posts: readonly Post[], users: readonly TestUser[] = others) => {
    const body = {
      author: author.self,
      posts: posts.map((post) => post.signed),
      heads: [],
      relay: users.map((user) => user.self),
    };
    author.throw(relay, author.frame(relay.self, { kind: "posts", body }));
  };
  return { world, author, relay, others, sent, ask };
}

/** The longest text there is. */
const long = "\u{1F99C}".repeat(500);

Deno.test("Attack: an author has old posts passed on, new here or not, and none is", async () => {
  const { world, author, relay, sent, ask } = await amplifier(20);
  const old = author.make(1, "old", author.clock.now() - 700_000);
  const known = author.make(2);
  ask([old]);
  ask([known], []);
  await world.until(() => relay.events.length === 2, 2_000);
  await world.clock.advance(700_000);
  ask([old, known]);
  await world.clock.advance(10_000);
  assert.equal(relay.events.length, 2);
  assert.equal(sent.posts, 0);
  await world.stop();
});

Deno.test("Attack: an author has posts passed on to keys without an account, and none is sent", async () => {
  const { world, author, sent, ask } = await amplifier(256, { registered: false });
  for (let i = 1; i <= 20; i++) ask([author.make(i, long)]);
  await world.clock.advance(30_000);
  assert.equal(sent.bytes, 0, `${sent.asked} bytes made ${sent.bytes}`);
  assert.ok(world.lookUps.find <= 256 + 30, `${world.lookUps.find} look-ups`);
  await world.stop();
});

Deno.test("Attack: an author has one post passed on again and again, and each user gets it once", async () => {
  const { world, author, others, sent, ask } = await amplifier(20);
  const post = author.make(1);
  for (let i = 0; i < 50; i++) ask([post], [...others, ...others]);
  await world.clock.advance(10_000);
  assert.equal(sent.posts, 20);
  await world.stop();
});

Deno.test("Attack: an author has posts without end passed on, and a minute takes so many bytes", async () => {
  const { world, author, relay, others, sent, ask } = await amplifier(60);
  for (const other of others) world.follow(other, relay);
  for (let i = 1; i <= 30; i++) {
    const post = author.make(i, long);
    await author.store.addOwnPost(post);
    ask([post]);
    await world.clock.advance(50);
  }
  const allowed = 2_200_000;
  assert.ok(sent.bytes > 100_000 && sent.bytes <= allowed, `${sent.bytes} bytes`);
  await world.stop();
});

Deno.test("Attack: an author has posts passed on to users who do not follow, and they say so once", async () => {
  const { world, author, others, sent, ask } = await amplifier(5, { following: false });
  for (let i = 1; i <= 10; i++) {
    ask([author.make(i)]);
    await world.clock.advance(2_000);
  }
  assert.equal(sent.posts, others.length);
  await world.stop();
});

/** Names that came first where the order of relays was a hash of their names, as it was once. */
function nameRank(name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  hash >>>= 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Followers who act together: they acknowledge and drop, and cover one another when they are asked. */
class Ring {
  /** Whom of the ring each user was given to, by the user's name. */
  readonly #dealt = new Map<string, string[]>();
  /** Until then all are honest. */
  isLying = true;

  join(follower: TestUser): void {
    const { delivery } = follower;
    const took = delivery.took.bind(delivery);
    delivery.took = (message, valid, added) => {
      if (!this.isLying) return took(message, valid, added);
      const { id, from, body: { relay } } = message;
      if (relay.length === 0) return;
      for (const { username } of relay) {
        this.#dealt.set(username, [...this.#dealt.get(username) ?? [], follower.username]);
      }
      const by = (this.#dealt.get(follower.username) ?? []).slice(-passersMax);
      void follower.messenger.send({ kind: "ack", to: from, body: { id, by } });
    };
  }
}

/** An author with followers of whom some lie. */
async function liarsAmong(names: readonly string[], isLiar: (name: string) => boolean) {
  const world = new MessageWorld();
  const author = await world.add("author");
  const honest: TestUser[] = [];
  const liars: TestUser[] = [];
  for (const name of names) {
    const follower = await world.add(name);
    world.follow(follower, author);
    (isLiar(name) ? liars : honest).push(follower);
  }
  return { world, author, honest, liars };
}

/** How many of the users have so many posts. */
function having(users: readonly TestUser[], posts: number): number {
  return users.filter(({ events }) => {
    return events.filter(({ event }) => event === "post").length >= posts;
  }).length;
}

async function chosenFakes(fakes: number): Promise<void> {
  const chosen = Array.from({ length: 20 * fakes }, (_, i) => `fake${i}`)
    .sort((a, b) => nameRank(a) - nameRank(b)).slice(0, fakes);
  const names = [...chosen, "ann", "bert", "cleo", "dora", "emil"];
  const { world, author, honest, liars } = await liarsAmong(names, (n) => n.startsWith("fake"));
  const ring = new Ring();
  for (const liar of liars) ring.join(liar);
  for (let post = 1; post <= 3; post++) {
    await author.post();
    await world.until(() => having(honest, post) === 5, 5_000);
    assert.equal(having(honest, post), 5, `post ${post}`);
    await world.clock.advance(5_000);
  }
  await world.stop();
}

Deno.test("Attack: 66 followers with chosen names acknowledge and drop, and all others have each post", () =>
  chosenFakes(66));

Deno.test("Attack: 400 followers with chosen names acknowledge and drop, and all others have each post", () =>
  chosenFakes(400));

Deno.test("Attack: 200 followers drop posts of a burst, and all others have each soon after its end", async () => {
  const names = [...Array.from({ length: 200 }, (_, i) => `fake${i}`), "ann", "bert", "cleo"];
  const { world, author, honest, liars } = await liarsAmong(names, (n) => n.startsWith("fake"));
  const ring = new Ring();
  for (const liar of liars) ring.join(liar);
  for (let post = 1; post <= 20; post++) {
    await author.post();
    await world.clock.advance(300);
  }
  await world.until(() => having(honest, 20) === 3, 5_000);
  assert.equal(having(honest, 20), 3);
  await world.stop();
});

Deno.test("Attack: 30 % of the followers drop posts and slander honest relays, and 99 % of the others have each in 3 s", async () => {
  const names = Array.from({ length: 250 }, (_, i) => `user${i}`);
  const { world, author, honest, liars } = await liarsAmong(
    names,
    (name) => Number(name.slice(4)) % 10 < 3,
  );
  const ring = new Ring();
  for (const liar of liars) ring.join(liar);
  for (let post = 1; post <= 3; post++) {
    await author.post();
    await world.until(() => having(honest, post) >= 0.99 * honest.length, 3_000);
    const has = having(honest, post);
    assert.ok(has >= 0.99 * honest.length, `post ${post}: ${has} of ${honest.length}`);
    await world.clock.advance(5_000);
  }
  await world.stop();
});

Deno.test("Attack: relays that were honest drop a post, and the others have it in 5 s", async () => {
  const names = Array.from({ length: 150 }, (_, i) => `user${i}`);
  const { world, author, honest, liars } = await liarsAmong(
    names,
    (name) => Number(name.slice(4)) % 2 === 0,
  );
  const ring = new Ring();
  ring.isLying = false;
  for (const liar of liars) ring.join(liar);
  for (let post = 1; post <= 4; post++) {
    await author.post();
    await world.clock.advance(5_000);
  }
  assert.equal(having(honest, 4), honest.length);
  ring.isLying = true;
  await author.post();
  await world.clock.advance(5_000);
  assert.equal(having(honest, 5), honest.length);
  await world.stop();
});
