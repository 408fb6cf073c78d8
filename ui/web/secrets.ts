/**
 * Secrets of the page: made of random bytes, and compared in a time that tells nothing.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";

/** Gives so many fresh random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** A fresh secret of so many random bytes, in base64url: it may stand in an address and in a header. */
export function freshSecret(randomBytes: RandomBytes, length: number): string {
  return randomBytes(length).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether they are equal, in a time that does not depend on where they differ. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
