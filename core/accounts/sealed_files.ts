/**
 * The two files with a user's sealed keys: the key file of the data folder, and the file in which
 * an account is moved by hand.
 *
 * The key file is the value of the user's `private` record. The other is MessagePack
 * `["camellia-account", 1, record]` with the same value. Neither has anything in it that the
 * network's record lacks: without the password they are worth as much.
 *
 * @module
 */

import { asArray, asBytesUpTo, asInteger, attempt } from "../../lib/msgpack.ts";
import { decode, DecodeError, encode } from "../../lib/msgpack.ts";
import { recordBytesMax, type SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import type { Keys } from "../ports.ts";
import { readPrivate } from "./seal.ts";

const magic = "camellia-account";
const version = 1;

/** Array 1, magic 17, version 1, bin header 3, and the record. */
export const accountFileBytesMax: number = recordBytesMax + 22;

/**
 * The record in the key file; undefined when there is none, or a damaged one: where the network has the
 * keys too, that is as good as none.
 */
export async function readKeyFile(
  keys: Pick<Keys, "read">,
  username: string,
): Promise<SignedRecord<PrivateBody> | undefined> {
  const value = await keys.read(username);
  return value === undefined ? undefined : attempt(() => readPrivate(value, username));
}

/** The bytes of an account file for the value of a private record. */
export function writeAccountFile(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  return encode([magic, version, sealed]);
}

/**
 * Reads an account file and verifies the record's own signature.
 *
 * @throws {DecodeError} if it is anything else.
 */
export function readAccountFile(bytes: Uint8Array): SignedRecord<PrivateBody> {
  const limits = { maxBytes: accountFileBytesMax, maxArrayLength: 3 };
  const parts = asArray(decode(bytes, limits), "account file", 3);
  if (parts[0] !== magic) throw new DecodeError("file is not an exported account");
  asInteger(parts[1], "version of the account file", version, version);
  return readPrivate(asBytesUpTo(parts[2], "sealed record", recordBytesMax));
}
