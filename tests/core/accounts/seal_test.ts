import assert from "node:assert/strict";
import * as fc from "fast-check";
import { CamelliaError } from "../../../core/model/errors.ts";
import { equalBytes } from "../../../core/model/bytes.ts";
import { DecodeError, encode } from "../../../lib/msgpack.ts";
import { signRecord } from "../../../core/model/record.ts";
import { type KeyDerivation, keyDerivationMax } from "../../../core/model/record_body.ts";
import { expiryFor } from "../../../core/model/record_policy.ts";
import { sealSigned } from "../../../core/model/signed.ts";
import {
  accountFileBytesMax,
  readAccountFile,
  writeAccountFile,
} from "../../../core/accounts/sealed_files.ts";
import {
  openSeed,
  prepareSeal,
  readPrivate,
  sealIdentity,
  sealSeed,
  unsealIdentity,
} from "../../../core/accounts/seal.ts";
import { MemoryKeys } from "../../sim/memory_keys.ts";
import { SeededRandom } from "../../sim/random.ts";
import { password } from "../accounts_world.ts";
import { identityOf } from "../../sim/users.ts";

const now = Date.UTC(2026, 0, 1);
const parameters = { memoryKiB: 64, passes: 1, lanes: 4 };

async function sealedRecord(signer = "alice") {
  const ports = { keys: new MemoryKeys(), random: new SeededRandom("seal") };
  const identity = identityOf("alice");
  const seal = prepareSeal(password, parameters, ports);
  const body = await sealIdentity({ username: "alice", identity }, seal, ports);
  const expiresAt = expiryFor("private", now);
  const content = { username: "alice", namespace: "private", sequence: now, expiresAt } as const;
  return { record: signRecord({ ...content, body }, identityOf(signer)), keys: ports.keys };
}

Deno.test("Sealed keys open with the password and with no other", async () => {
  const { record, keys } = await sealedRecord();
  const identity = await unsealIdentity(record, password, keys);
  assert.deepEqual(identity?.publicKey, identityOf("alice").publicKey);
  assert.equal(await unsealIdentity(record, `${password} `, keys), undefined);
});

Deno.test("Every byte of a sealed bundle counts: flipped, it no longer opens", () => {
  const random = new SeededRandom("flip");
  const seal = { key: random.bytes(32), nonce: random.bytes(24), username: "alice" };
  const seed = random.bytes(32);
  const sealed = sealSeed(seed, seal);
  assert.deepEqual(openSeed(sealed, seal), seed);
  for (let at = 0; at < sealed.length; at++) {
    for (const bit of [1, 128]) {
      const bytes = new Uint8Array(sealed);
      bytes[at] = (bytes[at] ?? 0) ^ bit;
      assert.equal(openSeed(bytes, seal), undefined);
    }
  }
  for (let at = 0; at < 24; at++) {
    const nonce = new Uint8Array(seal.nonce);
    nonce[at] = (nonce[at] ?? 0) ^ 1;
    assert.equal(openSeed(sealed, { ...seal, nonce }), undefined);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(openSeed(sealed.subarray(0, length), seal), undefined);
  }
});

Deno.test("Every byte of a private record counts: flipped, it is refused before a key is derived", async () => {
  const { record } = await sealedRecord();
  for (let at = 0; at < record.value.length; at++) {
    const bytes = new Uint8Array(record.value);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    assert.throws(() => readPrivate(bytes), DecodeError);
  }
});

Deno.test("Sealed keys moved under another name don't open there", () => {
  const random = new SeededRandom("move");
  const seal = { key: random.bytes(32), nonce: random.bytes(24), username: "alice" };
  const sealed = sealSeed(random.bytes(32), seal);
  assert.equal(openSeed(sealed, { ...seal, username: "alicf" }), undefined);
});

Deno.test("Sealed keys of another identity than the signer's are refused", async () => {
  const { record, keys } = await sealedRecord("mallory");
  await assert.rejects(
    unsealIdentity(record, password, keys),
    (error) => error instanceof CamelliaError && error.code === "invalid_file",
  );
});

Deno.test("Argon2 parameters out of bounds are refused before anything is computed", async () => {
  const { record } = await sealedRecord();
  const { memoryKiB, passes, lanes } = keyDerivationMax;
  const bad: Partial<KeyDerivation>[] = [
    { memoryKiB: memoryKiB + 1 },
    { memoryKiB: 100 * 1024 * 1024 },
    { memoryKiB: 2 ** 52 },
    { memoryKiB: 7 },
    { passes: passes + 1 },
    { passes: 0 },
    { passes: 2 ** 32 },
    { lanes: lanes + 1 },
    { lanes: 0 },
    { salt: new Uint8Array(8) },
    { salt: new Uint8Array(7_000) },
  ];
  for (const change of bad) {
    const body = { ...record.body, derivation: { ...record.body.derivation, ...change } };
    const hostile = signRecord({ ...record, body }, identityOf("alice"));
    assert.throws(() => readPrivate(hostile.value), DecodeError, JSON.stringify(change));
  }
});

Deno.test("Less memory than Argon2 needs for its lanes is refused, not computed", async () => {
  const { record, keys } = await sealedRecord();
  const derivation = { ...record.body.derivation, memoryKiB: 8, lanes: 16 };
  const body = { ...record.body, derivation };
  const hostile = readPrivate(signRecord({ ...record, body }, identityOf("alice")).value);
  await assert.rejects(
    unsealIdentity(hostile, password, keys),
    (error) => error instanceof CamelliaError && error.code === "invalid_file",
  );
});

Deno.test("Plaintext that is not a seed opens nothing", () => {
  const random = new SeededRandom("plain");
  const seal = { key: random.bytes(32), nonce: random.bytes(24), username: "alice" };
  for (const length of [0, 16, 31, 33, 64, 900]) {
    assert.equal(openSeed(sealSeed(random.bytes(length), seal), seal), undefined);
  }
});

Deno.test("A record is read as a private one only if it is one, and its owner's", async () => {
  const { record } = await sealedRecord();
  assert.ok(equalBytes(readPrivate(record.value, "alice").value, record.value));
  assert.throws(() => readPrivate(record.value, "bob"), DecodeError);
  const connections = signRecord({
    username: "alice",
    namespace: "connections",
    sequence: 1,
    expiresAt: now,
    body: { devices: [] },
  }, identityOf("alice"));
  assert.throws(() => readPrivate(connections.value), DecodeError);
});

Deno.test("An account file gives back the record, and nothing else passes for one", async () => {
  const { record } = await sealedRecord();
  const file = writeAccountFile(record.value);
  assert.ok(equalBytes(readAccountFile(file).value, record.value));
  const bad = [
    new Uint8Array(),
    record.value,
    encode(["camellia-account", 2, record.value]),
    encode(["camellia-accounts", 1, record.value]),
    encode(["camellia-account", 1, record.value, 1]),
    encode(["camellia-account", 1, "text"]),
    encode(["camellia-account", 1, new Uint8Array(8_001)]),
    encode(["camellia-account", 1, sealSigned("post", record.value, identityOf("alice"))]),
    new Uint8Array(accountFileBytesMax + 1),
  ];
  for (const bytes of bad) assert.throws(() => readAccountFile(bytes), DecodeError);
});

Deno.test("Mutated account files leave with a decode error and nothing else", async () => {
  const { record } = await sealedRecord();
  const file = writeAccountFile(record.value);
  const positions = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1 });
  fc.assert(
    fc.property(positions, fc.nat(file.length), (changes, length) => {
      const bytes = file.slice(0, length);
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      if (equalBytes(bytes, file)) return;
      assert.throws(() => readAccountFile(bytes), DecodeError);
    }),
    { seed: 4, numRuns: 2_000 },
  );
});
