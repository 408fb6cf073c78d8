import assert from "node:assert/strict";
import {
  growthPercent,
  isError,
  kindsOf,
  type Made,
  quantile,
  type Seen,
  thirds,
  undisturbed,
  wrongPosts,
} from "../../bench/homes/verdict.ts";

const posts: Made[] = [
  { author: "alice", text: "a 0", isCommitted: true },
  { author: "alice", text: "a 1", isCommitted: false },
  { author: "carol", text: "c 0", isCommitted: true },
];

function seen(texts: { timeline: string[]; events: string[]; wasKilled?: boolean }): Seen {
  return { name: "bob", follows: ["alice"], wasKilled: false, ...texts };
}

/** What is wrong, as `where text times`. */
function wrongs(of: Seen): string[] {
  return wrongPosts(of, posts).map(({ where, text, times }) => `${where} ${text} ${times}`);
}

Deno.test("A post counts as delivered once it is on the timeline and was told of once", () => {
  assert.deepEqual(wrongs(seen({ timeline: ["a 0"], events: ["a 0"] })), []);
  assert.deepEqual(wrongs(seen({ timeline: [], events: [] })), ["timeline a 0 0"]);
  assert.deepEqual(wrongs(seen({ timeline: ["a 0"], events: [] })), ["events a 0 0"]);
  assert.deepEqual(wrongs(seen({ timeline: ["a 0", "a 0"], events: ["a 0", "a 0"] })), [
    "timeline a 0 2",
    "events a 0 2",
  ]);
});

Deno.test("A post that may not exist need not arrive, but never twice", () => {
  const both = ["a 0", "a 1"];
  assert.deepEqual(wrongs(seen({ timeline: both, events: both })), []);
  assert.deepEqual(wrongs(seen({ timeline: [...both, "a 1"], events: both })), ["timeline a 1 2"]);
});

Deno.test("A peer that was killed may have stored a post and not told of it", () => {
  assert.deepEqual(wrongs(seen({ timeline: ["a 0"], events: [], wasKilled: true })), []);
  assert.deepEqual(wrongs(seen({ timeline: [], events: ["a 0"], wasKilled: true })), [
    "timeline a 0 0",
  ]);
});

Deno.test("Growth compares the last third with the first", () => {
  assert.equal(Math.round(growthPercent([100, 100, 500, 500, 110, 110])), 10);
  assert.deepEqual(thirds([1, 3, 4, 5, 6, 7, 9]), [2, 5, 8]);
  assert.ok(Number.isNaN(growthPercent([1, 2])));
});

Deno.test("Lines are counted by kind, whatever their numbers are", () => {
  assert.deepEqual(kindsOf(["lost 31.4.7.2:7000", "", "lost 31.5.7.2:7000", "slow"]), [
    { kind: "lost #", times: 2 },
    { kind: "slow", times: 1 },
  ]);
  assert.ok(isError("TypeError: x is not a function") && !isError("No relay answers"));
});

Deno.test("A quantile is one of the values", () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 1), 3);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

Deno.test("A delivery counts as undisturbed if neither side was away while it was on its way", () => {
  const delivery = (author: string, reader: string, postedMs: number, toldMs: number) => ({
    author,
    reader,
    postedMs,
    toldMs,
  });
  const absences = new Map([["bob", [{ fromMs: 100, toMs: 200 }, {
    fromMs: 900,
    toMs: Infinity,
  }]]]);
  const before = delivery("alice", "bob", 10, 90);
  const after = delivery("bob", "alice", 210, 300);
  const other = delivery("alice", "carol", 120, 140);
  const disturbed = [
    delivery("alice", "bob", 90, 110),
    delivery("bob", "alice", 150, 210),
    delivery("alice", "bob", 50, 250),
    delivery("alice", "bob", 950, 960),
  ];
  assert.deepEqual(undisturbed([before, ...disturbed, after, other], absences), [
    before,
    after,
    other,
  ]);
});
