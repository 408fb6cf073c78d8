/**
 * Link keys: X25519 (RFC 7748), which CURVE encrypts links with.
 *
 * @module
 */

import { x25519 } from "@noble/curves/ed25519.js";

/** A key pair, 32 bytes each. */
export interface LinkKeyPair {
  /** What others encrypt for. */
  readonly publicKey: Uint8Array;
  /** What only the owner knows. */
  readonly secretKey: Uint8Array;
}

/** The key pair of a secret of 32 bytes. */
export function makeLinkKeyPair(secretKey: Uint8Array): LinkKeyPair {
  return { publicKey: x25519.getPublicKey(secretKey), secretKey };
}

/** What the owners of both keys can compute, 32 bytes; undefined for a public key of small order. */
export function sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secretKey, publicKey);
  } catch {
    return undefined;
  }
}
