import assert from "node:assert/strict";
import type { FeedState } from "../../core/model/feed.ts";
import { keys, writeState } from "../../storage/layout.ts";
import { type CommittedPosts, PostMemory } from "../../storage/post_memory.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder, withKv } from "./folder.ts";
import { idAt, names, postAt, postsOf } from "./posts.ts";

const feed = (device: number, to: number): FeedState => ({ device, floor: to, ranges: [] });

function withFeeds(work: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  return withKv(async (kv) => {
    await kv.set(keys.state("alice", 1), writeState(feed(1, 5)));
    await kv.set(keys.state("alice", 2), writeState(feed(2, 7)));
    await work(kv);
  });
}

/** A commit that changed nothing but what is said. */
function commitOf(changes: Partial<CommittedPosts>): CommittedPosts {
  const totals = { total: 0, count: 0, bytes: 0, collected: undefined };
  return { author: "alice", taken: [], gone: [], before: [], changed: [], totals, ...changes };
}

Deno.test("States of feeds are read once, and again after forgetting", () =>
  withFeeds(async (kv) => {
    const memory = new PostMemory();
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 6)));
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    memory.forget("alice");
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 6), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 8)));
    memory.forget();
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 8), feed(2, 7)]);
  }));

Deno.test("States that were committed stand beside those of the other devices", () =>
  withFeeds(async (kv) => {
    const memory = new PostMemory();
    const before = await memory.states(kv, "alice");
    memory.committed(commitOf({ before, changed: [feed(3, 1), feed(1, 9)] }));
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 9), feed(2, 7), feed(3, 1)]);
  }));

Deno.test("States that were read while something changed are not remembered", () =>
  withFeeds(async (kv) => {
    const memory = new PostMemory();
    const reading = memory.states(kv, "alice");
    memory.forget("alice");
    assert.deepEqual(await reading, [feed(1, 5), feed(2, 7)]);
    await kv.set(keys.state("alice", 1), writeState(feed(1, 6)));
    assert.deepEqual((await memory.states(kv, "alice"))[0], feed(1, 6));
  }));

Deno.test("States of authors with many ranges, or of too many authors, are not remembered", () =>
  withFeeds(async (kv) => {
    const memory = new PostMemory();
    const ranges = Array.from({ length: 40 }, (_, i) => [2 * i + 2, 2 * i + 2] as const);
    memory.committed(commitOf({ changed: [{ device: 1, floor: 0, ranges }] }));
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 5), feed(2, 7)]);
    for (let i = 0; i < 600; i++) {
      memory.committed(commitOf({ author: `user_${i}`, changed: [feed(1, 1)] }));
    }
    await kv.delete(keys.state("alice", 2));
    assert.deepEqual(await memory.states(kv, "alice"), [feed(1, 5)]);
  }));

Deno.test("Totals are read once, and again after forgetting", () =>
  withKv(async (kv) => {
    const memory = new PostMemory();
    const nothing = { total: 0, count: 0, bytes: 0, collected: undefined };
    assert.deepEqual(await memory.totals(kv, "alice"), nothing);
    await kv.atomic().set(keys.total, 5).set(keys.count("alice"), 3)
      .set(keys.bytes("alice"), 900).set(keys.collected, ["bob", 7n]).commit();
    assert.deepEqual(await memory.totals(kv, "alice"), nothing);
    memory.forget();
    const collected = { keep: "bob", id: 7n };
    assert.deepEqual(await memory.totals(kv, "alice"), {
      total: 5,
      count: 3,
      bytes: 900,
      collected,
    });
    assert.deepEqual(await memory.totals(kv, "carol"), { total: 5, count: 0, bytes: 0, collected });
    memory.committed(
      commitOf({ author: "carol", totals: { total: 6, count: 1, bytes: 300, collected } }),
    );
    assert.deepEqual(await memory.totals(kv, "carol"), {
      total: 6,
      count: 1,
      bytes: 300,
      collected,
    });
    assert.deepEqual(await memory.totals(kv, "alice"), {
      total: 6,
      count: 3,
      bytes: 900,
      collected,
    });
  }));

Deno.test("Totals are right beyond the bound on authors", () =>
  withKv(async (kv) => {
    const memory = new PostMemory();
    await kv.atomic().set(keys.total, 9).set(keys.count("user_7"), 4).commit();
    for (let i = 0; i < 3000; i++) {
      const { total, count } = await memory.totals(kv, `user_${i}`);
      assert.deepEqual([total, count], [9, i === 7 ? 4 : 0]);
    }
    assert.equal((await memory.totals(kv, "user_7")).count, 4);
  }));

Deno.test("The end of a feed is known once it was asked for", () =>
  withKv(async (kv) => {
    const memory = new PostMemory();
    const [first, second] = postsOf("alice", 1, 2);
    assert.ok(first && second);
    // Before it was asked for, an end is not known from what is taken: there may be later posts.
    memory.committed(commitOf({ taken: [first] }));
    assert.equal(await memory.lastId(kv, first, 5), -1n);
    memory.committed(commitOf({ taken: [second, first] }));
    assert.equal(await memory.lastId(kv, first, 5), second.id);
    memory.forget();
    assert.equal(await memory.lastId(kv, first, 5), -1n);
  }));

Deno.test("A post that closes a gap behind forks counts for the order of ids from then on", () =>
  inFolder(async (folder) => {
    const store = await new KvStores(folder).open("bob");
    await store.addPosts("alice", postsOf("alice", 1, 5));
    // Numbers 8 and 9 contradict the order of ids: settled, not kept.
    const wrong = [8, 9].map((number) => postAt({ author: "alice", number, second: 1 }));
    assert.equal((await store.addPosts("alice", wrong)).forks.length, 2);
    const six = postAt({ author: "alice", number: 6, second: 60 });
    assert.deepEqual(names((await store.addPosts("alice", [six])).added), ["alice 6"]);
    const ten = postAt({ author: "alice", number: 10, second: 50 });
    assert.ok(ten.id < six.id && ten.id > idAt(5));
    assert.deepEqual(names((await store.addPosts("alice", [ten])).forks), ["alice 10"]);
    await store.close();
  }));
