/**
 * Programs of the system, and the files that they read.
 *
 * @module
 */

import { dirname } from "node:path";
import { openerOf, openers } from "./openers.ts";

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

/**
 * Shows an address in the person's browser, and gives up the permission to start programs that do; false where
 * there is no such program.
 */
export function openTool(os: string, url: string): boolean {
  const [program, ...args] = openerOf(os, url);
  try {
    const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const child = new Deno.Command(program, { args, ...streams }).spawn();
    // The program may be the browser itself, which stays.
    child.unref();
    return true;
  } catch {
    return false;
  } finally {
    for (const command of openers) Deno.permissions.revokeSync({ name: "run", command });
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
