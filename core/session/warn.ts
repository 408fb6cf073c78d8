/**
 * Telling the user what went wrong in the background.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import type { Session } from "./interfaces.ts";

/**
 * Emits a warning, unless the session has ended: what fails then fails because of that.
 *
 * @param doing What failed, such as "Cannot push posts"; the error's own message without it.
 */
export function warn(
  session: Pick<Session, "signal" | "emit">,
  error: unknown,
  doing?: string,
): void {
  if (session.signal.aborted) return;
  const code = error instanceof CamelliaError ? error.code : "internal";
  const why = error instanceof Error ? error.message : String(error);
  session.emit({ event: "warning", code, message: doing === undefined ? why : `${doing}: ${why}` });
}
