/**
 * Ed25519 identity keys (RFC 8032), the link keys derived from them, and fingerprints.
 *
 * node:crypto signs and verifies some fifteen times faster than pure TypeScript, with the same
 * signatures.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { x25519PublicKey } from "../../lib/x25519.ts";
import { concat, copyOf, fromHex, toHex, utf8 } from "./bytes.ts";

/** DER prefixes that turn raw keys into PKCS8 and SPKI (RFC 8410). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** A raw public key is imported from here: to join prefix and key anew takes as long as a sixth of the import. */
const spki = Buffer.concat([spkiPrefix, new Uint8Array(32)]);

/** Verification keys kept ready; a peer meets the same few thousand authors again and again. */
const cachedKeys = new BoundedMap<string, KeyObject>(4096);

function keyObjectOf(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, 32).toString("latin1");
  let key = cachedKeys.get(name);
  if (key === undefined) {
    spki.set(publicKey, spkiPrefix.length);
    key = createPublicKey({ key: spki, format: "der", type: "spki" });
    cachedKeys.set(name, key);
  }
  return key;
}

/** Whether an Ed25519 signature of 64 bytes is valid; malformed keys and signatures are just not. */
export function verifyEd25519(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    return verify(null, message, keyObjectOf(publicKey), signature);
  } catch {
    return false;
  }
}

/**
 * The y coordinates (sign bit cleared) of the eight points of small order. Under such a key one
 * signature is valid for many messages.
 */
const smallOrderY: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/** The first bytes of the small-order points: all other keys need no closer look. */
const smallOrderFirst: ReadonlySet<number> = new Set([0x00, 0x01, 0xec, 0x26, 0xc7]);

/** Whether the key is canonical (y below 2^255 - 19, RFC 8032 section 5.1.3) and not of small order. */
export function isAcceptableKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  const first = publicKey[0] ?? 0;
  const last = (publicKey[31] ?? 0) & 0x7f;
  if (last === 0x7f && first >= 0xed && publicKey.subarray(1, 31).every((byte) => byte === 0xff)) {
    return false;
  }
  if (!smallOrderFirst.has(first)) return true;
  const y = copyOf(publicKey);
  y[31] = last;
  return !smallOrderY.has(toHex(y));
}

/** The first 16 hex digits of SHA-256 of an identity key: what people compare by eye. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, 16);
}

/** What a person typed as a fingerprint, in its plain form, or undefined when it is not one. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replace(/[\s:-]/g, "").toLowerCase();
  return digits.length === 16 && fromHex(digits) !== undefined ? digits : undefined;
}

/** A pair of CURVE (X25519) keys for the links of one device. */
export interface LinkKeys {
  /** 32 bytes, announced in `connections`. */
  readonly publicKey: Uint8Array;
  /** 32 bytes, never announced. */
  readonly secretKey: Uint8Array;
}

/** A user's identity key, in memory only while the user is logged in. */
export class Identity {
  /** The Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #seed: Uint8Array;
  #key: KeyObject | undefined;

  /** The identity of a seed, 32 secret bytes, of which it keeps a copy of its own. */
  constructor(seed: Uint8Array) {
    if (seed.length !== 32) throw new RangeError("Cannot use the seed: it is not 32 bytes long");
    this.#seed = copyOf(seed);
    const der = Buffer.concat([pkcs8Prefix, seed]);
    this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
    const exported = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.publicKey = copyOf(exported.subarray(-32));
  }

  /** A copy of the seed, to be sealed; the caller wipes it. */
  exportSeed(): Uint8Array<ArrayBuffer> {
    if (this.#key === undefined) throw new TypeError("Cannot export a key that was wiped");
    return copyOf(this.#seed);
  }

  /** The 64 bytes of the Ed25519 signature over the message. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#key === undefined) throw new TypeError("Cannot sign with a key that was wiped");
    return copyOf(sign(null, message, this.#key));
  }

  /**
   * The link keys of one of the user's devices. They are derived (HKDF-SHA-256, RFC 5869) rather
   * than stored, so that no second secret lies on the disk and a restarted device keeps its key.
   */
  linkKeys(device: number): LinkKeys {
    if (this.#key === undefined) throw new TypeError("Cannot derive from a key that was wiped");
    const salt = concat(utf8("device "), utf8(String(device)));
    const secretKey = new Uint8Array(hkdfSync("sha256", this.#seed, salt, "camellia/link/1", 32));
    return { publicKey: x25519PublicKey(secretKey), secretKey };
  }

  /** Forgets the secret; every later use throws. */
  wipe(): void {
    this.#seed.fill(0);
    this.#key = undefined;
  }
}
