/**
 * Argon2id off the event loop.
 *
 * @module
 */

import { utf8 } from "../core/model/bytes.ts";
import { type KeyDerivation, keyDerivationMax } from "../core/model/record_body.ts";

/** For newly sealed keys: the second choice of RFC 9106, section 4 (design, section 4). */
export const newDerivation: Omit<KeyDerivation, "salt"> = {
  memoryKiB: 64 * 1024,
  passes: 3,
  lanes: 4,
};

/** Bytes of a derived key. */
const derivedBytes = 32;

/** WebCrypto's Argon2id, which TypeScript's library does not know yet. */
interface Argon2idParams extends Algorithm {
  readonly name: "Argon2id";
  readonly nonce: BufferSource;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/**
 * Argon2id (RFC 9106) as WebCrypto runs it, on a thread of its own. The password counts in its NFC
 * form (as RFC 8265 has it), so that it does not matter which keyboard wrote an accent.
 *
 * @throws {RangeError} beyond {@linkcode keyDerivationMax}, or below what RFC 9106 allows.
 */
export async function deriveKey(
  password: string,
  { memoryKiB, passes, lanes, salt }: KeyDerivation,
): Promise<Uint8Array<ArrayBuffer>> {
  assertRange("lanes", lanes, 1, keyDerivationMax.lanes);
  assertRange("passes", passes, 1, keyDerivationMax.passes);
  // RFC 9106, section 3.1: at least 8 KiB a lane.
  assertRange("memory in KiB", memoryKiB, 8 * lanes, keyDerivationMax.memoryKiB);
  assertRange("salt length", salt.length, 16, 16);
  const secret = utf8(password.normalize("NFC"));
  const parameters: Argon2idParams = {
    name: "Argon2id",
    nonce: new Uint8Array(salt),
    memory: memoryKiB,
    passes,
    parallelism: lanes,
  };
  try {
    // "raw-secret" is the Modern Algorithms draft's format; the types know only the older ones.
    const format = "raw-secret" as "raw";
    const key = await crypto.subtle.importKey(format, secret, "Argon2id", false, ["deriveBits"]);
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, derivedBytes * 8));
  } finally {
    secret.fill(0);
  }
}

function assertRange(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`Cannot derive a key: ${what} is ${value}, not from ${min} to ${max}`);
  }
}
