import assert from "node:assert/strict";
import { join } from "node:path";
import { argon2id } from "@noble/hashes/argon2.js";
import { toHex, utf8 } from "../../core/model/bytes.ts";
import { KeyFiles } from "../../storage/key_files.ts";
import { MemoryKeys } from "../sim/memory_keys.ts";
import { inFolder, modeOf } from "./folder.ts";

const salt = new Uint8Array(16).fill(2);

for (const kind of ["on disk", "in memory"]) {
  const open = (folder: string) => kind === "on disk" ? KeyFiles.open(folder) : new MemoryKeys();

  Deno.test(`Keys ${kind} are kept by user and can be removed`, async () => {
    await inFolder(async (folder) => {
      const keys = await open(folder);
      assert.deepEqual(await keys.list(), []);
      assert.equal(await keys.read("alice"), undefined);
      await keys.write("bob", new Uint8Array([1]));
      await keys.write("alice", new Uint8Array([2]));
      await keys.write("alice", new Uint8Array([3, 4]));
      assert.deepEqual(await keys.list(), ["alice", "bob"]);
      assert.deepEqual(await keys.read("alice"), new Uint8Array([3, 4]));
      await keys.remove("alice");
      await keys.remove("alice");
      assert.deepEqual(await keys.list(), ["bob"]);
    });
  });

  Deno.test(`Keys ${kind} remember who logged in last`, async () => {
    await inFolder(async (folder) => {
      const keys = await open(folder);
      assert.equal(await keys.lastUser(), undefined);
      await keys.setLastUser("alice");
      await keys.setLastUser("bob");
      await keys.remove("alice");
      assert.equal(await keys.lastUser(), "bob");
      await keys.remove("bob");
      assert.equal(await keys.lastUser(), undefined);
    });
  });

  Deno.test(`Keys ${kind} derive alike for one password in both of its Unicode forms`, async () => {
    await inFolder(async (folder) => {
      const keys = await open(folder);
      const derivation = { memoryKiB: 32, passes: 1, lanes: 1, salt };
      const composed = await keys.derive("caf\u00e9", derivation);
      assert.equal(composed.length, 32);
      assert.deepEqual(await keys.derive("cafe\u0301", derivation), composed);
      assert.notDeepEqual(await keys.derive("cafe", derivation), composed);
      assert.notDeepEqual(await keys.derive("caf\u00e9", { ...derivation, passes: 2 }), composed);
    });
  });
}

Deno.test("Key files can be read by their owner alone", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "keys"), { mode: 0o755 });
    const keys = await KeyFiles.open(folder);
    await keys.write("alice", new Uint8Array(100));
    await keys.setLastUser("alice");
    assert.equal(await modeOf(join(folder, "keys")), "700");
    assert.equal(await modeOf(join(folder, "keys", "alice.key")), "600");
    assert.equal(await modeOf(join(folder, "last-user")), "600");
  });
});

Deno.test("Who logged in last is written only when it is another user", async () => {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    await keys.write("alice", new Uint8Array(100));
    await keys.setLastUser("alice");
    const file = async () => (await Deno.stat(join(folder, "last-user"))).ino;
    const first = await file();
    await keys.setLastUser("alice");
    assert.equal(await file(), first);
    await keys.setLastUser("bob");
    assert.notEqual(await file(), first);
  });
});

Deno.test("Key files that a crash left half-written are removed and never listed", async () => {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    await keys.write("alice", new Uint8Array([1]));
    const stray = join(folder, "keys", `.alice.key.${crypto.randomUUID()}.tmp`);
    for (const path of [stray, join(folder, "keys", "NOBODY.key"), join(folder, "keys", ".key")]) {
      await Deno.writeFile(path, new Uint8Array(5));
    }
    const again = await KeyFiles.open(folder);
    assert.deepEqual(await again.list(), ["alice"]);
    await assert.rejects(Deno.stat(stray), Deno.errors.NotFound);
  });
});

Deno.test("Key files refuse what is no username, what is too long, and nonsense in last-user", async () => {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    for (const name of ["../alice", "Alice", "", "a/b", "alice\0"]) {
      await assert.rejects(keys.write(name, new Uint8Array(1)), TypeError);
      await assert.rejects(keys.read(name), TypeError);
      await assert.rejects(keys.setLastUser(name), TypeError);
    }
    await assert.rejects(keys.write("alice", new Uint8Array(8001)), RangeError);
    await keys.write("alice", new Uint8Array(8000));
    assert.equal((await keys.read("alice"))?.length, 8000);
    await Deno.writeFile(join(folder, "keys", "alice.key"), new Uint8Array(8001));
    await assert.rejects(keys.read("alice"), { code: "invalid_file" });
    await Deno.writeTextFile(join(folder, "last-user"), "../../etc/passwd");
    assert.equal(await keys.lastUser(), undefined);
  });
});

Deno.test("Key derivation is Argon2id as another implementation computes it", async () => {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    for (const [memoryKiB, passes, lanes] of [[32, 3, 4], [64, 1, 1], [256, 2, 3]] as const) {
      const options = { m: memoryKiB, t: passes, p: lanes, dkLen: 32 };
      const expected = argon2id(utf8("correct horse"), salt, options);
      const derived = await keys.derive("correct horse", { memoryKiB, passes, lanes, salt });
      assert.equal(toHex(derived), toHex(expected));
    }
  });
});

Deno.test("WebCrypto's Argon2id gives the test vector of RFC 9106, section 5.3", async () => {
  const parameters = {
    name: "Argon2id",
    nonce: new Uint8Array(16).fill(2),
    memory: 32,
    passes: 3,
    parallelism: 4,
    secretValue: new Uint8Array(8).fill(3),
    associatedData: new Uint8Array(12).fill(4),
  };
  const password = new Uint8Array(32).fill(1);
  const format = "raw-secret" as "raw";
  const key = await crypto.subtle.importKey(format, password, "Argon2id", false, ["deriveBits"]);
  const tag = new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256));
  assert.equal(toHex(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
});

Deno.test("Key derivation refuses parameters beyond its bounds before it spends anything", async () => {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    const fits = { memoryKiB: 64, passes: 1, lanes: 1, salt };
    const wrong = [
      { memoryKiB: 256 * 1024 + 1 },
      { memoryKiB: 7 },
      { memoryKiB: 31, lanes: 4 },
      { passes: 11 },
      { passes: 0 },
      { passes: 1.5 },
      { lanes: 17, memoryKiB: 1024 },
      { lanes: 0 },
      { salt: new Uint8Array(15) },
    ];
    for (const changes of wrong) {
      await assert.rejects(keys.derive("x", { ...fits, ...changes }), RangeError);
    }
  });
});
