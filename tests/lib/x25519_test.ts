import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { x25519 } from "@noble/curves/ed25519.js";
import { x25519PublicKey, x25519Shared } from "../../lib/x25519.ts";
import { SeededRandom } from "../sim/random.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString("hex");

/** RFC 7748, section 6.1. */
const alice = {
  secret: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
  public: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
};
const bob = {
  secret: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
  public: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
};
const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

Deno.test("X25519 gives the keys and the secret of RFC 7748", () => {
  for (const { secret, public: key } of [alice, bob]) {
    assert.equal(toHex(x25519PublicKey(hex(secret))), key);
  }
  assert.equal(toHex(x25519Shared(hex(alice.secret), hex(bob.public))), shared);
  assert.equal(toHex(x25519Shared(hex(bob.secret), hex(alice.public))), shared);
});

/** RFC 7748, section 5.2: scalar, u coordinate, result; the second u has its highest bit set. */
const multiplications = [
  [
    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  ],
  [
    "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
    "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
  ],
] as const;

Deno.test("X25519 multiplies as RFC 7748 says, the highest bit of a public key left out", () => {
  for (const [scalar, u, result] of multiplications) {
    assert.equal(toHex(x25519Shared(hex(scalar), hex(u))), result);
  }
});

Deno.test("X25519 gives what noble gives, for any keys", () => {
  const random = new SeededRandom("x25519");
  const extremes = [new Uint8Array(32), new Uint8Array(32).fill(0xff)];
  const secrets = [...extremes, ...Array.from({ length: 20 }, () => random.bytes(32))];
  for (const secret of secrets) {
    assert.deepEqual(x25519PublicKey(secret), x25519.getPublicKey(secret));
    // Any 32 bytes are a public key: half of those drawn lie on the curve's twist.
    const other = random.bytes(32);
    assert.deepEqual(x25519Shared(secret, other), x25519.getSharedSecret(secret, other));
  }
});

/** The u coordinates of small order, and those that are the same above 2^255 - 19 (RFC 7748, section 5). */
const smallOrder = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

Deno.test("X25519 refuses public keys of small order, and those that are none", () => {
  const secret = hex(alice.secret);
  for (const key of smallOrder) {
    const withBit = hex(key);
    withBit[31] = (withBit[31] ?? 0) | 0x80;
    assert.equal(x25519Shared(secret, hex(key)), undefined, key);
    assert.equal(x25519Shared(secret, withBit), undefined, key);
  }
  for (const length of [0, 31, 33, 64]) {
    assert.equal(x25519Shared(secret, new Uint8Array(length).fill(9)), undefined);
  }
});

Deno.test("X25519 takes no secret of another length", () => {
  const key = hex(bob.public);
  for (const length of [0, 31, 33]) {
    assert.throws(() => x25519PublicKey(new Uint8Array(length)), RangeError);
    assert.throws(() => x25519Shared(new Uint8Array(length), key), RangeError);
  }
});
