/**
 * Measures starts and an idle peer, of several versions in turns: `deno task bench start [FOLDER…]
 * [--rounds=8] [--idle=15]`, one line of JSON a folder.
 *
 * A folder is a checkout, or an unpacked npm package (`deno task pack`); by default this checkout. Each has a
 * bare node and a user on loopback. Measured are `up` from start to ready, commands beside a peer that runs, the
 * help and the version, registering, each a whole process that Deno runs, of a package that was installed with
 * Deno beside it also `whoami` by its command, and the memory of the peer after so many idle seconds (Linux).
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { environment } from "../tests/e2e/harness.ts";
import { v8Flags } from "../tools/v8_flags.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "8" },
    idle: { type: "string", default: "15" },
  },
});
const rounds = Number(values.rounds);
const idleMs = 1000 * Number(values.idle);
const folders = positionals.length > 0
  ? positionals
  : [fileURLToPath(new URL("..", import.meta.url))];

/** Flags of all peers. */
const network = ["--ip", "127.0.0.1", "-p", "0", "--listening-ip", "127.0.0.1", "-l", "0"];
/** Asking for the time takes a Worker, whose memory a peer should have given back: nothing answers there. */
const deafServer = "127.0.0.1:9";
const commands = [
  ...[["status"], ["whoami"], ["post", "hello"], ["timeline"]],
  ...[["--help"], ["--version"]],
];

/** The command that a package is installed as. */
const launcherName = "camellia.mjs";

/** Whether a command runs a peer, which gets the flags of one; others talk to the peer that runs. */
function isPeer([name = ""]: readonly string[]): boolean {
  return ["node", "up", "register"].includes(name);
}

/** How V8 is told to run this version: a checkout's task says it. */
async function flagsOf(folder: string): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
  return /--v8-flags=\S+/.exec(config.tasks?.camellia.command ?? "")?.[0] ?? v8Flags;
}

/** One version of the program. */
class Version {
  readonly times = new Map<string, number[]>();
  idleMb = NaN;
  readonly folder: string;
  readonly #data: string;
  readonly #deno: readonly string[];
  #bootstrap: readonly string[] = ["--init"];
  #registered = 0;

  private constructor(folder: string, data: string, deno: readonly string[]) {
    this.folder = folder;
    this.#data = data;
    this.#deno = deno;
  }

  static async of(folder: string): Promise<Version> {
    const isPackage = await Deno.stat(join(folder, "main.js")).then(() => true, () => false);
    const own = isPackage
      ? ["--node-modules-dir=manual", "--no-remote", "--no-lock", join(folder, "main.js")]
      : [join(folder, "main.ts")];
    const config = ["--config", join(folder, "deno.json"), "-P=camellia", "--no-prompt"];
    const deno = ["run", "-q", await flagsOf(folder), ...config, ...own];
    return new Version(folder, await Deno.makeTempDir({ prefix: "camellia-bench-" }), deno);
  }

  #command(data: string, args: readonly string[], launcher?: string): Deno.Command {
    const place = args[0] === "--version" ? [] : ["--data", join(this.#data, data), "--json"];
    const peer = [...network, "--ntp-server", deafServer, ...this.#bootstrap];
    const start = launcher === undefined ? this.#deno : [];
    return new Deno.Command(launcher ?? Deno.execPath(), {
      args: [...start, ...place, ...isPeer(args) ? peer : [], ...args],
      clearEnv: true,
      env: environment({ NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" }),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    });
  }

  /** Starts a peer that stays; resolves once it is ready. */
  async start(data: string, ...args: readonly string[]): Promise<Deno.ChildProcess> {
    const begun = performance.now();
    const child = this.#command(data, args).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("\n")) said += (await reader.read()).value ?? "\n";
    this.#note(args[0] ?? "", performance.now() - begun);
    const { udp } = JSON.parse(said.slice(0, said.indexOf("\n")));
    if (args[0] === "node") this.#bootstrap = ["--bootstrap", `127.0.0.1:${udp.port}`];
    const drain = async (): Promise<void> => (await reader.read()).done ? undefined : await drain();
    drain().catch(() => {});
    return child;
  }

  /** Runs a command to its end. */
  async run(data: string, ...args: readonly string[]): Promise<void> {
    const begun = performance.now();
    const { code } = await this.#command(data, args).output();
    if (code !== 0) throw new Error(`${this.folder}: ${args.join(" ")} ended with ${code}`);
    this.#note(args[0] ?? "", performance.now() - begun);
  }

  /** Runs `whoami` as a person does who has installed the package, where that is one with Deno beside it. */
  async launch(data: string): Promise<void> {
    const launcher = join(this.folder, launcherName);
    if (!await Deno.stat(launcher).then(() => true, () => false)) return;
    const begun = performance.now();
    const { code } = await this.#command(data, ["whoami"], launcher).output();
    if (code === 0) this.#note("camellia whoami", performance.now() - begun);
  }

  /** Registers a user on a folder of its own. */
  async register(): Promise<void> {
    const name = `user${++this.#registered}`;
    await this.run(name, "register", name);
  }

  #note(what: string, ms: number): void {
    this.times.set(what, [...this.times.get(what) ?? [], ms]);
  }

  /** What was measured; the first of each, which fills caches, does not count. */
  result(): Record<string, unknown> {
    const summaries = [...this.times].filter(([what]) => what !== "node").map(([what, all]) => {
      const sorted = all.slice(1).sort((a, b) => a - b).map(Math.round);
      return [what, { p50: sorted[sorted.length >> 1], best: sorted[0], worst: sorted.at(-1) }];
    });
    return { folder: this.folder, ms: Object.fromEntries(summaries), idle_mb: this.idleMb };
  }

  async remove(): Promise<void> {
    await Deno.remove(this.#data, { recursive: true });
  }
}

async function residentMb(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 102.4) / 10;
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await child.status;
}

const nodes: Deno.ChildProcess[] = [];
const versions = await Promise.all(folders.map((folder) => Version.of(folder)));
for (const version of versions) {
  const node = await version.start("node", "node");
  await version.run("peer", "register", "alice");
  version.times.clear();
  nodes.push(node);
}
for (let round = 0; round <= rounds; round++) {
  for (const version of versions) {
    await version.register();
    const peer = await version.start("peer", "up");
    for (const command of commands) await version.run("peer", ...command);
    await version.launch("peer");
    if (round === rounds) {
      await new Promise((resolve) => setTimeout(resolve, idleMs));
      version.idleMb = await residentMb(peer.pid);
    }
    await stop(peer);
  }
}
for (const node of nodes) await stop(node);
for (const version of versions) {
  await version.remove();
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(version.result())}\n`));
}
Deno.exit(0);
