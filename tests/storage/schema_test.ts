import assert from "node:assert/strict";
import { join } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { userSchema } from "../../storage/layout.ts";
import type { Schema } from "../../storage/schema.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder } from "./folder.ts";
import { names, postsOf } from "./posts.ts";

/** A database as this program writes it, with posts in it; resolves to its path. */
async function databaseIn(folder: string): Promise<string> {
  const store = await new KvStores(folder).open("alice");
  await store.addPosts("bob", postsOf("bob", 1, 3));
  await store.close();
  return join(folder, "users", "alice.kv");
}

/** A later program's schema: notes got a prefix in version 2, and lost it again in version 3. */
function laterSchema(ran: number[], fail?: number): Schema {
  const step = (from: number, change: (kv: Deno.Kv) => Promise<unknown>) =>
    [from, async (kv: Deno.Kv): Promise<void> => {
      ran.push(from);
      await change(kv);
      if (fail === from) throw new Error("disk I/O error");
    }] as const;
  return {
    version: userSchema.version + 2,
    migrations: new Map([
      step(userSchema.version, (kv) => kv.set(["note", "two"], new Uint8Array([2]))),
      step(userSchema.version + 1, (kv) => kv.set(["note", "three"], new Uint8Array([3]))),
    ]),
  };
}

Deno.test("Database of an older version is brought to the newest, step by step, once", async () => {
  await inFolder(async (folder) => {
    await databaseIn(folder);
    const ran: number[] = [];
    const stores = new KvStores(folder, { schema: laterSchema(ran) });
    const store = await stores.open("alice");
    assert.deepEqual(ran, [1, 2]);
    assert.deepEqual(names(await store.timeline({ limit: 5 })), ["bob 3", "bob 2", "bob 1"]);
    assert.deepEqual(await store.getNote("three"), new Uint8Array([3]));
    await store.close();
    await (await stores.open("alice")).close();
    assert.deepEqual(ran, [1, 2]);
  });
});

Deno.test("Database whose migration was cut off goes on with the step that did not end", async () => {
  await inFolder(async (folder) => {
    await databaseIn(folder);
    const ran: number[] = [];
    const failing = new KvStores(folder, { schema: laterSchema(ran, 2) });
    await assert.rejects(failing.open("alice"), { code: "disk_failed" });
    const store = await new KvStores(folder, { schema: laterSchema(ran) }).open("alice");
    assert.deepEqual(ran, [1, 2, 2]);
    await store.close();
  });
});

Deno.test("Database of a newer version is refused and left as it is", async () => {
  await inFolder(async (folder) => {
    await databaseIn(folder);
    await (await new KvStores(folder, { schema: laterSchema([]) }).open("alice")).close();
    await assert.rejects(new KvStores(folder).open("alice"), (error) => {
      assert(error instanceof CamelliaError && error.code === "invalid_file");
      assert.match(error.message, /newer version.*format 3; this program knows 1/);
      return true;
    });
  });
});

Deno.test("Database without a way from its version, or without one at all, is called damaged", async () => {
  await inFolder(async (folder) => {
    const path = await databaseIn(folder);
    const noWay = new KvStores(folder, { schema: { version: 2, migrations: new Map() } });
    await assert.rejects(noWay.open("alice"), { code: "database_damaged" });
    for (const version of [undefined, "one", 0, 1.5]) {
      using kv = await Deno.openKv(path);
      if (version === undefined) await kv.delete(["version"]);
      else await kv.set(["version"], version);
      await assert.rejects(new KvStores(folder).open("alice"), { code: "database_damaged" });
    }
  });
});
