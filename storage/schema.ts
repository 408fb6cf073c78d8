/**
 * The version of a database and the way from an older one to this program's.
 *
 * @module
 */

import { CamelliaError } from "../core/model/errors.ts";

/** Where the version stands. */
const versionKey: Deno.KvKey = ["version"];

/** What a database looks like: its version, and how to get there. */
export interface Schema {
  /** The version that this program reads and writes. */
  readonly version: number;
  /**
   * From a version to the next one. Each may be killed at any point and then runs again from its
   * start, so it must be able to meet its own half-done work.
   */
  readonly migrations: ReadonlyMap<number, (kv: Deno.Kv) => Promise<void>>;
}

/**
 * Brings a database to the schema's version; a new one gets that version at once.
 *
 * @throws {CamelliaError} `invalid_file` if it is newer than this program; `database_damaged` if it has
 * entries but no version, or there is no way from its version.
 */
export async function migrate(kv: Deno.Kv, schema: Schema, path: string): Promise<void> {
  let version = await readVersion(kv, schema.version, path);
  if (version > schema.version) {
    throw new CamelliaError(
      "invalid_file",
      `Cannot open ${path}: a newer version of this program wrote it (format ${version}; this ` +
        `program knows ${schema.version}). Use the newer program`,
    );
  }
  while (version < schema.version) {
    const step = schema.migrations.get(version);
    if (step === undefined) throw damaged(path, `there is no way from its format ${version}`);
    await step(kv);
    version++;
    await kv.set(versionKey, version);
  }
}

async function readVersion(kv: Deno.Kv, current: number, path: string): Promise<number> {
  const { value, versionstamp } = await kv.get(versionKey);
  if (versionstamp !== null) {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
    throw damaged(path, "its format version is unreadable");
  }
  // A file without anything in it is new, or was created just before a crash.
  for await (const _ of kv.list({ prefix: [] }, { limit: 1 })) {
    throw damaged(path, "its format version is missing");
  }
  await kv.set(versionKey, current);
  return current;
}

function damaged(path: string, why: string): CamelliaError {
  return new CamelliaError(
    "database_damaged",
    `Cannot open ${path}: ${why}. Move it out of the way`,
  );
}
