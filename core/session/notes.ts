/**
 * Numbers that a session notes in the user's database, such as times and its device: `[number]`.
 *
 * @module
 */

import { asArray, asInteger, attempt, decode, encode } from "../../lib/msgpack.ts";
import type { Store } from "../ports.ts";

/** The number under a name, 0 to `max`; undefined when there is none, or one that cannot be read. */
export async function readNumber(
  store: Pick<Store, "getNote">,
  name: string,
  max?: number,
): Promise<number | undefined> {
  const bytes = await store.getNote(name);
  if (bytes === undefined) return undefined;
  const limits = { maxBytes: 16, maxArrayLength: 1 };
  return attempt(() => asInteger(asArray(decode(bytes, limits), name, 1)[0], name, 0, max));
}

/** Writes the number under a name. */
export async function writeNumber(
  store: Pick<Store, "putNote">,
  name: string,
  number: number,
): Promise<void> {
  await store.putNote(name, encode([number]));
}
