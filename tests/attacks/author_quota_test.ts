/** Attacks by a followed author who means to fill the disks of the followers. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Post } from "../../core/model/post.ts";
import { signPost } from "../../core/model/post.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import type { AuthorQuota } from "../../core/ports.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder } from "../storage/folder.ts";
import { names, postAt, postsOf } from "../storage/posts.ts";
import { assertSound } from "../storage/soundness.ts";
import { identityOf } from "../sim/users.ts";

const quota: AuthorQuota = { posts: 300, bytes: 10_000_000, postsAnHour: 600 };
const mallory = identityOf("mallory");
const longText = "\u{1F33A}".repeat(500);

/** Posts of mallory, so many seconds apart, as long as a post may be. */
function flood(count: number, everySeconds: number): Post[] {
  return Array.from({ length: count }, (_, i) => {
    const timeMs = Date.UTC(2026, 0, 1) + i * everySeconds * 1000;
    const id = composeSnowflake({ timeMs, device: 1, sequence: 0 });
    const content = { author: "mallory", device: 1, number: i + 1, id, text: longText };
    return signPost(content, mallory);
  });
}

async function fileBytes(folder: string): Promise<number> {
  return (await Deno.stat(join(folder, "users", "alice.kv"))).size;
}

Deno.test("Attack: a followed author sends posts without end, and the follower keeps the newest of the quota", () =>
  inFolder(async (folder) => {
    const stores = new KvStores(folder, { quota });
    const store = await stores.open("alice");
    await store.addOwnPost(postAt({ author: "alice", number: 1 }));
    await store.addPosts("carol", postsOf("carol", 1, 5));
    const report = await store.addPosts("mallory", flood(900, 60));
    assert.deepEqual(report.beyond, { rate: 0, room: 600 });
    assert.equal(report.added.length, 300);
    assert.equal(await store.countPosts("mallory"), 300);
    const [newest] = await store.timeline({ author: "mallory", limit: 1 });
    assert.equal(newest?.number, 900);
    // What went is settled: it is not asked for again, and what comes again is not taken.
    assert.deepEqual(await store.feeds("mallory"), [{ device: 1, floor: 900, ranges: [] }]);
    assert.deepEqual((await store.addPosts("mallory", flood(10, 60))).added, []);
    assert.equal(await store.countPosts("carol"), 5);
    await store.close();
    await assertSound(join(folder, "users", "alice.kv"));
  }));

Deno.test("Attack: a followed author sends the longest posts, and the quota in bytes holds", () =>
  inFolder(async (folder) => {
    const stores = new KvStores(folder, { quota: { ...quota, bytes: 100_000 } });
    const store = await stores.open("alice");
    await store.addPosts("mallory", flood(200, 60));
    const kept = await store.timeline({ author: "mallory", limit: 500 });
    const bytes = kept.reduce((sum, { signed }) => sum + signed.length, 0);
    assert(bytes <= 100_000 && bytes > 95_000, `${bytes} bytes are kept`);
    await store.close();
    await assertSound(join(folder, "users", "alice.kv"));
  }));

Deno.test("Attack: a followed author dates thousands of posts within one hour, and 600 of them are kept", () =>
  inFolder(async (folder) => {
    const stores = new KvStores(folder, { quota: { ...quota, posts: 10_000 } });
    const store = await stores.open("alice");
    const posts = flood(1_200, 2);
    const report = await store.addPosts("mallory", posts.slice(0, 1_000));
    assert.deepEqual([report.added.length, report.beyond], [600, { rate: 400, room: 0 }]);
    await store.close();
    const again = await stores.open("alice");
    assert.equal((await again.addPosts("mallory", posts)).added.length, 0);
    assert.equal(await again.countPosts("mallory"), 600);
    assert.deepEqual(await again.feeds("mallory"), [{ device: 1, floor: 1_200, ranges: [] }]);
    // The user's own posts, from another device, have no quota.
    const own = postsOf("alice", 1, 700, 2);
    assert.equal((await again.addPosts("alice", own)).added.length, 700);
    await again.close();
    await assertSound(join(folder, "users", "alice.kv"));
  }));

Deno.test("Attack: a flood is ended by unfollowing, and the next start gives the disk its space back", () =>
  inFolder(async (folder) => {
    const stores = new KvStores(folder);
    const store = await stores.open("alice");
    await store.addPosts("mallory", flood(1_500, 60));
    await store.addPosts("carol", postsOf("carol", 1, 5));
    await store.removeAuthor("mallory");
    await store.close();
    const before = await fileBytes(folder);
    assert(before > 3_000_000, `the flood left ${before} bytes`);
    const again = await stores.open("alice");
    const after = await fileBytes(folder);
    assert(after < 200_000, `${after} bytes are left of ${before}`);
    assert.deepEqual(names(await again.timeline({ limit: 9 })).length, 5);
    await again.close();
    await assertSound(join(folder, "users", "alice.kv"));
  }));

Deno.test("Attack: a followed author spreads a flood over many devices, again and again, and the file does not grow", () =>
  inFolder(async (folder) => {
    const stores = new KvStores(folder, { quota: { ...quota, posts: 200, postsAnHour: 100 } });
    const store = await stores.open("alice");
    const sizes: number[] = [];
    for (let hour = 0; hour < 8; hour++) {
      const posts = Array.from({ length: 240 }, (_, i) => {
        const device = i % 12;
        const timeMs = Date.UTC(2026, 0, 1, hour) + i * 1000;
        const id = composeSnowflake({ timeMs, device, sequence: 0 });
        const number = hour * 20 + Math.floor(i / 12) + 1;
        return signPost({ author: "mallory", device, number, id, text: longText }, mallory);
      });
      const { added } = await store.addPosts("mallory", posts);
      assert.equal(added.length, 100, "one hour has one rate, whatever the devices");
      sizes.push((await store.size()).posts);
    }
    assert.deepEqual(sizes.slice(1), Array.from({ length: 7 }, () => 200));
    await store.close();
    await assertSound(join(folder, "users", "alice.kv"));
    assert(await fileBytes(folder) < 2_000_000, `${await fileBytes(folder)} bytes`);
  }));
