import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSearch } from "../../core/model/search_query.ts";
import { writeState } from "../../storage/layout.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder } from "./folder.ts";
import { idAt, names, postAt, postsOf } from "./posts.ts";
import { assertSound } from "./soundness.ts";

/** A disk that fails once so many commits have been made. */
class FailingDisk {
  commitsLeft = Infinity;

  readonly openKv = async (path: string): Promise<Deno.Kv> => {
    const kv = await Deno.openKv(path);
    const atomic = kv.atomic.bind(kv);
    kv.atomic = () => {
      if (this.commitsLeft-- <= 0) throw new Error("disk I/O error");
      return atomic();
    };
    return kv;
  };
}

Deno.test("Author whose removal was cut off is gone for every reader, and for good once it is opened again", async () => {
  await inFolder(async (folder) => {
    const disk = new FailingDisk();
    const store = await new KvStores(folder, disk).open("alice");
    await store.addPosts("bob", postsOf("bob", 1, 500));
    await store.setFloor(postAt({ author: "bob", number: 3, device: 2 }));
    await store.addPosts("carol", postsOf("carol", 1, 2));
    disk.commitsLeft = 3;
    await assert.rejects(store.removeAuthor("bob"), { code: "disk_failed" });
    assert.deepEqual(names(await store.timeline({ limit: 900 })), ["carol 2", "carol 1"]);
    assert.deepEqual(await store.timeline({ limit: 9, author: "bob" }), []);
    const search = async (typed: string) =>
      names((await store.search(parseSearch(typed), 9)).posts);
    assert.deepEqual([await search("from:bob"), await search("2")], [[], ["carol 2"]]);
    assert.deepEqual(await store.feeds("bob"), []);
    const query = { author: "bob", device: 1, from: 1, to: 500, limit: 500 };
    assert.deepEqual(await store.feedPosts(query), []);
    assert.equal(await store.floorProof("bob", 2), undefined);
    assert.deepEqual([await store.countPosts("bob"), await store.countPosts()], [0, 2]);
    // Nothing is added to what is half gone.
    await assert.rejects(store.addPosts("bob", postsOf("bob", 1, 3)), { code: "disk_failed" });
    // The collector leaves these posts to the removal, or they would be counted out twice.
    disk.commitsLeft = Infinity;
    assert.equal(await store.collect({ before: idAt(2, 0), keep: "alice", limit: 900 }), 1);
    assert.equal(await store.countPosts(), 1);
    await store.close();
    const path = join(folder, "users", "alice.kv");
    await assert.rejects(assertSound(path), /removal is not finished/);
    const again = await new KvStores(folder).open("alice");
    assert.deepEqual(await again.feeds("bob"), []);
    assert.equal((await again.addPosts("bob", postsOf("bob", 1, 3))).added.length, 3);
    await again.close();
    await assertSound(path);
  });
});

Deno.test("Author whose removal was cut off is removed by the next one who writes", async () => {
  await inFolder(async (folder) => {
    const disk = new FailingDisk();
    const store = await new KvStores(folder, disk).open("alice");
    await store.addPosts("bob", postsOf("bob", 1, 500));
    disk.commitsLeft = 3;
    await assert.rejects(store.removeAuthor("bob"), { code: "disk_failed" });
    disk.commitsLeft = Infinity;
    const { added } = await store.addPosts("bob", postsOf("bob", 7, 9));
    assert.equal(added.length, 3);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 0, ranges: [[7, 9]] }]);
    assert.equal(await store.countPosts(), 3);
    await store.close();
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Removal that the closing of its database cuts off goes on at the next opening", async () => {
  await inFolder(async (folder) => {
    const stores = new KvStores(folder);
    const store = await stores.open("alice");
    await store.addPosts("bob", postsOf("bob", 1, 1500));
    const removal = store.removeAuthor("bob");
    await store.close();
    assert.equal(await removal, 1500);
    const again = await stores.open("alice");
    assert.deepEqual(await again.timeline({ limit: 5 }), []);
    await again.close();
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Collector that the closing of its database cuts off leaves everything sound", async () => {
  await inFolder(async (folder) => {
    const store = await new KvStores(folder).open("alice");
    await store.addPosts("bob", postsOf("bob", 1, 1500));
    const collecting = store.collect({ before: idAt(1400, 0), keep: "alice", limit: 10_000 });
    await store.close();
    const removed = await collecting;
    assert(removed < 1399);
    const again = await new KvStores(folder).open("alice");
    assert.equal(await again.countPosts(), 1500 - removed);
    await again.close();
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Collector takes posts of many authors with large feed states in commits that fit", async () => {
  await inFolder(async (folder) => {
    const store = await new KvStores(folder).open("alice");
    // 1,024 ranges a feed, one post each: the states of all 60 together do not fit into one commit.
    const authors = Array.from({ length: 60 }, (_, i) => `author_${i}`);
    {
      using kv = await Deno.openKv(join(folder, "users", "alice.kv"));
      const high = Number.MAX_SAFE_INTEGER - 5000;
      const ranges = Array.from(
        { length: 1000 },
        (_, i) => [high + 4 * i, high + 4 * i + 1] as const,
      );
      for (const author of authors) {
        const state = writeState({ device: 1, floor: 0, ranges });
        assert(state.length > 18_000);
        await kv.set(["state", author, 1], state);
      }
    }
    for (const author of authors) await store.addPosts(author, postsOf(author, 1, 2));
    assert.equal(await store.collect({ before: idAt(3, 0), keep: "alice", limit: 10_000 }), 120);
    assert.equal(await store.countPosts(), 0);
    assert.equal((await store.floorProof("author_59", 1))?.number, 2);
    await store.close();
  });
});
