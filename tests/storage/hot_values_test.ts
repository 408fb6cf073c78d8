import assert from "node:assert/strict";
import { HotValues } from "../../storage/hot_values.ts";
import { keys } from "../../storage/layout.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder, withKv } from "./folder.ts";
import { idAt, names, postAt, postsOf } from "./posts.ts";

Deno.test("Hot values are read once, and again after forgetting", () =>
  withKv(async (kv) => {
    const hot = new HotValues();
    assert.deepEqual(await hot.totals(kv, "alice"), { total: 0, count: 0, collected: undefined });
    await kv.atomic().set(keys.total, 5).set(keys.count("alice"), 3)
      .set(keys.collected, ["bob", 7n]).commit();
    assert.deepEqual(await hot.totals(kv, "alice"), { total: 0, count: 0, collected: undefined });
    hot.forget();
    const collected = { keep: "bob", id: 7n };
    assert.deepEqual(await hot.totals(kv, "alice"), { total: 5, count: 3, collected });
    assert.deepEqual(await hot.totals(kv, "carol"), { total: 5, count: 0, collected });
  }));

Deno.test("Hot values know how a feed ends", () =>
  withKv(async (kv) => {
    const hot = new HotValues();
    const [first, second] = postsOf("alice", 1, 2);
    assert.ok(first && second);
    // Before it was asked for, an end is not known from what is taken: there may be later posts.
    hot.setTaken([first]);
    assert.equal(await hot.lastId(kv, first, 5), -1n);
    hot.setTaken([second, first]);
    assert.equal(await hot.lastId(kv, first, 5), second.id);
    hot.forget();
    assert.equal(await hot.lastId(kv, first, 5), -1n);
  }));

Deno.test("Hot values are bounded, and right beyond the bound", () =>
  withKv(async (kv) => {
    const hot = new HotValues();
    await kv.atomic().set(keys.total, 9).set(keys.count("user_7"), 4).commit();
    for (let i = 0; i < 3000; i++) {
      const { total, count } = await hot.totals(kv, `user_${i}`);
      assert.deepEqual([total, count], [9, i === 7 ? 4 : 0]);
    }
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
