import assert from "node:assert/strict";
import { PageReader } from "../../../ui/views/reading.ts";
import { postAt } from "./world.ts";

Deno.test("Who reads page by page has read all once nothing unread lies below", () => {
  const reader = new PageReader("mia");
  const unread = (second: number) => postAt(second, { read: false });
  const [first, second] = [{ isFirst: true, isLast: false }, { isFirst: false, isLast: false }];
  const newest = postAt(9).id;
  assert.equal(reader.shown([unread(9), unread(8)], first), undefined);
  assert.equal(reader.shown([unread(7), postAt(6, { author: "mia" })], second), undefined);
  assert.equal(reader.shown([unread(5), postAt(4, { read: true })], second), newest);
  assert.equal(reader.shown([unread(3)], { ...second, isLast: true }), newest);
  assert.equal(reader.shown([], { isFirst: true, isLast: true }), undefined);
});
