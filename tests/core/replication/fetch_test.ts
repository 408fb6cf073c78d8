import assert from "node:assert/strict";
import { readFrame, readFrameBody } from "../../../core/messages/frame.ts";
import { delay } from "../../../lib/waiting.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** Alice has posts, so many followers have them too, and carol follows without having any. */
async function scene(
  options: { posts: number; followers: number; seed?: number },
): Promise<{ world: MessageWorld; alice: TestUser; carol: TestUser; fellows: TestUser[] }> {
  const world = new MessageWorld(options.seed ?? 1);
  const [alice, carol] = await world.addAll("alice", "carol");
  const posts = await alice.write(options.posts);
  const fellows: TestUser[] = [];
  for (let i = 0; i < options.followers; i++) {
    const fellow = await world.add(`fellow${i}`);
    world.follow(fellow, alice);
    await fellow.store.addPosts("alice", posts);
    fellows.push(fellow);
  }
  world.follow(carol, alice);
  return { world, alice, carol, fellows };
}

/** When each user was asked, by address. */
function watchWants(world: MessageWorld): Map<string, number> {
  const asked = new Map<string, number>();
  world.network.onFrame = ({ to, frame }) => {
    if (readFrame(frame).kind === "want" && !asked.has(to.ip)) {
      asked.set(to.ip, world.clock.monotonic());
    }
    return frame;
  };
  return asked;
}

/** How many posts by the author a user has. */
async function count(user: TestUser, author: TestUser): Promise<number> {
  return (await user.numbers(author)).length;
}

Deno.test("Fellow followers are asked three at a time, silence for 250 ms giving up a place", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 8 });
  await alice.stop();
  // They accept connections and never answer.
  const mute = new Set(fellows.map((fellow) => fellow.ip));
  const asked = watchWants(world);
  const watch = world.network.onFrame;
  world.network.onFrame = (transit) => {
    const frame = watch(transit);
    return mute.has(transit.to.ip) ? undefined : frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  const times = fellows.map((fellow) => asked.get(fellow.ip) ?? NaN).sort((a, b) => a - b);
  for (const [i, time] of times.entries()) {
    const before = times[i - 3];
    if (before !== undefined) assert.ok(time - before >= 240, `${times}`);
  }
  assert.ok((times[7] ?? NaN) - (times[0] ?? NaN) < 650, `${times}`);
  assert.equal(await count(carol, alice), 0);
  await world.stop();
});

Deno.test("An answer that comes after its place was given up still counts", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 1 });
  const [fellow] = fellows as [TestUser];
  await alice.stop();
  const add = fellow.store.feeds.bind(fellow.store);
  fellow.store.feeds = async (author) => {
    await new Promise<void>((resolve) => {
      world.clock.after(900, resolve);
    });
    return await add(author);
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 5);
  await world.stop();
});

Deno.test("An author who accepts connections and stays silent is waited for 1.5 s", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 1 });
  world.network.onFrame = ({ from, to, frame }) =>
    from.ip === alice.ip || to.ip === alice.ip ? undefined : frame;
  const start = world.clock.monotonic();
  await world.clock.drive(carol.sync.fetch(alice.self));
  const took = world.clock.monotonic() - start;
  assert.equal(await count(carol, alice), 5);
  assert.ok(took >= 1_500 && took < 1_700, `${took}`);
  await world.stop();
});

Deno.test("Nothing is asked of followers when what the public record promises is there", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 3 });
  await world.clock.drive(carol.sync.fetch(alice.self));
  await alice.stop();
  const asked = watchWants(world);
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(asked.size, 0);
  assert.equal(fellows.length, 3);
  await world.stop();
});

Deno.test("A follower who has a part is not enough: others are asked for the rest", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 20, followers: 0 });
  assert.equal(fellows.length, 0);
  const posts = await alice.store.timeline({ limit: 100 });
  for (let i = 0; i < 10; i++) {
    const fellow = await world.add(`part${i}`);
    world.follow(fellow, alice);
    await fellow.store.addPosts("alice", posts.filter((post) => post.number % 10 === i));
  }
  await alice.stop();
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 20);
  await world.stop();
});

Deno.test("Followers who claim heads that do not exist change nothing", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 4 });
  await alice.stop();
  const [liar] = fellows as [TestUser];
  for (const fellow of fellows.slice(1)) await fellow.stop();
  world.network.onFrame = ({ from, frame }) => {
    if (from.ip !== liar.ip) return frame;
    const message = readFrameBody(readFrame(frame));
    if (message.kind !== "posts") return frame;
    const heads = [{ device: 1, head: 1_000_000 }];
    return liar.frame(carol.self, { kind: "posts", body: { ...message.body, heads } });
  };
  const start = world.clock.monotonic();
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 5);
  assert.ok(world.clock.monotonic() - start < 500);
  await world.stop();
});

Deno.test("An author at a new address is found though the old one is remembered", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  await world.clock.drive(carol.sync.fetch(alice.self));
  await alice.stop();
  const moved = await world.add("alice", { device: 1, stores: alice.stores });
  alice.announced = false;
  moved.lists.merge({ list: "followers", ...carol.self, updatedAt: 1, present: true });
  await moved.write(3);
  alice.publicHeads = moved.heads;
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 8);
  await world.stop();
});

Deno.test("Fetches of the same author at the same time are one", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  let wants = 0;
  world.network.onFrame = ({ frame }) => {
    if (readFrame(frame).kind === "want") wants++;
    return frame;
  };
  await world.clock.drive(
    Promise.all(Array.from({ length: 10 }, () => carol.sync.fetch(alice.self))),
  );
  assert.equal(wants, 1);
  await world.stop();
});

Deno.test("Whoever no longer waits is let go, and the fetch goes on", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  const controller = new AbortController();
  const fetching = carol.sync.fetch(alice.self, controller.signal);
  controller.abort(new Error("not waiting"));
  await assert.rejects(fetching, /not waiting/);
  await assert.rejects(carol.sync.fetch(alice.self, controller.signal), /not waiting/);
  await world.until(() => carol.events.length === 5, 2_000);
  assert.equal(await count(carol, alice), 5);
  await world.stop();
});

Deno.test("Posts lost on the way are asked for again", async () => {
  const { world, alice, carol } = await scene({ posts: 2_600, followers: 0 });
  let answers = 0;
  world.network.onFrame = ({ from, frame }) => {
    if (from.ip !== alice.ip) return frame;
    answers++;
    return answers % 3 === 2 ? undefined : frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 2_600);
  assert.ok(answers > 7);
  await world.stop();
});

Deno.test("What the lifespan no longer wants is not fetched, and the fetch is complete without it", async () => {
  const world = new MessageWorld();
  const alice = await world.add("alice");
  const bob = await world.add("bob", { lifespanMs: 600_000 });
  await alice.write(900, 3_600_000);
  await alice.write(4);
  world.follow(bob, alice);
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.equal(await count(bob, alice), 4);
  // All of it has become too old by now, and only bob is left to ask.
  await world.clock.advance(700_000);
  await alice.stop();
  const carol = await world.add("carol", { lifespanMs: 600_000 });
  world.follow(carol, alice);
  const start = world.clock.monotonic();
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.ok(world.clock.monotonic() - start < 500);
  assert.equal(await count(carol, alice), 0);
  assert.equal((await carol.store.feeds("alice"))[0]?.floor, 904);
  await world.stop();
});

Deno.test("Two hundred followed users with 20 missed posts each are complete within 4 s", async () => {
  const world = new MessageWorld();
  const reader = await world.add("reader");
  const authors: TestUser[] = [];
  for (let i = 0; i < 200; i++) {
    const author = await world.add(`author${i}`);
    world.follow(reader, author);
    await author.write(20);
    authors.push(author);
  }
  const start = world.clock.monotonic();
  await world.clock.drive(reader.sync.rejoin());
  assert.ok(world.clock.monotonic() - start < 4_000);
  assert.equal(await reader.store.countPosts(), 4_000);
  assert.equal(authors.length, 200);
  await world.stop();
});

Deno.test("The end of the session ends every fetch and leaves no timer of it", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 3 });
  world.network.setSilent(alice.ip, true);
  const fetching = carol.sync.fetch(alice.self);
  await world.clock.advance(700);
  await carol.stop();
  await world.clock.drive(fetching);
  await world.clock.advance(60_000);
  assert.equal(carol.clock.pending, 0);
  await world.stop();
});

Deno.test("Unfollowing ends the fetch", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 20 });
  for (const user of [alice, ...fellows]) world.network.setSilent(user.ip, true);
  const fetching = carol.sync.fetch(alice.self);
  await world.clock.advance(1_600);
  carol.lists.merge({ list: "following", ...alice.self, updatedAt: 2, present: false });
  const start = world.clock.monotonic();
  await world.clock.drive(fetching);
  assert.ok(world.clock.monotonic() - start < 600);
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.ok(world.clock.monotonic() - start < 600);
  await world.stop();
});

Deno.test("A fetch that has everything waits for no look-up that still goes on", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 6 });
  await alice.stop();
  alice.announced = false;
  // Alice's devices, carol's own and those of one fellow are looked up quickly, all others slowly.
  let quick = 3;
  const lookUp = world.lookUp.bind(world);
  world.lookUp = (kind, signal) =>
    kind === "devices" && quick-- <= 0 ? delay(world.clock, 20_000, signal) : lookUp(kind, signal);
  const start = world.clock.monotonic();
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 5);
  assert.ok(world.clock.monotonic() - start < 500);
  await world.stop();
});

Deno.test("What is nowhere is asked for again after 30 s, and each time twice as late", async () => {
  const { world, alice, carol } = await scene({ posts: 0, followers: 1 });
  await alice.stop();
  alice.publicHeads = [{ device: 1, head: 3 }];
  const times: number[] = [];
  world.network.onFrame = ({ from, frame }) => {
    if (from.ip === carol.ip && readFrame(frame).kind === "want") {
      times.push(world.clock.monotonic());
    }
    return frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  // Heads are compared for the first time after four and a half minutes at the earliest.
  await world.clock.advance(265_000);
  const waits = times.slice(1).map((time, i) => Math.floor((time - (times[i] ?? 0)) / 1_000));
  assert.deepEqual(waits.map((seconds) => Math.floor(seconds / 10)), [3, 6, 12]);
  await world.stop();
});

Deno.test("An author who is announced and does not answer is asked again a few times, whatever is public", async () => {
  for (const isInAfterMs of [4_000, Infinity]) {
    const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
    // Her last heads are not published yet.
    alice.publicHeads = [];
    let asked = 0;
    world.network.onFrame = ({ to, frame }) => {
      if (to.ip !== alice.ip) return frame;
      asked++;
      return world.clock.monotonic() < isInAfterMs ? undefined : frame;
    };
    await world.clock.drive(carol.sync.fetch(alice.self));
    assert.equal(await count(carol, alice), 0);
    await world.clock.advance(12_000);
    assert.equal(await count(carol, alice), isInAfterMs === Infinity ? 0 : 5);
    await world.clock.advance(240_000);
    assert.ok(asked <= 5, `${asked} questions`);
    await world.stop();
  }
});

Deno.test("An author at home is asked again as soon as it says hello, while the first run goes on or later", async () => {
  for (const helloAfterMs of [500, 8_000]) {
    const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
    alice.publicHeads = [{ device: 1, head: 5 }];
    // No router lets anything in to alice yet.
    let isIn = false;
    world.network.onFrame = ({ to, frame }) => isIn || to.ip !== alice.ip ? frame : undefined;
    const fetched = carol.sync.fetch(alice.self);
    await world.clock.advance(helloAfterMs);
    isIn = true;
    await world.clock.drive(alice.greeter.greet(carol.self));
    const posts = () => carol.events.filter(({ event }) => event === "post").length;
    assert.ok(await world.until(() => posts() === 5, 5_000));
    await world.clock.drive(fetched);
    await world.stop();
  }
});

Deno.test("Attack: an author says hello all the time and promises posts that are nowhere, and is asked ever later", async () => {
  const { world, alice, carol } = await scene({ posts: 0, followers: 1 });
  alice.publicHeads = [{ device: 1, head: 3 }];
  let wants = 0;
  world.network.onFrame = ({ from, to, frame }) => {
    if (from.ip === carol.ip && to.ip !== alice.ip && readFrame(frame).kind === "want") wants++;
    return to.ip === alice.ip ? undefined : frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  for (let second = 0; second < 200; second++) {
    await world.clock.drive(alice.greeter.greet(carol.self));
    await world.clock.advance(1_000);
  }
  assert.ok(wants >= 5 && wants <= 20, `${wants}`);
  await world.stop();
});

Deno.test("Those who were heard of are asked before other followers", async () => {
  const { world, alice, carol, fellows } = await scene({ posts: 5, followers: 20 });
  await alice.stop();
  const heard = [fellows[7], fellows[13]].filter((fellow) => fellow !== undefined);
  const body = { device: 1, heads: [], connections: new Uint8Array() };
  for (const fellow of heard) {
    fellow.throw(carol, fellow.frame(carol.self, { kind: "hello", body }));
  }
  await world.clock.advance(1_000);
  const mute = new Set(fellows.map((fellow) => fellow.ip));
  const asked = watchWants(world);
  const watch = world.network.onFrame;
  world.network.onFrame = (transit) => {
    const frame = watch(transit);
    return mute.has(transit.to.ip) ? undefined : frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  const first = Math.min(...asked.values());
  for (const { ip } of heard) assert.ok((asked.get(ip) ?? NaN) - first < 100, `${[...asked]}`);
  assert.ok(asked.size >= 9);
  await world.stop();
});

Deno.test("Of an author's devices four are asked", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  for (let device = 2; device <= 6; device++) await world.add("alice", { device });
  for (const device of [alice, ...alice.siblings]) await device.stop();
  const probed: (number | undefined)[] = [];
  const probe = carol.links.probe.bind(carol.links);
  carol.links.probe = (target, ...more) => {
    probed.push(alice.siblings.concat(alice).find(({ ip }) => target.addresses[0] === ip)?.device);
    return probe(target, ...more);
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.deepEqual(probed, [1, 2, 3, 4]);
  await world.stop();
});

Deno.test("An author whose answer comes too late for the fetch is not asked again", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  alice.publicHeads = [];
  const read = alice.store.feeds.bind(alice.store);
  alice.store.feeds = async (author) => {
    await delay(world.clock, 3_000);
    return await read(author);
  };
  let asked = 0;
  world.network.onFrame = ({ to, frame }) => {
    if (to.ip === alice.ip && readFrame(frame).kind === "want") asked++;
    return frame;
  };
  await world.clock.drive(carol.sync.fetch(alice.self));
  assert.equal(await count(carol, alice), 0);
  await world.clock.advance(3_000);
  assert.deepEqual([await count(carol, alice), asked], [5, 1]);
  await world.clock.advance(200_000);
  assert.equal(asked, 1);
  await world.stop();
});

Deno.test("An author who is unfollowed during a fetch and followed again at once is fetched", async () => {
  const { world, alice, carol } = await scene({ posts: 5, followers: 0 });
  const first = carol.sync.fetch(alice.self);
  await world.clock.advance(3);
  const entry = { list: "following" as const, ...alice.self };
  carol.lists.merge({ ...entry, updatedAt: 2, present: false });
  carol.lists.merge({ ...entry, updatedAt: 3, present: true });
  await world.clock.drive(Promise.all([first, carol.sync.fetch(alice.self)]));
  assert.equal(await count(carol, alice), 5);
  await world.stop();
});
