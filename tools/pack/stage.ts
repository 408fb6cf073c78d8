/**
 * Lays out the npm package in a folder, ready for `npm pack`.
 *
 * The program and its packages lie there as a bundle, with a file of their licences and zeromq's addons, one
 * for each target. The package depends on nothing but Deno itself.
 *
 * @module
 */

import { dirname, join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import {
  addonOf,
  cachedPackages,
  type LockedPackage,
  readLock,
  root,
  runtimePackages,
} from "../packages.ts";
import { targets } from "../targets.ts";
import { addonFolder, addonName, bundleFolder, bundleProgram } from "./bundle.ts";

/** The package's name; its command is `camellia`. */
export const packageName = "camellia-timeline";

/** The version of Deno that the package brings along: the one that all documents name. */
export const denoVersion = "2.9.6";

/** The oldest Node.js that the launcher runs on. */
const nodeVersionMin = 18;

/** The licences of all packages that lie in the bundle. */
export const licencesFile = "LICENSES.txt";

/** Files that go into the package as they are. */
const plainFiles: readonly string[] = ["LICENSE", "README.md", "CHANGELOG.md", "config.ini"];

/** Licences, which go along with what they license. */
const licenceFile = /^(licen[cs]e|copying|notice)/i;

/** The package's package.json. */
export function packageManifest(): Record<string, unknown> {
  return {
    name: packageName,
    version: denoConfig.version,
    description: "A timeline without servers: every user runs a peer.",
    license: denoConfig.license,
    keywords: ["timeline", "social-network", "peer-to-peer", "kademlia", "cli"],
    type: "module",
    bin: { camellia: "camellia.mjs" },
    engines: { node: `>=${nodeVersionMin}` },
    dependencies: { deno: denoVersion },
  };
}

/**
 * The package's deno.json: permissions as the repository's, but that the program may write nowhere in the
 * package's own folder.
 */
export function packageConfig(): Record<string, unknown> {
  const { version, unstable, permissions } = denoConfig;
  const { camellia } = permissions;
  const own = ["camellia.mjs", "main.js", "deno.json", "package.json", "config.ini"];
  const deny = [...own, bundleFolder, addonFolder];
  return {
    version,
    unstable,
    permissions: { camellia: { ...camellia, write: { allow: true, deny } } },
  };
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
}

/** The MIT licence (https://spdx.org/licenses/MIT.html) below the name of who has the rights. */
const mitTerms =
  `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The text of a package's licence, or what package.json calls it. */
async function licenceOf(
  { name, version, folder }: { name: string; version: string; folder: string },
): Promise<string> {
  const { license, author } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
  const texts: string[] = [];
  for await (const { name: file } of Deno.readDir(folder)) {
    if (licenceFile.test(file)) texts.push((await Deno.readTextFile(join(folder, file))).trim());
  }
  // pi-tui has no file of its licence, and names it and its author in package.json.
  if (texts.length === 0) texts.push(`Copyright (c) ${author?.name ?? author}`, mitTerms);
  return `${name} ${version} (${license})\n\n${texts.join("\n\n")}\n`;
}

/** The program and the packages that lie in its files, with their licences. */
async function writeProgram(
  folder: string,
  packages: readonly LockedPackage[],
  cached: readonly { name: string; version: string; folder: string }[],
): Promise<void> {
  const bundle = await bundleProgram(packages);
  for (const { path, text } of bundle.files) await write(join(folder, path), text);
  const bundled = cached.filter(({ name }) => bundle.packages.has(name));
  const licences = await Promise.all(bundled.map(licenceOf));
  await write(join(folder, licencesFile), licences.join(`\n${"-".repeat(80)}\n\n`));
}

/** zeromq's addons, one for each target. */
async function writeAddons(folder: string, zeromq: string): Promise<void> {
  const manifest = await Deno.readTextFile(join(zeromq, "build/manifest.json"));
  for (const target of targets) {
    const { path } = addonOf(manifest, target);
    const bytes = await Deno.readFile(join(zeromq, "build", path));
    await write(join(folder, addonFolder, addonName(target)), bytes);
  }
}

/**
 * Lays out the package in a folder.
 *
 * @throws {Error} If packages of deno.lock are not in Deno's cache; `deno install` fetches them.
 */
export async function stagePackage(folder: string): Promise<void> {
  const packages = runtimePackages(await readLock());
  const cached = await cachedPackages(packages);
  const missing = packages.filter(({ name }) => cached.every((each) => each.name !== name));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(", ");
    throw new Error(`Cannot pack: ${names} not in Deno's cache. Run deno install, then try again.`);
  }
  await writeProgram(folder, packages, cached);
  for (const each of cached) if (each.name === "zeromq") await writeAddons(folder, each.folder);
  for (const each of plainFiles) {
    await write(join(folder, each), await Deno.readFile(join(root, each)));
  }
  const launcher = new URL("camellia.mjs", import.meta.url);
  await write(join(folder, "camellia.mjs"), await Deno.readFile(launcher));
  await Deno.chmod(join(folder, "camellia.mjs"), 0o755).catch(() => {});
  await write(join(folder, "package.json"), `${JSON.stringify(packageManifest(), null, 2)}\n`);
  await write(join(folder, "deno.json"), `${JSON.stringify(packageConfig(), null, 2)}\n`);
}
