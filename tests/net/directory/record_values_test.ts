import assert from "node:assert/strict";
import {
  recordBytesMax,
  recordKey,
  type SignedRecord,
  signRecord,
} from "../../../core/model/record.ts";
import {
  clockToleranceMs,
  expiryFor,
  recordLifetimeMs,
} from "../../../core/model/record_policy.ts";
import { RecordValuePolicy } from "../../../net/directory/record_values.ts";
import { identityOf } from "../../sim/users.ts";
import { body, content, now } from "../../core/model/sample_record.ts";

const alice = identityOf("alice");
const policy = new RecordValuePolicy({ owns: () => false });

Deno.test("A record counts until two minutes after its expiry", () => {
  const { value } = signRecord(content, alice);
  const key = recordKey("alice", "public");
  const end = content.expiresAt + clockToleranceMs;
  assert(policy.check(key, value, end - 1).ok);
  assert(!policy.check(key, value, end).ok);
});

Deno.test("A record may not live longer than its namespace allows, with two minutes of tolerance", () => {
  for (
    const [namespace, written] of [["public", body], ["connections", { devices: [] }]] as const
  ) {
    const expiresAt = expiryFor(namespace, now) + clockToleranceMs;
    const record = signRecord({ ...content, namespace, expiresAt, body: written }, alice);
    const key = recordKey("alice", namespace);
    assert(policy.check(key, record.value, now).ok, namespace);
    assert(!policy.check(key, record.value, now - 1).ok, namespace);
  }
  // Holders of other versions of the program refuse what lives longer than this (docs/PROTOCOL.md).
  const yearMs = 31_536_000_000;
  const expected = { private: yearMs, public: yearMs, page: yearMs, connections: 900_000 };
  assert.deepEqual(recordLifetimeMs, expected);
});

Deno.test("The rules say what is wrong with a value", () => {
  const { value } = signRecord(content, alice);
  const key = recordKey("alice", "public");
  const reasonOf = (v: Uint8Array, k: Uint8Array): string => {
    const verdict = policy.check(k, v, now);
    return verdict.ok ? "ok" : verdict.reason;
  };
  assert.equal(reasonOf(value, key), "ok");
  assert.match(reasonOf(value, recordKey("bob", "public")), /another key/);
  assert.match(reasonOf(value.subarray(1), key), /another key/);
  const forged = value.slice();
  forged[value.length - 1] = (forged[value.length - 1] ?? 0) ^ 1;
  assert.match(reasonOf(forged, key), /malformed or not signed/);
  assert.match(reasonOf(new Uint8Array(recordBytesMax + 1), key), /too long/);
});

/** What a policy makes of a value under its own key. */
function decoded(by: RecordValuePolicy, value: Uint8Array): SignedRecord | undefined {
  const verdict = by.check(recordKey("alice", "public"), value, now);
  return verdict.ok ? verdict.decoded : undefined;
}

Deno.test("A record is opened once, and no copy with other bytes is believed", () => {
  const { value } = signRecord(content, alice);
  const record = decoded(policy, value);
  assert.deepEqual(record?.value, value);
  assert.equal(decoded(policy, value.slice()), record);
  // The same signature under another payload: the record is remembered by its last bytes.
  const forged = value.slice();
  forged[20] = (forged[20] ?? 0) ^ 1;
  assert.equal(decoded(policy, forged), undefined);
  assert.equal(decoded(policy, value), record);
});

Deno.test("Records that are remembered are bounded, and those in use stay", () => {
  const small = new RecordValuePolicy({ owns: () => false });
  const [first, used] = [1, 2].map((sequence) => signRecord({ ...content, sequence }, alice).value);
  assert(first && used);
  const [opened, kept] = [decoded(small, first), decoded(small, used)];
  for (let sequence = 10; sequence < 2_000; sequence++) {
    assert(decoded(small, signRecord({ ...content, sequence }, alice).value));
    if (sequence % 100 === 0) assert.equal(decoded(small, used), kept);
  }
  const again = decoded(small, first);
  assert(again !== undefined && again !== opened, "it was forgotten");
});
