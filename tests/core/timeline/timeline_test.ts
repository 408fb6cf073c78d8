import assert from "node:assert/strict";
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
  assert.deepEqual(await readTimeline(one, { limit: 20 }), [{
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

Deno.test("A page that cannot be is refused", async () => {
  const { queries, ...one } = store();
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
