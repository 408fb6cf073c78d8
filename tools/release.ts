/**
 * Makes what a release consists of, in dist/release: an archive with the executable for each target, the npm
 * package, the bill of materials, install.sh, and the sums of all of them.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import { buildExecutable } from "./compile.ts";
import { pack } from "./pack.ts";
import { denoVersion, packageName } from "./pack/stage.ts";
import { cachedPackages, readLock, root, runtimePackages } from "./packages.ts";
import { makeSbom } from "./release/sbom.ts";
import { sumsOf } from "./release/sums.ts";
import { ownTarget, type Target, targetNamed, targets } from "./targets.ts";

const usage =
  `Usage: deno task release [--target TARGET | --all | --collect] [--output DIR] [--url URL]

  --target TARGET   only the archive for ${targets.map(({ name }) => name).join(", ")}
  --all             the archives for all of them, then everything else
  --collect         no archive: package, bill of materials, install.sh, and sums of what is in DIR
  --output DIR      where it is written (default dist/release)
  --url URL         where the release will be, for install.sh

Without --target, --all and --collect: the archive for this machine, then everything else.
`;

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

/** The name of a target's archive. */
export function archiveName(target: Target): string {
  return `camellia-${denoConfig.version}-${target.name}.tar.gz`;
}

/**
 * Packs an executable with its licence and its settings.
 *
 * @returns The path of the archive.
 */
export async function archive(
  executable: string,
  target: Target,
  output: string,
): Promise<string> {
  const stage = await Deno.makeTempDir();
  try {
    const name = target.os === "win32" ? "camellia.exe" : "camellia";
    await Deno.copyFile(executable, join(stage, name));
    await Deno.chmod(join(stage, name), 0o755).catch(() => {});
    const beside = ["LICENSE", "README.md", "CHANGELOG.md", "config.ini"];
    for (const each of beside) await Deno.copyFile(join(root, each), join(stage, each));
    await Deno.mkdir(output, { recursive: true });
    const path = join(resolve(output), archiveName(target));
    const tar = new Deno.Command("tar", { args: ["-czf", path, name, ...beside], cwd: stage });
    const { success, stderr } = await tar.output();
    if (!success) throw new Error(`tar failed: ${new TextDecoder().decode(stderr)}`);
    return path;
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

/** The bill of materials of this commit, as text. */
export async function sbomText(): Promise<string> {
  const packages = await cachedPackages(runtimePackages(await readLock()));
  const licensed = await Promise.all(packages.map(async ({ folder, ...each }) => {
    const { license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
    return { ...each, license: typeof license === "string" ? license : undefined };
  }));
  const { version, license } = denoConfig;
  const subject = { name: packageName, version, license, deno: denoVersion };
  return `${JSON.stringify(makeSbom(subject, licensed), null, 2)}\n`;
}

/** install.sh that knows where its release is; without an address it asks for CAMELLIA_URL. */
export function installScript(template: string, url: string | undefined): string {
  return url === undefined ? template : template.replace("RELEASE_URL", url);
}

/** Writes everything but the archives, and the sums of all files of the release that are in the folder. */
export async function collect(output: string, url: string | undefined): Promise<string[]> {
  await pack(output);
  const sbom = `camellia-${denoConfig.version}.cdx.json`;
  await Deno.writeTextFile(join(output, sbom), await sbomText());
  const template = await Deno.readTextFile(join(root, "packaging/install.sh"));
  await Deno.writeTextFile(join(output, "install.sh"), installScript(template, url));
  await Deno.chmod(join(output, "install.sh"), 0o755).catch(() => {});
  const names = (await Array.fromAsync(Deno.readDir(output))).map(({ name }) => name)
    .filter((name) => name.includes(denoConfig.version) || name === "install.sh").sort();
  const sums = await sumsOf(names.map((name) => join(output, name)));
  await Deno.writeTextFile(join(output, "SHA256SUMS"), sums);
  return [...names, "SHA256SUMS"];
}

/** Builds a target's executable, tries it out if it is this machine's, and packs it. */
async function release(target: Target, output: string): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  try {
    const name = join(folder, target.os === "win32" ? "camellia.exe" : "camellia");
    if (!await buildExecutable(target, name)) return false;
    await say(`${await archive(name, target, output)}\n`);
    return true;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a release is asked for. */
export interface ReleaseWish {
  /** Whose executables are built. */
  readonly targets: readonly Target[];
  /** Whether everything else follows. */
  readonly collects: boolean;
  readonly output: string;
  readonly url: string | undefined;
}

/** Reads the arguments; an error says what is wrong with them. */
export function readReleaseArguments(args: readonly string[]): ReleaseWish | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        output: { type: "string", default: join(root, "dist/release") },
        target: { type: "string" },
        all: { type: "boolean", default: false },
        collect: { type: "boolean", default: false },
        url: { type: "string" },
      },
    });
    const { output, url } = values;
    const ways = [values.target !== undefined, values.all, values.collect].filter(Boolean);
    if (ways.length > 1) return new Error("--target, --all and --collect exclude one another");
    if (values.collect) return { targets: [], collects: true, output, url };
    if (values.all) return { targets, collects: true, output, url };
    const target = values.target === undefined ? ownTarget() : targetNamed(values.target);
    if (target === undefined) return new Error(`no target ${values.target ?? Deno.build.target}`);
    return { targets: [target], collects: values.target === undefined, output, url };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function main(): Promise<number> {
  const wish = readReleaseArguments(Deno.args);
  if (wish instanceof Error) {
    await say(`error: ${wish.message}\n${usage}`);
    return 2;
  }
  try {
    for (const target of wish.targets) if (!await release(target, wish.output)) return 1;
    if (wish.collects) {
      const names = await collect(wish.output, wish.url);
      await say(`${wish.output}: ${names.join(", ")}\n`);
    }
    return 0;
  } catch (error) {
    await say(`Cannot make the release: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
