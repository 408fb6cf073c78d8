import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import type { MessageBodyOf } from "../../../core/messages/kinds/mod.ts";
import { type Post, signPost } from "../../../core/model/post.ts";
import { composeSnowflake, nextSnowflake } from "../../../core/model/snowflake.ts";
import { MessageWorld, type TestUser, type UserOptions } from "../message_world.ts";

/** Bob follows Alice; carol is anybody. */
async function three(
  options: UserOptions = {},
): Promise<{ world: MessageWorld; alice: TestUser; bob: TestUser; carol: TestUser }> {
  const world = new MessageWorld();
  const [alice, carol] = await world.addAll("alice", "carol");
  const bob = await world.add("bob", options);
  world.follow(bob, alice);
  return { world, alice, bob, carol };
}

/** Has these posts brought to a user by another, whoever made them. */
async function bring(
  from: TestUser,
  to: TestUser,
  author: TestUser,
  posts: readonly (Post | Uint8Array)[],
  more: Partial<MessageBodyOf["posts"]> = {},
): Promise<void> {
  const body = {
    author: author.self,
    posts: posts.map((post) => post instanceof Uint8Array ? post : post.signed),
    heads: [],
    relay: [],
    ...more,
  };
  from.throw(to, from.frame(to.self, { kind: "posts", body }));
  await from.world.clock.advance(1_000);
}

/** Fresh posts of a user, numbered from 1, nowhere stored. */
function posts(author: TestUser, count: number): Post[] {
  const from = author.clock.now() - 1_000;
  return Array.from({ length: count }, (_, i) => author.make(i + 1, `text ${i + 1}`, from + i));
}

Deno.test("Posts brought by a stranger are stored: the author's signature is what counts", async () => {
  const { world, alice, bob, carol } = await three();
  await bring(carol, bob, alice, posts(alice, 3));
  assert.deepEqual(await bob.numbers(alice), [1, 2, 3]);
  await world.stop();
});

Deno.test("Duplicates, in whatever order, change nothing and tell nobody again", async () => {
  const { world, alice, bob, carol } = await three();
  const [one, two, three_] = posts(alice, 3) as [Post, Post, Post];
  await bring(alice, bob, alice, [three_]);
  await bring(carol, bob, alice, [one, one, three_]);
  await bring(alice, bob, alice, [two, one, three_]);
  await bring(alice, bob, alice, [three_, two, one]);
  assert.deepEqual(await bob.numbers(alice), [1, 2, 3]);
  assert.equal(bob.events.length, 3);
  await world.stop();
});

Deno.test("A repost of what its author has taken back is stored, and no event tells of it", async () => {
  const { world, alice, bob, carol } = await three();
  world.follow(bob, carol);
  const [post] = posts(carol, 1) as [Post];
  const repost = (number: number) => {
    const { author, device, id } = alice.make(number);
    const content = { author, device, number, id, text: "", repostOf: post };
    return signPost(content, alice.identity);
  };
  await bring(alice, bob, alice, [repost(1)]);
  assert.deepEqual(await bob.numbers(alice), [1]);
  const deletes = { device: post.device, number: post.number };
  const { author, device, id } = carol.make(2);
  const taken = { author, device, number: 2, id, text: "", deletes };
  await bring(carol, bob, carol, [signPost(taken, carol.identity)]);
  await bring(alice, bob, alice, [repost(2)]);
  assert.deepEqual(await bob.numbers(alice), []);
  const [feed] = await bob.store.feeds("alice");
  assert.equal(feed?.floor, 2);
  const shown = bob.events.filter(({ event }) => event === "post");
  assert.equal(shown.length, 1);
  await world.stop();
});

Deno.test("A forged post inside a valid message is left out, the others are stored", async () => {
  const { world, alice, bob, carol } = await three();
  const [one, two, third] = posts(alice, 3) as [Post, Post, Post];
  const forged = new Uint8Array(two.signed);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const byCarol = signPost({ ...two, text: "as if by alice" }, carol.identity);
  await bring(carol, bob, alice, [one, forged, byCarol, new Uint8Array([1, 2]), third]);
  assert.deepEqual(await bob.numbers(alice), [1, 3]);
  await world.stop();
});

Deno.test("Posts of users who are not followed, or under another key, are not kept", async () => {
  const { world, alice, bob, carol } = await three();
  await bring(carol, bob, carol, posts(carol, 2));
  assert.equal(await bob.store.countPosts(), 0);
  // A post of carol's inside a message on alice, and alice's name with carol's key.
  const one = carol.make(1);
  await bring(carol, bob, alice, [one]);
  const asAlice = signPost({ ...one, author: "alice" }, carol.identity);
  await bring(carol, bob, alice, [asAlice]);
  await bring(carol, bob, alice, [asAlice], {
    author: { username: "alice", key: carol.self.key },
  });
  assert.equal(await bob.store.countPosts(), 0);
  assert.deepEqual(bob.unwanted, ["carol"]);
  await world.stop();
});

Deno.test("Of two posts under one number the first is kept, and the other is shown once as a fork", async () => {
  const { world, alice, bob, carol } = await three();
  const first = alice.make(1, "first");
  const second = alice.make(1, "second", world.clock.now() + 5);
  await bring(alice, bob, alice, [first]);
  const { forks: readForks } = bob.store;
  let reads = 0;
  bob.store.forks = (author) => {
    reads++;
    return readForks.call(bob.store, author);
  };
  await bring(carol, bob, alice, [second]);
  await bring(alice, bob, alice, [second, first]);
  assert.equal(reads, 1, "the database is not asked again for each copy");
  const kept = await bob.store.timeline({ limit: 9 });
  assert.deepEqual(kept.map((post) => post.text), ["first"]);
  assert.deepEqual((await bob.store.forks("alice")).map((post) => post.text), ["second"]);
  const forks = bob.events.filter(({ event }) => event === "fork");
  assert.deepEqual(forks, [{ event: "fork", author: "alice", number: 1 }]);
  await world.stop();
});

Deno.test("A number near 2^53 is stored, and the gap below it is not asked for without end", async () => {
  const { world, alice, bob } = await three();
  const number = Number.MAX_SAFE_INTEGER;
  let wants = 0;
  world.network.onFrame = ({ to, frame }) => {
    if (to.ip === alice.ip) wants++;
    return frame;
  };
  await bring(alice, bob, alice, [alice.make(number)]);
  await world.clock.advance(25_000);
  const soon = wants;
  assert.deepEqual(await bob.numbers(alice), [number]);
  assert.ok(soon <= 3, `${soon} messages`);
  const early = alice.make(1, "early", world.clock.now() - 60_000);
  await bring(alice, bob, alice, [early], { heads: [{ device: 1, head: number }] });
  assert.equal((await bob.numbers(alice)).length, 2);
  await world.stop();
});

Deno.test("A post whose id is another device's is no post", async () => {
  const { world, alice, bob } = await three();
  const id = nextSnowflake(undefined, Math.floor(world.clock.now()), 2);
  const post = signPost(
    { author: "alice", device: 1, number: 1, id, text: "two devices" },
    alice.identity,
  );
  await bring(alice, bob, alice, [post]);
  assert.equal(await bob.store.countPosts(), 0);
  await world.stop();
});

Deno.test("A post dated ahead is kept back until its time comes, and the sender is told", async () => {
  const { world, alice, bob } = await three();
  const told: (string | undefined)[] = [];
  alice.on.ack = ({ body }) => void told.push(body.reason);
  const now = world.clock.now();
  const soon = alice.make(1, "soon", now + 110_000);
  const later = alice.make(2, "later", now + 300_000);
  await bring(alice, bob, alice, [soon, later]);
  assert.deepEqual(await bob.numbers(alice), [1], "two minutes are tolerated");
  assert.deepEqual(told, ["future"]);
  await world.clock.advance(170_000);
  assert.deepEqual(await bob.numbers(alice), [1]);
  await world.clock.advance(130_000);
  assert.deepEqual(await bob.numbers(alice), [1, 2]);
  await world.stop();
});

Deno.test("A stranger who brings posts dated ahead is not told", async () => {
  const { world, alice, bob, carol } = await three();
  let acks = 0;
  carol.on.ack = () => void acks++;
  await bring(carol, bob, alice, [alice.make(1, "later", world.clock.now() + 300_000)]);
  await world.clock.advance(1_000);
  assert.equal(acks, 0);
  await world.clock.advance(300_000);
  assert.deepEqual(await bob.numbers(alice), [1]);
  await world.stop();
});

Deno.test("Posts from the far future take bounded room, cause no requests, and do not hide others", async () => {
  const { world, alice, bob } = await three();
  let wants = 0;
  world.network.onFrame = ({ to, frame }) => {
    if (to.ip === alice.ip) wants++;
    return frame;
  };
  const inYears = composeSnowflake({
    timeMs: Math.floor(world.clock.now()) + 10 * 365 * 86_400_000,
    device: 1,
    sequence: 0,
  });
  const far = Array.from({ length: 300 }, (_, i) =>
    signPost(
      { author: "alice", device: 1, number: i + 2, id: inYears + BigInt(i), text: "far" },
      alice.identity,
    ));
  await bring(alice, bob, alice, far);
  await bring(alice, bob, alice, [alice.make(1)]);
  assert.deepEqual(await bob.numbers(alice), [1]);
  const before = wants;
  await world.clock.advance(240_000);
  assert.ok(wants - before <= 1, `${wants - before} messages`);
  await world.stop();
});

Deno.test("A warning tells the author whose clock is ahead", async () => {
  const world = new MessageWorld();
  const alice = await world.add("alice", { offsetMs: 300_000 });
  const bob = await world.add("bob");
  world.follow(bob, alice);
  await alice.post();
  await world.until(() => alice.events.length > 0, 5_000);
  const [warning] = alice.events;
  assert.ok(warning?.event === "warning" && warning.code === "clock_ahead");
  assert.match(warning.message, /bob/);
  await world.clock.advance(400_000);
  assert.deepEqual(await bob.numbers(alice), [1]);
  await world.stop();
});

Deno.test("Posts older than the lifespan are not stored: they settle the numbers below them", async () => {
  const { world, alice, bob, carol } = await three({ lifespanMs: 60_000 });
  const old = alice.make(5, "old", world.clock.now() - 61_000);
  await bring(carol, bob, alice, [old, alice.make(6, "young")]);
  assert.deepEqual(await bob.numbers(alice), [6]);
  const [feed] = await bob.store.feeds("alice");
  assert.deepEqual(feed, { device: 1, floor: 6, ranges: [] });
  assert.equal((await bob.store.floorProof("alice", 1))?.text, "old");
  await world.stop();
});

Deno.test("Own posts by another device are kept however old they are", async () => {
  const world = new MessageWorld();
  const first = await world.add("alice", { lifespanMs: 60_000 });
  const second = await world.add("alice", { lifespanMs: 60_000, device: 2 });
  await first.write(3, 3_600_000);
  await world.clock.drive(second.sync.rejoin());
  await world.clock.advance(2_000);
  assert.deepEqual(await second.numbers(first), [1, 2, 3]);
  await second.post();
  await world.until(() => first.events.length > 0, 2_000);
  assert.deepEqual(await first.numbers(second), [1]);
  await world.stop();
});

Deno.test("Nobody can make a device take posts under its own number", async () => {
  const { world, alice, bob } = await three();
  world.follow(alice, bob);
  await bring(bob, alice, alice, [alice.make(1)]);
  assert.equal(await alice.store.countPosts(), 0);
  await world.stop();
});

Deno.test("Posts of an author unfollowed while they were being stored do not come back", async () => {
  const { world, alice, bob } = await three();
  const add = bob.store.addPosts.bind(bob.store);
  bob.store.addPosts = async (author, list) => {
    const report = await add(author, list);
    bob.lists.merge({ list: "following", ...alice.self, updatedAt: 2, present: false });
    return report;
  };
  await bring(alice, bob, alice, posts(alice, 3));
  assert.equal(await bob.store.countPosts(), 0);
  assert.deepEqual(await bob.store.feeds("alice"), []);
  assert.equal(bob.events.length, 0);
  await world.stop();
});

Deno.test("A full disk is a warning; what was lost by it is fetched later", async () => {
  const { world, alice, bob } = await three();
  const add = bob.store.addPosts.bind(bob.store);
  const full = new CamelliaError("disk_full", "the disk is full");
  bob.store.addPosts = () => Promise.reject(full);
  for (let i = 0; i < 3; i++) await alice.post();
  await world.clock.advance(1_000);
  assert.deepEqual(bob.events.map((event) => event.event === "warning" && event.code), [
    "disk_full",
  ]);
  bob.store.addPosts = add;
  await alice.post();
  await world.clock.advance(5_000);
  assert.deepEqual(await bob.numbers(alice), [1, 2, 3, 4]);
  await world.stop();
});

Deno.test("Of a message full of forged posts only the first few are looked at", async () => {
  const { world, alice, bob, carol } = await three();
  const list = posts(alice, 100);
  const forged = list.slice(0, 99).map((post) => {
    const bytes = new Uint8Array(post.signed);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    return bytes;
  });
  await bring(carol, bob, alice, [...forged, list[99] as Post]);
  assert.equal(await bob.store.countPosts(), 0);
  await bring(carol, bob, alice, [...forged.slice(0, 9), list[99] as Post]);
  assert.equal(await bob.store.countPosts(), 0);
  await bring(carol, bob, alice, [...forged.slice(0, 8), list[99] as Post]);
  assert.deepEqual(await bob.numbers(alice), [100]);
  await world.stop();
});

Deno.test("Strangers' posts are looked at so many a second, those of users who are asked or known all", async () => {
  const { world, alice, bob, carol } = await three();
  await alice.write(500);
  await world.clock.drive(bob.sync.fetch(alice.self));
  let reads = 0;
  const feeds = bob.store.feeds.bind(bob.store);
  bob.store.feeds = (author) => {
    reads++;
    return feeds(author);
  };
  const list = (await alice.store.timeline({ limit: 500 })).map((post) => post.signed);
  const body = { author: alice.self, posts: list, heads: [], relay: [] };
  for (let i = 0; i < 100; i++) bob.receive(carol.frame(bob.self, { kind: "posts", body }));
  await world.clock.advance(1_000);
  assert.ok(reads <= 2 * 12, `${reads} reads`);
  await world.stop();
});

Deno.test("What an author's quota costs is said once an hour, with what to do", async () => {
  const { world, alice, bob, carol } = await three();
  const addPosts = bob.store.addPosts.bind(bob.store);
  bob.store.addPosts = async (author, list) => ({
    ...await addPosts(author, list),
    beyond: { rate: 0, room: 7 },
  });
  const warnings = () => bob.events.filter((event) => event.event === "warning");
  const three_ = posts(alice, 3);
  for (const post of three_.slice(0, 2)) await bring(carol, bob, alice, [post]);
  assert.deepEqual(warnings().map((event) => event.event === "warning" && event.code), [
    "over_quota",
  ]);
  assert.match(JSON.stringify(warnings()), /7 oldest posts of alice.*\[QUOTA\].*Unfollow alice/);
  await world.clock.advance(3_600_000);
  bob.store.addPosts = async (author, list) => ({
    ...await addPosts(author, list),
    beyond: { rate: 3, room: 0 },
  });
  await bring(carol, bob, alice, three_.slice(2));
  assert.equal(warnings().length, 2);
  assert.match(
    JSON.stringify(warnings()[1]),
    /3 posts of alice were not kept: too many are dated within one hour.*\[QUOTA\]/,
  );
  await world.stop();
});
