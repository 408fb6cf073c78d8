/**
 * The space that databases take: gives what removals freed back to the disk before one is opened, and removes one.
 *
 * Deno KV's file is a plain SQLite database, which by itself never shrinks. A new one is made here with a map
 * of its pages (`auto_vacuum = INCREMENTAL`), so that free pages can be cut off later. `VACUUM` would not do:
 * it attaches a second database, which Deno refuses to a program without all permissions.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { removePrivateFile } from "./private_file.ts";

/** Less free space than this is not worth the work. */
const freeBytesMin = 1024 * 1024;

/** Pages cut off in one transaction: 4 MiB and some 50 ms, after which others get their turn. */
const pagesAtOnce = 1_000;

/**
 * Makes an empty file a database that can shrink, or shrinks a closed one. A kill at any point leaves a sound
 * database. On a full or damaged disk nothing happens here: opening the database says what is wrong.
 *
 * @returns Bytes given back.
 */
export async function reclaimSpace(path: string): Promise<number> {
  try {
    const { size } = await Deno.stat(path);
    if (size > 0 && size < freeBytesMin) return 0;
    using file = new DatabaseSync(path);
    // Writing the header fixes the kind of database.
    if (size === 0) file.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA user_version = 0");
    const { pageBytes, free } = file.prepare(
      "SELECT page_size AS pageBytes, freelist_count AS free " +
        "FROM pragma_page_size, pragma_freelist_count",
    ).get() as { pageBytes: number; free: number };
    if (free * pageBytes < freeBytesMin) return 0;
    // Only a statement that runs to its end cuts off more than one page.
    const cutOff = file.prepare(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
    for (let left = free; left > 0; left -= pagesAtOnce) {
      cutOff.all();
      // Waiting for the disk lets the rest of the peer go on.
      await Deno.stat(path);
    }
    return free * pageBytes;
  } catch {
    return 0;
  }
}

/** What SQLite keeps beside a database. */
const sideEnds = ["-wal", "-shm", "-journal"] as const;

/** Removes a database, and what SQLite keeps beside it. */
export async function removeSqlite(path: string): Promise<void> {
  // The database last: without it the other files are nothing.
  for (const end of [...sideEnds, ""]) await removePrivateFile(`${path}${end}`);
}
