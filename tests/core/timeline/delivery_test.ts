import assert from "node:assert/strict";
import type { KindName } from "../../../core/messages/kinds/mod.ts";
import { readFrame, readFrameBody } from "../../../core/messages/frame.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** An author with so many followers. */
async function crowd(
  count: number,
  seed = 1,
): Promise<{ world: MessageWorld; author: TestUser; followers: TestUser[] }> {
  const world = new MessageWorld(seed);
  const author = await world.add("author");
  const followers: TestUser[] = [];
  for (let i = 0; i < count; i++) {
    const follower = await world.add(`user${i}`);
    world.follow(follower, author);
    followers.push(follower);
  }
  return { world, author, followers };
}

/** Counts frames by sender's address and kind. */
function countFrames(world: MessageWorld): (from: TestUser, kind: KindName) => number {
  const counts = new Map<string, number>();
  world.network.onFrame = ({ from, frame }) => {
    const name = `${from.ip} ${readFrame(frame).kind}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return frame;
  };
  return (from, kind) => counts.get(`${from.ip} ${kind}`) ?? 0;
}

/** Users who have been told of so many posts. */
function having(users: readonly TestUser[], posts = 1): number {
  return users.filter((user) => {
    return user.events.filter(({ event }) => event === "post").length >= posts;
  }).length;
}

Deno.test("Pushing neither waits nor fails, and posts made quickly travel together", async () => {
  const { world, author, followers } = await crowd(3);
  const sent = countFrames(world);
  const posts = await author.write(50);
  for (const post of posts) author.delivery.push(post, Promise.resolve());
  await world.until(() => having(followers, 50) === 3, 5_000);
  assert.ok(sent(author, "posts") <= 12, `${sent(author, "posts")} messages`);
  await world.clock.drive(author.delivery.settled());
  await world.stop();
});

Deno.test("Followers who are gone, and look-ups that take long, delay nobody", async () => {
  const { world, author, followers } = await crowd(60);
  for (const [i, follower] of followers.entries()) {
    if (i % 3 === 0) world.network.setSilent(follower.ip, true);
    if (i % 3 === 1) follower.announced = false;
  }
  world.lookUpMs = 2_000;
  const online = followers.filter((_, i) => i % 3 === 2);
  await author.post();
  await world.until(() => having(online) === 20, 3_000);
  assert.equal(having(online), 20);
  const start = world.clock.monotonic();
  await author.post();
  await world.until(() => having(online, 2) === 20, 3_000);
  assert.ok(world.clock.monotonic() - start < 50, "known devices are not looked up again");
  await world.stop();
});

Deno.test("Users found gone are not looked up for every post", async () => {
  const { world, author, followers } = await crowd(20);
  for (const follower of followers) follower.announced = false;
  for (let i = 0; i < 10; i++) {
    await author.post();
    await world.clock.advance(500);
  }
  assert.ok(world.lookUps.devices <= 2 * 21, `${world.lookUps.devices} look-ups`);
  await world.stop();
});

Deno.test("Nothing leaves before the commit is done, and nothing if it fails", async () => {
  for (const count of [3, 30]) {
    const { world, author, followers } = await crowd(count);
    const [lost, kept] = await author.write(2);
    assert.ok(lost && kept);
    const sent = countFrames(world);
    const failed = Promise.withResolvers<void>();
    author.delivery.push(lost, failed.promise);
    await world.clock.advance(1_000);
    assert.equal(sent(author, "posts"), 0);
    failed.reject(new Error("disk"));
    await world.clock.advance(1_000);
    assert.equal(sent(author, "posts"), 0);
    const done = Promise.withResolvers<void>();
    author.delivery.push(kept, done.promise);
    await world.clock.advance(1_000);
    assert.equal(sent(author, "posts"), 0);
    done.resolve();
    await world.until(() => having(followers) === count, 1_000);
    assert.equal(sent(author, "posts"), count);
    await world.stop();
  }
});

Deno.test("A user who follows while a post is being committed has it, and the others have it once", async () => {
  const { world, author, followers } = await crowd(2);
  const late = await world.add("late");
  const [post] = await author.write(1);
  assert.ok(post);
  const sent = countFrames(world);
  const done = Promise.withResolvers<void>();
  author.delivery.push(post, done.promise);
  world.follow(late, author);
  done.resolve();
  await world.until(() => having([...followers, late]) === 3, 1_000);
  assert.equal(having([...followers, late]), 3);
  assert.equal(sent(author, "posts"), 3);
  await world.stop();
});

Deno.test("A follower who comes while a post is being committed has it", async () => {
  for (const isKnownGone of [false, true]) {
    const { world, author, followers } = await crowd(2);
    const [late] = followers;
    assert.ok(late);
    late.announced = false;
    if (isKnownGone) {
      await author.post();
      await world.clock.advance(100);
    }
    const post = author.make(isKnownGone ? 2 : 1);
    const done = Promise.withResolvers<void>();
    author.delivery.push(post, done.promise);
    await world.clock.advance(100);
    late.announced = true;
    await world.clock.drive(late.sync.rejoin());
    await author.store.addOwnPost(post);
    done.resolve();
    await world.until(() => having(followers, post.number) === 2, 1_000);
    assert.equal(having(followers, post.number), 2);
    await world.stop();
  }
});

Deno.test("A post that is not committed goes nowhere, also with others that came while it waited", async () => {
  const { world, author, followers } = await crowd(3);
  const [lost, kept, last] = await author.write(3);
  assert.ok(lost && kept && last);
  // All three wait for the look-up of the followers.
  world.lookUpMs = 500;
  const failed = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  author.delivery.push(lost, failed.promise);
  await world.clock.advance(10);
  author.delivery.push(kept, done.promise);
  await world.clock.advance(10);
  author.delivery.push(last, Promise.resolve());
  failed.reject(new Error("disk"));
  await world.clock.advance(2_000);
  done.resolve();
  await world.until(() => having(followers, 2) === 3, 1_000);
  for (const { events } of followers) {
    const texts = events.flatMap((event) => event.event === "post" ? [event.post.text] : []);
    assert.deepEqual(new Set(texts), new Set([kept.text, last.text]));
  }
  await world.stop();
});

Deno.test("With many followers nothing is sent before whoever posted has been told", async () => {
  const { world, author } = await crowd(30);
  const [post] = await author.write(1);
  assert.ok(post);
  const sent = countFrames(world);
  author.delivery.push(post, Promise.resolve());
  for (let i = 0; i < 100; i++) await Promise.resolve();
  assert.equal(sent(author, "posts"), 0);
  await world.until(() => sent(author, "posts") === 30, 1_000);
  await world.stop();
});

Deno.test("With up to 64 followers the author sends to each", async () => {
  const { world, author, followers } = await crowd(64);
  const sent = countFrames(world);
  await author.post();
  await world.until(() => having(followers) === 64, 1_000);
  assert.equal(sent(author, "posts"), 64);
  assert.equal(followers.reduce((sum, user) => sum + sent(user, "posts"), 0), 0);
  await world.stop();
});

Deno.test("With a thousand followers the author sends to 64, and the last has it within a second", async () => {
  const { world, author, followers } = await crowd(1_000);
  const sent = countFrames(world);
  const start = world.clock.monotonic();
  await author.post();
  await world.until(() => having(followers) === 1_000, 5_000);
  assert.equal(having(followers), 1_000);
  assert.ok(world.clock.monotonic() - start < 600);
  assert.equal(sent(author, "posts"), 64);
  const passed = () => followers.reduce((sum, user) => sum + sent(user, "posts"), 0);
  assert.equal(passed(), 936, "second copies keep no first one waiting");
  await world.clock.advance(start + 950 - world.clock.monotonic());
  assert.equal(sent(author, "posts"), 64, "no follower is asked while the crowd opens its links");
  await world.clock.advance(5_000);
  assert.ok(sent(author, "posts") > 2 * 64, "two copies, and some are asked");
  const most = Math.max(...followers.map((user) => sent(user, "posts")));
  assert.ok(most <= 80, `a relay sent ${most}`);
  assert.equal(passed(), 2 * 936, "each is told by two");
  await world.stop();
});

Deno.test("Once relays have passed three posts on, few followers are asked", async () => {
  const { world, author, followers } = await crowd(200);
  const asked: number[] = [];
  world.network.onFrame = ({ from, frame }) => {
    const message = readFrameBody(readFrame(frame));
    const isQuestion = from.ip === author.ip && message.kind === "posts" &&
      message.body.relay.some(({ username }) => username === message.to.username);
    if (isQuestion) asked[asked.length - 1] = (asked.at(-1) ?? 0) + 1;
    return frame;
  };
  for (let post = 1; post <= 5; post++) {
    asked.push(0);
    await author.post();
    await world.clock.advance(6_000);
  }
  assert.equal(having(followers, 5), 200);
  assert.deepEqual(asked, [136, 136, 136, 16, 16]);
  await world.stop();
});

Deno.test("Relays that are gone, hang or do nothing are replaced", async () => {
  const { world, author, followers } = await crowd(300);
  const online: TestUser[] = [];
  for (const [i, follower] of followers.entries()) {
    if (i % 4 === 0) follower.announced = false;
    else if (i % 4 === 1) world.network.setSilent(follower.ip, true);
    // A relay that takes the post and neither passes it on nor says so.
    else if (i % 4 === 2) follower.delivery.took = () => {};
    if (i % 4 > 1) online.push(follower);
  }
  const sent = countFrames(world);
  await author.post();
  await world.until(() => having(online) === online.length, 10_000);
  assert.equal(having(online), online.length);
  assert.ok(sent(author, "posts") <= 64 * 5, `${sent(author, "posts")} messages`);
  // The next one finds its relays among those who have shown that they live.
  const start = world.clock.monotonic();
  await author.post();
  await world.until(() => having(online, 2) === online.length, 10_000);
  assert.ok(world.clock.monotonic() - start < 1_500);
  await world.stop();
});

Deno.test("Where most relays fall silent after clean posts, all others have the next one in 5 s", async () => {
  const { world, author, followers } = await crowd(300);
  for (let post = 1; post <= 3; post++) {
    await author.post();
    await world.clock.advance(6_000);
  }
  assert.equal(having(followers, 3), 300);
  // The author has heard all of them a moment ago, so it is they whom it takes for relays.
  for (const [i, follower] of followers.entries()) {
    if (i % 5 > 1) world.network.setSilent(follower.ip, true);
  }
  const online = followers.filter((_, i) => i % 5 <= 1);
  await author.post();
  await world.until(() => having(online, 4) === online.length, 5_000);
  assert.equal(having(online, 4), online.length);
  await world.stop();
});

Deno.test("Where fourteen of fifteen followers are silent, nearly all of the others get the post", async () => {
  const { world, author, followers } = await crowd(900);
  const online = followers.filter((_, i) => i % 15 === 0);
  for (const follower of followers) {
    if (!online.includes(follower)) world.network.setSilent(follower.ip, true);
  }
  await author.post();
  await world.clock.advance(12_000);
  // 17 had it where all silent relays were replaced at once, and 50 where they were for 3.6 s.
  assert.ok(having(online) >= 53, `${having(online)} of 60`);
  await world.stop();
});

Deno.test("Most followers being offline, those who are not still get the post", async () => {
  const { world, author, followers } = await crowd(400);
  const online = followers.filter((_, i) => i % 20 === 0);
  for (const follower of followers) follower.announced = online.includes(follower);
  await author.post();
  await world.until(() => having(online) === 20, 10_000);
  assert.equal(having(online), 20);
  await world.stop();
});

Deno.test("A post that reaches some followers in no way is made good for when heads are compared", async () => {
  const { world, author, followers } = await crowd(150, 3);
  const cutOff = new Set(followers.slice(0, 20).map(({ ip }) => ip));
  world.network.onFrame = ({ to, frame }) => cutOff.has(to.ip) ? undefined : frame;
  await author.post();
  await world.clock.advance(10_000);
  assert.equal(having(followers), 130);
  world.network.onFrame = ({ frame }) => frame;
  await world.clock.advance(25 * 60_000);
  assert.equal(having(followers), 150);
  await world.stop();
});

Deno.test("Only the author of a followed feed can have posts passed on", async () => {
  const { world, author, followers } = await crowd(3);
  const [one, two, three] = followers as [TestUser, TestUser, TestUser];
  const stranger = await world.add("stranger");
  const sent = countFrames(world);
  const post = author.make(1);
  const body = {
    author: author.self,
    posts: [post.signed],

    heads: [],
    relay: [two.self, three.self],
  };
  // A fellow follower asks, then a stranger for a post of its own.
  two.throw(one, two.frame(one.self, { kind: "posts", body }));
  const own = { ...body, author: stranger.self, posts: [stranger.make(1).signed] };
  stranger.throw(one, stranger.frame(one.self, { kind: "posts", body: own }));
  await world.clock.advance(2_000);
  assert.equal(sent(one, "posts"), 0);
  assert.equal(having([one]), 1);
  // A forged post is not passed on though its author's name asks for it.
  const forged = new Uint8Array(post.signed);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const bad = { ...body, posts: [forged] };
  author.throw(one, author.frame(one.self, { kind: "posts", body: bad }));
  await world.clock.advance(2_000);
  assert.equal(sent(one, "posts"), 0);
  author.throw(one, author.frame(one.self, { kind: "posts", body }));
  await world.until(() => having([two, three]) === 2, 2_000);
  await world.clock.advance(1_000);
  assert.equal(sent(one, "posts"), 2);
  assert.equal(sent(one, "ack"), 1);
  await world.stop();
});

Deno.test("A relay passes on so much a second and no more", async () => {
  const { world, author, followers } = await crowd(1);
  const [relay] = followers as [TestUser];
  const sent = countFrames(world);
  const share = Array.from({ length: 256 }, (_, i) => ({
    username: `nobody${i}`,
    key: author.self.key,
  }));
  for (let i = 1; i <= 40; i++) {
    const body = {
      author: author.self,
      posts: [author.make(1).signed],

      heads: [],
      relay: share,
    };
    author.throw(relay, author.frame(relay.self, { kind: "posts", body }));
  }
  await world.clock.advance(1_000);
  assert.ok(sent(relay, "ack") <= 10, `${sent(relay, "ack")}`);
  await world.stop();
});

Deno.test("Posts made during a burst reach a crowd completely", async () => {
  const { world, author, followers } = await crowd(100);
  for (let i = 0; i < 100; i++) {
    await author.post();
    if (i % 20 === 0) await world.clock.advance(20);
  }
  await world.until(() => having(followers, 100) === 100, 60_000);
  assert.equal(having(followers, 100), 100);
  await world.stop();
});
