/**
 * Sums of the files of a release, in the form of `sha256sum`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename } from "node:path";

/** The SHA-256 sum of a file, in hexadecimal digits; large files are read piece by piece. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const bytes of file.readable) hash.update(bytes);
  return hash.digest("hex");
}

/** The text of SHA256SUMS for files: one line each, in the order of their names. */
export async function sumsOf(paths: readonly string[]): Promise<string> {
  const lines = [];
  for (const path of paths) lines.push(`${await sha256(path)}  ${basename(path)}\n`);
  return lines.sort((a, b) => a.slice(66) < b.slice(66) ? -1 : 1).join("");
}
