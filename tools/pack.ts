/**
 * Writes the npm package `dist/camellia-timeline-VERSION.tgz`, and with `--try` installs it into an empty
 * folder with an empty cache and tries it out there.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import { root } from "./packages.ts";
import { packageName, stagePackage } from "./pack/stage.ts";

/** The package may have so many bytes: what a person downloads besides Deno. */
export const packageBytesMax = 8_000_000;

const usage = `Usage: deno task pack [--output DIR] [--try]

  --output DIR   where the package is written (default dist)
  --try          then install it into an empty folder, which takes the network, and try it out there:
                 two peers register, follow and post, on Linux as root without a network
`;

const decoder = new TextDecoder();

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

/** Runs npm; resolves to what it printed. */
async function npm(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  // npm is a script with another ending on Windows.
  const name = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  const output = await new Deno.Command(name, { args: [...args], ...options }).output();
  if (output.success) return decoder.decode(output.stdout);
  throw new Error(`npm ${args[0]} failed: ${decoder.decode(output.stderr)}`);
}

/** The name of the package's file. */
export const packageFile = `${packageName}-${denoConfig.version}.tgz`;

/**
 * Writes the package into a folder.
 *
 * @returns The path of its file.
 * @throws {Error} If npm or packages are missing, or the package is too large.
 */
export async function pack(output: string): Promise<string> {
  const stage = await Deno.makeTempDir();
  try {
    await stagePackage(stage);
    await Deno.mkdir(output, { recursive: true });
    const destination = `--pack-destination=${resolve(output)}`;
    await npm(["pack", destination, "--ignore-scripts", "--silent"], { cwd: stage });
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
  const path = join(output, packageFile);
  const { size } = await Deno.stat(path);
  if (size > packageBytesMax) throw new Error(`${path} has ${size} bytes: too many.`);
  return path;
}

/** What a command begins with to have no network but loopback; empty where that cannot be had. */
async function withoutNetwork(): Promise<string[]> {
  const inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  const [name = "", ...args] = [...inside, "true"];
  const works = await new Deno.Command(name, { args, stderr: "null" }).output()
    .then(({ success }) => success, () => false);
  return works ? inside : [];
}

/** Installs the package into an empty folder with an empty cache, and tries it out. */
async function tryPackage(path: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const begun = performance.now();
    await npm(["install", "-g", `--prefix=${folder}`, "--no-audit", "--no-fund", resolve(path)], {
      env: { npm_config_cache: join(folder, "npm-cache") },
    });
    await say(`installed in ${Math.round((performance.now() - begun) / 1000)} s\n`);
    const command = Deno.build.os === "windows"
      ? join(folder, "camellia.cmd")
      : join(folder, "bin", "camellia");
    const inside = await withoutNetwork();
    if (inside.length === 0) await say("(no network namespaces here: the network stays on)\n");
    const [name = "", ...args] = [
      ...inside,
      Deno.execPath(),
      "run",
      "-q",
      "-A",
      join(root, "tools/trial.ts"),
      command,
    ];
    const { success, stdout, stderr } = await new Deno.Command(name, { args, cwd: root }).output();
    if (!success) throw new Error(decoder.decode(stderr));
    const { startMs, arrived } = JSON.parse(decoder.decode(stdout));
    await say(`starts in ${startMs} ms; bob received ${JSON.stringify(arrived)}\n`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  let values: { output: string; try: boolean };
  try {
    const options = {
      output: { type: "string", default: join(root, "dist") },
      try: { type: "boolean", default: false },
    } as const;
    ({ values } = parseArgs({ options }));
  } catch (error) {
    await say(`error: ${error instanceof Error ? error.message : error}\n${usage}`);
    return 2;
  }
  try {
    const path = await pack(values.output);
    await say(`${path}: ${((await Deno.stat(path)).size / 1e6).toFixed(1)} MB\n`);
    if (values.try) await tryPackage(path);
    return 0;
  } catch (error) {
    await say(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
