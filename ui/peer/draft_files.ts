/**
 * Drafts in the data folder.
 *
 * @module
 */

import { joinPath } from "../../lib/paths.ts";
import type { DraftFiles } from "../views/drafts.ts";
import type { Context } from "./host.ts";

/** The drafts of the data folder, each a file that only its owner can read. */
export function draftFiles({ io, host, dataFolder }: Context): DraftFiles {
  const pathOf = (name: string) => joinPath(dataFolder, name);
  return {
    read: (name, bytesMax) => io.readFile(pathOf(name), bytesMax),
    write: (name, bytes) => host.writePrivate(pathOf(name), bytes),
    remove: (name) => host.tools.remove(pathOf(name)),
  };
}
