/**
 * Programs of the system, and the files that they read.
 *
 * @module
 */

import { dirname } from "node:path";

/** Runs a program; its exit code and all that it printed, or undefined where there is none of that name. */
export async function runTool(
  program: string,
  args: readonly string[],
): Promise<{ code: number; printed: string } | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, printed: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes a file, with the folders above it. Only its owner may change it. */
export async function writeTool(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, bytes, { mode: 0o644 });
}

/** Removes a file if it is there. */
export async function removeTool(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
