import assert from "node:assert/strict";
import type { SearchQuery } from "../../../core/model/search_query.ts";
import { searchPosts } from "../../../core/timeline/search.ts";
import { postView } from "../../../core/session/views.ts";
import { idAt, postAt } from "../../storage/posts.ts";
import { MemoryStores } from "../../sim/memory_store.ts";

/** A database in memory with five posts about tea, of which the third is shown to no one. */
async function parts() {
  const store = await new MemoryStores().open("alice");
  await store.addPosts(
    "bob",
    [1, 2, 3, 4, 5].map((number) => postAt({ author: "bob", number, text: `tea ${number}` })),
  );
  const queries: [SearchQuery, number][] = [];
  let ms = 1000;
  return {
    queries,
    store: {
      search: (query: SearchQuery, limit: number) => {
        queries.push([query, limit]);
        return store.search(query, limit);
      },
    },
    clock: { monotonic: () => ms += 7.25 },
    shown: <T extends { text: string }>(post: T) => post.text === "tea 3" ? undefined : post,
  };
}

Deno.test("A search shows posts as --json prints them, and how long it took", async () => {
  const { queries: _, ...search } = await parts();
  const { posts, took_ms, ...more } = await searchPosts(search, { query: "TEA", limit: 2 });
  assert.deepEqual(posts.map(({ text }) => text), ["tea 5", "tea 4"]);
  assert.equal(posts[0]?.id, String(idAt(5)));
  assert.ok(took_ms > 7 && took_ms < 8);
  assert.deepEqual(more, {});
});

Deno.test("A search goes on where posts are not shown, and ends where there are no more", async () => {
  const { queries, ...search } = await parts();
  const texts = async (query: string, limit: number, before?: bigint) => {
    const request = { query, limit, ...before === undefined ? {} : { before: String(before) } };
    return (await searchPosts(search, request)).posts.map(({ text }) => text);
  };
  assert.deepEqual(await texts("tea", 3), ["tea 5", "tea 4", "tea 2"]);
  assert.deepEqual(queries.map(([, limit]) => limit), [3, 100]);
  assert.deepEqual(await texts("tea", 9), ["tea 5", "tea 4", "tea 2", "tea 1"]);
  assert.deepEqual(await texts("tea", 9, idAt(4)), ["tea 2", "tea 1"]);
  assert.deepEqual(await texts("tea before:2026-01-01T00:00:02Z", 9, idAt(4)), ["tea 1"]);
  assert.deepEqual(await texts("tea sort:rank", 9), ["tea 5", "tea 4", "tea 2", "tea 1"]);
  assert.deepEqual(await texts("coffee", 9), []);
});

Deno.test("A search behind a long run of hidden posts reads many at a time, and shows no more than is asked for", async () => {
  const { clock } = await parts();
  const store = await new MemoryStores().open("alice");
  const all = Array.from(
    { length: 400 },
    (_, i) => postAt({ author: "bob", number: i + 1, text: "tea" }),
  );
  await store.addPosts("bob", all);
  let reads = 0;
  const search = (query: SearchQuery, limit: number) => {
    reads++;
    return store.search(query, limit);
  };
  const hides = ({ id }: { id: string }) => BigInt(id) > idAt(50) && BigInt(id) < idAt(400);
  const { posts, hidden } = await searchPosts({ clock, store: { search }, hides }, {
    query: "tea",
    limit: 2,
  });
  assert.deepEqual(posts.map(({ id }) => id), [idAt(400), idAt(50)].map(String));
  assert.deepEqual([hidden, reads], [349, 5]);
});

Deno.test("A search tells what share of the posts it knows", async () => {
  const { clock, shown } = await parts();
  const store = { search: () => Promise.resolve({ posts: [], indexed: 0.5 }) };
  assert.equal((await searchPosts({ store, clock, shown }, { query: "x", limit: 1 })).indexed, 0.5);
});

Deno.test("A search marks what is outside the timeline, and counts what mutes hide apart from what is not shown", async () => {
  const { queries: _, shown, ...search } = await parts();
  const store = await new MemoryStores().open("alice");
  await store.addPosts(
    "bob",
    [1, 3, 5].map((number) => postAt({ author: "bob", number, text: `tea ${number}` })),
  );
  const outside = ["dave", "erin"].map((author) => postAt({ author, number: 4, text: "tea" }));
  await store.conversations.addContext(
    outside.map((post) => ({ post, isConfirmed: true })),
    Date.UTC(2026, 0, 1),
  );
  const { posts, hidden } = await searchPosts({
    ...search,
    store,
    shown,
    hides: ({ text }) => text === "tea 1",
    shownOutside: (post) =>
      post.author === "erin" ? undefined : { ...postView(post), verified: true },
  }, { query: "tea", limit: 9 });
  assert.deepEqual(
    posts.map(({ author, text, outside, verified }) => [author, text, outside, verified]),
    [["bob", "tea 5", undefined, undefined], ["dave", "tea", true, true]],
  );
  assert.equal(hidden, 1);
});

Deno.test("A search that cannot be is refused", async () => {
  const { queries, ...search } = await parts();
  const refused = (request: { query: string; limit: number; before?: string }) =>
    assert.rejects(searchPosts(search, request), { code: "invalid_argument", message: /search/ });
  for (const limit of [0, 1_001, 1.5]) await refused({ query: "tea", limit });
  for (const before of ["", "x", "-1"]) await refused({ query: "tea", limit: 1, before });
  for (const query of ["", "*", "x".repeat(1_001), "since:noon"]) {
    await refused({ query, limit: 1 });
  }
  assert.deepEqual(queries, []);
});
