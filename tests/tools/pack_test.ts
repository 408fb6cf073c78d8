import assert from "node:assert/strict";
import { join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import { pack, packageFile } from "../../tools/pack.ts";
import { denoVersion, licencesFile, packageConfig } from "../../tools/pack/stage.ts";
import { addonOf, lockedPackages, readLock, root, runtimePackages } from "../../tools/packages.ts";
import { targets } from "../../tools/targets.ts";
import { v8Flags } from "../../tools/v8_flags.ts";
import { startResponder } from "../net/clock/ntp_responder.ts";

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
  // A shell does not take this name as it is.
  const folder = await Deno.makeTempDir({ prefix: "user's own " });
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
  assert.deepEqual(manifest.dependencies, { deno: denoVersion });
  assert.deepEqual([...files].filter((file) => file.startsWith("node_modules/")), []);
  const licences = `\n${await Deno.readTextFile(join(folder, licencesFile))}`;
  const listed = [...licences.matchAll(/^(@?[a-z][\w./-]*) (\d+\.\d+\.\d+) \((.+)\)\n\n(.+)/gm)];
  const locked = runtimePackages(await readLock());
  for (const [, name = "", version, licence = "", text = ""] of listed) {
    assert.equal(locked.find((each) => each.name === name)?.version, version, name);
    assert.match(licence, /^[\w. -]+$/, name);
    assert.ok(text.length > 10, `${name}: its licence has no text`);
  }
  const names = listed.map(([, name]) => name);
  for (
    const name of ["zeromq", "ipaddr.js", "@noble/ciphers", "@zxcvbn-ts/core", "ntp-time-sync"]
  ) {
    assert.ok(names.includes(name), name);
  }
  const addons = [...files].filter((file) => file.endsWith(".node"));
  assert.equal(addons.length, targets.length);
  for (const path of ["LICENSE", "README.md", "config.ini", "deno.json", "camellia.mjs"]) {
    assert.ok(files.has(path), path);
  }
}

/** Whatever a file of the bundle names is there, and nothing but the first part is loaded unasked. */
async function checkBundle({ files, folder }: Unpacked): Promise<void> {
  const program = [...files].filter((file) => /^(main|program\/.*)\.js$/.test(file));
  assert.ok(program.length > 20, program.join("\n"));
  const late = new Set<string>();
  for (const file of program) {
    const source = await Deno.readTextFile(join(folder, file));
    const place = (path: string) => new URL(path, `file:///${file}`).pathname.slice(1);
    const [imports = ""] = /^(?:import(?:[^"]*?from)?"[^"]+";)*/.exec(source) ?? [];
    for (const [, name = ""] of imports.matchAll(/"([^"]+)"/g)) {
      if (name.startsWith(".")) assert.ok(files.has(place(name)), `${file} imports ${name}`);
      else assert.match(name, /^node:[a-z/]+$/, file);
    }
    // Deno would read it at once.
    assert.doesNotMatch(source, /\bimport\("\./, file);
    for (const [, name = ""] of source.matchAll(/new URL\("([^"]+)",\s*import\.meta\.url\)/g)) {
      assert.ok(files.has(place(name)), `${file} loads ${name}`);
      late.add(name.replace(/.*\/|-[0-9A-Z]{8}\.js$/g, ""));
    }
    assert.doesNotMatch(source, /Dynamic require of/, file);
  }
  for (
    const path of [
      "net-system-estimating_worker.js",
      "composition",
      "menu",
      "cli",
      "serving",
      "doctor",
    ]
  ) {
    assert.ok(late.has(path), `${path} is no part of its own`);
  }
}

/** What a program came to that is told no folder of programs, and so finds no Node.js. */
async function alone(program: string): Promise<string> {
  const command = new Deno.Command(program, { args: ["--version"], env: { PATH: "" } });
  const { success, stdout } = await command.output();
  return success ? decoder.decode(stdout) : "failed";
}

/** From its first start on the command is a script of the shell, and Node.js can run it still. */
async function checkScript(place: string): Promise<void> {
  const path = join(place, "camellia.mjs");
  const script = await Deno.readTextFile(path);
  assert.match(script, /^#!\/bin\/sh\n/);
  const version = `${denoConfig.version}\n`;
  const link = join(place, "..", "camellia");
  await Deno.symlink(path, link);
  assert.equal(await alone(link), version);
  assert.equal(await output("node", [link, "--version"]), version);
  assert.equal(await Deno.readTextFile(path), script);
  // A copy is not taken for the original: Node.js starts it, once.
  const copy = join(place, "..", "copy");
  await Deno.mkdir(copy);
  for await (const { name, isFile } of Deno.readDir(place)) {
    if (isFile) await Deno.copyFile(join(place, name), join(copy, name));
  }
  await Deno.symlink(join(place, "program"), join(copy, "program"));
  const copied = join(copy, "camellia.mjs");
  assert.equal(await alone(copied), "failed");
  assert.equal(
    await output("sh", ["-c", 'umask 077 && exec "$0" --version', copied]),
    version,
  );
  assert.equal(((await Deno.stat(copied)).mode ?? 0) & 0o777, 0o755);
  assert.equal(await alone(copied), version);
  // Where it may not be written, it stays as it was published.
  const published = join(root, "tools/pack/camellia.mjs");
  await Deno.copyFile(published, copied);
  const isRoot = Deno.uid() === 0;
  if (isRoot) await Deno.chown(copied, 1, null);
  else await Deno.chmod(copy, 0o500);
  assert.equal(await output("node", [copied, "--version"]), version);
  assert.equal(await Deno.readTextFile(copied), await Deno.readTextFile(published));
  if (!isRoot) await Deno.chmod(copy, 0o700);
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
  const prepare = (args: string[], env: Record<string, string> = {}) =>
    new Deno.Command("node", {
      args: [join(place, "camellia.mjs"), ...args],
      cwd: home,
      env: {
        NO_COLOR: "1",
        DENO_DIR: join(home, "cache"),
        HTTPS_PROXY: "http://127.0.0.1:1",
        ...env,
      },
      stdout: "piped",
      stderr: "piped",
    });
  const run = async (args: string[], env?: Record<string, string>) => {
    const { code, stdout, stderr } = await prepare(args, env).output();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  };
  const without = await run(["--version"]);
  assert.equal(without.code, 1);
  assert.match(without.err, /^camellia: Cannot find Deno for /);
  const path = join(home, platform, binary);
  await Deno.link(Deno.execPath(), path).catch(() => Deno.copyFile(Deno.execPath(), path));
  assert.deepEqual(await run(["--version"]), {
    code: 0,
    out: `${denoConfig.version}\n`,
    err: "",
  });
  assert.equal((await run(["wrong"])).code, 2);
  if (system !== "win32") await checkScript(place);
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
  const network = ["--ip", "127.0.0.1", "-p", "0", "--listening-ip", "127.0.0.1", "-l", "0"];
  const kept = ["--data", join(home, "data"), "--json"];
  const data = [...kept, "--ntp-server", "none", "--init"];
  const password = { CAMELLIA_PASSWORD: "correct horse battery 7 staple" };
  const registered = await run([...data, ...network, "register", "alice"], password);
  assert.equal(registered.code, 0, registered.err);
  if (system === "win32") return;
  // A signal reaches the program, which leaves the network and says so with its exit code.
  const time = startResponder(() => ({ offsetMs: 7_000 }));
  const server = `${time.address.host}:${time.address.port}`;
  const node = prepare([...kept, "--ntp-server", server, ...network, "node"]).spawn();
  const reader = node.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) said += (await reader.read()).value ?? "\n";
  // The bundle has what asks time servers, which is loaded only then.
  const status = async () => JSON.parse((await run([...kept, "status"])).out);
  for (let asked = 1; (await status()).clock.source !== "ntp"; asked++) {
    assert.ok(asked < 200, `${time.requests()} requests came, and the clock is not set`);
  }
  node.kill("SIGTERM");
  assert.match(said, /^\{"event":"ready"/);
  assert.equal((await node.status).code, 0);
  await Promise.all([reader.cancel(), node.stderr.cancel(), time.stop()]);
}

Deno.test({
  name: `Package has all that it needs, and runs without a network${
    hasNpm ? "" : " (ignored: no npm)"
  }`,
  ignore: !hasNpm,
  fn: async () => {
    await using it = await unpacked();
    await checkContents(it);
    await checkBundle(it);
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
  for (const path of ["main.js", "deno.json", "camellia.mjs", "addons", "program"]) {
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
