/**
 * The error for a name under which no user was found.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import { hindrances } from "../model/hindrance.ts";
import type { Directory } from "../ports.ts";
import type { Session } from "./interfaces.ts";

/** Why no other node has answered, as the end of a sentence, and what to do. */
export function whyAlone(
  directory: Pick<Directory, "status">,
): { readonly why: string; readonly remedy: string } {
  return hindrances[directory.status().hindrance ?? "unknown"];
}

/**
 * What to throw where a name was looked for in vain: `unknown_user` when the network answered that no
 * user has it (`isAbsent`), `not_joined` when there was no network to ask, `no_answer` when there was one
 * and it said nothing.
 */
export function unknownUser(
  doing: "follow" | "show",
  username: string,
  isAbsent: boolean,
  { ports }: Pick<Session, "ports">,
): CamelliaError {
  if (isAbsent) {
    return new CamelliaError(
      "unknown_user",
      `Cannot ${doing} ${username}: no user on the network has that name. Check the spelling.`,
    );
  }
  if (ports.directory.status().joined) {
    return new CamelliaError(
      "no_answer",
      `Cannot ${doing} ${username}: the network did not answer. Try again in a moment.`,
    );
  }
  const { why, remedy } = whyAlone(ports.directory);
  return new CamelliaError(
    "not_joined",
    `Cannot ${doing} ${username}: ${why}. ${remedy}, or try again later.`,
  );
}
