/**
 * A user as messages and lists name one.
 *
 * @module
 */

import { equalBytes } from "./bytes.ts";

/** A user: name and identity key. */
export interface UserRef {
  /** Username. */
  readonly username: string;
  /** Identity key, 32 bytes. */
  readonly key: Uint8Array;
}

/** Whether both are the same user: name and key. */
export function isSame(a: UserRef, b: UserRef): boolean {
  return a.username === b.username && equalBytes(a.key, b.key);
}
