/**
 * The error for a name that nobody was found under.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import type { Session } from "./interfaces.ts";

/** Nobody has the name, as far as others say: `unknown_user`; or nobody was there to ask: `not_joined`. */
export function nobodyFound(
  doing: "follow" | "show",
  username: string,
  { ports, settings }: Pick<Session, "ports" | "settings">,
): CamelliaError {
  if (settings.firstNode || ports.directory.status().joined) {
    return new CamelliaError(
      "unknown_user",
      `Cannot ${doing} ${username}: nobody on the network has that name. Check the spelling.`,
    );
  }
  return new CamelliaError(
    "not_joined",
    `Cannot ${doing} ${username}: no other node has answered yet to ask for that name. ` +
      "Check the bootstrap nodes, or try again later.",
  );
}
