/**
 * Builds executables with `deno compile`: `dist/camellia` for this machine, or one for each target.
 *
 * Besides the modules that main.ts imports, it embeds config.ini, Workers and modules that are loaded
 * late (which `deno compile` does not find by itself), and of zeromq's prebuilt addons only the one that the
 * target loads. What was built is looked at, and run where this machine can.
 *
 * @module
 */

import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import { headBytes, targetProblem } from "./executables.ts";
import {
  addonOf,
  cachedPackages,
  filesBelow,
  isIdlePath,
  lockedPackages,
  readLock,
  root,
} from "./packages.ts";
import { ownTarget, type Target, targetNamed, targets } from "./targets.ts";
import { tryOut } from "./trial.ts";
import { v8Flags } from "./v8_flags.ts";

const { env, run, sys } = denoConfig.permissions.camellia;

/**
 * Permissions of the executable: no subprocess but what manages services, no import, no prompt. Data folder, addresses and
 * name servers are the user's choice at run time, so folders and hosts cannot be named here; the
 * addon is unpacked to the data folder, which TMPDIR names meanwhile, so its path cannot either.
 * composition.ts gives the permissions for libraries and programs up once the libraries are loaded.
 */
const permissions = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-ffi",
  `--allow-env=${env.allow.join(",")},TMPDIR`,
  "--ignore-env",
  `--allow-run=${run.join(",")}`,
  `--allow-sys=${sys.join(",")}`,
];

/** The modules that the program starts as Workers or loads when they are needed, relative to the repository. */
export async function lateModules(): Promise<string[]> {
  const found = new Set<string>();
  const folders = ["lib", "core", "net", "storage", "ui"];
  const below = await Promise.all(folders.map((name) => filesBelow(`${root}${name}`, [".ts"])));
  for (const path of [`${root}main.ts`, `${root}composition.ts`, ...below.flat()]) {
    const source = await Deno.readTextFile(path);
    for (
      const match of source.matchAll(/new URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url,?\s*\)/g)
    ) {
      if (path.endsWith("lib/load_module.ts")) continue;
      found.add(relative(root, join(dirname(path), match[1] ?? "")).replaceAll("\\", "/"));
    }
  }
  return [...found].sort();
}

/** Source maps from this size on are left out: of the word lists they are as large as the lists. */
const sourceMapBytesMin = 20_000;

/** Whether the file is a build tool or a large source map. Addons are another matter. */
async function isIdle(path: string): Promise<boolean> {
  if (isIdlePath(path)) return true;
  return path.endsWith(".map") && (await Deno.stat(path)).size >= sourceMapBytesMin;
}

/**
 * What of the packages the executable does not need, as absolute paths in the package cache: above
 * all zeromq's addons for other targets.
 */
export async function idleFiles(target: Target): Promise<string[]> {
  const idle: string[] = [];
  for (const { folder } of await cachedPackages(lockedPackages(await readLock()).values())) {
    const paths = await filesBelow(folder, [""]);
    const manifest = paths.find((path) => /\/zeromq\/[^/]+\/build\/manifest\.json$/.test(path));
    const addon = manifest === undefined
      ? undefined
      : join(dirname(manifest), addonOf(await Deno.readTextFile(manifest), target).path);
    for (const path of paths) {
      const isOther = path.endsWith(".node") && path !== addon?.replaceAll("\\", "/");
      if (isOther || await isIdle(path)) idle.push(path);
    }
  }
  return idle;
}

/** The arguments of `deno compile` for a target's executable at `output`. */
export async function compileArguments(output: string, target: Target): Promise<string[]> {
  const included = ["config.ini", ...await lateModules()];
  return [
    "compile",
    "--no-prompt",
    // Types are what `deno task check` is for: to check them once more would take a quarter of a minute.
    "--no-check",
    v8Flags,
    ...permissions,
    ...included.map((path) => `--include=${path}`),
    ...(await idleFiles(target)).map((path) => `--exclude=${path}`),
    // Without it Deno takes DENORT_BIN for this machine, and so does a build for it.
    ...(target === ownTarget() ? [] : [`--target=${target.triple}`]),
    `--output=${output}`,
    "main.ts",
  ];
}

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

const usage = `Usage: deno task compile [--target TARGET | --all] [--output FILE]

  --target TARGET   one of ${targets.map(({ name }) => name).join(", ")} (default this machine)
  --all             each of them, dist/camellia-TARGET
  --output FILE     where the executable is written (default dist/camellia)
`;

/** Where a base runtime is to be had. */
const where = `(it is in the archive denort-<target>.zip of Deno's release page)`;

/** What to do about the base runtime, where it is what failed. */
function adviceOn(errors: string): string | undefined {
  if (!/base binary|find denort/i.test(errors)) return undefined;
  const version = Deno.version.deno;
  return Deno.env.get("DENORT_BIN") === undefined
    ? `\nCannot compile: the base runtime (denort ${version}) is neither cached nor to be had from the network.\n` +
      `Connect to the network and try again, or set DENORT_BIN to a denort file of this version\n${where}.\n`
    : `\nCannot compile: DENORT_BIN names no file that can be read. Set it to a denort file of version ${version}\n` +
      `${where}, or unset it to have it fetched.\n`;
}

/** The first bytes of a file. */
async function headOf(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(headBytes);
  return bytes.subarray(0, await file.read(bytes) ?? 0);
}

/**
 * Why what `deno compile` made is no Camellia for the target, although it reported no error: it takes any
 * file as base runtime.
 */
export async function executableProblem(
  path: string,
  target: Target,
): Promise<string | undefined> {
  const problem = targetProblem(await headOf(path), target);
  if (problem !== undefined || target !== ownTarget()) return problem;
  const folder = await Deno.makeTempDir();
  try {
    const command = new Deno.Command(resolve(path), { args: ["--version"], cwd: folder });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    const said = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
    if (code === 0 && said === denoConfig.version) return undefined;
    return `--version says ${JSON.stringify(said.slice(0, 300))}, not ${denoConfig.version}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Builds one executable, looks at it, and tries it out where this machine can; whether all of that went well. */
export async function buildExecutable(target: Target, output: string): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: await compileArguments(output, target),
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
  if (code !== 0) {
    await say(adviceOn(errors) ?? "");
    return false;
  }
  const file = resolve(root, output);
  const written = target.os === "win32" && !file.endsWith(".exe") ? `${file}.exe` : file;
  const problem = await executableProblem(written, target);
  if (problem !== undefined) {
    await say(
      `\nCannot compile: ${output} was written, but ${problem}.\n` +
        (Deno.env.get("DENORT_BIN") === undefined
          ? "The cached base runtime may be damaged: remove it from Deno's cache (deno info names it).\n"
          : `DENORT_BIN must name a denort, not a deno, of version ${Deno.version.deno} for ${target.name}\n${where}.\n`),
    );
    await Deno.remove(written);
    return false;
  }
  if (target !== ownTarget()) {
    await say(`${output} is for ${target.name}: it was looked at, and not run.\n`);
    return true;
  }
  const { startMs } = await tryOut([written]);
  await say(`${output} starts in ${startMs} ms; two peers registered, followed and posted.\n`);
  return true;
}

/** What to build and where, or what is wrong with the arguments. */
export function readCompileArguments(
  args: readonly string[],
): { target: Target; output: string }[] | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        output: { type: "string" },
        target: { type: "string" },
        all: { type: "boolean", default: false },
      },
    });
    if (values.all) {
      if (values.target !== undefined || values.output !== undefined) {
        return new Error("--all builds all targets under names of their own");
      }
      return targets.map((target) => ({ target, output: `dist/camellia-${target.name}` }));
    }
    const target = values.target === undefined ? ownTarget() : targetNamed(values.target);
    if (target === undefined) return new Error(`no target ${values.target ?? Deno.build.target}`);
    const name = values.target === undefined ? "camellia" : `camellia-${target.name}`;
    return [{ target, output: values.output ?? `dist/${name}` }];
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function main(): Promise<number> {
  const wanted = readCompileArguments(Deno.args);
  if (wanted instanceof Error) {
    await say(`error: ${wanted.message}\n${usage}`);
    return 2;
  }
  let done = true;
  for (const { target, output } of wanted) {
    try {
      done = await buildExecutable(target, output) && done;
    } catch (error) {
      await say(
        `Cannot compile for ${target.name}: ${error instanceof Error ? error.message : error}\n`,
      );
      done = false;
    }
  }
  return done ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
