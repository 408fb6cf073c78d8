import assert from "node:assert/strict";
import { utf8 } from "../../../core/model/bytes.ts";
import { decode, DecodeError, encode } from "../../../lib/msgpack.ts";
import {
  envelopeBytesMax,
  openSigned,
  type Purpose,
  sealSigned,
  verifySigned,
  viewSigned,
} from "../../../core/model/signed.ts";
import { identityOf } from "../../sim/users.ts";

const alice = identityOf("alice");
const mallory = identityOf("mallory");
const payload = utf8("what was signed");

Deno.test("An envelope opens to what was sealed, and its signature verifies", () => {
  const signed = openSigned(sealSigned("post", payload, alice), 100);
  assert.deepEqual(signed.payload, new Uint8Array(payload));
  assert.deepEqual(signed.publicKey, alice.publicKey);
  assert(verifySigned("post", signed));
});

Deno.test("A payload is a copy, or a view where that is asked for", () => {
  const sealed = sealSigned("post", payload, alice);
  const [copy, view] = [openSigned(sealed, 100), viewSigned(sealed, 100)];
  assert.deepEqual(copy, view);
  sealed.fill(0);
  assert.deepEqual(copy.payload, new Uint8Array(payload));
  assert.deepEqual(view.payload, new Uint8Array(payload.length));
});

Deno.test("A payload of any length is checked, whatever was checked before", () => {
  for (const length of [0, 40_000, 16_384, 16_300, 40, 16_366, 16_365, 1]) {
    const long = new Uint8Array(length).fill(length);
    const signed = openSigned(sealSigned("record", long, alice), 50_000);
    assert(verifySigned("record", signed));
    const other = long.slice(0, -1);
    if (length > 0) assert(!verifySigned("record", { ...signed, payload: other }));
  }
});

Deno.test("A signature is worth nothing for another purpose, payload or key", () => {
  const purposes: Purpose[] = ["record", "post", "message"];
  for (const made of purposes) {
    const signed = openSigned(sealSigned(made, payload, alice), 100);
    for (const used of purposes) assert.equal(verifySigned(used, signed), made === used);
    assert(!verifySigned(made, { ...signed, payload: utf8("what was not") }));
    assert(!verifySigned(made, { ...signed, publicKey: mallory.publicKey }));
  }
});

Deno.test("A payload cannot be made to begin with another purpose's prefix", () => {
  // The prefixes end with a zero byte and none is the beginning of another.
  const forged = openSigned(sealSigned("post", utf8("/1\0camellia/record/1\0x"), alice), 100);
  assert(!verifySigned("record", { ...forged, payload: utf8("x") }));
});

Deno.test("An envelope is refused unless it has version, payload, key and signature and no more", () => {
  const good = decode(sealSigned("post", payload, alice), { maxBytes: 500, maxArrayLength: 4 });
  assert(Array.isArray(good));
  const [version, , key, signature] = good;
  const wrong: unknown[] = [
    [version, payload, key],
    [version, payload, key, signature, 1],
    [2, payload, key, signature],
    ["1", payload, key, signature],
    [version, "payload", key, signature],
    [version, payload, alice.publicKey.subarray(1), signature],
    [version, payload, key, new Uint8Array(63)],
    [version, [payload], key, signature],
    payload,
  ];
  for (const [index, parts] of wrong.entries()) {
    assert.throws(() => openSigned(encode(parts), 100), DecodeError, String(index));
  }
  assert.throws(() => openSigned(encode([...good, 0]), 100), DecodeError);
});

Deno.test("An envelope at the limit opens, one byte more is refused", () => {
  for (const limit of [10, 300, 70_000]) {
    const at = sealSigned("message", new Uint8Array(limit), alice);
    assert(at.length <= limit + envelopeBytesMax);
    assert.equal(openSigned(at, limit).payload.length, limit);
    const over = sealSigned("message", new Uint8Array(limit + 1), alice);
    assert.throws(() => openSigned(over, limit), DecodeError);
  }
});
