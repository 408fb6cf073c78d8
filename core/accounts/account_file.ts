/**
 * The file in which an account is moved by hand: MessagePack `["camellia-account", 1, record]`, where
 * `record` is the value of the user's `private` record, signed and sealed as on the network.
 *
 * It holds nothing that the network's record does not: without the password it is worth as much.
 *
 * @module
 */

import { asArray, asBytesUpTo, asInteger, decode, DecodeError, encode } from "../model/msgpack.ts";
import { recordBytesMax, type SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import { readPrivate } from "./seal.ts";

const magic = "camellia-account";
const version = 1;

/** Array 1, magic 17, version 1, bin header 3, and the record. */
export const accountFileBytesMax: number = recordBytesMax + 22;

/** The file's bytes for the value of a private record. */
export function writeAccountFile(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  return encode([magic, version, sealed]);
}

/**
 * Reads such a file and verifies the record's own signature.
 *
 * @throws {DecodeError} if it is anything else.
 */
export function readAccountFile(bytes: Uint8Array): SignedRecord<PrivateBody> {
  const parts = asArray(
    decode(bytes, { maxBytes: accountFileBytesMax, maxArrayLength: 3 }),
    "account file",
    3,
  );
  if (parts[0] !== magic) throw new DecodeError("file is not an exported account");
  asInteger(parts[1], "version of the account file", version, version);
  return readPrivate(asBytesUpTo(parts[2], "sealed record", recordBytesMax));
}
