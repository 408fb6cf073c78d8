/**
 * A database of the first version, before posts could be mentions, reposts or deletes: made by that version's own
 * program (commit 4aec9f0). It has no index, and nothing of conversations.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { entry } from "../sim/users.ts";
import { KvStores } from "../../storage/user_store.ts";
import { makePrivateFolder } from "../../storage/private_file.ts";
import { inFolder } from "./folder.ts";
import { idAt, names, postAt } from "./posts.ts";
import { finds } from "./search_contract.ts";
import { assertSound } from "./soundness.ts";

const made = new URL("first_version.kv.gz", import.meta.url);

Deno.test("A database of the first version is read as it is, and takes all that came later", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "users", "alice.kv");
    await makePrivateFolder(join(folder, "users"), { tighten: true });
    await Deno.writeFile(path, gunzipSync(await Deno.readFile(made)), { mode: 0o600 });
    const stores = new KvStores(folder);
    let store = await stores.open("alice");
    // Carol's first three posts were collected, and the removal of erin's was interrupted.
    const timeline = [
      ...["bob 1", "bob 4", "bob 2", "bob 1", "alice 3", "alice 2", "alice 1"],
      ...["carol 6", "carol 5", "carol 4"],
    ];
    assert.deepEqual(names(await store.timeline({ limit: 99 })), timeline);
    assert.equal(await store.countPosts(), 10);
    assert.deepEqual(await store.feeds("bob"), [
      { device: 1, floor: 2, ranges: [[4, 4]] },
      { device: 7, floor: 1, ranges: [] },
    ]);
    assert.equal((await store.floorProof("carol", 1))?.number, 3);
    assert.deepEqual((await store.forks("carol")).map(({ text }) => text), ["other"]);
    assert.deepEqual(await store.listEntries("followers"), [
      entry("followers", "dave", 7),
      entry("followers", "frank", 8, false),
    ]);
    assert.deepEqual((await store.listEntries("following")).map(({ username }) => username), [
      "bob",
      "carol",
    ]);
    assert.deepEqual((await store.pendingFollows()).map(({ username }) => username), ["bob"]);
    assert.deepEqual(await store.getNote("device"), new Uint8Array([1]));
    // The index is made of what is there.
    assert.equal(await finds(store, "#tea"), "alice 3, alice 2, alice 1");
    assert.equal(await finds(store, "日本語 @alice"), "bob 4, bob 2, bob 1");
    const root = { author: "alice", id: idAt(11) };
    assert.deepEqual(names(await store.thread({ root, limit: 9 })), ["bob 2", "alice 1"]);
    // What came later.
    const [one] = await store.feedPosts({ author: "bob", device: 1, from: 1, to: 1, limit: 1 });
    const repost = postAt({ author: "alice", number: 4, second: 50, ...one && { repostOf: one } });
    await store.addOwnPost(repost, ["bob"]);
    const gone = postAt({
      author: "bob",
      number: 5,
      second: 51,
      deletes: { device: 1, number: 2 },
    });
    await store.addPosts("bob", [gone]);
    const said = postAt({ author: "frank", number: 1, second: 52, text: "green tea" });
    const told = {
      kind: "mention",
      from: "frank",
      post: { author: "frank", id: said.id },
    } as const;
    await store.conversations.notify({ list: "requests", ...told, at: 1 }, { context: said });
    await store.close();
    store = await stores.open("alice");
    assert.deepEqual(names(await store.timeline({ limit: 3 })), ["alice 4", "bob 1", "bob 4"]);
    assert.deepEqual((await store.conversations.pendingMentions()).map(({ to }) => to), ["bob"]);
    assert.equal(await finds(store, "tea"), "frank 1, alice 3, alice 2, alice 1");
    assert.equal(await finds(store, "from:bob"), "bob 1, bob 4, bob 1");
    await store.close();
    await assertSound(path);
  });
});
