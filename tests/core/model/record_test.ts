import assert from "node:assert/strict";
import { toHex, utf8 } from "../../../core/model/bytes.ts";
import { DecodeError, encode } from "../../../lib/msgpack.ts";
import {
  openRecord,
  peekRecord,
  readRecord,
  recordBytesMax,
  recordKey,
  signRecord,
} from "../../../core/model/record.ts";
import { recordOf } from "../record_of.ts";
import { compareRecords } from "../../../core/model/record_policy.ts";
import { sealSigned } from "../../../core/model/signed.ts";
import { identityOf } from "../../sim/users.ts";
import { body, content, now } from "./sample_record.ts";

const alice = identityOf("alice");

/** A properly signed value with any payload. */
function signedParts(...parts: unknown[]): Uint8Array {
  return sealSigned("record", encode(parts), alice);
}

Deno.test("A record's key is SHA-1 of name and namespace", () => {
  assert.equal(toHex(recordKey("alice", "public")), "3f68da4702740bb19aba91b74829f225511de0d6");
});

Deno.test("A record opens to what was signed", () => {
  const record = signRecord(content, alice);
  assert.deepEqual(openRecord(record.value), record);
  const { publicKey } = alice;
  assert.deepEqual(peekRecord(record.value), { username: "alice", namespace: "public", publicKey });
});

Deno.test("A record with any byte changed does not open", () => {
  const { value } = signRecord(content, alice);
  for (let i = 0; i < value.length; i++) {
    const changed = value.slice();
    changed[i] = (changed[i] ?? 0) ^ 0x41;
    assert.throws(() => openRecord(changed), DecodeError, String(i));
  }
});

Deno.test("A record must have name, namespace, sequence, expiry and body in range", () => {
  const { username, namespace, sequence, expiresAt } = content;
  const written = [now, 1, 2, 3, [[1, 1]], 1, 2];
  assert.doesNotThrow(() =>
    openRecord(signedParts(username, namespace, sequence, expiresAt, written))
  );
  const wrong: unknown[][] = [
    [username, namespace, sequence, expiresAt],
    [username, namespace, sequence, expiresAt, written, 0],
    ["Alice", namespace, sequence, expiresAt, written],
    [username, "", sequence, expiresAt, written],
    [username, "publik", sequence, expiresAt, written],
    [username, namespace, -1, expiresAt, written],
    [username, namespace, 1n << 60n, expiresAt, written],
    [username, namespace, sequence, "soon", written],
    [username, namespace, sequence, expiresAt, []],
    [username, "private", sequence, expiresAt, written],
  ];
  for (const [index, parts] of wrong.entries()) {
    assert.throws(() => openRecord(signedParts(...parts)), DecodeError, String(index));
  }
});

Deno.test("signRecord refuses what is over the limit", () => {
  const entries = Array.from({ length: 200 }, (_, i) => ({
    list: "following" as const,
    username: `user_${i}`,
    key: alice.publicKey,
    updatedAt: now,
    present: true,
  }));
  const page = { ...content, namespace: "public:1:0" as const, body: { entries } };
  assert.throws(() => signRecord(page, alice), RangeError);
  assert.throws(() => readRecord(new Uint8Array(recordBytesMax + 1)), DecodeError);
});

Deno.test("recordOf gives the body its type, or says that it is another", () => {
  const record = openRecord(signRecord(content, alice).value);
  assert.equal(recordOf(record, "public").body.posts, 1);
  assert.throws(() => recordOf(record, "page"), TypeError);
});

Deno.test("peekRecord believes no value whose headers are other than a record's", () => {
  const { value } = signRecord(content, alice);
  const tail = value.length - 100;
  for (const at of [2, 4, tail, tail + 1, tail + 34, tail + 35]) {
    const changed = value.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x41;
    assert.equal(peekRecord(changed), undefined, String(at));
  }
});

Deno.test("peekRecord says undefined or nonsense of what is no record, and never throws", () => {
  for (let length = 0; length < 40; length++) {
    for (const byte of [0, 0x94, 0xc4, 0xc5, 0xff]) peekRecord(new Uint8Array(length).fill(byte));
  }
  const { value } = signRecord(content, alice);
  for (let cut = 0; cut < value.length; cut++) peekRecord(value.subarray(0, cut));
  assert.equal(peekRecord(utf8("nothing")), undefined);
});

Deno.test("Of two records the higher sequence number wins, then the higher hash", () => {
  const sign = (sequence: number, posts: number) =>
    signRecord({ ...content, sequence, body: { ...body, posts } }, alice);
  assert(compareRecords(sign(2, 1), sign(1, 9)) > 0);
  assert(compareRecords(sign(1, 9), sign(2, 1)) < 0);
  const [a, b] = [sign(1, 1), sign(1, 2)];
  assert.notEqual(compareRecords(a, b), 0);
  assert.equal(Math.sign(compareRecords(a, b)), -Math.sign(compareRecords(b, a)));
  assert.equal(compareRecords(a, sign(1, 1)), 0);
});
