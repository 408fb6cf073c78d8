/**
 * Which key a name is followed under.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import { fingerprintOf, parseFingerprint } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { Person, Session } from "../session/interfaces.ts";
import { unknownUser } from "../session/unknown_user.ts";

/**
 * The fingerprint as it was typed, in its plain form.
 *
 * @throws {CamelliaError} `invalid_argument` if it is none.
 */
export function readFingerprint(username: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw new CamelliaError(
    "invalid_argument",
    `Cannot follow ${username}: ${JSON.stringify(text.slice(0, 40))} is not a fingerprint ` +
      "(16 hexadecimal digits).",
  );
}

/** Whom to follow: what was asked for, and what was found. */
export interface Wanted {
  /** The name. */
  readonly username: string;
  /** The user that was found. */
  readonly person: Person | undefined;
  /** Whether the network said that no user has the name. */
  readonly isAbsent: boolean;
  /** The fingerprint that was asked for, if one was. */
  readonly fingerprint: string | undefined;
}

/**
 * The key to follow: the one the network and the pin agree on, or the one that was asked for.
 *
 * @throws {CamelliaError} `unknown_user`, `not_joined`, `no_answer`, `pin_clash`.
 */
export function chooseKey(session: Session, wanted: Wanted): Uint8Array {
  const { username, person, isAbsent, fingerprint } = wanted;
  if (person === undefined) throw unknownUser("follow", username, isAbsent, session);
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
  // A pin that the network confirms is believed, also where another user claims the name: otherwise any
  // user could keep others from following. So is a pin that no other key contradicts.
  if (person.public !== undefined || (person.pinned && others.length === 0)) return person.key;
  if (others.length === 0) throw unknownUser("follow", username, isAbsent, session);
  throw new CamelliaError(
    "pin_clash",
    `Cannot follow ${username}: you know them with the fingerprint ${fingerprintOf(person.key)}, ` +
      `but the network names ${others.join(" and ")}. Compare with ${username} in person, then ` +
      `use: follow ${username} --fingerprint F`,
  );
}

/**
 * The name is known under another key than that of an invite.
 *
 * @throws {CamelliaError} `pin_clash`, saying who knows it and with which fingerprints.
 */
export function refuseOtherKey({ username, key }: UserRef, person: Person): void {
  if (equalBytes(person.key, key)) return;
  const who = person.pinned ? "you know" : "the network knows";
  throw new CamelliaError(
    "pin_clash",
    `Cannot follow ${username}: the invite names the fingerprint ${
      fingerprintOf(key)
    }, but ${who} ` +
      `${username} with ${
        fingerprintOf(person.key)
      }. One of the two is not your friend: compare with ` +
      "your friend in person.",
  );
}

/** What to throw where no user has the name that an invite names, or the network does not tell. */
export function unknownInviter(
  username: string,
  isAbsent: boolean,
  session: Pick<Session, "ports">,
): CamelliaError {
  if (!isAbsent) return unknownUser("follow", username, isAbsent, session);
  return new CamelliaError(
    "unknown_user",
    `Cannot follow ${username}: no user of this network has that name. The invite is perhaps of ` +
      "another network.",
  );
}
