import assert from "node:assert/strict";
import { readFrame } from "../../../core/messages/frame.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";
import { treeLimits } from "../../../core/timeline/tree_draw.ts";

/** Small enough that a tree of two levels comes about with few followers. */
const limits = {
  followersMin: 20,
  forwardsMax: 16,
  branchFollowers: 6,
  limbBranches: 4,
  limbCandidates: 8,
  messagesMax: 60,
};

async function crowd(count: number, seed = 1, treeOf = limits) {
  const world = new MessageWorld(seed);
  world.treeLimits = treeOf;
  const author = await world.add("author");
  const followers: TestUser[] = [];
  for (let i = 0; i < count; i++) followers.push(await world.add(`user${i}`));
  for (const follower of followers) world.follow(follower, author);
  /** Frames by the sender's address, the kind, and whether they went up or down the tree. */
  const sent = new Map<string, number>();
  world.network.onFrame = ({ from, frame }) => {
    const { kind } = readFrame(frame);
    sent.set(`${from.ip} ${kind}`, (sent.get(`${from.ip} ${kind}`) ?? 0) + 1);
    return frame;
  };
  const count_ = (user: TestUser, kind: string) => sent.get(`${user.ip} ${kind}`) ?? 0;
  return { world, author, followers, sent: count_ };
}

/** Users who have been told of so many posts. */
function having(users: readonly TestUser[], posts = 1): number {
  return users.filter(({ events }) => {
    return events.filter(({ event }) => event === "post").length >= posts;
  }).length;
}

/** Waits until these users have so many posts; says how many have. */
async function told(world: MessageWorld, users: readonly TestUser[], posts: number, ms: number) {
  await world.until(() => having(users, posts) === users.length, ms);
  return having(users, posts);
}

Deno.test("A tree of two levels reaches all followers, who are told by two", async () => {
  const { world, author, followers, sent } = await crowd(60);
  await author.post();
  assert.equal(await told(world, followers, 1, 2_000), 60);
  await world.clock.advance(10_000);
  const spreads = followers.filter((user) => sent(user, "spread") > 0).length;
  assert.ok(sent(author, "spread") > 0 && sent(author, "spread") <= 2 * 6 * 2);
  assert.ok(spreads > 0, "there is a second level");
  const passed = followers.reduce((sum, user) => sum + sent(user, "posts"), 0);
  assert.ok(passed > 60 && passed <= 120, `${passed} copies`);
  assert.ok(sent(author, "posts") + sent(author, "spread") <= limits.messagesMax);
  for (const user of followers) {
    assert.ok(sent(user, "posts") + sent(user, "spread") <= limits.forwardsMax);
  }
  // Where two posts go down the same tree their orders differ by the posts alone.
  for (let post = 2; post <= 8; post++) {
    await author.post();
    assert.equal(await told(world, followers, post, 2_000), 60, `post ${post}`);
    await world.clock.advance(3_000);
  }
  await world.stop();
});

Deno.test("With no more followers than one row of relays reaches there is no tree", async () => {
  const { world, author, followers, sent } = await crowd(20);
  await author.post();
  assert.equal(await told(world, followers, 1, 2_000), 20);
  assert.equal(sent(author, "spread"), 0);
  assert.equal(treeLimits.followersMin, 8_192);
  await world.stop();
});

Deno.test("Relays that are gone or hang, on both levels, are replaced", async () => {
  const { world, author, followers } = await crowd(60, 2);
  const online: TestUser[] = [];
  for (const [i, follower] of followers.entries()) {
    if (i % 4 === 0) follower.announced = false;
    else if (i % 4 === 1) world.network.setSilent(follower.ip, true);
    else online.push(follower);
  }
  await author.post();
  assert.equal(await told(world, online, 1, 15_000), online.length);
  await world.stop();
});

Deno.test("Relays that acknowledge and do nothing lose their place", async () => {
  const { world, author, followers } = await crowd(60, 3);
  const liars = followers.filter((_, i) => i % 5 === 0);
  let lies = 0;
  for (const liar of liars) {
    liar.delivery.ordered = ({ id, from }) => {
      lies++;
      const { signal } = new AbortController();
      liar.messenger.send({ kind: "ack", to: from, body: { id } }, signal).catch(() => {});
    };
  }
  const post = async () => {
    lies = 0;
    await author.post();
    await world.clock.advance(8_000);
    return lies;
  };
  const first = await post();
  assert.ok(first > 0);
  for (let i = 0; i < 8; i++) await post();
  const last = await post();
  assert.ok(last < first / 2, `${first} orders went to liars at first, ${last} at last`);
  const missed = followers.length - having(followers, 10);
  await author.post();
  assert.equal(await told(world, followers, 1, 2_000), 60);
  assert.ok(missed <= 20, `${missed}`);
  await world.stop();
});

Deno.test("A follower who has just come is told directly, and one who has gone is not told", async () => {
  const { world, author, followers, sent } = await crowd(30, 4);
  await author.post();
  assert.equal(await told(world, followers, 1, 2_000), 30);
  const late = await world.add("late_one");
  const updatedAt = Math.floor(world.clock.now());
  late.enlist("following", author);
  author.lists.merge({ list: "followers", ...late.self, updatedAt, present: true });
  const [gone] = followers as [TestUser];
  author.lists.merge({ list: "followers", ...gone.self, updatedAt, present: false });
  await author.post();
  assert.equal(await told(world, [late], 1, 2_000), 1);
  await world.clock.advance(5_000);
  assert.ok(sent(author, "posts") > 0);
  await world.stop();
});
