import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { CamelliaError } from "../../core/model/errors.ts";
import { postBytesMax } from "../../core/model/post.ts";
import type { ListEntry } from "../../core/model/record_body.ts";
import type { PendingFollow } from "../../core/ports.ts";
import { DecodeError, encode } from "../../lib/msgpack.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import {
  readCollected,
  readCount,
  readListEntry,
  readPendingFollow,
  readState,
  readStoredPost,
  writeListEntry,
  writePendingFollow,
  writeState,
} from "../../storage/layout.ts";
import { NodeStore } from "../../storage/node_store.ts";
import { readPostPlace } from "../../storage/post_reads.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder, modeOf } from "./folder.ts";
import { names, postAt, postsOf } from "./posts.ts";

/** A closed database of 2,000 posts in the middle of a file of some 2 MB. */
async function databaseIn(folder: string): Promise<string> {
  const store = await new KvStores(folder).open("alice");
  await store.addPosts("bob", postsOf("bob", 1, 2000));
  await store.close();
  return join(folder, "users", "alice.kv");
}

/** Opens the database and uses all of it; resolves to the error met. */
async function useAll(folder: string): Promise<unknown> {
  try {
    const store = await new KvStores(folder).open("alice");
    try {
      await store.addPosts("bob", postsOf("bob", 1, 2100));
      await store.feedPosts({ author: "bob", device: 1, from: 1, to: 2100, limit: 2100 });
    } finally {
      await store.close();
    }
  } catch (error) {
    return error;
  }
  return undefined;
}

Deno.test("Damaged database is named, with what to do about it", async () => {
  const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ["garbage", () => new Uint8Array(20_000).fill(0x5a)],
    ["text", () => new TextEncoder().encode("this is no database\n".repeat(50))],
    ["cut in half", (bytes) => bytes.slice(0, bytes.length / 2)],
    ["beginning overwritten", (bytes) => bytes.fill(0x5a, 4_096, 40_000)],
  ];
  for (const [what, damage] of damages) {
    await inFolder(async (folder) => {
      const path = await databaseIn(folder);
      await Deno.writeFile(path, damage(await Deno.readFile(path)));
      const error = await useAll(folder);
      assert(error instanceof CamelliaError, what);
      assert.equal(error.code, "database_damaged", what);
      assert(error.message.includes(path) && error.message.includes("Move it"), error.message);
    });
  }
});

Deno.test("Attack: the node's database is damaged, and it is thrown away and made anew", async () => {
  await inFolder(async (folder) => {
    await Deno.writeFile(join(folder, "node.kv"), new Uint8Array(20_000).fill(0x5a));
    const told: string[] = [];
    const onError = (error: Error) => void told.push(error.message);
    const store = await NodeStore.open(folder, { time: new SystemClock(), onError });
    await store.saveId(new Uint8Array(20).fill(7));
    assert.deepEqual((await store.load()).id, new Uint8Array(20).fill(7));
    await store.close();
    assert.match(told.join(), /damaged and has been made anew/);
  });
});

Deno.test("Attack: each part of a database that Deno KV reads by itself is damaged, and no panic ends the peer", async () => {
  await inFolder(async (folder) => {
    const path = await databaseIn(folder);
    const good = await Deno.readFile(path);
    const roots = rootPages(path);
    assert(roots.size >= 5, [...roots.keys()].join());
    for (const [name, page] of roots) {
      // Its type of page is one that does not exist.
      const bytes = new Uint8Array(good);
      bytes[(page - 1) * 4_096] = 0x7f;
      await Deno.writeFile(path, bytes);
      const error = await useAll(folder);
      assert(error instanceof CamelliaError, name);
      assert.equal(error.code, "database_damaged", name);
    }
  });
});

/** The first page of each table and index of a database. */
function rootPages(path: string): Map<string, number> {
  using file = new DatabaseSync(path);
  const rows = file.prepare("SELECT name, rootpage FROM sqlite_master").all();
  return new Map(rows.map((row) => [String(row["name"]), Number(row["rootpage"])]));
}

Deno.test("Database file of no bytes, as a crash at its creation leaves it, is an empty database", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "users"));
    await Deno.writeFile(join(folder, "users", "alice.kv"), new Uint8Array());
    const store = await new KvStores(folder).open("alice");
    assert.deepEqual(await store.timeline({ limit: 5 }), []);
    await store.addPosts("bob", postsOf("bob", 1, 1));
    assert.equal(await store.countPosts(), 1);
    await store.close();
  });
});

Deno.test("Database with some damaged values still shows the posts around them", async () => {
  await inFolder(async (folder) => {
    const path = await databaseIn(folder);
    {
      using kv = await Deno.openKv(path);
      await kv.set(["feed", "bob", 1, 1999], new Uint8Array([1, 2, 3]));
      await kv.set(["timeline", postAt({ author: "bob", number: 1998 }).id, "bob"], "text");
      await kv.delete(["feed", "bob", 1, 1997]);
    }
    const store = await new KvStores(folder).open("alice");
    assert.deepEqual(names(await store.timeline({ limit: 3 })), [
      "bob 2000",
      "bob 1996",
      "bob 1995",
    ]);
    const query = { author: "bob", device: 1, from: 1996, to: 2000, limit: 5 };
    assert.deepEqual(names(await store.feedPosts(query)), ["bob 1996", "bob 1998", "bob 2000"]);
    await store.close();
  });
});

Deno.test("Database whose feed state is damaged says so rather than guess", async () => {
  await inFolder(async (folder) => {
    const path = await databaseIn(folder);
    {
      using kv = await Deno.openKv(path);
      await kv.set(["state", "bob", 1], new Uint8Array([0x93, 1, 2, 3]));
      await kv.set(["list", "following", "bob"], new Uint8Array([1]));
    }
    const store = await new KvStores(folder).open("alice");
    await assert.rejects(store.feeds("bob"), { code: "database_damaged" });
    await assert.rejects(store.addPosts("bob", postsOf("bob", 5, 6)), { code: "database_damaged" });
    await assert.rejects(store.listEntries("following"), { code: "database_damaged" });
    assert.equal((await store.timeline({ limit: 3 })).length, 3);
    await store.close();
  });
});

Deno.test("What is had of a feed is read to the last number, and nothing that makes no sense", () => {
  const ranges = (count: number) => Array.from({ length: count }, (_, i) => [2 * i + 2, 2 * i + 2]);
  const read = (floor: unknown, list: unknown) => readState(1, encode([floor, list]));
  assert.deepEqual(read(3, [[5, 7], [9, 9]]), { device: 1, floor: 3, ranges: [[5, 7], [9, 9]] });
  assert.deepEqual(read(0, [[1, 4]]), { device: 1, floor: 4, ranges: [] });
  assert.equal(read(0, ranges(1_024)).ranges.length, 1_024);
  const wrong: readonly (readonly [floor: unknown, list: unknown])[] = [
    [-1, []],
    ["1", []],
    [3, [[3, 5]]],
    [0, [[2, 1]]],
    [0, [[2, 5], [5, 7]]],
    [0, [[2]]],
    [0, [[2, 3, 4]]],
    [0, 7],
    [0, ranges(1_025)],
  ];
  for (const [floor, list] of wrong) {
    assert.throws(() => read(floor, list), DecodeError, JSON.stringify([floor, list]));
  }
  assert.throws(() => readState(1, encode([1])), DecodeError);
  assert.throws(() => readState(1, encode([1, [], 2])), DecodeError);
  assert.throws(() => readState(1, "text"), DecodeError);
  const state = { device: 9, floor: 2, ranges: [[4, 4]] as const };
  assert.deepEqual(readState(9, writeState(state)), state);
});

Deno.test("Keys in lists and follow requests are never guessed", () => {
  const key = new Uint8Array(32).fill(7);
  const entry: ListEntry = {
    list: "following",
    username: "bob",
    key,
    updatedAt: 5,
    present: false,
  };
  assert.deepEqual(readListEntry("following", "bob", writeListEntry(entry)), entry);
  const follow: PendingFollow = { username: "bob", key, kind: "follow", updatedAt: 5 };
  const token = new Uint8Array(16).fill(9);
  for (const request of [follow, { ...follow, token }, { ...follow, kind: "unfollow" } as const]) {
    assert.deepEqual(readPendingFollow("bob", writePendingFollow(request)), request);
  }
  const short = key.subarray(1);
  for (
    const wrong of [[short, 5, true], [key, -1, true], [key, 5, 1], [key, 5], [key, 5, true, 0]]
  ) {
    assert.throws(() => readListEntry("following", "bob", encode(wrong)), DecodeError);
  }
  for (
    const wrong of [[short, true, 5], [key, 1, 5], [key, true, -1], [key, true], [], [
      key,
      true,
      5,
      short,
    ]]
  ) {
    assert.throws(() => readPendingFollow("bob", encode(wrong)), DecodeError);
  }
});

Deno.test("Counters, the collector's place and entries of indexes are read only as they were written", () => {
  assert.equal(readCount(undefined), 0);
  assert.equal(readCount(7), 7);
  for (const wrong of [-1, 1.5, "7", null]) assert.throws(() => readCount(wrong), DecodeError);
  assert.deepEqual(readCollected(["alice", 7n]), { keep: "alice", id: 7n });
  for (const wrong of [undefined, "alice", [], ["alice"], ["alice", 7], [7n, "alice"]]) {
    assert.equal(readCollected(wrong), undefined);
  }
  const { id } = postAt({ author: "bob", number: 3, device: 5 });
  const placeOf = (key: Deno.KvKey, value: unknown) =>
    readPostPlace({ key, value, versionstamp: "" });
  const place = { author: "bob", id, device: 5, number: 3 };
  assert.deepEqual(placeOf(["timeline", id, "bob"], 3), place);
  assert.deepEqual(placeOf(["author", "bob", id], 3), place);
  for (const value of ["3", undefined]) {
    assert.equal(placeOf(["author", "bob", id], value), undefined);
  }
  assert.equal(placeOf(["timeline", "bob", id], 3), undefined);
  assert.equal(placeOf(["author", 7, id], 3), undefined);
});

Deno.test("A stored post that is longer than any post is none", () => {
  const { signed } = postAt({ author: "bob", number: 1 });
  assert.equal(readStoredPost(signed)?.number, 1);
  assert.equal(readStoredPost([...signed]), undefined);
  assert.equal(readStoredPost(new Uint8Array(postBytesMax + 1)), undefined);
});

Deno.test("Database files can be read by their owner alone", async () => {
  await inFolder(async (folder) => {
    const store = await new KvStores(folder).open("alice");
    await store.putNote("a", new Uint8Array(1));
    assert.equal(await modeOf(join(folder, "users")), "700");
    for (const suffix of ["", "-wal", "-shm"]) {
      assert.equal(await modeOf(join(folder, "users", `alice.kv${suffix}`)), "600", suffix);
    }
    await store.close();
  });
});

Deno.test("Database is not opened for what is no username", async () => {
  await inFolder(async (folder) => {
    for (const name of ["../alice", "", "ALICE"]) {
      await assert.rejects(new KvStores(folder).open(name), TypeError);
    }
  });
});

Deno.test("Full disk fails a commit, loses nothing that was acknowledged, and lets reading go on", async () => {
  await inFolder(async (folder) => {
    let commitsLeft = 8;
    const openKv = async (path: string): Promise<Deno.Kv> => {
      const kv = await Deno.openKv(path);
      const atomic = kv.atomic.bind(kv);
      kv.atomic = () => {
        if (commitsLeft-- <= 0) throw new TypeError("database or disk is full");
        return atomic();
      };
      return kv;
    };
    const store = await new KvStores(folder, { openKv }).open("alice");
    const own = postsOf("alice", 1, 4, 2);
    for (const post of own) await store.addOwnPost(post);
    await assert.rejects(store.addPosts("bob", postsOf("bob", 1, 3000)), { code: "disk_full" });
    await assert.rejects(store.addOwnPost(postAt({ author: "alice", number: 5, device: 2 })), {
      code: "disk_full",
    });
    assert.deepEqual(await store.feeds("alice"), [{ device: 2, floor: 4, ranges: [] }]);
    const kept = await store.countPosts("bob");
    assert(kept > 0 && kept < 3000);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: kept, ranges: [] }]);
    commitsLeft = 1000;
    const { added } = await store.addPosts("bob", postsOf("bob", 1, 3000));
    assert.equal(added.length, 3000 - kept);
    await store.close();
  });
});

Deno.test("Disk that fails although it has room is told as such, and no copy stands for the database", async () => {
  await inFolder(async (folder) => {
    let opened = 0;
    const openKv = (path: string): Promise<Deno.Kv> => {
      opened++;
      return opened === 1 ? Promise.reject(new Error("disk I/O error")) : Deno.openKv(path);
    };
    await assert.rejects(new KvStores(folder, { openKv }).open("alice"), { code: "disk_failed" });
    assert.equal(opened, 1);
    const left = (await Array.fromAsync(Deno.readDir(join(folder, "users")))).map((e) => e.name);
    assert.deepEqual(left, ["alice.kv"]);
  });
});

const namespaces = await canMount();

Deno.test({
  name: "Real disk that is full or read-only gives errors with their codes" +
    (namespaces ? "" : " (ignored: mounting needs Linux, root and unshare)"),
  ignore: !namespaces,
  fn: async () => {
    await inFolder(async (folder) => {
      const child = fileURLToPath(new URL("./full_disk_child.ts", import.meta.url));
      const config = join(dirname(child), "..", "..", "deno.json");
      const mount =
        `mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" run -A --config "$3" "$4" "$1"`;
      const { code, stdout, stderr } = await new Deno.Command("unshare", {
        args: ["--mount", "sh", "-c", mount, "sh", folder, Deno.execPath(), config, child],
      }).output();
      const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert.equal(code, 0, output);
      assert.match(output, /every expectation met/);
    });
  },
});

/** Whether this process may mount something that nobody else sees. */
async function canMount(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const mount = 'mount -t tmpfs -o size=1m tmpfs "$1"';
  const folder = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", mount, "sh", folder],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
