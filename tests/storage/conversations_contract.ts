/**
 * What holds for every `ConversationStore`: run on the one on disk and on the one of the simulation.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type ConversationBounds,
  conversationBounds,
  type HeldMention,
  type NewNotification,
} from "../../core/conversation_store.ts";
import type { Post, PostName } from "../../core/model/post.ts";
import type { Store } from "../../core/ports.ts";
import { idAt, postAt } from "./posts.ts";

/** Small enough to be reached soon. */
export const testBounds: ConversationBounds = {
  ...conversationBounds,
  notifications: 12,
  requests: 10,
  context: 6,
  contextOfOne: 4,
  contextOfThread: 3,
  contextBytes: 1_350,
};

const { contextMs } = conversationBounds;

/** Declares a test of a fresh store. */
export type DeclareStore = (sentence: string, run: (store: Store) => Promise<void>) => void;

function told(from: string, over: Partial<NewNotification> = {}): NewNotification {
  return { list: "notifications", kind: "follow", from, at: 1, ...over };
}

/** Declares the suite's tests. */
export function testConversations(test: DeclareStore): void {
  testMentions(test);
  testContext(test);
  testNotifications(test);
}

function testMentions(test: DeclareStore): void {
  test("store commits an own post together with those to whom it is on its way", async (store) => {
    const { conversations } = store;
    const [first, second] = [1, 2].map((number) => postAt({ author: "alice", number }));
    assert.ok(first && second);
    await store.addOwnPost(first, ["carol", "bob"]);
    await store.addOwnPost(second, ["bob"]);
    const pending = (to: string, { id, number }: Post, holders: string[] = []) => ({
      to,
      id,
      number,
      holders,
    });
    const all = [pending("bob", first), pending("carol", first), pending("bob", second)];
    assert.deepEqual(await conversations.pendingMentions(), all);
    await conversations.putHolders(pending("carol", first, ["dave"]));
    await conversations.dropPendingMention({ to: "bob", id: first.id });
    await conversations.putHolders(pending("bob", first, ["dave"]));
    assert.deepEqual(
      await conversations.pendingMentions(),
      [pending("carol", first, ["dave"]), pending("bob", second)],
    );
  });

  test("store holds posts for others until they are released", async (store) => {
    const { conversations } = store;
    const hold = (user: string, number: number, at: number): HeldMention => ({
      for: user,
      post: postAt({ author: "carol", number }),
      by: "ab".repeat(32),
      at,
    });
    const held = [hold("bob", 1, 20), hold("bob", 2, 10), hold("dave", 1, 30)];
    for (const one of held) await conversations.hold(one);
    for (const one of held) await conversations.hold(one);
    assert.equal((await conversations.held()).length, 3);
    assert.deepEqual(
      (await conversations.heldFor("bob")).map(({ at }) => at).sort(),
      [10, 20],
    );
    await conversations.release({ for: "bob", author: "carol", id: idAt(1) });
    assert.deepEqual(await conversations.heldFor("bob"), [held[1]]);
    assert.deepEqual(await conversations.heldFor("dave"), [held[2]]);
  });
}

function testContext(test: DeclareStore): void {
  test("store keeps posts outside the timeline, each once, until they are dropped", async (store) => {
    const { conversations } = store;
    const post = postAt({ author: "carol", number: 3 });
    await keep(store, post, 10);
    await keep(store, post, 20);
    assert.deepEqual(await conversations.contextPost(post), post);
    assert.deepEqual(await store.timeline({ limit: 5 }), []);
    await conversations.dropContext([{ author: "carol", id: idAt(4) }]);
    assert.deepEqual(await conversations.contextPost(post), post);
    await conversations.dropContext([post]);
    assert.equal(await conversations.contextPost(post), undefined);
    assert.deepEqual(await conversations.contextThread(post), []);
  });

  test("store keeps a bounded number of posts outside the timeline, of one author too", async (store) => {
    const { conversations } = store;
    const isThere = async (post: Post) => await conversations.contextPost(post) !== undefined;
    const carols = [1, 2, 3, 4, 5].map((number) => postAt({ author: "carol", number }));
    for (const [at, post] of carols.entries()) await keep(store, post, at);
    const kept = await Promise.all(carols.map(isThere));
    assert.deepEqual(kept, [false, true, true, true, true]);
    for (const [n, author] of ["dave", "erin", "frank", "grace"].entries()) {
      await keep(store, postAt({ author, number: 1 }), 10 + n);
    }
    const left = await Promise.all(carols.map(isThere));
    assert.deepEqual(left, [false, false, false, true, true]);
    const long = postAt({ author: "heidi", number: 1, text: "x".repeat(500) });
    const longer = postAt({ author: "heidi", number: 2, text: "x".repeat(500) });
    await keep(store, long, 20);
    await keep(store, longer, 21);
    assert.equal(await isThere(postAt({ author: "grace", number: 1 })), false);
    assert.deepEqual([await isThere(long), await isThere(longer)], [true, true]);
  });

  test("store drops what has been outside the timeline for too long", async (store) => {
    const { conversations } = store;
    const [old, young, late] = [1, 2, 3].map((number) => postAt({ author: "carol", number }));
    assert.ok(old && young && late);
    await keep(store, old, 1_000);
    await keep(store, young, 2_000);
    await keep(store, late, 2_000 + contextMs);
    assert.equal(await conversations.contextPost(old), undefined);
    assert.deepEqual(await conversations.contextPost(young), young);
  });

  test("store finds what is outside the timeline by its thread, and counts replies", async (store) => {
    const { conversations } = store;
    const root = postAt({ author: "carol", number: 1 });
    const first = postAt({ author: "dave", number: 2, replyTo: nameOf(root) });
    const nested = postAt({
      author: "erin",
      number: 3,
      replyTo: nameOf(first),
      root: nameOf(root),
    });
    const other = postAt({ author: "frank", number: 4 });
    for (const [at, post] of [other, nested, root, first].entries()) await keep(store, post, at);
    assert.deepEqual(await conversations.contextThread(root), [root, first, nested]);
    assert.deepEqual(await conversations.contextThread(first), []);
    assert.deepEqual(await conversations.contextReplies([root, first, nested]), [1, 1, 0]);
    await conversations.dropContext([first]);
    assert.deepEqual(await conversations.contextThread(root), [root, nested]);
    assert.deepEqual(await conversations.contextReplies([root, first]), [0, 1]);
  });

  test("store keeps the newest replies of a thread, and its first post", async (store) => {
    const { conversations } = store;
    const root = postAt({ author: "carol", number: 1 });
    const replies = [2, 3, 4, 5].map((number) =>
      postAt({ author: `user${number}`, number, replyTo: nameOf(root) })
    );
    const [oldest, ...newest] = replies;
    assert.ok(oldest);
    await keep(store, root, 1);
    for (const post of newest) await keep(store, post, 2);
    await keep(store, oldest, 3);
    assert.deepEqual(await conversations.contextThread(root), [root, ...newest]);
    const newer = postAt({ author: "erin", number: 9, replyTo: nameOf(root) });
    await keep(store, newer, 4);
    assert.deepEqual(await conversations.contextThread(root), [root, ...newest.slice(1), newer]);
  });

  test("store keeps out of threads what its author has taken back, before and after it came", async (store) => {
    const { conversations } = store;
    const root = postAt({ author: "carol", number: 1 });
    const [first, second] = [2, 3].map((number) =>
      postAt({ author: "dave", number, replyTo: nameOf(root) })
    );
    assert.ok(first && second);
    const [takesFirst, takesSecond] = [first, second].map(({ device, number }) =>
      postAt({ author: "dave", number: number + 10, text: "", deletes: { device, number } })
    );
    assert.ok(takesFirst && takesSecond);
    await keep(store, first, 1);
    assert.equal(await conversations.isTakenBack(first), false);
    await keep(store, takesFirst, 2);
    assert.deepEqual(await conversations.contextThread(root), [takesFirst]);
    assert.equal(await conversations.contextPost(takesFirst), undefined);
    assert.equal(await conversations.isTakenBack(first), true);
    const delay = { post: takesSecond, isConfirmed: true, onlyForThread: true };
    await conversations.addContext([delay], 3);
    assert.equal(await conversations.isTakenBack(second), false);
    await conversations.addContext([{ ...delay, thread: nameOf(root) }], 3);
    await keep(store, first, 4);
    await keep(store, second, 5);
    assert.deepEqual(await conversations.contextThread(root), [takesFirst, takesSecond]);
    const told = { kind: "reply", from: "dave", at: 6, list: "notifications" } as const;
    await conversations.notify(told, { context: first });
    assert.equal(await conversations.contextPost(first), undefined);
  });

  test("store says how many of the posts outside the timeline are new", async (store) => {
    const { conversations } = store;
    const add = (at: number, ...posts: Post[]) =>
      conversations.addContext(posts.map((post) => ({ post, isConfirmed: true })), at);
    const root = postAt({ author: "carol", number: 1 });
    const [first, ...others] = [2, 3, 4, 5].map((number) =>
      postAt({ author: `user${number}`, number, replyTo: nameOf(root) })
    );
    assert.ok(first);
    assert.equal(await add(1, root, ...others), 4);
    // Beyond the bound of a thread the one with the lowest id goes, or does not come.
    assert.deepEqual([await add(2, root), await add(3, first)], [0, 0]);
    const deletes = { device: root.device, number: root.number };
    const by = postAt({ author: "carol", number: 9, text: "", deletes });
    assert.deepEqual([await add(4, by), await add(5, by), await add(6, root)], [1, 0, 0]);
  });

  test("store lets another key's delete and post change nothing unless that key is confirmed", async (store) => {
    const { conversations } = store;
    const post = postAt({ author: "carol", number: 1 });
    const deletes = { device: post.device, number: post.number };
    const forged = { author: "carol", as: "mallory" };
    await keep(store, post, 1);
    await keep(store, postAt({ ...forged, number: 9, text: "", deletes }), 2);
    assert.deepEqual(await conversations.contextPost(post), post);
    const other = postAt({ ...forged, number: 2, second: 1 });
    await conversations.addContext([{ post: other, isConfirmed: false }], 3);
    assert.deepEqual(await conversations.contextPost(post), post);
    await keep(store, other, 4);
    assert.deepEqual(await conversations.contextPost(post), other);
  });

  test("store keeps out of threads what a delete in the feed has taken back", async (store) => {
    const { conversations } = store;
    const posts = [1, 2].map((number) => postAt({ author: "carol", number }));
    const [first] = posts;
    assert.ok(first);
    const deletes = { device: first.device, number: first.number };
    const by = postAt({ author: "carol", number: 3, text: "", deletes });
    await store.addPosts("carol", [...posts, by]);
    assert.equal(await conversations.isTakenBack(first), true);
    await keep(store, first, 1);
    assert.equal(await conversations.contextPost(first), undefined);
  });
}

async function keep({ conversations }: Store, post: Post, at: number): Promise<void> {
  await conversations.addContext([{ post, isConfirmed: true }], at);
}

function nameOf({ author, id }: PostName): PostName {
  return { author, id };
}

function testNotifications(test: DeclareStore): void {
  test("store counts what the timeline has above a post, without one author's", async (store) => {
    for (const author of ["bob", "carol"]) {
      await store.addPosts(author, [1, 2, 3].map((number) => postAt({ author, number })));
    }
    const count = (than: bigint, limit = 9) => store.countNewer({ than, except: "bob", limit });
    assert.deepEqual(await Promise.all([0n, idAt(1), idAt(3)].map((id) => count(id))), [3, 2, 0]);
    assert.equal(await count(0n, 2), 2);
  });

  test("store keeps a notification once, with the post and the note of the same commit", async (store) => {
    const { conversations } = store;
    const post = postAt({ author: "carol", number: 1 });
    const { author, id } = post;
    const one = told("carol", { kind: "mention", list: "requests", post: { author, id }, at: 5 });
    const note = { name: "budget", value: new Uint8Array([1]) };
    assert.equal(await conversations.isNotified(one), false);
    const stored = await conversations.notify(one, { context: post, note });
    assert.deepEqual(stored, { ...one, number: stored?.number });
    assert.equal(await conversations.isNotified({ ...one, kind: "reply" }), true);
    const again = {
      context: postAt({ author: "carol", number: 2 }),
      note: { ...note, value: id16 },
    };
    assert.equal(await conversations.notify({ ...one, list: "notifications" }, again), undefined);
    assert.equal(await conversations.contextPost(again.context), undefined);
    assert.deepEqual(await store.getNote("budget"), note.value);
    assert.deepEqual(await conversations.contextPost(post), post);
    assert.deepEqual(await conversations.notifications({ list: "requests", limit: 9 }), [stored]);
    assert.deepEqual(await conversations.notifications({ list: "notifications", limit: 9 }), []);
  });

  test("store tells notifications newest first, each kind and message of a user once", async (store) => {
    const { conversations } = store;
    const security = (message: string) => told("bob", { kind: "security", message });
    for (const one of [told("bob"), security("a fork"), security("a clash"), told("carol")]) {
      assert.notEqual(await conversations.notify(one), undefined);
      assert.equal(await conversations.notify({ ...one, at: 7 }), undefined);
    }
    const all = await conversations.notifications({ list: "notifications", limit: 9 });
    assert.deepEqual(
      all.map(({ from, message }) => `${from} ${message ?? ""}`),
      ["carol ", "bob a clash", "bob a fork", "bob "],
    );
    const after = all[2]?.number ?? 0;
    const query = { list: "notifications", after, limit: 9 } as const;
    assert.deepEqual(await conversations.notifications(query), all.slice(0, 2));
    assert.deepEqual(await conversations.notifications({ ...query, limit: 1 }), all.slice(0, 1));
    const oldest = await conversations.notifications({ ...query, limit: 1, oldestFirst: true });
    assert.deepEqual(oldest, all.slice(1, 2));
  });

  test("store puts a user's requests aside, and they do not come again", async (store) => {
    const { conversations } = store;
    const request = (from: string, second: number) =>
      told(from, { kind: "mention", list: "requests", post: { author: from, id: idAt(second) } });
    for (const second of [1, 2]) await conversations.notify(request("carol", second));
    await conversations.notify(request("dave", 1));
    await conversations.putAside("requests", "carol");
    await conversations.putAside("requests", "carol");
    const left = await conversations.notifications({ list: "requests", limit: 9 });
    assert.deepEqual(left.map(({ from }) => from), ["dave"]);
    assert.equal(await conversations.notify(request("carol", 1)), undefined);
  });

  test("store keeps a bounded number of requests, and forgets the oldest", async (store) => {
    const { conversations } = store;
    const request = (n: number) => told(`user${n}`, { list: "requests" });
    await conversations.notify(told("bob"));
    for (let n = 0; n < testBounds.requests + 2; n++) await conversations.notify(request(n));
    const kept = await conversations.notifications({ list: "requests", limit: 99 });
    assert.equal(kept.length, testBounds.requests);
    assert.equal(kept.at(-1)?.from, "user2");
    assert.equal(await conversations.isNotified(request(1)), false);
    assert.equal(
      (await conversations.notifications({ list: "notifications", limit: 9 })).length,
      1,
    );
  });
}

const id16 = new Uint8Array(16);
