import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { given } from "../../../core/model/arguments.ts";
import { signPost } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import type { TimelineQuery } from "../../../core/ports.ts";
import { readTimeline } from "../../../core/timeline/timeline.ts";
import { identityOf } from "../../sim/users.ts";

const timeMs = Date.UTC(2026, 0, 1, 12, 30, 15, 250);
const id = composeSnowflake({ timeMs, device: 7, sequence: 3 });
const post = signPost(
  {
    author: "bob",
    device: 7,
    number: 1,
    id,
    text: "\u001b[2Jhi",
    replyTo: { author: "carol", id: 9n },
  },
  identityOf("bob"),
);

function store() {
  const queries: TimelineQuery[] = [];
  return {
    queries,
    timeline: (query: TimelineQuery) => {
      queries.push(query);
      return Promise.resolve([post]);
    },
  };
}

Deno.test("A page of the timeline shows posts as --json prints them, the text untouched", async () => {
  const { queries, ...one } = store();
  assert.deepEqual((await readTimeline(one, { limit: 20 })).posts, [{
    id: String(id),
    author: "bob",
    text: "\u001b[2Jhi",
    created_at: "2026-01-01T12:30:15.250Z",
    reply_to: { author: "carol", id: "9" },
  }]);
  assert.deepEqual(queries, [{ limit: 20 }]);
});

Deno.test("Pages go on before an id, and can be one author's", async () => {
  const { queries, ...one } = store();
  await readTimeline(one, { limit: 1_000, before: "123", author: "Bob" });
  assert.deepEqual(queries, [{ limit: 1_000, before: 123n, author: "bob" }]);
});

Deno.test("A page after an id has the nearest posts above it, without those that are hidden", async () => {
  const at = (second: number) =>
    signPost({
      ...{ author: "bob", device: 7, number: second, text: String(second) },
      id: composeSnowflake({ timeMs: timeMs + 1000 * second, device: 7, sequence: 0 }),
    }, identityOf("bob"));
  const posts = [1, 2, 3, 4, 5, 6].map(at);
  const one = {
    timeline: ({ after = 0n, limit }: TimelineQuery) =>
      Promise.resolve(posts.filter(({ id }) => id > after).slice(0, limit).reverse()),
  };
  const shown = (view: PostView) => view.text === "2" ? undefined : view;
  const page = await readTimeline(one, { limit: 3, after: "1" }, { shown });
  assert.deepEqual(page.posts.map(({ text }) => text), ["4", "3", "1"]);
});

Deno.test("A page that cannot be is refused", async () => {
  const { queries, ...one } = store();
  await assert.rejects(readTimeline(one, { limit: 1, before: "9", after: "3" }), {
    code: "invalid_argument",
  });
  for (const limit of [0, -1, 1.5, NaN, 1_001]) {
    await assert.rejects(readTimeline(one, { limit }), { code: "invalid_argument" });
  }
  for (const before of ["", "abc", "-5", "99999999999999999999"]) {
    await assert.rejects(readTimeline(one, { limit: 1, before }), { code: "invalid_argument" });
  }
  const long = Array.from({ length: 45 }, (_, i) => String(i % 10)).join("");
  await assert.rejects(readTimeline(one, { limit: 1, before: long }), {
    message: `Cannot show the timeline: "${long.slice(0, 40)}" is not the id of a post.`,
  });
  await assert.rejects(readTimeline(one, { limit: 0 }), {
    message: "Cannot show the timeline: the limit 0 is not a whole number from 1 to 1000.",
  });
  await assert.rejects(readTimeline(one, { limit: 1, author: "?" }), { code: "invalid_username" });
  assert.deepEqual(queries, []);
});

/** Posts 1 to `count`, newest first as the database has them. */
function manyPosts(count: number) {
  const queries: TimelineQuery[] = [];
  const posts = Array.from({ length: count }, (_, i) =>
    signPost({
      ...{ author: "bob", device: 7, number: i + 1, text: `${i + 1}` },
      id: composeSnowflake({ timeMs: timeMs + i, device: 7, sequence: 0 }),
    }, identityOf("bob"))).reverse();
  return {
    queries,
    timeline: (query: TimelineQuery) => {
      queries.push(query);
      const { before } = query;
      return Promise.resolve(
        posts.filter(({ id }) => before === undefined || id < before).slice(0, query.limit),
      );
    },
  };
}

Deno.test("A page says how many posts the mutes hide above its last post, and the last page to the end", async () => {
  const { queries, ...many } = manyPosts(250);
  const hides = ({ text }: PostView) => Number(text) % 10 !== 0;
  const pages = [];
  let before: string | undefined;
  do {
    const page = await readTimeline(many, { limit: 10, ...given({ before }) }, { hides });
    pages.push({ first: page.posts[0]?.text, posts: page.posts.length, hidden: page.hidden });
    before = page.posts.at(-1)?.id;
  } while (before !== undefined);
  assert.deepEqual(pages, [
    { first: "250", posts: 10, hidden: 81 },
    { first: "150", posts: 10, hidden: 90 },
    { first: "50", posts: 5, hidden: 54 },
    { first: undefined, posts: 0, hidden: 9 },
  ]);
  // What is hidden costs no read for each post.
  assert.deepEqual(queries.slice(0, 4).map(({ limit }) => limit), [10, 12, 48, 100]);
  assert.equal(queries.length, 12);
});

Deno.test("What is not shown for another reason than a mute does not count as hidden", async () => {
  const { posts, hidden } = await readTimeline(manyPosts(3), { limit: 5 }, {
    hides: ({ text }) => text === "1",
    shown: (post) => post.text === "2" ? undefined : post,
  });
  assert.deepEqual(posts.map(({ text }) => text), ["3"]);
  assert.equal(hidden, 1);
});
