/**
 * The file of an index: opened, and made anew where it is no good.
 *
 * @module
 */

import { CamelliaError } from "../core/model/errors.ts";
import type { PostIndex } from "./post_index.ts";
import { createPrivateFile } from "./private_file.ts";
import { reclaimSpace, removeSqlite } from "./space.ts";
import { storageError } from "./storage_errors.ts";

/** Whether an error says nothing against the file itself: the disk is full, or nothing can be written there. */
export function isPassing(error: unknown, path: string): boolean {
  const known = storageError(error, { doing: "open the index", path });
  return known instanceof CamelliaError &&
    ["disk_full", "folder_read_only", "folder_in_use"].includes(known.code);
}

/**
 * Opens an index; one that is damaged or of another version is made anew.
 *
 * @param open Opens the file, which is there.
 */
export async function openIndexFile(path: string, open: () => PostIndex): Promise<PostIndex> {
  for (let isAnew = false;; isAnew = true) {
    try {
      // SQLite gives its other files the mode of this one.
      await createPrivateFile(path);
      await reclaimSpace(path);
      return open();
    } catch (error) {
      if (isAnew || isPassing(error, path)) throw error;
      await removeSqlite(path);
    }
  }
}
