/**
 * The error for a name under which no user was found.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import type { Session } from "./interfaces.ts";

/**
 * What to throw where a name was looked for in vain: `unknown_user` when the network answered that no
 * user has it, `not_joined` when there was no network to ask.
 */
export function unknownUser(
  doing: "follow" | "show",
  username: string,
  { ports, settings }: Pick<Session, "ports" | "settings">,
): CamelliaError {
  if (settings.firstNode || ports.directory.status().joined) {
    return new CamelliaError(
      "unknown_user",
      `Cannot ${doing} ${username}: no user on the network has that name. Check the spelling.`,
    );
  }
  return new CamelliaError(
    "not_joined",
    `Cannot ${doing} ${username}: no other node has answered yet to ask for that name. ` +
      "Check the bootstrap nodes, or try again later.",
  );
}
