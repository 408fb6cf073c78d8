/**
 * Values that only their owner can make, at the price of a hash: the simulations' stand-in for signed
 * records. Whoever does not know the secret, and simulated liars never use it, cannot forge one.
 *
 * @module
 */
import type { ValuePolicy, Verdict } from "../../net/kademlia/ports.ts";

/** Seal, number, expiry; the content follows. */
const headBytes = 8 + 4 + 8;

const secretA = 0x3c6ef372;
const secretB = 0xa54ff53a;

/** Two FNV-1a hashes with secret starts over key and all that the seal covers. */
function seal(key: Uint8Array, value: Uint8Array): readonly [number, number] {
  let a = secretA;
  let b = secretB;
  for (const byte of key) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000197);
  }
  for (let i = 8; i < value.length; i++) {
    const byte = value[i] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000197);
  }
  return [a >>> 0, b >>> 0];
}

function view(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}

/** The number of a sealed value: the higher wins. */
export function numberOf(value: Uint8Array): number {
  return value.length < headBytes ? -1 : view(value).getUint32(8);
}

/** What {@link sealed} makes. */
export interface SealedOptions {
  readonly key: Uint8Array;
  /** 0 to 2^32 - 1. */
  readonly number: number;
  /** Unix ms. */
  readonly expiresAtMs: number;
  /** Bytes of the whole value, at least 20. Default 300, a typical record. */
  readonly length?: number;
}

/** A value with a right seal. */
export function sealed({ key, number, expiresAtMs, length = 300 }: SealedOptions): Uint8Array {
  const value = new Uint8Array(Math.max(length, headBytes));
  const data = view(value);
  data.setUint32(8, number);
  data.setFloat64(12, expiresAtMs);
  for (let i = headBytes; i < value.length; i++) value[i] = i * 31 + number;
  const [a, b] = seal(key, value);
  data.setUint32(0, a);
  data.setUint32(4, b);
  return value;
}

/** Valid is what is sealed for its key; the higher number wins. */
export const sealedValues: ValuePolicy = {
  check(key: Uint8Array, value: Uint8Array): Verdict {
    if (value.length < headBytes) return { ok: false, reason: "short" };
    const data = view(value);
    const [a, b] = seal(key, value);
    if (data.getUint32(0) !== a || data.getUint32(4) !== b) return { ok: false, reason: "forged" };
    return { ok: true, decoded: value, expiresAtMs: data.getFloat64(12) };
  },
  compare(a: Uint8Array, b: Uint8Array): number {
    return numberOf(a) - numberOf(b);
  },
};
