/**
 * The one envelope for everything signed: MessagePack `[1, payload, publicKey, signature]`.
 *
 * The payload is the exact bytes signed, under a prefix that names the purpose, so that a signature
 * made for a post can never pass for a record's or a message's.
 *
 * @module
 */

import { concat, copyOf, utf8 } from "./bytes.ts";
import { type Identity, isAcceptableKey, verifyEd25519 } from "./identity.ts";
import {
  asArray,
  asBytes,
  asInteger,
  asViewUpTo,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";

/** What a signature is for. */
export type Purpose = "record" | "post" | "message" | "warrant";

/** The version of the envelope that this program writes and reads. */
const version = 1;

/** Bytes of an envelope besides its payload: array and version 2, headers 5 + 2 + 2, key 32, signature 64. */
export const envelopeBytesMax = 107;

const prefixes: Readonly<Record<Purpose, Uint8Array>> = {
  record: utf8("camellia/record/1\0"),
  post: utf8("camellia/post/1\0"),
  message: utf8("camellia/message/1\0"),
  warrant: utf8("camellia/warrant/1\0"),
};

/** An envelope taken apart. */
export interface Signed {
  /** The exact bytes signed. */
  readonly payload: Uint8Array;
  /** The signer's Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Signs a payload and wraps it. */
export function sealSigned(
  purpose: Purpose,
  payload: Uint8Array,
  identity: Identity,
): Uint8Array<ArrayBuffer> {
  const signature = identity.sign(concat(prefixes[purpose], payload));
  return encode([version, payload, identity.publicKey, signature]);
}

/**
 * Takes an envelope apart; the signature is not verified yet.
 *
 * @throws {DecodeError} if it is malformed or its payload longer than `payloadBytesMax`.
 */
export function openSigned(bytes: Uint8Array, payloadBytesMax: number): Signed {
  const signed = viewSigned(bytes, payloadBytesMax);
  return { ...signed, payload: copyOf(signed.payload) };
}

/** As {@linkcode openSigned}, for a caller that never changes the bytes: the payload is a view of them. */
export function viewSigned(bytes: Uint8Array, payloadBytesMax: number): Signed {
  const parts = asArray(
    decode(bytes, { maxBytes: payloadBytesMax + envelopeBytesMax, maxArrayLength: 4 }),
    "envelope",
    4,
  );
  if (asInteger(parts[0], "version") !== version) throw new DecodeError("version is not 1");
  return {
    payload: asViewUpTo(parts[1], "payload", payloadBytesMax),
    publicKey: asBytes(parts[2], "public key", 32),
    signature: asBytes(parts[3], "signature", 64),
  };
}

/** Fits all that is signed but long messages: a buffer of its own for each check would cost a part of it. */
const scratch = new Uint8Array(16_384);

/** What was signed; valid until the next call. */
function messageOf(purpose: Purpose, payload: Uint8Array): Uint8Array {
  const prefix = prefixes[purpose];
  const length = prefix.length + payload.length;
  if (length > scratch.length) return concat(prefix, payload);
  scratch.set(prefix);
  scratch.set(payload, prefix.length);
  return scratch.subarray(0, length);
}

/** Whether the signature is the key's own over payload and purpose, and the key one that may sign (RFC 8032). */
export function verifySigned(purpose: Purpose, signed: Signed): boolean {
  return isAcceptableKey(signed.publicKey) &&
    verifyEd25519(messageOf(purpose, signed.payload), signed.signature, signed.publicKey);
}
