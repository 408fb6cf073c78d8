import assert from "node:assert/strict";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { fromHex, toHex, utf8 } from "../../../core/model/bytes.ts";
import {
  fingerprintOf,
  Identity,
  isAcceptableKey,
  parseFingerprint,
  verifyEd25519,
} from "../../../core/model/identity.ts";

function hex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromHex(text);
  assert(bytes);
  return bytes;
}

/** RFC 8032, section 7.1: seed, public key, message, signature. */
const vectors = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

Deno.test("Identity signs as RFC 8032 says", () => {
  for (const [seed, publicKey, message, signature] of vectors) {
    const identity = new Identity(hex(seed));
    assert.equal(toHex(identity.publicKey), publicKey);
    assert.equal(toHex(identity.sign(hex(message))), signature);
    assert(verifyEd25519(hex(message), hex(signature), hex(publicKey)));
  }
});

Deno.test("A signature fails with any bit of message, signature or key changed", () => {
  const identity = new Identity(new Uint8Array(32).fill(7));
  const message = utf8("a message");
  const signature = identity.sign(message);
  const inputs = [message, signature, identity.publicKey];
  for (const [which, bytes] of inputs.entries()) {
    for (let i = 0; i < bytes.length; i++) {
      const changed = inputs.map((input) => input.slice());
      const target = changed[which];
      assert(target);
      target[i] = (target[i] ?? 0) ^ (1 << (i % 8));
      const [m, s, k] = changed;
      assert(m && s && k);
      assert(!verifyEd25519(m, s, k), `${which} ${i}`);
    }
  }
});

Deno.test("A signature or key of the wrong length is not valid, and nothing throws", () => {
  const identity = new Identity(new Uint8Array(32).fill(7));
  const signature = identity.sign(utf8("a"));
  for (const length of [0, 31, 33, 63, 65]) {
    assert(!verifyEd25519(utf8("a"), new Uint8Array(length), identity.publicKey));
    assert(!verifyEd25519(utf8("a"), signature, new Uint8Array(length)));
  }
  assert(!isAcceptableKey(new Uint8Array(31)));
});

Deno.test("A signature's S must be below the group's order", () => {
  const identity = new Identity(new Uint8Array(32).fill(7));
  const signature = identity.sign(utf8("a"));
  const order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const malleable = signature.slice();
  for (let i = 0, carry = 0; i < 32; i++) {
    carry += (signature[32 + i] ?? 0) + (order[i] ?? 0);
    malleable[32 + i] = carry & 0xff;
    carry >>= 8;
  }
  assert(verifyEd25519(utf8("a"), signature, identity.publicKey));
  assert(!verifyEd25519(utf8("a"), malleable, identity.publicKey));
});

Deno.test("All keys of small order and all non-canonical ones are refused, all others taken", () => {
  const torsion = ed25519.Point.fromHex(
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    true,
  );
  let point = ed25519.Point.ZERO;
  for (let i = 0; i < 8; i++) {
    assert(!isAcceptableKey(point.toBytes()), toHex(point.toBytes()));
    point = point.add(torsion);
  }
  for (let low = 0xed; low <= 0xff; low++) {
    for (const high of [0x7f, 0xff]) {
      const key = new Uint8Array(32).fill(0xff);
      key[0] = low;
      key[31] = high;
      assert(!isAcceptableKey(key), toHex(key));
    }
  }
  const nearly = new Uint8Array(32).fill(0xff);
  nearly[0] = 0xf0;
  nearly[30] = 0xfe;
  nearly[31] = 0x7f;
  assert(isAcceptableKey(nearly));
  for (let i = 0; i < 50; i++) {
    assert(isAcceptableKey(new Identity(new Uint8Array(32).fill(i)).publicKey));
  }
});

Deno.test("Fingerprints are the first 16 hex digits of SHA-256, however they are typed", () => {
  const key = hex(vectors[0][1]);
  assert.equal(fingerprintOf(key), "21fe31dfa154a261");
  assert.equal(parseFingerprint("21FE 31df:a154-a261"), "21fe31dfa154a261");
  assert.equal(parseFingerprint("21fe31dfa154a26"), undefined);
  assert.equal(parseFingerprint("21fe31dfa154a26g"), undefined);
});

Deno.test("Link keys are the same for the same device, and others for others", () => {
  const identity = new Identity(new Uint8Array(32).fill(7));
  const keys = identity.linkKeys(3);
  assert.deepEqual(keys, identity.linkKeys(3));
  assert.notDeepEqual(keys, identity.linkKeys(30));
  assert.notDeepEqual(keys, new Identity(new Uint8Array(32).fill(8)).linkKeys(3));
  assert.deepEqual(keys.publicKey, x25519.getPublicKey(keys.secretKey));
});

Deno.test("A wiped identity neither signs nor tells its seed", () => {
  const seed = new Uint8Array(32).fill(7);
  const identity = new Identity(seed);
  const exported = identity.exportSeed();
  assert.deepEqual(exported, seed);
  identity.wipe();
  assert.throws(() => identity.sign(utf8("a")), TypeError);
  assert.throws(() => identity.exportSeed(), TypeError);
  assert.throws(() => identity.linkKeys(1), TypeError);
  assert.deepEqual(seed, new Uint8Array(32).fill(7), "the caller's bytes are the caller's");
  assert.throws(() => new Identity(new Uint8Array(31)), RangeError);
});
