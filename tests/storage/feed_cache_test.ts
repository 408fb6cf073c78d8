import assert from "node:assert/strict";
import type { FeedState } from "../../core/model/feed.ts";
import { FeedCache } from "../../storage/feed_cache.ts";
import { keys, writeState } from "../../storage/layout.ts";
import { withKv } from "./folder.ts";

const feed = (device: number, to: number): FeedState => ({ device, floor: to, ranges: [] });

function withFeeds(work: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  return withKv(async (kv) => {
    await kv.set(keys.state("alice", 1), writeState(feed(1, 5)));
    await kv.set(keys.state("alice", 2), writeState(feed(2, 7)));
    await work(kv);
  });
}

Deno.test("Feed cache reads an author once, and again after forgetting", () =>
  withFeeds(async (kv) => {
    const cache = new FeedCache();
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 6)));
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    cache.forget("alice");
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 6), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 8)));
    cache.forget();
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 8), feed(2, 7)]);
  }));

Deno.test("Feed cache takes over what was committed, beside the other devices", () =>
  withFeeds(async (kv) => {
    const cache = new FeedCache();
    const before = await cache.read(kv, "alice");
    cache.update("alice", before, [feed(3, 1), feed(1, 9)]);
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 9), feed(2, 7), feed(3, 1)]);
  }));

Deno.test("Feed cache does not remember what was read while something changed", () =>
  withFeeds(async (kv) => {
    const cache = new FeedCache();
    const reading = cache.read(kv, "alice");
    cache.forget("alice");
    assert.deepEqual(await reading, [feed(1, 5), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 6)));
    assert.deepEqual((await cache.read(kv, "alice"))[0], feed(1, 6));
  }));

Deno.test("Feed cache does not remember authors with many ranges, nor too many authors", () =>
  withFeeds(async (kv) => {
    const cache = new FeedCache();
    const ranges = Array.from({ length: 40 }, (_, i) => [2 * i + 2, 2 * i + 2] as const);
    cache.update("alice", [], [{ device: 1, floor: 0, ranges }]);
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    for (let i = 0; i < 600; i++) cache.update(`user_${i}`, [], [feed(1, 1)]);
    await kv.delete(keys.state("alice", 2));
    assert.deepEqual(await cache.read(kv, "alice"), [feed(1, 5)]);
  }));
