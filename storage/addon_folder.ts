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
import { CamelliaError } from "../core/model/errors.ts";
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

/**
 * What to tell a person where the addon cannot be loaded. A file system that is mounted `noexec` lets no
 * program be run from it, nor a library, and the system's own words for that say nothing of it; what looks for
 * the addon in a checkout and in the executable says nothing at all.
 *
 * @returns A {@linkcode CamelliaError} `addon_failed` in these cases, else the error itself.
 */
export function addonFailure(error: unknown): unknown {
  const said = error instanceof Error ? error.message : "";
  const path = /(\/\S.*\.node): failed to map segment/.exec(said)?.[1];
  if (path === undefined && !said.startsWith("No compatible zeromq")) return error;
  const what = Deno.build.standalone ? "the data folder (--data)" : "the program";
  const remedy = `Put ${what} on a file system from which programs may be run`;
  const message = path === undefined
    ? "Cannot load zeromq: none of its addons fits this system, or the file system that they lie on is " +
      `mounted noexec. ${remedy}`
    : `Cannot load ${path}: the file system there is mounted noexec. ${remedy}`;
  return new CamelliaError("addon_failed", message, { cause: error });
}
