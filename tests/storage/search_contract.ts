/**
 * What holds for searches in every `Store`.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Store } from "../../core/ports.ts";
import type { Post, PostName } from "../../core/model/post.ts";
import { parseSearch } from "../../core/model/search_query.ts";
import { idAt, names, postAt } from "./posts.ts";

type Declare = (sentence: string, run: (store: Store) => Promise<void>) => void;

/** Author and number of each post that a query finds. */
export async function finds(store: Store, typed: string, limit = 100): Promise<string> {
  const { posts, indexed } = await store.search(parseSearch(typed), limit);
  assert.equal(indexed, undefined);
  return names(posts).join(", ");
}

function nameOf({ author, id }: Post): PostName {
  return { author, id };
}

/** Declares the tests. */
export function testSearch(test: Declare): void {
  test("store finds posts by words, phrases, beginnings, tags and names, newest first", async (store) => {
    const texts = [
      "Grüße an @carol",
      "hello big world",
      "world, big hello #Welt",
      "日本語を学ぶ 👍",
    ];
    const posts = texts.map((text, i) => postAt({ author: "bob", number: i + 1, text }));
    await store.addPosts("bob", posts);
    await store.addOwnPost(postAt({ author: "alice", number: 1, second: 9, text: "Hello worlds" }));
    assert.equal(await finds(store, "HELLO"), "alice 1, bob 3, bob 2");
    assert.equal(await finds(store, "hello", 2), "alice 1, bob 3");
    assert.equal(await finds(store, "hello big"), "bob 3, bob 2");
    assert.equal(await finds(store, '"big world"'), "bob 2");
    assert.equal(await finds(store, "wor*"), "alice 1, bob 3, bob 2");
    assert.equal(await finds(store, "world"), "bob 3, bob 2");
    assert.equal(await finds(store, "#welt"), "bob 3");
    assert.equal(await finds(store, "welt"), "bob 3");
    assert.equal(await finds(store, "@carol"), "bob 1");
    assert.equal(await finds(store, "GRUSSE"), "bob 1");
    for (const part of ["日本", "本語を", "ぶ", "学*", "👍"]) {
      assert.equal(await finds(store, part), "bob 4", part);
    }
    assert.equal(await finds(store, "日語"), "");
    assert.equal(await finds(store, "from:alice"), "alice 1");
    assert.equal(await finds(store, "from:alice from:bob hello"), "alice 1, bob 3, bob 2");
    assert.equal(await finds(store, "from:dave"), "");
    assert.equal(await finds(store, "bob"), "");
  });

  test("store takes each query as words, however hostile it is", async (store) => {
    const text = 'near a "b" AND NOT {x} : ^y * -z 100% ‮abc‬ 👨‍👩‍👧 مرحبا';
    await store.addPosts("bob", [postAt({ author: "bob", number: 1, text })]);
    for (
      const typed of [
        "near",
        '"a b',
        "a AND NOT",
        "{x} (y",
        "-z + *100",
        "abc",
        "مرحبا",
        "👨‍👩‍👧",
      ]
    ) {
      assert.equal(await finds(store, typed), "bob 1", typed);
    }
    for (const typed of ["NEAR(a c)", "terms:x", "x'; DROP TABLE posts; --", "a OR c", "b NOT c"]) {
      assert.equal(await finds(store, typed), "", typed);
    }
  });

  test("store finds posts from a time on and before another, and pages by id", async (store) => {
    const posts = [1, 2, 3, 4, 5].map((number) => postAt({ author: "bob", number, text: "tea" }));
    await store.addPosts("bob", posts);
    const since = new Date(Date.UTC(2026, 0, 1) + 3_000).toISOString();
    assert.equal(await finds(store, `since:${since}`), "bob 5, bob 4, bob 3");
    assert.equal(await finds(store, `before:${since} tea`), "bob 2, bob 1");
    assert.equal(await finds(store, `since:${since} before:${since}`), "");
    assert.equal(await finds(store, "before:1999-01-01"), "");
    const first = await store.search(parseSearch("tea"), 2);
    const before = first.posts.at(-1)?.id ?? 0n;
    const next = await store.search({ ...parseSearch("tea"), before }, 2);
    assert.deepEqual(names(next.posts), ["bob 3", "bob 2"]);
  });

  test("store ranks what it found where it is asked to", async (store) => {
    const texts = ["tea tea tea", "tea and more words than that", "tea"];
    await store.addPosts(
      "bob",
      texts.map((text, i) => postAt({ author: "bob", number: i + 1, text })),
    );
    assert.equal(await finds(store, "tea"), "bob 3, bob 2, bob 1");
    assert.equal(await finds(store, "tea sort:rank"), "bob 1, bob 3, bob 2");
    assert.equal(await finds(store, "tea sort:rank", 1), "bob 1");
  });

  test("store keeps posts of one id apart in what it finds", async (store) => {
    for (const author of ["dave", "bob", "carol"]) {
      const shape = { author, second: 5, text: `tea of ${author}` };
      await store.addPosts(author, [postAt({ ...shape, number: 2 })]);
    }
    await store.addPosts("erin", [postAt({ author: "erin", number: 1, second: 4, text: "tea" })]);
    assert.equal(await finds(store, "tea"), "dave 2, carol 2, bob 2, erin 1");
    assert.equal(await finds(store, "from:bob tea"), "bob 2");
    await store.removeAuthor("dave");
    assert.equal(await finds(store, "tea"), "carol 2, bob 2, erin 1");
    await store.removeAuthor("carol");
    assert.equal(await finds(store, "tea"), "bob 2, erin 1");
    const { posts } = await store.search({ ...parseSearch("tea"), before: idAt(5) }, 9);
    assert.deepEqual(names(posts), ["erin 1"]);
  });

  test("store finds nothing that was collected, unfollowed or taken back", async (store) => {
    for (const author of ["bob", "carol"]) {
      const posts = [1, 2, 3].map((number) => postAt({ author, number, text: "tea" }));
      await store.addPosts(author, posts);
    }
    await store.collect({ before: idAt(2, 0), keep: "carol", limit: 9 });
    assert.equal(await finds(store, "tea"), "carol 3, bob 3, carol 2, bob 2, carol 1");
    const target = { device: 1, number: 2 };
    await store.addPosts("bob", [postAt({ author: "bob", number: 4, deletes: target })]);
    assert.equal(await finds(store, "tea"), "carol 3, bob 3, carol 2, carol 1");
    await store.removeAuthor("carol");
    assert.equal(await finds(store, "tea"), "bob 3");
    assert.equal(await finds(store, "from:bob"), "bob 3");
    await store.addPosts("carol", [postAt({ author: "carol", number: 1, text: "tea" })]);
    assert.equal(await finds(store, "tea"), "bob 3, carol 1");
  });

  test("store finds a repost by what it passes on, until that is taken back", async (store) => {
    const original = postAt({ author: "carol", number: 1, text: "camellias" });
    await store.addPosts("bob", [postAt({ author: "bob", number: 2, repostOf: original })]);
    assert.equal(await finds(store, "camellias"), "bob 2");
    assert.equal(await finds(store, "camellias from:carol"), "");
    const deletes = { device: 1, number: 1 };
    await store.addPosts("carol", [original, postAt({ author: "carol", number: 2, deletes })]);
    assert.equal(await finds(store, "camellias"), "");
  });

  test("store has threads in order, a page at a time, and counts of replies", async (store) => {
    const root = nameOf(postAt({ author: "bob", number: 1 }));
    const other = nameOf(postAt({ author: "bob", number: 9 }));
    const first = nameOf(postAt({ author: "carol", number: 1, second: 2 }));
    await store.addPosts("bob", [
      postAt({ author: "bob", number: 1 }),
      postAt({ author: "bob", number: 2, second: 3, replyTo: first, root }),
      postAt({ author: "bob", number: 9 }),
    ]);
    await store.addPosts("carol", [
      postAt({ author: "carol", number: 1, second: 2, replyTo: root }),
      postAt({ author: "carol", number: 2, second: 3, replyTo: root }),
      postAt({ author: "carol", number: 3, second: 10, replyTo: other }),
    ]);
    const read = async (limit: number, before?: bigint) =>
      names(await store.thread({ root, limit, ...before === undefined ? {} : { before } }));
    assert.deepEqual(await read(9), ["carol 2", "bob 2", "carol 1", "bob 1"]);
    assert.deepEqual(await read(2), ["carol 2", "bob 2"]);
    assert.deepEqual(await read(3), ["carol 2", "bob 2", "carol 1"]);
    assert.deepEqual(await read(9, first.id), ["bob 1"]);
    assert.deepEqual(await read(9, root.id), []);
    assert.deepEqual(names(await store.thread({ root: first, limit: 9 })), ["carol 1"]);
    const unknown = { author: "nobody", id: 5n };
    assert.deepEqual(await store.thread({ root: unknown, limit: 9 }), []);
    assert.deepEqual(await store.replyCounts([root, first, other, unknown]), [2, 1, 1, 0]);
    await store.removeAuthor("carol");
    assert.deepEqual(await read(9), ["bob 2", "bob 1"]);
    assert.deepEqual(await store.replyCounts([root, first]), [0, 1]);
  });

  test("store finds posts outside the timeline too, marked, each once, and says so to the end", async (store) => {
    const at = Date.UTC(2026, 0, 1);
    const { conversations } = store;
    const said = (author: string, number: number, second = number) =>
      postAt({ author, number, second, text: `tea ${author}` });
    const keep = (...posts: Post[]) =>
      conversations.addContext(posts.map((post) => ({ post, isConfirmed: true })), at);
    const outside = async () => {
      const found = await store.search(parseSearch("tea"), 9);
      return names([...found.outside ?? []]).sort().join(", ");
    };
    await store.addPosts("bob", [said("bob", 2), said("bob", 4)]);
    await keep(said("dave", 1), said("dave", 3), said("erin", 5));
    assert.equal(await finds(store, "tea"), "erin 5, bob 4, dave 3, bob 2, dave 1");
    assert.equal(await outside(), "dave 1, dave 3, erin 5");
    assert.equal(await finds(store, "tea", 2), "erin 5, bob 4");
    assert.equal(await finds(store, "from:dave"), "dave 3, dave 1");
    const { posts } = await store.search({ ...parseSearch("tea"), before: idAt(4) }, 2);
    assert.deepEqual(names(posts), ["dave 3", "bob 2"]);
    assert.equal(await finds(store, "tea dave sort:rank"), "dave 3, dave 1");
    // What came after the first search, and what went.
    await keep(said("frank", 6));
    assert.equal(await finds(store, "frank"), "frank 6");
    await keep(postAt({ author: "dave", number: 7, deletes: { device: 1, number: 3 } }));
    await conversations.dropContext([said("erin", 5)]);
    assert.equal(await finds(store, "tea"), "frank 6, bob 4, bob 2, dave 1");
    await keep(...[8, 9, 10, 11].map((number) => said("frank", number)));
    assert.equal(await finds(store, "frank"), "frank 11, frank 10, frank 9, frank 8");
    // The feed has it now, too.
    await store.addPosts("dave", [said("dave", 1)]);
    assert.equal(await finds(store, "from:dave tea"), "dave 1");
    assert.doesNotMatch(await outside(), /dave/);
  });

  test("store finds another key's post of a name only while that is kept outside the timeline", async (store) => {
    const forged = postAt({ author: "dave", number: 1, text: "tea", as: "mallory" });
    const at = Date.UTC(2026, 0, 1);
    await store.conversations.addContext([{ post: forged, isConfirmed: false }], at);
    assert.equal(await finds(store, "tea"), "dave 1");
    const real = postAt({ author: "dave", number: 1, text: "coffee" });
    await store.conversations.addContext([{ post: real, isConfirmed: true }], at);
    assert.equal(await finds(store, "tea"), "");
    assert.equal(await finds(store, "coffee"), "dave 1");
  });

  test("store shows and finds no repost of what a delete outside the timeline takes back", async (store) => {
    const original = postAt({ author: "carol", number: 1, text: "camellias" });
    const repost = postAt({ author: "bob", number: 2, repostOf: original });
    const other = postAt({ author: "erin", number: 3, repostOf: original });
    const at = Date.UTC(2026, 0, 1);
    const { conversations } = store;
    await store.addPosts("bob", [repost]);
    await conversations.addContext([{ post: other, isConfirmed: true }], at);
    assert.equal(await finds(store, "camellias"), "erin 3, bob 2");
    const target = { device: 1, number: 1 };
    const forged = postAt({ author: "carol", number: 4, deletes: target, as: "mallory" });
    await conversations.addContext([{ post: forged, isConfirmed: false }], at);
    assert.equal(await finds(store, "camellias"), "erin 3, bob 2");
    const by = postAt({ author: "carol", number: 5, deletes: target });
    await conversations.addContext([{ post: by, isConfirmed: true }], at);
    assert.equal(await finds(store, "camellias"), "");
    assert.deepEqual(await store.timeline({ limit: 9 }), []);
  });
}
