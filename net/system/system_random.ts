/**
 * Randomness fit for keys, from the operating system.
 *
 * @module
 */

import type { Random } from "../../core/ports.ts";

/** `crypto.getRandomValues` fills at most this many bytes a call (Web Crypto, section 10.1.1). */
const bytesACallMax = 65_536;

/** The operating system's generator. */
export class SystemRandom implements Random {
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let start = 0; start < length; start += bytesACallMax) {
      crypto.getRandomValues(bytes.subarray(start, start + bytesACallMax));
    }
    return bytes;
  }
}
