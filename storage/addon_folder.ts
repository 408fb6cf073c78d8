/**
 * A place of the user's own for the native addon that a compiled program unpacks.
 *
 * Such a program writes the addon to the folder for temporary files, under a name that is easy to guess,
 * and then loads it. Other users of the machine can write to that folder, too, and put a file of theirs
 * under that name first. In the data folder they cannot.
 *
 * @module
 */

import { join } from "node:path";
import { makePrivateFolder } from "./private_file.ts";

/** The system's name for its folder for temporary files, but on Windows. */
const variable = "TMPDIR";

/**
 * Does work during which the folder for temporary files is `lib` in the data folder, to which its owner
 * alone has access. What the work leaves there stays: on a full disk the next start needs it.
 *
 * @param folder The data folder, of which it is known that only its owner can write to it.
 * @throws What the work throws; {@linkcode CamelliaError} if the folder cannot be made.
 */
export async function withAddonFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const own = join(folder, "lib");
  await makePrivateFolder(own, { tighten: true });
  const before = Deno.env.get(variable);
  Deno.env.set(variable, own);
  try {
    return await work();
  } finally {
    if (before === undefined) Deno.env.delete(variable);
    else Deno.env.set(variable, before);
  }
}
