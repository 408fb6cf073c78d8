/**
 * A copy of the program for a run that takes long: a process that starts in its middle is the program that it
 * began with, whatever is edited meanwhile.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What it takes to run the program, the lab, and the benches. */
const parts: readonly string[] = [
  ...["bench", "core", "lib", "net", "storage", "tests", "tools", "ui"],
  ...["composition.ts", "config.ini", "deno.json", "deno.lock", "main.ts"],
];

/** Tells a copy that it is one. */
const variable = "CAMELLIA_BENCH_COPY";

/** Whether this process runs from a copy. */
export const isCopy: boolean = Deno.env.get(variable) === "1";

/** Runs a script of the project from a copy, which is removed at the end; the script's exit code. */
export async function inCopy(script: string, args: readonly string[]): Promise<number> {
  const copy = await Deno.makeTempDir({ prefix: "camellia-program-" });
  // The copy gets them as well, and ends by them.
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
  try {
    for (const part of parts) await copyAll(join(root, part), join(copy, part));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--v8-flags=--expose-gc", join(copy, script), ...args],
      env: { [variable]: "1" },
    }).spawn();
    return (await child.status).code;
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

async function copyAll(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyAll(join(from, name), join(to, name));
}
