/**
 * The error for an account that its user has closed.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";

/** What to throw, or why to log out, where the network says that an account was closed. */
export function accountClosed(doing: string, username: string): CamelliaError {
  return new CamelliaError(
    "account_closed",
    `Cannot ${doing} ${username}: this account was closed by its user.`,
  );
}
