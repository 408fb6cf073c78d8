/**
 * Looks into a user's database file for anything that must never be there, whatever happened before.
 *
 * @module
 */

import assert from "node:assert/strict";
import { hasNumber } from "../../core/model/feed.ts";
import { parseSnowflake } from "../../core/model/snowflake.ts";
import type { Post } from "../../core/model/post.ts";
import type { SearchQuery } from "../../core/model/search_query.ts";
import { ChangeLog } from "../../storage/change_log.ts";
import { PostIndex } from "../../storage/post_index.ts";
import { readState, readStoredPost } from "../../storage/layout.ts";

/** Fails unless all that `storage/layout.ts` promises of a closed database holds. */
export async function assertSound(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  const entries = async (name: string): Promise<Map<string, Deno.KvEntry<unknown>>> => {
    const list = await Array.fromAsync(kv.list({ prefix: [name] }));
    return new Map(list.map((entry) => [entry.key.slice(1).join(" "), entry]));
  };
  const [feed, timeline, author, state, count, bytes, deleted] = await Promise.all(
    ["feed", "timeline", "author", "state", "count", "bytes", "deleted"].map(entries),
  );
  assert(feed && timeline && author && state && count && bytes && deleted);
  assert.equal((await entries("removing")).size, 0, "a removal is not finished");
  assert.equal(timeline.size, feed.size, "timeline and feeds differ in size");
  assert.equal(author.size, feed.size, "author index and feeds differ in size");
  const counted = new Map<string, number>();
  const summed = new Map<string, number>();
  let last = { feed: "", id: -1n };
  for (const [place, entry] of feed) {
    const post = readStoredPost(entry.value);
    assert(post !== undefined, `${place} is unreadable`);
    const { author: name, device, number, id } = post;
    assert.equal(place, `${name} ${device} ${number}`);
    assert.equal(parseSnowflake(id).device, device);
    assert.equal(timeline.get(`${id} ${name}`)?.value, number, `${place} is not on the timeline`);
    assert.equal(author.get(`${name} ${id}`)?.value, number, `${place} is not with its author`);
    const stored = state.get(`${name} ${device}`);
    assert(stored !== undefined, `${place} has no feed state`);
    assert(hasNumber(readState(device, stored.value), number), `${place} is not settled`);
    if (last.feed === `${name} ${device}`) assert(id > last.id, `${place} has too low an id`);
    last = { feed: `${name} ${device}`, id };
    counted.set(name, (counted.get(name) ?? 0) + 1);
    summed.set(name, (summed.get(name) ?? 0) + post.signed.length);
  }
  for (const [name, entry] of count) assert.equal(entry.value, counted.get(name) ?? 0, name);
  for (const [name, entry] of bytes) assert.equal(entry.value, summed.get(name) ?? 0, name);
  for (const name of counted.keys()) assert(count.has(name), `${name} has no count`);
  for (const [place, { value }] of deleted) {
    const kept = feed.get(place);
    assert(kept === undefined || readStoredPost(kept.value)?.deletes, `${place} was taken back`);
    assert(Array.isArray(value));
    const by = feed.get([place.split(" ")[0], ...value].join(" "));
    const deletes = readStoredPost(by?.value)?.deletes;
    assert(
      deletes && place.endsWith(` ${deletes.device} ${deletes.number}`),
      `${place} has no delete`,
    );
  }
  for await (const { key } of kv.list({ prefix: ["reposted"] })) {
    const [, author, device, number, id] = key;
    const posts = feed.values().map(({ value }) => readStoredPost(value)).filter((post) =>
      post?.id === id
    );
    const isThere = ({ repostOf }: Partial<Post> = {}) =>
      repostOf?.author === author && repostOf?.device === device && repostOf?.number === number;
    assert(posts.some(isThere), `${key} is of no repost`);
  }
  assert.equal((await kv.get(["total"])).value ?? 0, feed.size, "the total is wrong");
  const posts = [...feed.values()].map(({ value }) => readStoredPost(value));
  const changes = await new ChangeLog().last(kv);
  assertIndexSound(path.replace(/\.kv$/, ".index"), posts as Post[], changes);
}

/** Fails unless an index that is up to date has every post but the deletes, and nothing else. */
function assertIndexSound(path: string, posts: readonly Post[], changes: number): void {
  const index = new PostIndex(path);
  try {
    const { change, builtDownTo, total } = index.state();
    if (change !== BigInt(changes) || builtDownTo !== undefined) return;
    // Where a removal was under way when the index was built, it has not counted yet.
    if (total !== undefined) {
      assert.equal(total, BigInt(posts.length), "the index counts other posts");
    }
    const expected = posts.filter(({ deletes }) => deletes === undefined);
    assert.equal(index.count(), expected.length, "the index has other posts");
    for (const { author, id } of expected) {
      const query = { parts: [], authors: [author], since: id, before: id + 1n, sort: "newest" };
      const found = index.search(query as SearchQuery, 1);
      assert.equal(found.length, 1, `${author} ${id} is not in the index`);
    }
  } finally {
    index.close();
  }
}
