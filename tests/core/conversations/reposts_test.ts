import assert from "node:assert/strict";
import { type Post, type PostName, signPost } from "../../../core/model/post.ts";
import { idAt } from "../../storage/posts.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** The world and its users, of whom none knows another. */
async function strangers<const N extends readonly string[]>(...names: N) {
  const world = new MessageWorld(names.join(" "));
  return { world, users: await world.addAll(...names) };
}

/** Has a user's peer take reposts back as a whole peer does; the posts that it took back. */
function withdrawing(user: TestUser): PostName[] {
  const taken: PostName[] = [];
  user.conversations.reposts.withdraw = async (name) => {
    const post = await user.store.findPost(name);
    if (post === undefined) return;
    taken.push(name);
    await user.takeBack(post);
  };
  return taken;
}

async function untilTakenBack(user: TestUser, post: Post): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await user.store.conversations.isTakenBack(post)) return;
    await user.world.clock.advance(100);
  }
  assert.fail(`${user.username} has not heard of the delete`);
}

async function passedOn(user: TestUser, original: Post): Promise<Post> {
  const at = Math.floor(user.clock.now());
  await user.store.conversations.addContext([{ post: original, isConfirmed: true }], at);
  return await user.say("", { repostOf: original });
}

Deno.test("A delete reaches those who passed the post on, and the followers of these alone", async () => {
  const { world, users: [alice, bob, carol] } = await strangers("alice", "bob", "carol");
  world.follow(carol, bob);
  const taken = withdrawing(bob);
  const original = await alice.say("oh no");
  const other = await alice.say("fine");
  const repost = await passedOn(bob, original);
  const kept = await passedOn(bob, other);
  assert.ok(await world.until(() => bob.conversations.outgoing.size === 0));
  assert.deepEqual(await carol.store.timeline({ limit: 9 }), [kept, repost]);
  await alice.takeBack(original);
  await untilTakenBack(bob, original);
  await untilTakenBack(carol, repost);
  assert.deepEqual(taken.map(({ id }) => id), [repost.id]);
  assert.deepEqual(await carol.store.timeline({ limit: 9 }), [kept]);
  assert.equal(await carol.store.conversations.isTakenBack(original), false);
  await world.stop();
});

Deno.test("A repost that crossed with the delete is not told of, and its author hears of the delete", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const taken = withdrawing(bob);
  const original = await alice.say("oh no");
  await alice.takeBack(original);
  const repost = await passedOn(bob, original);
  await untilTakenBack(bob, original);
  assert.ok(await world.until(() => taken.length > 0));
  await untilTakenBack(bob, repost);
  assert.ok(
    await world.until(() =>
      bob.conversations.outgoing.size + alice.conversations.outgoing.size === 0
    ),
  );
  assert.deepEqual([await alice.told(), await alice.told("requests")], [[], []]);
  await world.stop();
});

Deno.test("Attack: a delete by another key takes no repost back", async () => {
  const { world, users: [alice, bob, mallory] } = await strangers("alice", "bob", "mallory");
  const taken = withdrawing(bob);
  const original = await alice.say("fine");
  const repost = await passedOn(bob, original);
  const { device, number } = original;
  const forged = signPost({
    ...{ author: "alice", device, number: 7, id: idAt(1), text: "" },
    deletes: { device, number },
  }, mallory.identity);
  bob.conversations.reposts.takenBack(forged);
  // The same of mallory's own feed names another post.
  bob.conversations.reposts.takenBack({ ...forged, author: "mallory" });
  await world.clock.advance(60_000);
  assert.deepEqual(taken, []);
  assert.deepEqual(await bob.store.findPost(repost), repost);
  await world.stop();
});

Deno.test("A peer that was killed between a delete and its repost takes the repost back after the next start", async () => {
  const { world, users: [alice, bob] } = await strangers("alice", "bob");
  const original = await alice.say("oh no");
  const repost = await passedOn(bob, original);
  await alice.takeBack(original);
  await untilTakenBack(bob, original);
  assert.deepEqual(await bob.store.findPost(repost), repost);
  await bob.stop();
  const started = bob.start();
  await started;
  const taken = withdrawing(bob);
  bob.conversations.reposts.start();
  assert.ok(await world.until(() => taken.length > 0));
  await untilTakenBack(bob, repost);
  await world.stop();
});

Deno.test("At most a hundred users are told that what they passed on is taken back, those who did so last", async () => {
  const { world, users: [alice] } = await strangers("alice");
  const original = await alice.say("oh no");
  for (let i = 0; i < 103; i++) {
    const from = `user_${i}`;
    const repost = signPost({
      ...{ author: from, device: 1, number: 1, id: original.id + BigInt(i + 1), text: "" },
      repostOf: original,
    }, alice.identity);
    const { author, id } = repost;
    await alice.store.conversations.notify({
      ...{ list: "notifications", kind: "repost", from, at: i, post: { author, id } },
    }, { context: repost });
  }
  const [users] = await alice.conversations.reposts.repostersOf([original]);
  assert.equal(users?.length, 100);
  assert.deepEqual([users?.[0], users?.at(-1)], ["user_102", "user_3"]);
  await world.stop();
});
