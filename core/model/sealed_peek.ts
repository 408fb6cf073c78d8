/**
 * A look at a sealed record, before what verifies it is loaded.
 *
 * @module
 */

import { asArray, asBytesUpTo, attempt, decode } from "../../lib/msgpack.ts";
import { bodyKinds, type KeyDerivation, type PrivateBody } from "./record_body.ts";

/** Bytes of a sealed record at most, with much to spare: those that this program makes have some 300. */
const sealedBytesMax = 8000;

/**
 * How the key of a `private` record is derived, as the record says: neither its signature nor its owner is
 * checked. Undefined for what is no such record.
 */
export function peekDerivation(value: Uint8Array): KeyDerivation | undefined {
  return attempt(() => {
    const envelope = decode(value, { maxBytes: sealedBytesMax, maxArrayLength: 4 });
    const payload = asBytesUpTo(asArray(envelope, "envelope", 4)[1], "payload", sealedBytesMax);
    // The body may have an array of six.
    const limits = { maxBytes: sealedBytesMax, maxArrayLength: 6 };
    const parts = asArray(decode(payload, limits), "record", 5);
    if (parts[1] !== "private") return undefined;
    return (bodyKinds.private.read(parts[4]) as PrivateBody).derivation;
  });
}
