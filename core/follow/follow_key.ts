/**
 * Which key to follow a name under (design, section 4: claims and pins).
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { Person, Session } from "../session/interfaces.ts";
import { unknownUser } from "../session/unknown_user.ts";

/** Whom to follow: what was asked for, and what was found. */
export interface Wanted {
  /** The name. */
  readonly username: string;
  /** Who was found under it. */
  readonly person: Person | undefined;
  /** The key that was asked for, if one was. */
  readonly fingerprint: string | undefined;
}

/**
 * The key to follow: the one the network and the pin agree on, or the one that was asked for.
 *
 * @throws {CamelliaError} `unknown_user`, `not_joined`, `pin_clash`.
 */
export function chooseKey(
  session: Pick<Session, "ports" | "settings">,
  { username, person, fingerprint }: Wanted,
): Uint8Array {
  if (person === undefined) throw unknownUser("follow", username, session);
  const keys = [person.key, ...person.otherKeys];
  const others = person.otherKeys.map(fingerprintOf);
  if (fingerprint !== undefined) {
    const key = keys.find((candidate) => fingerprintOf(candidate) === fingerprint);
    if (key !== undefined) return key;
    throw new CamelliaError(
      "pin_clash",
      `Cannot follow ${username}: no key with the fingerprint ${fingerprint} was found; the name is ` +
        `held with ${keys.map(fingerprintOf).join(" and ")}. Compare with ${username} in person.`,
    );
  }
  // A pin that the network confirms is believed, whoever else claims the name: otherwise anybody
  // could keep others from following. So is one that nobody contradicts.
  if (person.public !== undefined || (person.pinned && others.length === 0)) return person.key;
  if (others.length === 0) throw unknownUser("follow", username, session);
  throw new CamelliaError(
    "pin_clash",
    `Cannot follow ${username}: you know them with the fingerprint ${fingerprintOf(person.key)}, ` +
      `but the network names ${others.join(" and ")}. Compare with ${username} in person, then ` +
      `use: follow ${username} --fingerprint F`,
  );
}
