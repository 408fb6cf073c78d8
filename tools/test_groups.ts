/**
 * Puts the test files of a folder into one module, for `deno task test`.
 *
 * `deno test` gives every file that it is told to run an isolate of its own, which loads and compiles
 * the program anew: for hundreds of small files that takes more of the processors than many of the
 * tests do. Here the files of a folder share one. They must not depend on it: `deno task ok`, and
 * `deno test` with a path, still run each by itself.
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { walk } from "../tests/walk.ts";

/** Where the modules are written, one a group; the task runs what lies there. */
export const groupsFolder = ".dev/tests";

/**
 * Folders whose files stay by themselves: those that start processes and mostly wait for them, which
 * others can use, those that fill the heap on purpose, and the long simulations of whole peers.
 */
const byThemselves = /^tests\/(e2e|fuzz|nat|tools)\/|^tests\/sim\/whole_peers_test\.ts$/;

/** What of a path names its group: the first two folders below `tests`. */
const folderDepth = 2;

/** The name of the group that a test file belongs to. */
function groupOf(path: string): string {
  const parts = path.replace(/_test\.ts$/, "").split("/").slice(1);
  if (byThemselves.test(path)) return parts.join("_");
  return parts.slice(0, -1).slice(0, folderDepth).join("_") || "tests";
}

/** The test files, by path relative to the repository, of each group. */
export function groupsOf(paths: readonly string[]): Map<string, string[]> {
  return Map.groupBy(paths, groupOf);
}

/** Writes the modules, and removes those of files that are gone. */
async function write(root: string): Promise<void> {
  const folder = join(root, groupsFolder);
  await Deno.mkdir(folder, { recursive: true });
  const stale = new Set((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name));
  for (const [group, paths] of groupsOf(await Array.fromAsync(walk(["tests"], "_test.ts")))) {
    const imports = paths.map((path) => {
      const specifier = relative(folder, join(root, path)).replaceAll("\\", "/");
      return `import ${JSON.stringify(specifier)};\n`;
    });
    await Deno.writeTextFile(join(folder, `${group}.ts`), imports.join(""));
    stale.delete(`${group}.ts`);
  }
  for (const name of stale) await Deno.remove(join(folder, name), { recursive: true });
}

if (import.meta.main) await write(dirname(dirname(fileURLToPath(import.meta.url))));
