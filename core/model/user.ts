/**
 * A user as messages and lists name one.
 *
 * @module
 */

import { equalBytes, toHex } from "./bytes.ts";

/** A user: name and identity key. */
export interface UserRef {
  /** Username. */
  readonly username: string;
  /** Identity key, 32 bytes. */
  readonly key: Uint8Array;
}

/** Name and key alone, of a user of whom more is known. */
export function refOf({ username, key }: UserRef): UserRef {
  return { username, key };
}

/** A user as text, to be a key in maps: two users differ in it if they differ in name or key. */
export function nameOf({ username, key }: UserRef): string {
  return `${username}/${toHex(key)}`;
}

/** Whether both are the same user: name and key. */
export function isSame(a: UserRef, b: UserRef): boolean {
  return a.username === b.username && equalBytes(a.key, b.key);
}
