import assert from "node:assert/strict";
import { type Post, type PostContent, type PostName, signPost } from "../../../core/model/post.ts";
import { nextSnowflake } from "../../../core/model/snowflake.ts";
import type { PostView, ThreadView } from "../../../core/api.ts";
import { identityOf } from "../../sim/users.ts";
import { threadLookUpsMax } from "../../../core/conversations/thread_intake.ts";
import { equalBytes } from "../../../core/model/bytes.ts";
import type { MessageBodyOf } from "../../../core/messages/kinds/mod.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

const everything = (post: PostView) => post;

function nameOf({ author, id }: PostName): PostName {
  return { author, id };
}

async function open(
  user: TestUser,
  { author, id }: PostName,
  local?: boolean,
): Promise<ThreadView> {
  const name = { author, id: id.toString() };
  let view: ThreadView | Error | undefined;
  user.conversations.threads.open(name, everything, local).then(
    (it) => view = it,
    (error) => view = error,
  );
  assert.ok(await user.world.until(() => view !== undefined, 60_000));
  if (view instanceof Error) throw view;
  assert.ok(view);
  return view;
}

function texts({ posts }: ThreadView): string[] {
  return posts.map(({ text, verified }) => verified ? text : `${text}?`);
}

/** Replies to the first post, and each after the first to the one before. */
async function chain(root: Post, ...users: TestUser[]): Promise<Post[]> {
  const posts = [root];
  for (const user of users) {
    const to = posts.at(-1) as Post;
    const more = to === root ? {} : { root: nameOf(root) };
    posts.push(await user.say(`says ${user.username}`, { replyTo: nameOf(to), ...more }));
    await user.world.clock.advance(50);
  }
  return posts;
}

/** Waits until a user's database has a post. */
async function has(user: TestUser, ...posts: Post[]): Promise<void> {
  const { store } = user;
  for (let i = 0; i < 300; i++) {
    const here = await Promise.all(
      posts.map(async (post) =>
        await store.findPost(post) ?? await store.conversations.contextPost(post)
      ),
    );
    if (!here.includes(undefined)) return;
    await user.world.clock.advance(100);
  }
  assert.fail(`${user.username} lacks a post`);
}

/** A post of a user's name under any key. */
function forge(author: string, by: string, at: bigint, more: Partial<PostContent>): Post {
  const id = nextSnowflake(at, 0, 1);
  const content = { author, device: 1, number: 77, id, text: `forged as ${author}`, ...more };
  return signPost(content, identityOf(by));
}

Deno.test("A thread over six people, one of them offline, is complete at a stranger who opens it", async () => {
  const world = new MessageWorld("six people");
  const [alice, bob, carol, dave, erin, frank] = await world.addAll(
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
  );
  const [root] = await alice.write(1);
  assert.ok(root);
  const posts = await chain(root, bob, carol, dave, erin);
  await has(alice, ...posts);
  await carol.stop();
  const view = await open(frank, root);
  assert.deepEqual(texts(view), [
    "alice 1",
    "says bob",
    "says carol",
    "says dave",
    "says erin",
  ]);
  assert.equal(view.missing, 0);
  // The replies are kept, and a reply names the thread as well as its first post does.
  const again = await open(frank, posts[3] as Post, true);
  assert.deepEqual(again.posts.map(({ id }) => id), view.posts.map(({ id }) => id));
  assert.deepEqual(await frank.conversations.threads.replyCounts(posts), [1, 1, 1, 1, 0]);
  await world.stop();
});

Deno.test("A reply that is not here leads to its thread", async () => {
  const world = new MessageWorld("by a reply");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const [, reply] = await chain(root, bob);
  assert.ok(reply);
  await has(alice, reply);
  const view = await open(frank, reply);
  assert.deepEqual(texts(view), ["alice 1", "says bob"]);
  assert.deepEqual(view.root, { author: "alice", id: root.id.toString() });
  await world.stop();
});

Deno.test("Where the author of a thread is offline, followers of that user serve what they have", async () => {
  const world = new MessageWorld("followers");
  const [alice, bob, carol, frank] = await world.addAll("alice", "bob", "carol", "frank");
  world.follow(carol, alice, bob);
  const root = await alice.say("hello");
  const [, reply] = await chain(root, bob);
  assert.ok(reply);
  await has(carol, root, reply);
  await alice.stop();
  alice.announced = false;
  const view = await open(frank, root);
  assert.deepEqual(texts(view), ["hello", "says bob"]);
  await world.stop();
});

Deno.test("A thread that no user has is refused, and one whose beginning is missing is shown", async () => {
  const world = new MessageWorld("missing");
  const [alice, bob] = await world.addAll("alice", "bob");
  const root = alice.make(1);
  await assert.rejects(open(bob, root), { code: "unknown_post" });
  await bob.say("to what?", { replyTo: nameOf(root) });
  const view = await open(bob, root);
  assert.deepEqual([texts(view), view.missing], [["to what?"], 1]);
  await assert.rejects(
    bob.conversations.threads.open({ author: "alice", id: "x" }, everything),
    { code: "invalid_argument" },
  );
  await world.stop();
});

Deno.test("Replies under keys that are not the names' are marked while that is unknown, and dropped when it is known", async () => {
  const world = new MessageWorld("liars");
  const [alice, , frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const replyTo = nameOf(root);
  const ghost = forge("ghost", "ghost", root.id, { replyTo });
  const forged = forge("bob", "mallory", root.id, { replyTo });
  const unsigned = forge("bob", "bob", root.id + 4096n, { replyTo });
  const broken = {
    ...unsigned,
    signed: unsigned.signed.with(-1, (unsigned.signed.at(-1) ?? 0) ^ 1),
  };
  const foreign = forge("bob", "bob", root.id + 8192n, { replyTo: nameOf(forged) });
  // A liar keeps what honest peers would not.
  const lies = [ghost, forged, broken, foreign].map((post) => ({ post, isConfirmed: true }));
  await alice.store.conversations.addContext(lies, 1);
  const view = await open(frank, root);
  assert.deepEqual(texts(view), ["alice 1"]);
  assert.equal(await frank.store.conversations.contextPost(broken), undefined);
  assert.equal(await frank.store.conversations.contextPost(foreign), undefined);
  await world.stop();
});

Deno.test("A reply that is here is shown with a mark, and no longer once its name is pinned to another key", async () => {
  const world = new MessageWorld("pinned later");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const forged = forge("bob", "mallory", root.id, { replyTo: nameOf(root) });
  await frank.store.conversations.addContext([{ post: forged, isConfirmed: false }], 1);
  const before = await open(frank, root, true);
  assert.deepEqual([texts(before), before.missing], [["forged as bob?"], 1]);
  // By their names those come that are here, with the same mark.
  const named = async (shown = (post: PostView): PostView | undefined => post) => {
    const names = [root, forged].map(({ author, id }) => ({ author, id: id.toString() }));
    return (await frank.conversations.threads.named(names, shown)).map((post) => post.verified);
  };
  assert.deepEqual(await named(), [false]);
  assert.deepEqual(await named(() => undefined), []);
  world.follow(frank, bob);
  assert.deepEqual(await named(), []);
  await assert.rejects(open(frank, root, true), { code: "unknown_post" });
  await world.stop();
});

Deno.test("What its author took back goes from opened threads, and does not come back by an old answer", async () => {
  const world = new MessageWorld("deletes");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const [, reply] = await chain(root, bob);
  assert.ok(reply);
  await has(alice, reply);
  assert.deepEqual(texts(await open(frank, root)), ["alice 1", "says bob"]);
  const { device, number } = reply;
  const by = forge("bob", "bob", reply.id, { text: "", deletes: { device, number } });
  await alice.store.conversations.addContext([{ post: by, isConfirmed: true }], 2);
  await world.clock.advance(10_000);
  assert.deepEqual(texts(await open(frank, root)), ["alice 1"]);
  // Another peer that has not heard of it serves the post still.
  await alice.store.conversations.dropContext([by]);
  await alice.store.conversations.addContext([{ post: reply, isConfirmed: true }], 3);
  await world.clock.advance(10_000);
  assert.deepEqual(texts(await open(frank, root)), ["alice 1"]);
  await world.stop();
});

Deno.test("An open thread is told of what was taken back, a stranger's post and a followed user's, once", async () => {
  const world = new MessageWorld("deletes alone");
  const [alice, bob, carol, frank] = await world.addAll("alice", "bob", "carol", "frank");
  world.follow(frank, carol);
  const root = await alice.say("hello");
  const [, reply, other] = await chain(root, bob, carol);
  assert.ok(reply && other);
  await has(alice, reply, other);
  assert.equal((await open(frank, root)).posts.length, 3);
  await carol.stop();
  for (const { author, id, device, number } of [reply, other]) {
    const by = forge(author, author, id, { text: "", deletes: { device, number } });
    await alice.store.conversations.addContext([{ post: by, isConfirmed: true }], 2);
    for (const wanted of [1, 0]) {
      await world.clock.advance(20_000);
      frank.events.length = 0;
      await open(frank, root);
      assert.equal(frank.events.filter(({ event }) => event === "thread").length, wanted, author);
    }
  }
  assert.deepEqual(texts(await open(frank, root)), ["hello"]);
  await world.stop();
});

Deno.test("Posts of a thread that their authors take back go from it: own ones, a stranger's, a followed user's", async () => {
  const world = new MessageWorld("taken back");
  const [alice, bob, carol, frank] = await world.addAll("alice", "bob", "carol", "frank");
  world.follow(alice, carol);
  const root = await alice.say("hello");
  const replyTo = nameOf(root);
  const replies = [];
  for (const user of [alice, bob, carol]) {
    replies.push({ user, post: await user.say(`says ${user.username}`, { replyTo }) });
    await world.clock.advance(50);
  }
  await has(alice, ...replies.map(({ post }) => post));
  const all = ["says alice", "says bob", "says carol"];
  assert.deepEqual(texts(await open(frank, root)), ["hello", ...all]);
  for (const { user, post } of replies) {
    await user.takeBack(post);
    await world.clock.advance(10_000);
    assert.ok(!texts(await open(frank, root)).includes(`says ${user.username}`), user.username);
  }
  assert.deepEqual(texts(await open(frank, root)), ["hello"]);
  await world.stop();
});

Deno.test("A delete that another key signed removes nothing from a thread", async () => {
  const world = new MessageWorld("forged deletes");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const [, reply] = await chain(root, bob);
  assert.ok(reply);
  await has(alice, reply);
  await open(frank, root);
  const { device, number } = reply;
  const by = forge("bob", "mallory", reply.id, { text: "", deletes: { device, number } });
  await alice.store.conversations.addContext(
    [{ post: by, isConfirmed: true, thread: nameOf(root) }],
    2,
  );
  await world.clock.advance(10_000);
  assert.deepEqual(texts(await open(frank, root)), ["alice 1", "says bob"]);
  await world.stop();
});

Deno.test("A thread of 200 replies by 50 users whom the reader does not know comes within two seconds", async () => {
  const world = new MessageWorld("long thread");
  const [alice, frank] = await world.addAll("alice", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const replyTo = nameOf(root);
  let at = root.id;
  const replies = [];
  for (let i = 0; i < 200; i++) {
    const author = `user_${i % 50}`;
    if (i < 50) await world.add(author);
    const post = forge(author, author, at, { replyTo, number: 1 + Math.floor(i / 50) });
    at = post.id;
    replies.push({ post, isConfirmed: true });
  }
  await alice.store.conversations.addContext(replies, 1);
  const startMs = world.clock.now();
  const view = await open(frank, root);
  assert.ok(world.clock.now() - startMs <= 2_100);
  assert.equal(view.posts.length, 201);
  assert.ok(view.posts.every(({ verified }) => verified === true));
  await world.stop();
});

Deno.test("An answer that comes seconds late is taken, also once the thread is asked for anew", async () => {
  const world = new MessageWorld("late");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const [, reply] = await chain(root, bob);
  assert.ok(reply);
  await has(alice, reply);
  const late = Promise.withResolvers<void>();
  const never = new Promise<void>(() => {});
  let first: Uint8Array | undefined;
  const { send } = alice.messenger;
  alice.messenger.send = (async (...args: Parameters<typeof send>) => {
    const [order] = args;
    if (order.kind === "replies") {
      const { inReplyTo } = order.body as MessageBodyOf["replies"];
      first ??= inReplyTo;
      await (equalBytes(first, inReplyTo) ? late.promise : never);
    }
    return await send.apply(alice.messenger, args);
  }) as typeof send;
  await assert.rejects(open(frank, root), { code: "unknown_post" });
  assert.ok(first);
  await world.clock.advance(5_000);
  await assert.rejects(open(frank, root), { code: "unknown_post" });
  late.resolve();
  await has(frank, root, reply);
  await world.stop();
});

Deno.test("A reply under a key that is known not to be the name's is served to no asker", async () => {
  const world = new MessageWorld("not served");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const forged = forge("bob", "mallory", root.id, { replyTo: nameOf(root) });
  await alice.store.conversations.addContext([{ post: forged, isConfirmed: false }], 1);
  world.follow(alice, bob);
  const served: number[] = [];
  const { send } = alice.messenger;
  alice.messenger.send = ((...args: Parameters<typeof send>) => {
    const [order] = args;
    if (order.kind === "replies") {
      served.push((order.body as MessageBodyOf["replies"]).posts.length);
    }
    return send.apply(alice.messenger, args);
  }) as typeof send;
  await open(frank, root);
  assert.deepEqual(served, [1]);
  await world.stop();
});

Deno.test("A name is looked up for a thread's sake a bounded number of times, and posts beyond are marked", async () => {
  const world = new MessageWorld("look-ups");
  const [alice, frank] = await world.addAll("alice", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const replyTo = nameOf(root);
  let at = root.id;
  const replies = [];
  for (let i = 0; i < threadLookUpsMax + 6; i++) {
    await world.add(`user_${i}`);
    const post = forge(`user_${i}`, `user_${i}`, at, { replyTo });
    at = post.id;
    replies.push({ post, isConfirmed: true });
  }
  await alice.store.conversations.addContext(replies, 1);
  const before = world.lookUps.find;
  await open(frank, root);
  await world.clock.advance(10_000);
  const view = await open(frank, root);
  const marked = view.posts.filter(({ verified }) => !verified);
  assert.deepEqual([view.posts.length, marked.length], [replies.length + 1, 7]);
  // The author of the first post counts among the names; finding where that user is does not.
  assert.ok(world.lookUps.find - before <= threadLookUpsMax + 3);
  await world.stop();
});
