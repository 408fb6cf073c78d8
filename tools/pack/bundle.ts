/**
 * The program's modules and its packages in few files of JavaScript: one for each part that is loaded on
 * demand, and those that several parts share.
 *
 * Hundreds of modules cost a peer a quarter of its memory and every start some 100 ms: Deno keeps the source
 * of each, with its types, comments and source map. Here lie neither. Names of functions stay, so that what a
 * person reports of an error tells where it was.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { cachedPackages, filesBelow, type LockedPackage, root } from "../packages.ts";
import { type Target, targets } from "../targets.ts";

/** The folder of the package for all files but the first, `main.js`. */
export const bundleFolder = "program";

/** A file of the bundle. */
export interface BundledFile {
  /** With slashes, from the package's folder on. */
  readonly path: string;
  /** Its text. */
  readonly text: string;
}

/** What {@linkcode bundleProgram} makes. */
export interface Bundle {
  /** The files. */
  readonly files: readonly BundledFile[];
  /** Names of the packages that lie in them. */
  readonly packages: ReadonlySet<string>;
}

/** The folder of the package for zeromq's addons: one for each target. */
export const addonFolder = "addons";

/** The name of a target's addon in that folder. */
export function addonName({ name }: Target): string {
  return `${name}.node`;
}

/**
 * What stands in the bundle for zeromq's module that looks for the addon: cmake-ts, which that uses, would be the
 * one package that Deno has to load as CommonJS, for 5 MB and 20 ms.
 */
function addonLoader(): string {
  const names = Object.fromEntries(
    targets.map((
      target,
    ) => [`${target.os}-${target.arch}`, `../${addonFolder}/${addonName(target)}`]),
  );
  return `import { fileURLToPath } from "node:url";
const { process } = globalThis;
const path = ${JSON.stringify(names)}[process.platform + "-" + process.arch];
if (path === undefined) throw new Error("Cannot find zeromq's addon for this machine");
const addon = { exports: {} };
process.dlopen(addon, fileURLToPath(new URL(path, import.meta.url)));
export default addon.exports;`;
}

/** `loadModule<…>(new URL("…", import.meta.url))`: a module that is loaded when it is needed. */
const late = /loadModule(?:<[^;]*?>)?\(\s*new URL\("(\.{1,2}\/[^"]+)", import\.meta\.url\),?\s*\)/g;

/** A Worker's file. */
const worker = /new Worker\(\s*new URL\("(\.{1,2}\/[^"]+)", import\.meta\.url\)/g;

/** What esbuild writes for a module that is loaded when it is needed. */
const lateInBundle = /\bimport\("(\.{1,2}\/[^"]+)"\)/g;

/** A package's module of Node.js, which packages name without `node:` as well. */
const builtins = new RegExp(`^(?:node:)?(${builtinModules.join("|").replaceAll("/", "\\/")})$`);

/** The name of a Worker's file in the bundle, of its path. */
function workerName(path: string): string {
  return relative(root, path).replaceAll(/[\\/]/g, "-").replace(/\.ts$/, "");
}

/** The Workers that a module starts, by their names in the bundle. */
function workersOf(path: string, source: string): [name: string, path: string][] {
  return [...source.matchAll(worker)].map(([, file = ""]) => {
    const place = resolve(dirname(path), file);
    return [workerName(place), place];
  });
}

/** The Workers of the whole program: they share code with it, so they are bundled with it. */
async function allWorkers(): Promise<Record<string, string>> {
  const folders = ["core", "lib", "net", "storage", "ui"].map((name) => join(root, name));
  const paths = (await Promise.all(folders.map((path) => filesBelow(path, [".ts"])))).flat();
  const found = await Promise.all(paths.map(async (path) => {
    return workersOf(path, await Deno.readTextFile(path));
  }));
  return Object.fromEntries(
    found.flat().map(([name, path]) => [`${bundleFolder}/${name}`, path]),
  );
}

/** How modules of the program, and of Node.js, are found and changed. */
const plugin: esbuild.Plugin = {
  name: "camellia",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await Deno.readTextFile(path);
      const contents = source
        .replaceAll(late, 'import("$1")')
        .replaceAll(worker, (_, file) => {
          // All files of the bundle but the first lie beside one another.
          const name = workerName(resolve(dirname(path), file));
          return `new Worker(new URL("./${name}.js", import.meta.url)`;
        });
      return { contents, loader: "ts" };
    });
    // What the page gives to browsers is text to the program.
    build.onLoad({ filter: /[\\/]ui[\\/]web[\\/]assets[\\/]/ }, async ({ path }) => ({
      contents: await Deno.readTextFile(path),
      loader: "text",
    }));
    build.onLoad({ filter: /[\\/]zeromq[\\/]lib[\\/]load-addon\.js$/ }, () => {
      return { contents: addonLoader() };
    });
    build.onResolve({ filter: builtins }, ({ path, kind }) => {
      const name = `node:${path.replace(/^node:/, "")}`;
      // There is no `require` in the bundle's modules.
      if (kind === "require-call") return { path: name, namespace: "builtin" };
      return { path: name, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = globalThis.process.getBuiltinModule("${path}");`,
    }));
  },
};

/** A folder in which packages lie as npm lays them out: links to those in Deno's cache. */
async function linkPackages(folder: string, packages: readonly LockedPackage[]): Promise<void> {
  for (const { name, folder: from } of await cachedPackages(packages)) {
    const path = join(folder, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    // Windows lets everyone make junctions, and few make links.
    await Deno.symlink(from, path, { type: Deno.build.os === "windows" ? "junction" : "dir" });
  }
}

/** The package that a file lies in; undefined for one of the program's own. */
function packageOf(input: string): string | undefined {
  return /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

/**
 * Bundles the program.
 *
 * @param packages Those that a running program needs, in Deno's cache.
 * @throws {Error} If esbuild finds something wrong with a module.
 */
export async function bundleProgram(packages: readonly LockedPackage[]): Promise<Bundle> {
  const folder = await Deno.makeTempDir();
  try {
    const modules = join(folder, "node_modules");
    await linkPackages(modules, packages);
    const result = await esbuild.build({
      entryPoints: { main: join(root, "main.ts"), ...await allWorkers() },
      outdir: root,
      absWorkingDir: root,
      nodePaths: [modules],
      // Packages are found beside one another, and not where their links lead.
      preserveSymlinks: true,
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "esnext",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["deno", "import", "node"],
      chunkNames: `${bundleFolder}/[name]-[hash]`,
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: "none",
      logLevel: "silent",
      plugins: [plugin],
    });
    const files = result.outputFiles.map(({ path, text }) => ({
      path: relative(root, path).replaceAll("\\", "/"),
      // Deno reads what an `import()` names in the source, whether it is needed or not.
      text: text.replaceAll(lateInBundle, 'import(new URL("$1",import.meta.url).href)'),
    }));
    const inputs = Object.keys(result.metafile.inputs).map(packageOf);
    return { files, packages: new Set(inputs.filter((name) => name !== undefined)) };
  } finally {
    await esbuild.stop();
    await Deno.remove(folder, { recursive: true });
  }
}
