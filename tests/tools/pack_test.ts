import assert from "node:assert/strict";
import { join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import { pack, packageFile } from "../../tools/pack.ts";
import { toJavaScript } from "../../tools/pack/source.ts";
import { bundledManifest, denoVersion, packageConfig } from "../../tools/pack/stage.ts";
import { addonOf, lockedPackages, readLock, root, runtimePackages } from "../../tools/packages.ts";
import { targets } from "../../tools/targets.ts";
import { v8Flags } from "../../tools/v8_flags.ts";
import { walk } from "../walk.ts";

const decoder = new TextDecoder();

async function output(name: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(name, { args: [...args], cwd: root });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

const npmName = Deno.build.os === "windows" ? "npm.cmd" : "npm";
const hasNpm = await new Deno.Command(npmName, { args: ["--version"] }).output()
  .then(({ success }) => success, () => false);

/** The package's files, and the folder in which they are; all below that folder's parent is removed. */
interface Unpacked extends AsyncDisposable {
  readonly folder: string;
  readonly files: ReadonlySet<string>;
}

async function unpacked(): Promise<Unpacked> {
  const folder = await Deno.makeTempDir();
  const path = await pack(folder);
  await output("tar", ["-xzf", path, "-C", folder]);
  const files = new Set<string>();
  const below = async (place: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, place))) {
      if (isDirectory) await below(`${place}/${name}`);
      else files.add(`${place}/${name}`.slice("package/".length));
    }
  };
  await below("package");
  return {
    folder: join(folder, "package"),
    files,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** The program, its packages and their licences, five addons, and nothing to be fetched but Deno. */
async function checkContents({ files, folder }: Unpacked): Promise<void> {
  const manifest = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
  assert.equal(packageFile, `camellia-timeline-${denoConfig.version}.tgz`);
  assert.equal(manifest.version, denoConfig.version);
  assert.deepEqual(manifest.bin, { camellia: "camellia.mjs" });
  assert.equal(manifest.license, denoConfig.license);
  // Deno is all that npm fetches: everything else lies in the package.
  const fetched = Object.keys(manifest.dependencies)
    .filter((name) => !files.has(`node_modules/${name}/package.json`));
  assert.deepEqual(fetched, ["deno"]);
  assert.equal(manifest.dependencies.deno, denoVersion);
  for (const { name, version } of runtimePackages(await readLock())) {
    const path = `node_modules/${name}`;
    const bundled = JSON.parse(await Deno.readTextFile(join(folder, path, "package.json")));
    assert.equal(bundled.version, version);
    assert.equal(bundled.scripts, undefined, name);
    const hasLicence = [...files].some((file) =>
      file.startsWith(`${path}/`) && /\/licen[cs]e[^/]*$/i.test(file)
    );
    assert.ok(hasLicence || name === "cmake-ts" && bundled.license === "MIT", `${name}: licence`);
  }
  const addons = [...files].filter((file) => file.endsWith(".node"));
  assert.equal(addons.length, targets.length);
  for (const path of ["LICENSE", "README.md", "config.ini", "deno.json", "camellia.mjs"]) {
    assert.ok(files.has(path), path);
  }
  // Every module, and whatever it names by a relative path.
  for await (const path of walk(["core", "lib", "net", "storage", "ui"], ".ts")) {
    assert.ok(files.has(path.replace(/\.ts$/, ".js")), path);
  }
  for (const file of files) {
    if (file.startsWith("node_modules/") || !/\.m?js$/.test(file)) continue;
    const source = await Deno.readTextFile(join(folder, file));
    assert.doesNotMatch(source, /from "[^"]*\.ts"/, file);
    for (const [, path = ""] of source.matchAll(/ from "(\.[^"]+)"/g)) {
      const target = new URL(path, `file:///${file}`).pathname.slice(1);
      assert.ok(files.has(target), `${file} imports ${target}`);
    }
    for (
      const [, name = ""] of source.matchAll(/(?: from |import\()"((?:@[^"/]+\/)?[^".@/]+)/g)
    ) {
      if (name.startsWith("node:")) continue;
      assert.ok([...files].some((each) => each.startsWith(`node_modules/${name}`)), name);
    }
  }
}

/** In the place where Node.js has packages, without a network, the running Deno in place of npm's. */
async function checkStart({ folder }: Unpacked): Promise<void> {
  const home = join(folder, "..", "node_modules");
  const place = join(home, "camellia-timeline");
  await Deno.mkdir(home);
  await Deno.rename(folder, place);
  const system = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  const platform = `@deno/${system}-${arch}${system === "linux" ? "-glibc" : ""}`;
  for (const name of ["deno", platform]) {
    await Deno.mkdir(join(home, name), { recursive: true });
    await Deno.writeTextFile(join(home, name, "package.json"), "{}");
  }
  const binary = system === "win32" ? "deno.exe" : "deno";
  const prepare = (args: string[]) =>
    new Deno.Command("node", {
      args: [join(place, "camellia.mjs"), ...args],
      cwd: home,
      env: { NO_COLOR: "1", DENO_DIR: join(home, "cache"), HTTPS_PROXY: "http://127.0.0.1:1" },
      stdout: "piped",
      stderr: "piped",
    });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await prepare(args).output();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  };
  const without = await run("--version");
  assert.equal(without.code, 1);
  assert.match(without.err, /^camellia: Cannot find Deno for /);
  const path = join(home, platform, binary);
  await Deno.link(Deno.execPath(), path).catch(() => Deno.copyFile(Deno.execPath(), path));
  assert.deepEqual(await run("--version"), {
    code: 0,
    out: `${denoConfig.version}\n`,
    err: "",
  });
  assert.equal((await run("wrong")).code, 2);
  // What the system is told to start as a service is this program, from wherever it is started.
  const probe = join(place, "probe.js");
  await Deno.writeTextFile(
    probe,
    'import { createHost } from "./main.js";' +
      "console.log(JSON.stringify(await (await createHost()).tools.invocation()));",
  );
  const flags = ["run", "-q", "-A", "--node-modules-dir=manual", "--config"];
  const asked = await output(Deno.execPath(), [...flags, join(place, "deno.json"), probe]);
  const [program = "", ...started]: string[] = JSON.parse(asked);
  assert.equal(await output(program, [...started, "--version"]), `${denoConfig.version}\n`);
  if (system === "win32") return;
  // A signal reaches the program, which leaves the network and says so with its exit code.
  const network = ["--ip", "127.0.0.1", "-p", "0", "--listening-ip", "127.0.0.1", "-l", "0"];
  const data = ["--data", join(home, "data"), "--ntp-server", "none", "--json", "--init"];
  const node = prepare([...data, ...network, "node"]).spawn();
  const reader = node.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) said += (await reader.read()).value ?? "\n";
  node.kill("SIGTERM");
  assert.match(said, /^\{"event":"ready"/);
  assert.equal((await node.status).code, 0);
  await Promise.all([reader.cancel(), node.stderr.cancel()]);
}

Deno.test({
  name: `Package has all that it needs, and runs without a network${
    hasNpm ? "" : " (ignored: no npm)"
  }`,
  ignore: !hasNpm,
  fn: async () => {
    await using it = await unpacked();
    await checkContents(it);
    await checkStart(it);
  },
});

Deno.test("Launcher gives the program what the task gives it", async () => {
  const launcher = await Deno.readTextFile(join(root, "tools/pack/camellia.mjs"));
  for (const word of [v8Flags, "--no-prompt", "--permission-set=camellia"]) {
    assert.ok(launcher.includes(`"${word}"`), word);
  }
  const { permissions } = denoConfig;
  const packaged = packageConfig() as typeof denoConfig;
  assert.deepEqual(packaged.unstable, denoConfig.unstable);
  assert.deepEqual(Object.keys(packaged.permissions), ["camellia"]);
  const { write, ...others } = packaged.permissions.camellia;
  const { write: _, ...same } = permissions.camellia;
  assert.deepEqual(others, same);
  for (const path of ["main.js", "deno.json", "camellia.mjs", "node_modules", "core", "ui"]) {
    assert.ok(write.deny.includes(path), path);
  }
});

Deno.test("Documents, workflows and the package name one version of Deno", async () => {
  const named = (text: string) => [...text.matchAll(/deno@(\d+\.\d+\.\d+)/g)].map(([, it]) => it);
  const workflows = [".github/workflows/ci.yml", ".github/workflows/release.yml"];
  for (const path of ["README.md", "CONTRIBUTING.md", ".ci/run", ...workflows]) {
    const versions = new Set(named(await Deno.readTextFile(join(root, path))));
    assert.deepEqual([...versions], [denoVersion], path);
  }
});

Deno.test("JavaScript for the package keeps lines and names modules by their new ending", () => {
  const source = [
    'import { type A, b } from "../lib/b.ts";',
    'import json from "./deno.json" with { type: "json" };',
    "export const c = (value: A): number => b(value);",
    'const text = "a.ts"; const late = await import("./d.ts");',
  ].join("\n");
  assert.deepEqual(toJavaScript(source).split("\n").map((line) => line.replaceAll(/ +/g, " ")), [
    'import { b } from "../lib/b.js";',
    'import json from "./deno.json" with { type: "json" };',
    "export const c = (value ) => b(value);",
    'const text = "a.ts"; const late = await import("./d.js");',
  ]);
  assert.throws(() => toJavaScript("enum A { b }"));
});

Deno.test("A lock file with two versions of a package is refused", () => {
  const lock = (...names: string[]) =>
    JSON.stringify({ npm: Object.fromEntries(names.map((name) => [name, { integrity: "x" }])) });
  const packages = lockedPackages(lock("@a/b@1.0.0_c@2.0.0", "c@2.0.0"));
  assert.deepEqual([...packages.values()].map(({ name, version }) => [name, version]), [
    ["@a/b", "1.0.0"],
    ["c", "2.0.0"],
  ]);
  assert.throws(() => lockedPackages(lock("c@1.0.0", "c@2.0.0")), /Cannot take c@2.0.0/);
});

Deno.test("Of a target's addons the one with the highest ABI is taken", () => {
  const key = (os: string, arch: string, libc: string, abi: number) =>
    JSON.stringify({ os, arch, libc, abi });
  const manifest = JSON.stringify({
    [key("linux", "x64", "glibc", 72)]: "linux/x64/old/addon.node",
    [key("linux", "x64", "glibc", 127)]: "linux/x64/new/addon.node",
    [key("linux", "x64", "musl", 147)]: "linux/x64/musl/addon.node",
    [key("win32", "x64", "msvc", 115)]: "win32\\x64\\addon.node",
  });
  const found = targets.filter(({ os, arch }) => os !== "darwin" && arch === "x64")
    .map((target) => addonOf(manifest, target).path);
  assert.deepEqual(found, ["linux/x64/new/addon.node", "win32/x64/addon.node"]);
  const [mac] = targets.filter(({ os }) => os === "darwin");
  assert.ok(mac);
  assert.throws(() => addonOf(manifest, mac), /Cannot find zeromq's addon for macos/);
});

Deno.test("npm installs, builds and runs nothing for a bundled package", () => {
  const text = bundledManifest(JSON.stringify({
    name: "zeromq",
    version: "6.8.0",
    main: "lib/index.js",
    scripts: { install: "node ./script/install.js" },
    dependencies: { "cmake-ts": "1.0.2" },
  }));
  assert.deepEqual(JSON.parse(text), { name: "zeromq", version: "6.8.0", main: "lib/index.js" });
});
