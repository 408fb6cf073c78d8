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
 * Files that stay by themselves: those that start processes and mostly wait for them, which others can use, those that
 * fill the heap on purpose, and the long simulations of whole peers.
 */
const byThemselves =
  /^tests\/((e2e|fuzz|nat)\/|sim\/whole_peers_test|tools\/(compile|dev|pack)_test)/;

/**
 * The groups that take longest, in the order in which they begin: were one of them the last, processors would wait for
 * it. Those that wait more than they compute stand between those that compute.
 */
const longest: readonly string[] = [
  ...["storage", "core", "e2e_everything", "sim_whole_peers", "net", "attacks", "e2e_bad_input"],
  ...["e2e_page", "ui", "nat_homes", "fuzz_model", "e2e_screen", "e2e_mentions", "fuzz_files"],
];

/** The name of the group that a test file belongs to: of its folder below `tests`, or of the file. */
function groupOf(path: string): string {
  const parts = path.replace(/_test\.ts$/, "").split("/").slice(1);
  if (byThemselves.test(path)) return parts.join("_");
  const [folder = ""] = parts;
  return parts.length > 1 ? folder : "tests";
}

/** When a group begins, among all others. */
function turnOf(group: string): number {
  const turn = longest.indexOf(group);
  return turn < 0 ? longest.length : turn;
}

/** The test files, by path relative to the repository, of each group, in the order in which groups begin. */
export function groupsOf(paths: readonly string[]): Map<string, string[]> {
  const groups = [...Map.groupBy(paths, groupOf)];
  return new Map(groups.sort(([one], [other]) => turnOf(one) - turnOf(other)));
}

/** Writes the modules, and removes those of files that are gone. */
async function write(root: string): Promise<void> {
  const folder = join(root, groupsFolder);
  await Deno.mkdir(folder, { recursive: true });
  const stale = new Set((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name));
  const groups = [...groupsOf(await Array.fromAsync(walk(["tests"], "_test.ts")))];
  for (const [i, [group, paths]] of groups.entries()) {
    // Deno begins with those that it is told first, and the shell tells them by name.
    const name = `${String(i).padStart(2, "0")}_${group}.ts`;
    const imports = paths.map((path) => {
      const specifier = relative(folder, join(root, path)).replaceAll("\\", "/");
      return `import ${JSON.stringify(specifier)};\n`;
    });
    await Deno.writeTextFile(join(folder, name), imports.join(""));
    stale.delete(name);
  }
  for (const name of stale) await Deno.remove(join(folder, name), { recursive: true });
}

if (import.meta.main) await write(dirname(dirname(fileURLToPath(import.meta.url))));
