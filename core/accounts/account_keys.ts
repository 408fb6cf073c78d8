/**
 * The key file of a user, read with care: a damaged one is as good as none where the network has the
 * keys too.
 *
 * @module
 */

import { attempt } from "../model/msgpack.ts";
import type { SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import type { Keys } from "../ports.ts";
import { readPrivate } from "./seal.ts";

/** The record in the key file; undefined when there is none, or one that is damaged. */
export async function localKeys(
  keys: Pick<Keys, "read">,
  username: string,
): Promise<SignedRecord<PrivateBody> | undefined> {
  const value = await keys.read(username);
  return value === undefined ? undefined : attempt(() => readPrivate(value, username));
}
