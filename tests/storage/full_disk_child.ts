/**
 * Runs on a disk of 2 MB that only this process sees: fills it, and makes it read-only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DataFolder } from "../../storage/data_folder.ts";
import { KeyFiles } from "../../storage/key_files.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { parseSearch } from "../../core/model/search_query.ts";
import { NodeStore } from "../../storage/node_store.ts";
import { KvStores } from "../../storage/user_store.ts";
import { names, postAt, postsOf } from "./posts.ts";
import { assertSound } from "./soundness.ts";

const disk = Deno.args[0];
if (disk === undefined) throw new TypeError("Cannot run: no disk is named");

const folder = await DataFolder.open(`${disk}/data`);
const stores = new KvStores(folder.path);
// What a kill leaves of a database: the post is in the write-ahead log alone.
const carol = await stores.open("carol");
await carol.addOwnPost(postAt({ author: "carol", number: 1 }));
const killed = await Promise.all(["", "-wal"].map(async (end) => {
  const path = `${folder.path}/users/carol.kv${end}`;
  return { path, bytes: await Deno.readFile(path) };
}));
await carol.close();
for (const { path, bytes } of killed) await Deno.writeFile(path, bytes, { mode: 0o600 });

const store = await stores.open("alice");
await store.addOwnPost(postAt({ author: "alice", number: 1 }));
await assert.rejects(store.addPosts("bob", postsOf("bob", 1, 10_000)), { code: "disk_full" });
let kept = await store.countPosts("bob");
assert(kept > 0, "some batches fitted");
assert.deepEqual(names(await store.timeline({ author: "alice", limit: 5 })), ["alice 1"]);
assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: kept, ranges: [] }]);
const filler = new Uint8Array(4 * 1024 * 1024);
let error: { code?: string } | undefined;
// The index of posts, which could not be written, may leave some room when it is thrown away.
for (let file = 0; error === undefined; file++) {
  await Deno.writeFile(`${disk}/filler${file}`, filler).catch(() => {});
  const keys = await KeyFiles.open(folder.path).catch((error) => error);
  error = keys instanceof KeyFiles
    ? await keys.write("alice", new Uint8Array(8000)).catch((error) => error)
    : keys;
}
assert.equal(error.code, "disk_full");
for await (const { name } of Deno.readDir(disk)) {
  if (name.startsWith("filler")) await Deno.remove(`${disk}/${name}`);
}
await store.close();
folder.release();

// A disk without a byte to spare is started on, read and left, as often as is wanted.
{
  using file = await Deno.open(`${disk}/filler`, { write: true, create: true });
  const block = new Uint8Array(4_096);
  await (async () => {
    for (;;) await file.write(block);
  })().catch(() => {});
}
for (let start = 0; start < 3; start++) {
  const full = await DataFolder.open(`${disk}/data`);
  await KeyFiles.open(full.path);
  const told: string[] = [];
  const onError = (error: Error) => void told.push(error.message);
  const node = await NodeStore.open(full.path, { time: new SystemClock(), onError });
  assert.match(told.join(), /is full: reading works/);
  await node.load();
  await node.saveId(new Uint8Array(20));
  const reading = await stores.open("alice");
  assert.deepEqual(names(await reading.timeline({ author: "alice", limit: 5 })), ["alice 1"]);
  assert.equal((await reading.size()).posts, kept + 1);
  await assert.rejects(reading.addPosts("bob", postsOf("bob", 1, 10_000)), { code: "disk_full" });
  // What had been given to the database already may hold some more.
  kept = await reading.countPosts("bob");
  await reading.close();
  const copied = await stores.open("carol");
  assert(copied.isReadOnly);
  assert.deepEqual(names(await copied.timeline({ author: "carol", limit: 5 })), ["carol 1"]);
  // Without an index the newest posts are looked at one by one.
  const found = await copied.search(parseSearch("carol from:carol"), 5);
  assert.deepEqual([names(found.posts), found.indexed], [["carol 1"], undefined]);
  await assert.rejects(copied.addOwnPost(postAt({ author: "carol", number: 2 })), {
    code: "disk_full",
  });
  await copied.close();
  await node.close();
  full.release();
}
// Where the folder for temporary files is full as well there is no copy, and none is left half made.
const temporary = Deno.env.get("TMPDIR");
await Deno.mkdir(`${disk}/tmp`);
Deno.env.set("TMPDIR", `${disk}/tmp`);
await assert.rejects(stores.open("carol"), { code: "disk_full" });
assert.deepEqual(await Array.fromAsync(Deno.readDir(`${disk}/tmp`)), []);
if (temporary === undefined) Deno.env.delete("TMPDIR");
else Deno.env.set("TMPDIR", temporary);
await Deno.remove(`${disk}/filler`);

const remount = await new Deno.Command("mount", { args: ["-o", "remount,ro", disk] }).output();
assert(remount.success, new TextDecoder().decode(remount.stderr));
await assert.rejects(DataFolder.open(`${disk}/data`), { code: "folder_read_only" });
await assert.rejects(DataFolder.open(`${disk}/other`), { code: "folder_read_only" });
await assert.rejects(stores.open("bob"), { code: "folder_read_only" });
const readOnly = await stores.open("alice");
assert.deepEqual(names(await readOnly.timeline({ author: "alice", limit: 5 })), ["alice 1"]);
await assert.rejects(readOnly.addOwnPost(postAt({ author: "alice", number: 2 })), {
  code: "folder_read_only",
});
await readOnly.close();

const remountBack = await new Deno.Command("mount", { args: ["-o", "remount,rw,size=64m", disk] })
  .output();
assert(remountBack.success);
const again = await stores.open("alice");
assert.equal((await again.addPosts("bob", postsOf("bob", 1, 3000))).added.length, 3000 - kept);
await again.close();
await assertSound(`${disk}/data/users/alice.kv`);
await Deno.stdout.write(new TextEncoder().encode("every expectation met\n"));
