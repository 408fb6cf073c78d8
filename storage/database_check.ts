/**
 * Looks at a closed database before Deno KV opens it.
 *
 * Deno KV cleans up in the background as soon as a file is open. Where these two tables or that index are
 * damaged its thread panics, which ends the whole process. So what it is going to read is read here first.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { CamelliaError } from "../core/model/errors.ts";
import { storageError } from "./storage_errors.ts";

/** Files up to this size are checked page by page: 30 ms at most. Larger ones by what Deno KV reads alone. */
const checkedBytesMax = 4 * 1024 * 1024;

/** What Deno KV reads by itself. */
const ownQueries = [
  "SELECT * FROM migration_state",
  "SELECT * FROM data_version",
  "SELECT * FROM queue",
  "SELECT * FROM queue_running",
  "SELECT k, version FROM kv WHERE expiration_ms >= 0 AND expiration_ms <= 9007199254740991",
] as const;

/**
 * Checks a closed database. What is not damage, such as a full disk, is for the opening to say.
 *
 * @param whole Whether every page is looked at, however many there are: 8 ms a MiB.
 * @throws {CamelliaError} `database_damaged`.
 */
export async function checkDatabase(path: string, whole = false): Promise<void> {
  const { size } = await Deno.stat(path);
  if (size === 0) return;
  try {
    using file = new DatabaseSync(path);
    if (file.prepare("SELECT 1 FROM sqlite_master").all().length === 0) return;
    if (whole || size <= checkedBytesMax) {
      const [found] = file.prepare("PRAGMA quick_check(1)").all();
      if (found?.["quick_check"] !== "ok") throw new Error("database disk image is malformed");
    }
    const { names } = file.prepare(
      "SELECT group_concat(name) AS names FROM sqlite_master WHERE type = 'table'",
    ).get() as { names: string };
    for (const query of ownQueries) {
      // A crash while the file was made leaves it without some of them, and Deno KV makes them then.
      const table = / FROM (\w+)/.exec(query)?.[1] ?? "";
      if (!names.split(",").includes(table)) continue;
      for (const _ of file.prepare(query).iterate());
    }
  } catch (error) {
    const known = storageError(error, { doing: `open the database ${path}`, path });
    if (known instanceof CamelliaError && known.code === "database_damaged") throw known;
  }
}
