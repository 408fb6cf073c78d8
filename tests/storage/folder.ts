/**
 * Temporary folders and databases for the tests of storage.
 *
 * @module
 */

/** Runs a test in a folder that is removed afterwards. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a test on a database in memory. */
export async function withKv(work: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await work(kv);
  } finally {
    kv.close();
  }
}

/** Access bits of a file or folder, such as `600`. */
export async function modeOf(path: string): Promise<string> {
  return ((await Deno.stat(path)).mode ?? 0 & 0o777).toString(8).slice(-3);
}
