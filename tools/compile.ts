/**
 * Builds the executable `dist/camellia` with `deno compile`.
 *
 * Besides the modules that main.ts imports, it embeds config.ini and the files of all Workers (which
 * `deno compile` does not find by itself), and of zeromq's prebuilt addons only the one that the
 * target loads.
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import { v8Flags } from "./v8_flags.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const { env, sys } = denoConfig.permissions.camellia;

/**
 * Permissions of the executable: no subprocess, no import, no prompt. Data folder, addresses and
 * name servers are the user's choice at run time, so folders and hosts cannot be named here; the
 * addon is unpacked to a temporary place, so its path cannot either. composition.ts gives the permission
 * for libraries up once they are loaded.
 */
const permissions = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-ffi",
  `--allow-env=${env.allow.join(",")}`,
  "--ignore-env",
  `--allow-sys=${sys.join(",")}`,
];

/** The addon that Deno loads on Linux; elsewhere all builds for the platform are kept. */
const linuxAddon = "glibc-127-Release";

/** All files below a folder whose names end in one of the endings. */
async function filesBelow(folder: string, endings: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(path, endings));
    else if (endings.some((ending) => path.endsWith(ending))) found.push(path);
  }
  return found.sort();
}

/** The files that the program starts as Workers, relative to the repository. */
export async function workerFiles(): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of ["lib", "core", "net", "storage", "ui"]) {
    for (const path of await filesBelow(`${root}${folder}`, [".ts"])) {
      const source = await Deno.readTextFile(path);
      for (const match of source.matchAll(/new URL\("([^"]+\.ts)", import\.meta\.url\)/g)) {
        found.add(relative(root, join(dirname(path), match[1] ?? "")).replaceAll("\\", "/"));
      }
    }
  }
  return [...found].sort();
}

/** Files of packages that the executable never loads. */
const idlePaths: readonly RegExp[] = [
  // Only the tests, the type checker or a C++ compiler need these packages.
  /\/(@types|fast-check|node-addon-api|pure-rand)\//,
  // cmake-ts builds addons; zeromq needs its loader alone.
  /\/cmake-ts\/[^/]+\/build\/(main|lib)\./,
  // The password estimator is loaded as CommonJS; these are the same word lists in other forms.
  /\/@zxcvbn-ts\/.*\/dist\/(zxcvbn-ts\.js|.*\.mjs)$/,
  /\/@zxcvbn-ts\/.*\/src\//,
];

/** Source maps from this size on are left out: of the word lists they are as large as the lists. */
const sourceMapBytesMin = 20_000;

/** Where the package cache keeps the packages of the lockfile. */
async function packageFolders(): Promise<string[]> {
  const args = ["info", "--json"];
  const info = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
  const lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`));
  const folders: string[] = [];
  for await (const registry of Deno.readDir(npmCache)) {
    for (const name of Object.keys(lock.npm)) {
      // "@scope/name@1.2.3", with peers behind an underscore where there are any.
      const [, packageName, version] = /^(@?[^@]+)@([^_]+)/.exec(name) ?? [];
      const folder = `${npmCache}/${registry.name}/${packageName}/${version}`;
      if (await Deno.stat(folder).then((stat) => stat.isDirectory, () => false)) {
        folders.push(folder);
      }
    }
  }
  return folders;
}

/** Whether the file is an addon for another target, a build tool, or a large source map. */
async function isIdle(path: string): Promise<boolean> {
  if (path.endsWith(".node")) {
    const os = Deno.build.os === "windows" ? "win32" : Deno.build.os;
    const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
    return !path.includes(`/build/${os}/${arch}/node/${os === "linux" ? `${linuxAddon}/` : ""}`);
  }
  if (idlePaths.some((pattern) => pattern.test(path))) return true;
  return path.endsWith(".map") && (await Deno.stat(path)).size >= sourceMapBytesMin;
}

/**
 * What of the packages the executable does not need, as absolute paths in the package cache: above
 * all zeromq's addons for other targets than this machine's.
 */
export async function idleFiles(): Promise<string[]> {
  const idle: string[] = [];
  for (const folder of await packageFolders()) {
    for (const path of await filesBelow(folder, [""])) {
      if (await isIdle(path.replaceAll("\\", "/"))) idle.push(path);
    }
  }
  return idle;
}

/** The arguments of `deno compile` for an executable at `output`. */
export async function compileArguments(output: string): Promise<string[]> {
  const included = ["config.ini", ...await workerFiles()];
  return [
    "compile",
    "--no-prompt",
    v8Flags,
    ...permissions,
    ...included.map((path) => `--include=${path}`),
    ...(await idleFiles()).map((path) => `--exclude=${path}`),
    `--output=${output}`,
    "main.ts",
  ];
}

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

const usage = "Usage: deno task compile [--output FILE]   (default dist/camellia)\n";

/** What to do about the base runtime, where it is what failed. */
function adviceOn(errors: string): string | undefined {
  if (!/base binary|find denort/i.test(errors)) return undefined;
  const version = Deno.version.deno;
  return Deno.env.get("DENORT_BIN") === undefined
    ? `\nCannot compile: the base runtime (denort ${version}) is neither cached nor to be had from the network.\n` +
      "Connect to the network and try again, or set DENORT_BIN to a denort file of this version\n" +
      "(it is in the archive denort-<target>.zip of Deno's release page).\n"
    : `\nCannot compile: DENORT_BIN names no file that can be read. Set it to a denort file of version ${version}\n` +
      "(it is in the archive denort-<target>.zip of Deno's release page), or unset it to have it fetched.\n";
}

async function main(): Promise<number> {
  let output: string;
  try {
    const options = { output: { type: "string", default: "dist/camellia" } } as const;
    output = parseArgs({ options }).values.output;
  } catch (error) {
    await say(`error: ${error instanceof Error ? error.message : error}\n${usage}`);
    return 2;
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: await compileArguments(output),
    cwd: root,
    stdin: "null",
    stderr: "piped",
  }).spawn();
  let errors = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    errors += text;
    await say(text);
  }
  const { code } = await child.status;
  if (code !== 0) await say(adviceOn(errors) ?? "");
  return code === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
