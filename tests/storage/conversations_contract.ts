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
import { type Post, signPost } from "../../core/model/post.ts";
import type { Store } from "../../core/ports.ts";
import { identityOf } from "../sim/users.ts";
import { idAt, postAt } from "./posts.ts";

/** Small enough to be reached soon. */
export const testBounds: ConversationBounds = {
  ...conversationBounds,
  notifications: 12,
  requests: 10,
  context: 6,
  contextOfOne: 4,
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
    await conversations.addContext(post, 10);
    await conversations.addContext(post, 20);
    assert.deepEqual(await conversations.contextPost(post), post);
    assert.deepEqual(await store.timeline({ limit: 5 }), []);
    await conversations.dropContext("carol", { device: 1, number: 4 });
    assert.deepEqual(await conversations.contextPost(post), post);
    await conversations.dropContext("carol", { device: 1, number: 3 });
    assert.equal(await conversations.contextPost(post), undefined);
  });

  test("store knows which posts a delete outside the timeline takes back, and shows no delete", async (store) => {
    const { conversations } = store;
    const [post, other] = [3, 4].map((number) => postAt({ author: "carol", number }));
    assert.ok(post && other);
    const content = { author: "carol", device: 1, number: 9, id: idAt(9), text: "" };
    const deletes = { device: 1, number: 3 };
    await conversations.addContext(signPost({ ...content, deletes }, identityOf("carol")), 10);
    await conversations.dropContext("carol", { device: 1, number: 9 });
    assert.equal(await conversations.isTakenBack(post), true);
    assert.equal(await conversations.isTakenBack(other), false);
    assert.equal(await conversations.contextPost(content), undefined);
    await conversations.addContext(other, 10);
    assert.deepEqual(await conversations.contextPost(other), other);
  });

  test("store keeps a bounded number of posts outside the timeline, of one author too", async (store) => {
    const { conversations } = store;
    const isThere = async (post: Post) => await conversations.contextPost(post) !== undefined;
    const carols = [1, 2, 3, 4, 5].map((number) => postAt({ author: "carol", number }));
    for (const [at, post] of carols.entries()) await conversations.addContext(post, at);
    const kept = await Promise.all(carols.map(isThere));
    assert.deepEqual(kept, [false, true, true, true, true]);
    for (const [n, author] of ["dave", "erin", "frank", "grace"].entries()) {
      await conversations.addContext(postAt({ author, number: 1 }), 10 + n);
    }
    const left = await Promise.all(carols.map(isThere));
    assert.deepEqual(left, [false, false, false, true, true]);
    const long = postAt({ author: "heidi", number: 1, text: "x".repeat(500) });
    const longer = postAt({ author: "heidi", number: 2, text: "x".repeat(500) });
    await conversations.addContext(long, 20);
    await conversations.addContext(longer, 21);
    assert.equal(await isThere(postAt({ author: "grace", number: 1 })), false);
    assert.deepEqual([await isThere(long), await isThere(longer)], [true, true]);
  });

  test("store drops what has been outside the timeline for too long", async (store) => {
    const { conversations } = store;
    const [old, young, late] = [1, 2, 3].map((number) => postAt({ author: "carol", number }));
    assert.ok(old && young && late);
    await conversations.addContext(old, 1_000);
    await conversations.addContext(young, 2_000);
    await conversations.addContext(late, 2_000 + contextMs);
    assert.equal(await conversations.contextPost(old), undefined);
    assert.deepEqual(await conversations.contextPost(young), young);
  });
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
  });

  test("store puts a user's requests aside, and they do not come again", async (store) => {
    const { conversations } = store;
    const request = (from: string, second: number) =>
      told(from, { kind: "mention", list: "requests", post: { author: from, id: idAt(second) } });
    for (const second of [1, 2]) await conversations.notify(request("carol", second));
    await conversations.notify(request("dave", 1));
    assert.equal(await conversations.putAside("requests", "carol"), 2);
    assert.equal(await conversations.putAside("requests", "carol"), 0);
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
