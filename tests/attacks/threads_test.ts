/** Attacks with threads: on disk, look-ups, names, and on the peers that serve them. */

import assert from "node:assert/strict";
import { conversationBounds } from "../../core/conversation_store.ts";
import { threadLookUpsMax } from "../../core/conversations/thread_intake.ts";
import { postsLookedAtMax, stepsMax } from "../../core/conversations/thread_run.ts";
import type { MessageOf } from "../../core/messages/kinds/mod.ts";
import { type Post, type PostContent, type PostName, signPost } from "../../core/model/post.ts";
import { nextSnowflake } from "../../core/model/snowflake.ts";
import { threadPostsMax } from "../../core/model/thread.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";
import { identityOf } from "../sim/users.ts";

const liar = identityOf("liar");

/** Posts that a liar signs in the names of others, each later than the one before. */
class Forger {
  #at: bigint;

  constructor(root: PostName) {
    this.#at = root.id;
  }

  forge(author: string, more: Partial<PostContent>): Post {
    const id = this.#at = nextSnowflake(this.#at, 0, 1);
    return signPost({ author, device: 1, number: 7, id, text: "buy", ...more }, liar);
  }
}

/** Frank, who opens a thread of alice's, whose peer answers with what `step` gives, and never ends. */
async function opened(name: string, step: (root: Post, forger: Forger) => Post[]) {
  const world = new MessageWorld(name);
  const [alice, frank] = await world.addAll("alice", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const forger = new Forger(root);
  let steps = 0;
  let first = new Uint8Array();
  alice.conversations.threads.asked = ({ id, from, body }: MessageOf<"thread">) => {
    if (body.token === undefined) first = new Uint8Array(id);
    steps++;
    const posts = step(root, forger).map(({ signed }) => signed);
    const answer = { inReplyTo: first, root: body.root, posts, more: world.random.bytes(16) };
    void alice.messenger.send({ kind: "replies", to: from, body: answer });
  };
  const name_ = { author: root.author, id: root.id.toString() };
  let isDone = false;
  frank.conversations.threads.open(name_, (post) => post).catch(() => {}).finally(() =>
    isDone = true
  );
  assert.ok(await world.until(() => isDone));
  await world.clock.advance(20_000);
  const kept = await frank.store.conversations.contextThread(root);
  return { world, alice, frank, root, kept, steps: () => steps };
}

Deno.test("Attack: a thread of strangers' replies without end is asked for, looked at and kept within bounds", async () => {
  let count = 0;
  const { world, kept, steps } = await opened(
    "endless",
    (root, forger) =>
      Array.from(
        { length: 200 },
        () => forger.forge(`name_${count++}`, { replyTo: { author: root.author, id: root.id } }),
      ),
  );
  assert.ok(steps() <= stepsMax, `${steps()} steps`);
  assert.ok(count <= postsLookedAtMax + 400, `${count} posts`);
  assert.ok(kept.length <= threadPostsMax, `${kept.length} kept`);
  assert.ok(kept.length <= conversationBounds.contextOfThread);
  assert.ok(world.lookUps.find <= threadLookUpsMax + 8, `${world.lookUps.find} look-ups`);
  await world.stop();
});

Deno.test("Attack: answers that bring the same again and again, or posts of no thread, are given up", async () => {
  const same = await opened("the same", (root) => [root]);
  assert.ok(same.steps() <= 6, `${same.steps()} steps`);
  await same.world.stop();
  const other = { author: "bob", id: 5n };
  const foreign = await opened(
    "foreign",
    (_, forger) => Array.from({ length: 20 }, () => forger.forge("bob", { replyTo: other })),
  );
  assert.equal(foreign.steps(), 1);
  assert.deepEqual(foreign.kept, []);
  await foreign.world.stop();
});

Deno.test("Attack: replies that were not asked for change nothing", async () => {
  const world = new MessageWorld("unasked");
  const [alice, mallory] = await world.addAll("alice", "mallory");
  const [root] = await alice.write(1);
  assert.ok(root);
  const { author, id } = root;
  const content = { author: "mallory", device: 1, number: 1, id: nextSnowflake(id, 0, 1) };
  const own = signPost({ ...content, text: "buy", replyTo: { author, id } }, mallory.identity);
  for (const inReplyTo of [new Uint8Array(16), world.random.bytes(16)]) {
    const body = { inReplyTo, root: { author, id }, posts: [own.signed] };
    alice.receive(mallory.frame(alice.self, { kind: "replies", body }));
    await world.clock.advance(1_000);
  }
  assert.deepEqual(await alice.store.conversations.contextThread(root), []);
  await world.stop();
});

Deno.test("Attack: strangers ask for a thread 2,000 times in a second, and 120 of these are answered", async () => {
  const world = new MessageWorld("asked without end");
  const [alice, ...others] = await world.addAll("alice", "mallory", "mallory_2", "mallory_3");
  const [root] = await alice.write(1);
  assert.ok(root);
  let read = 0;
  const { store } = alice;
  const thread = store.thread.bind(store);
  store.thread = (query) => {
    read++;
    return thread(query);
  };
  const ask = (user: TestUser, device: number) => {
    const name = { author: root.author, id: root.id };
    const connections = user.connections.value;
    const body = { root: name, had: [], device, connections };
    alice.receive(user.frame(alice.self, { kind: "thread", body }));
  };
  for (let n = 0; n < 2_000; n++) {
    const user = others[n % others.length];
    if (user !== undefined) ask(user, 1);
    if (n % 100 === 99) await world.clock.advance(50);
  }
  await world.clock.advance(5_000);
  assert.ok(read > 0 && read <= 130, `${read} threads read`);
  await world.stop();
});

Deno.test("Attack: a thread is served without the posts of blocked users", async () => {
  const world = new MessageWorld("blocked");
  const [alice, bob, frank] = await world.addAll("alice", "bob", "frank");
  const [root] = await alice.write(1);
  assert.ok(root);
  const { author, id } = root;
  await bob.say("spam", { replyTo: { author, id } });
  await world.clock.advance(3_000);
  assert.equal((await alice.store.conversations.contextThread(root)).length, 1);
  alice.isBlocked = ({ username }) => username === "bob";
  const view = frank.conversations.threads.open({ author, id: id.toString() }, (post) => post);
  let posts = 0;
  view.then((it) => posts = it.posts.length);
  assert.ok(await world.until(() => posts > 0));
  assert.equal(posts, 1);
  await world.stop();
});
