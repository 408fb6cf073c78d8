/**
 * The npm packages of the program, as deno.lock names them and as Deno's cache has them, and what of them
 * the program needs when it runs.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "./targets.ts";

/** The folder of the repository, with a slash at its end. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** What deno.lock says about one package. */
export interface LockedPackage {
  /** With its scope, if it has one. */
  readonly name: string;
  readonly version: string;
  /** The hash of its archive, as npm writes it: `sha512-` and Base64. */
  readonly integrity: string;
  /** Names of the packages that it needs. */
  readonly dependencies: readonly string[];
}

/** What is read of deno.lock (version 5). */
interface LockFile {
  readonly npm: Readonly<
    Record<string, { readonly integrity: string; readonly dependencies?: readonly string[] }>
  >;
}

/** Packages that no installation needs: only the tests, the type checker, a C++ compiler or the bundler do. */
const neverNeeded: ReadonlySet<string> = new Set([
  "@msgpack/msgpack",
  "@noble/curves",
  "ajv",
  "axe-core",
  "esbuild",
  "fast-check",
  "fast-deep-equal",
  "fast-uri",
  "jsqr",
  "json-schema-traverse",
  "node-addon-api",
  "pure-rand",
  "require-from-string",
]);

/** `@scope/name@1.2.3`, with peers behind an underscore where there are any. */
const lockedName = /^(@?[^@]+)@([^_]+)/;

/**
 * The packages of a deno.lock, by name.
 *
 * @throws {Error} If two versions of one package are locked: they could not lie side by side.
 */
export function lockedPackages(lockText: string): ReadonlyMap<string, LockedPackage> {
  const { npm }: LockFile = JSON.parse(lockText);
  const found = new Map<string, LockedPackage>();
  for (const [key, { integrity, dependencies = [] }] of Object.entries(npm)) {
    const [, name = "", version = ""] = lockedName.exec(key) ?? [];
    const other = found.get(name);
    if (other !== undefined && other.version !== version) {
      throw new Error(`Cannot take ${key}: deno.lock has ${name}@${other.version}, too.`);
    }
    found.set(name, {
      name,
      version,
      integrity,
      dependencies: dependencies.map((each) => lockedName.exec(each)?.[1] ?? each),
    });
  }
  return found;
}

/** Those that a running program needs, in the order of their names. */
export function runtimePackages(lockText: string): readonly LockedPackage[] {
  return [...lockedPackages(lockText).values()]
    .filter(({ name }) => !neverNeeded.has(name) && !name.startsWith("@esbuild/"))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Files of packages that the program never loads. */
const idlePaths: readonly RegExp[] = [
  // Types are for the type checker.
  new RegExp(`/(@types|@esbuild|${[...neverNeeded].join("|")})/`),
  // cmake-ts builds addons; zeromq needs its loader alone.
  /\/cmake-ts\/(.*\/)?build\/(main|lib)\./,
  // The clipboard and the keys of some terminals, which the screen does without.
  /\/pi-tui\/(.*\/)?native\//,
  // The password estimator is loaded as CommonJS; these are the same word lists in other forms.
  /\/@zxcvbn-ts\/.*\/dist\/(zxcvbn-ts\.js|.*\.mjs)$/,
  /\/@zxcvbn-ts\/.*\/src\//,
  // Hono as CommonJS, and what it has for other runtimes.
  /\/hono\/(.*\/)?dist\/(cjs|types|adapter)\//,
];

/** Whether the program never loads this file of a package. Addons are another matter. */
export function isIdlePath(path: string): boolean {
  return idlePaths.some((pattern) => pattern.test(path));
}

/** What cmake-ts writes about an addon into the keys of zeromq's `build/manifest.json`. */
interface AddonKey {
  readonly os: string;
  readonly arch: string;
  readonly libc: string;
  readonly abi: number;
}

/**
 * The addon that zeromq's loader takes on a target, relative to the package's folder `build`: of those for
 * its system, processor and C library the one with the highest ABI.
 *
 * @param manifest Text of zeromq's `build/manifest.json`.
 * @returns The manifest's key and the path with slashes.
 * @throws {Error} If there is none.
 */
export function addonOf(manifest: string, target: Target): { key: string; path: string } {
  const addons = Object.entries<string>(JSON.parse(manifest))
    .map(([key, path]) => ({ key, path: path.replaceAll("\\", "/"), of: JSON.parse(key) }))
    .filter(({ of }: { of: AddonKey }) =>
      of.os === target.os && of.arch === target.arch && of.libc === target.libc
    )
    .sort((a, b) => b.of.abi - a.of.abi);
  const [best] = addons;
  if (best === undefined) throw new Error(`Cannot find zeromq's addon for ${target.name}.`);
  return { key: best.key, path: best.path };
}

/** All files below a folder whose names end in one of the endings, as paths that begin with the folder. */
export async function filesBelow(folder: string, endings: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(path, endings));
    else if (endings.some((ending) => path.endsWith(ending))) found.push(path);
  }
  return found.sort();
}

/** The text of the repository's deno.lock. */
export function readLock(): Promise<string> {
  return Deno.readTextFile(join(root, "deno.lock"));
}

/** Where Deno's cache keeps its folders of packages: one a registry. */
async function cacheFolders(): Promise<string[]> {
  const args = ["info", "--json"];
  const info = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  const { npmCache }: { npmCache: string } = JSON.parse(new TextDecoder().decode(info.stdout));
  return (await Array.fromAsync(Deno.readDir(npmCache))).map(({ name }) => join(npmCache, name));
}

/** Packages and their folders in Deno's cache; those that are not there are left out. */
export async function cachedPackages<T extends { readonly name: string; readonly version: string }>(
  packages: Iterable<T>,
): Promise<(T & { readonly folder: string })[]> {
  const found: (T & { readonly folder: string })[] = [];
  const registries = await cacheFolders();
  for (const each of packages) {
    for (const registry of registries) {
      const folder = join(registry, each.name, each.version);
      const isThere = await Deno.stat(folder).then((stat) => stat.isDirectory, () => false);
      if (isThere) found.push({ ...each, folder: folder.replaceAll("\\", "/") });
      if (isThere) break;
    }
  }
  return found;
}
