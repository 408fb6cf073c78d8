/**
 * Users that tests and simulations make up: everything about one follows from the name.
 *
 * @module
 */

import { Identity } from "../../core/model/identity.ts";
import type { ListEntry, ListName } from "../../core/model/record_body.ts";
import type { UserRef } from "../../core/model/user.ts";
import type { Settings } from "../../core/session/interfaces.ts";
import { SeededRandom } from "./random.ts";

/** The keys of a user, to be wiped by the caller where a test looks at that. */
export function identityOf(username: string): Identity {
  return new Identity(new SeededRandom(username).bytes(32));
}

/** Public keys of users so far: crowds of a thousand ask for each several times. */
const publicKeys = new Map<string, Uint8Array>();

/** Name and key of a user. */
export function userNamed(username: string): UserRef {
  const key = publicKeys.getOrInsertComputed(username, () => identityOf(username).publicKey);
  return { username, key: key.slice() };
}

/** An entry of a list. Its key is no user's: deriving those of thousands would take seconds. */
export function entry(
  list: ListName,
  username: string,
  updatedAt: number,
  present = true,
): ListEntry {
  return { list, username, key: new SeededRandom(username).bytes(32), updatedAt, present };
}

/** Settings of simulated peers: no lifespan, and keys derived at no cost. */
export const simSettings: Settings = {
  derivation: { memoryKiB: 8, passes: 1, lanes: 1 },
  publishPrivate: true,
  firstNode: true,
};
