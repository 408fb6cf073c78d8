/**
 * Link keys: X25519 (RFC 7748), which CURVE encrypts links with.
 *
 * @module
 */

import { x25519PublicKey } from "../../lib/x25519.ts";

/** A key pair, 32 bytes each. */
export interface LinkKeyPair {
  /** What others encrypt for. */
  readonly publicKey: Uint8Array;
  /** What only the owner knows. */
  readonly secretKey: Uint8Array;
}

/** The key pair of a secret of 32 bytes. */
export function makeLinkKeyPair(secretKey: Uint8Array): LinkKeyPair {
  return { publicKey: x25519PublicKey(secretKey), secretKey };
}
