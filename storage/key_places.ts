/**
 * Where a data folder has the sealed keys, and who logged in last.
 *
 * @module
 */

import { joinPath } from "../lib/paths.ts";
import { isUsername } from "../core/model/username.ts";
import { readPrivateFile } from "./private_file.ts";

/** The folder with the key files. */
export function keyFolder(data: string): string {
  return joinPath(data, "keys");
}

/** The key file of a user. The name becomes a path: it has to be a username. */
export function keyFile(data: string, username: string): string {
  return joinPath(keyFolder(data), `${username}.key`);
}

/** The file that names the user who logged in last. */
export function lastUserFile(data: string): string {
  return joinPath(data, "last-user");
}

/**
 * The user who logged in last; undefined where none has, or the file has something else in it.
 *
 * @throws {CamelliaError} as {@linkcode readPrivateFile}.
 */
export async function readLastUser(data: string): Promise<string | undefined> {
  const bytes = await readPrivateFile(lastUserFile(data));
  const name = new TextDecoder().decode(bytes).trim();
  return isUsername(name) ? name : undefined;
}
