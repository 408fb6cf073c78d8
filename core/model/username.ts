/**
 * Usernames: `[a-z][a-z0-9_]{2,19}`, input folded to lower case.
 *
 * @module
 */

import { CamelliaError } from "./errors.ts";
import { asString, DecodeError } from "../../lib/msgpack.ts";

const pattern = /^[a-z][a-z0-9_]{2,19}$/;

/** The most characters that a username has; all of them are ASCII. */
export const usernameLengthMax = 20;

/** Whether the text is a username as it stands in records: nothing is folded. */
export function isUsername(text: string): boolean {
  return pattern.test(text);
}

/**
 * A username from what a person typed: folded to lower case, white space around it dropped.
 *
 * @throws {CamelliaError} `invalid_username`, saying which rule is broken.
 */
export function parseUsername(input: string): string {
  // Only ASCII is folded: the Kelvin sign must not become a k.
  const name = input.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (isUsername(name)) return name;
  const shown = JSON.stringify(input.length > 40 ? `${input.slice(0, 40)}…` : input);
  let why = "has other characters than a to z, 0 to 9 and _";
  if (name.length < 3) why = "is shorter than 3 characters";
  else if (name.length > usernameLengthMax) why = `is longer than ${usernameLengthMax} characters`;
  else if (!/^[a-z]/.test(name)) why = "does not begin with a letter";
  throw new CamelliaError(
    "invalid_username",
    `Cannot use the username ${shown}: it ${why}. ` +
      `A username has 3 to ${usernameLengthMax} characters, begins with a letter, and has only a to z, 0 to 9 and _.`,
  );
}

/** A decoded value as a username. */
export function asUsername(value: unknown, what: string): string {
  const name = asString(value, what, usernameLengthMax);
  if (!isUsername(name)) throw new DecodeError(`${what} is not a username`);
  return name;
}
