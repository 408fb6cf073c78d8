import assert from "node:assert/strict";
import { equalBytes } from "../../core/model/bytes.ts";
import { Identity } from "../../core/model/identity.ts";
import { signRecord } from "../../core/model/record.ts";
import { peekDerivation } from "../../core/model/sealed_peek.ts";
import { EarlyKey } from "../../storage/early_key.ts";
import { deriveKey, newDerivation } from "../../storage/key_derivation.ts";
import { KeyFiles } from "../../storage/key_files.ts";
import { inFolder } from "./folder.ts";

const derivation = { memoryKiB: 32, passes: 1, lanes: 1, salt: new Uint8Array(16).fill(2) };
const identity = new Identity(new Uint8Array(32).fill(7));

/** A private record of Alice's, sealed with nothing in it. */
function sealedKeys(local = false): Uint8Array {
  const sealed = new Uint8Array(50);
  const body = { derivation, nonce: new Uint8Array(24), sealed, ...local && { isLocal: true } };
  const content = { username: "alice", namespace: "private", sequence: 1, expiresAt: 2 } as const;
  return signRecord({ ...content, body: body as typeof body & { isLocal?: true } }, identity).value;
}

async function folderOfAlice(work: (folder: string, keys: KeyFiles) => Promise<void>) {
  await inFolder(async (folder) => {
    const keys = await KeyFiles.open(folder);
    await keys.write("alice", sealedKeys());
    await keys.setLastUser("alice");
    await work(folder, keys);
  });
}

Deno.test("A key that is derived early is the key that a login derives", async () => {
  await folderOfAlice(async (folder) => {
    const key = await deriveKey("secret", derivation);
    for (const username of ["alice", undefined]) {
      const login = { password: "secret", ...username === undefined ? {} : { username } };
      const early = await EarlyKey.begin(folder, login);
      assert.deepEqual(await early?.take("secret", derivation), key);
    }
  });
});

Deno.test("A login takes an early key once, and derives its own the next time", async () => {
  await folderOfAlice(async (folder) => {
    const early = await EarlyKey.begin(folder, { password: "secret" });
    const keys = await KeyFiles.open(folder, early);
    const first = await keys.derive("secret", derivation);
    assert.equal(early?.take("secret", derivation), undefined);
    const copy = first.slice();
    first.fill(0);
    assert.deepEqual(await keys.derive("secret", derivation), copy);
  });
});

Deno.test("No login gets an early key of another password, salt or parameter", async () => {
  await folderOfAlice(async (folder) => {
    const early = await EarlyKey.begin(folder, { password: "wrong" });
    const keys = await KeyFiles.open(folder, early);
    const key = await deriveKey("secret", derivation);
    assert.deepEqual(await keys.derive("secret", derivation), key);
    const others = [
      { ...derivation, passes: 2 },
      { ...derivation, lanes: 2 },
      { ...derivation, memoryKiB: 40 },
      { ...derivation, salt: new Uint8Array(16).fill(3) },
    ];
    for (const other of others) {
      assert.equal(early?.take("wrong", other), undefined);
      assert.equal(
        equalBytes(await keys.derive("wrong", other), await deriveKey("wrong", other)),
        true,
      );
    }
    assert.notEqual(early?.take("wrong", derivation), undefined);
  });
});

Deno.test("An early key that no login took is wiped", async () => {
  await folderOfAlice(async (folder) => {
    const early = await EarlyKey.begin(folder, { password: "secret" });
    const { promise, resolve } = Promise.withResolvers<ArrayBuffer>();
    const { deriveBits } = crypto.subtle;
    early?.drop();
    assert.equal(early?.take("secret", derivation), undefined);
    // The same for a key whose bytes the test can see.
    crypto.subtle.deriveBits = async (...args) => {
      const bits = await deriveBits.apply(crypto.subtle, args);
      resolve(bits);
      return bits;
    };
    try {
      const seen = await EarlyKey.begin(folder, { password: "secret" });
      const bits = new Uint8Array(await promise);
      seen?.drop();
      await new Promise((done) => setTimeout(done));
      assert.deepEqual(bits, new Uint8Array(32));
    } finally {
      crypto.subtle.deriveBits = deriveBits;
    }
  });
});

Deno.test("The key of a new user is derived early under a fresh salt, and taken by that registration alone", async () => {
  await folderOfAlice(async (folder) => {
    const begin = (username: string) =>
      EarlyKey.begin(folder, { username, password: "secret", isNew: true });
    const early = await begin("bob");
    const keys = await KeyFiles.open(folder, early);
    assert.equal(keys.prepared("other", newDerivation), undefined);
    assert.equal(keys.prepared("secret", { ...newDerivation, passes: 2 }), undefined);
    const prepared = keys.prepared("secret", newDerivation);
    assert.ok(prepared);
    const { salt, ...parameters } = prepared.derivation;
    assert.deepEqual(parameters, newDerivation);
    assert.deepEqual(await prepared.key, await deriveKey("secret", { ...newDerivation, salt }));
    assert.equal(keys.prepared("secret", newDerivation), undefined);
    const another = (await begin("bob"))?.takeNew("secret", newDerivation);
    assert.notDeepEqual(another?.derivation.salt, salt);
    // Where there is a key file, the registration goes on with it.
    const begun = await begin("alice");
    assert.equal(begun?.takeNew("secret", derivation), undefined);
    assert.notEqual(begun?.take("secret", derivation), undefined);
    await another?.key;
  });
});

Deno.test("Without a key file that can be read nothing is derived early, and nothing fails", async () => {
  await folderOfAlice(async (folder, keys) => {
    const begin = (username?: string) =>
      EarlyKey.begin(folder, { password: "secret", ...username === undefined ? {} : { username } });
    assert.equal(await begin("bob"), undefined);
    assert.equal(await begin("../keys/alice"), undefined);
    await keys.write("alice", sealedKeys().subarray(0, 90));
    assert.equal(await begin(), undefined);
    await Deno.writeTextFile(`${folder}/last-user`, "../keys/alice\n");
    assert.equal(await begin(), undefined);
    await Deno.remove(`${folder}/last-user`);
    assert.equal(await begin(), undefined);
    assert.equal(await EarlyKey.begin(`${folder}/none`, { password: "secret" }), undefined);
  });
});

Deno.test("A look at sealed keys tells how they are derived, and nothing of other bytes", () => {
  assert.deepEqual(peekDerivation(sealedKeys()), derivation);
  assert.deepEqual(peekDerivation(sealedKeys(true)), derivation);
  const body = {
    since: 1,
    posts: 0,
    followers: 0,
    following: 0,
    heads: [],
    generation: 0,
    pages: 0,
  };
  const content = {
    username: "alice",
    namespace: "public",
    sequence: 1,
    expiresAt: 2,
    body,
  } as const;
  assert.equal(peekDerivation(signRecord(content, identity).value), undefined);
  for (const bytes of [[], [0xc0], [0x94, 1, 2, 3, 4], [0xdd, 255, 255, 255, 255]]) {
    assert.equal(peekDerivation(new Uint8Array(bytes)), undefined);
  }
  const whole = sealedKeys();
  for (let length = 0; length < whole.length; length++) {
    assert.equal(peekDerivation(whole.subarray(0, length)), undefined);
  }
});
