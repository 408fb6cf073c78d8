import assert from "node:assert/strict";
import { depthMax, missingOf, treeOf } from "../../../core/model/thread.ts";

interface Line {
  readonly id: string;
  readonly to?: string;
}

function shown(lines: readonly Line[]): string[] {
  const places = treeOf(lines, { name: ({ id }) => id, parent: ({ to }) => to });
  return places.map(({ post, depth, missing }) =>
    `${" ".repeat(depth)}${post.id}${missing === undefined ? "" : ` to ${missing}`}`
  );
}

Deno.test("Replies stand below what they answer, in their order, and what answers a missing post says so", () => {
  const lines = [
    { id: "a" },
    { id: "b", to: "a" },
    { id: "c", to: "x" },
    { id: "d", to: "b" },
    { id: "e", to: "a" },
    { id: "f", to: "c" },
  ];
  assert.deepEqual(shown(lines), ["a", " b", "  d", " e", "c to x", " f"]);
  assert.deepEqual(shown([]), []);
});

Deno.test("Replies in a circle, and to themselves, are shown once each", () => {
  const lines = [{ id: "a", to: "c" }, { id: "b", to: "a" }, { id: "c", to: "b" }];
  assert.deepEqual(shown([...lines, { id: "d", to: "d" }]), ["a", " b", "  c", "d"]);
});

Deno.test("A chain of 10,000 replies is a tree of bounded depth, in less than a second", () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => ({ id: `${i}`, to: `${i - 1}` }));
  const places = treeOf(lines.toReversed(), { name: ({ id }) => id, parent: ({ to }) => to });
  assert.equal(places.length, 10_000);
  assert.deepEqual(places.map(({ post }) => post.id), lines.map(({ id }) => id));
  assert.equal(Math.max(...places.map(({ depth }) => depth)), depthMax);
});

Deno.test("What is answered and not here is missing, once, and so is the first post", () => {
  const root = { author: "alice", id: 1n };
  const gone = { author: "bob", id: 2n };
  const posts = [
    { author: "carol", id: 3n, replyTo: gone },
    { author: "dave", id: 4n, replyTo: gone },
    { author: "erin", id: 5n, replyTo: root },
  ];
  assert.deepEqual(missingOf(root, posts), ["alice/1", "bob/2"]);
  assert.deepEqual(missingOf(root, [{ ...root }, ...posts]), ["bob/2"]);
  assert.deepEqual(missingOf(root, []), ["alice/1"]);
});
