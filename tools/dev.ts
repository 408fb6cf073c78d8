/**
 * `deno task dev`: a small network of real processes on loopback, to try Camellia out.
 *
 * A bare node and the users alice, bob, carol and dave (with `--peers` more or fewer), who follow one
 * another and have posted; data under .dev/. On a terminal the menu of one more peer follows; without
 * one, a summary, and everything stays up until interrupted. Ending this script ends all of it.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };
import type { EndpointView } from "../core/api.ts";
import { LoopbackClient } from "../ui/peer/loopback_client.ts";
import { parsePortFile, portFileName } from "../ui/peer/loopback_protocol.ts";
import { parseNumber } from "../ui/settings/number.ts";
import { SystemIo } from "../ui/terminal/system_io.ts";
import { v8Flags } from "./v8_flags.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const io = new SystemIo();

/** Users in the order in which `--peers` takes them; the first peer is the bare node. */
const names = "alice bob carol dave erin frank grace heidi ivan judy mallory".split(" ");

/** Peers at most: the node and one a name. */
const peersMax = names.length + 1;

/** What `--help` prints. */
const usage = `Usage: deno task dev [--peers N] [--fresh] [--data DIR]

  --peers N    how many peers to start, the bare node counted: 1 to ${peersMax} (default 5)
  --fresh      begin anew: removes the data first
  --data DIR   where the data is (default .dev); what peers complain of is in its NAME.log
`;

/** What `deno task dev` is asked for. */
interface Options {
  /** How many, the bare node counted. */
  readonly peers: number;
  /** Whether data of an earlier run is removed. */
  readonly fresh: boolean;
  /** Where the data is, if not in .dev. */
  readonly data: string | undefined;
}

/** The options; `help`; or what is wrong with the arguments. */
export function readArguments(args: readonly string[]): Options | "help" | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        peers: { type: "string", default: "5" },
        fresh: { type: "boolean", default: false },
        data: { type: "string" },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
    if (values.help) return "help";
    const { fresh, data } = values;
    const peers = parseNumber(values.peers, 1, peersMax);
    if (data === "") return new Error("Cannot keep data in a folder without a name.");
    return peers === undefined
      ? new Error(`Cannot start ${values.peers} peers: say 1 to ${peersMax}.`)
      : { peers, fresh, data };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Where the data of all peers is. */
let folder = join(root, ".dev");

/** What a peer gets to end by itself before it is killed: it hands over posts for 5 s at most. */
const stopMsMax = 8000;

/** The original's value for trying the collector out: 3 minutes. */
const devConfig = `[DEFAULT]
IP = 127.0.0.1
PORT = 0
LISTENING_IP = 127.0.0.1
LISTENING_PORT = 0

[MESSAGE_LIFESPAN]
ACTIVE = yes
MINUTES = 3
DAYS = 0

[NTP]
SERVERS = none
`;

/** A line with which `up` or `node` reports that it is ready. */
interface Ready {
  readonly user: string | null;
  readonly udp: EndpointView;
  readonly listening: EndpointView | null;
}

const children: Deno.ChildProcess[] = [];

/** Whether children end because they are told to, and no more are to be started. */
let isStopping = false;

/** What is to be said once the terminal is no longer the menu's, which every other word would garble. */
const unsaid: string[] = [];

/** Whether the menu is open. */
let isMenuOpen = false;

/** The arguments with which a peer's program is run for a person. */
function programArguments(name: string, args: readonly string[]): string[] {
  const { read, write, net, ffi, env, sys } = denoConfig.permissions.camellia;
  const flags = Object.entries({ read, write, net, ffi, env })
    .filter(([, allowed]) => allowed).map(([flag]) => `--allow-${flag}`);
  const program = [
    "run",
    "-q",
    "--no-prompt",
    v8Flags,
    ...flags,
    `--allow-sys=${sys.join(",")}`,
    join(root, "main.ts"),
  ];
  const common = ["--data", join(folder, name), "--config", join(folder, "config.ini")];
  return [...program, ...common, ...args];
}

/** The same for a program that no person sits at. */
function unattended(name: string, args: readonly string[]): string[] {
  return programArguments(name, ["--json", "--password-file", join(folder, "password"), ...args]);
}

/** The sentence of the error that a command with --json wrote last, or all that it wrote. */
function reasonIn(errors: string): string {
  const last = errors.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(last).error.message;
  } catch {
    return errors.trim();
  }
}

/** Starts a process that ends with this one. */
function spawn(args: string[], streams: Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">) {
  if (isStopping) throw new Error("Cannot start a peer: all of them are being stopped");
  const child = new Deno.Command(Deno.execPath(), { args, cwd: root, ...streams }).spawn();
  children.push(child);
  return child;
}

const piped = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** Runs one command to its end. */
async function run(name: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await spawn(unattended(name, args), piped).output();
  if (code !== 0) throw new Error(`${name}: ${reasonIn(new TextDecoder().decode(stderr))}`);
}

/** Starts a peer that stays and waits until it is ready. Standard error would garble the menu. */
async function start(name: string, args: readonly string[]): Promise<Ready> {
  const log = join(folder, `${name}.log`);
  const child = spawn(unattended(name, ["--log-level", "error", ...args]), piped);
  const logged = Deno.writeTextFile(log, child.stderr.pipeThrough(new TextDecoderStream()));
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await lines.read();
    if (done) {
      await logged;
      throw new Error(`${name}: ${reasonIn(await Deno.readTextFile(log))}`);
    }
    text += value;
  }
  void drain(lines);
  void child.status.then(async ({ code, signal }) => {
    if (isStopping) return;
    const how = signal === null ? `has ended with exit code ${code}` : `was killed (${signal})`;
    const line = `${name} ${how}; see ${log}\n`;
    if (isMenuOpen) unsaid.push(line);
    else await io.err(line);
  });
  return JSON.parse(text.slice(0, text.indexOf("\n")));
}

/** Reads on, so that the pipe never fills. */
async function drain(lines: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await lines.read()).done);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function startUser(name: string, bootstrap: string): Promise<Ready> {
  if (!await exists(join(folder, name, "keys", `${name}.key`))) {
    await run(name, ["register", name, "--bootstrap", bootstrap]);
  }
  return await start(name, ["up", "--user", name, "--bootstrap", bootstrap]);
}

/** The peer that runs for a user, reached as the commands reach it, but without a process for each call. */
async function clientOf(name: string): Promise<LoopbackClient> {
  const path = join(folder, name, portFileName);
  const port = parsePortFile(await Deno.readTextFile(path));
  if (port === undefined) throw new Error(`${name}: ${path} is no port file`);
  return new LoopbackClient(port);
}

/** Lets every user follow every other and write a post, where that has not been done before. */
async function acquaint(users: readonly string[]): Promise<void> {
  await Promise.all(users.map(async (name) => {
    const peer = (await clientOf(name)).api;
    const { following, posts } = await peer.profile({});
    for (const username of users) {
      if (username !== name && !following.includes(username)) await peer.follow({ username });
    }
    const text = `Hello, this is ${name}. The camellias are in bloom.`;
    if (posts === 0) await peer.post({ text });
  }));
}

async function startAll(peers: number): Promise<string> {
  await io.out("Starting a bare node …\n");
  const node = await start("node", ["node", "--init"]);
  const bootstrap = `${node.udp.ip}:${node.udp.port}`;
  const users = names.slice(0, peers - 1);
  if (users.length > 0) await io.out(`Starting ${users.join(", ")} …\n`);
  const ready = await Promise.all(users.map((name) => startUser(name, bootstrap)));
  if (users.length > 1) await io.out("They follow one another and post …\n");
  await acquaint(users);
  const rows = [["peer", "DHT (UDP)", "posts (TCP)"], ["node", bootstrap, "-"]];
  for (const { user, udp, listening } of ready) {
    rows.push([
      user ?? "?",
      `${udp.ip}:${udp.port}`,
      listening === null ? "-" : `${listening.ip}:${listening.port}`,
    ]);
  }
  await io.out(
    `\n${rows.map(([a, b, c]) => `  ${a?.padEnd(10)}${b?.padEnd(20)}${c}`).join("\n")}\n\n`,
  );
  return bootstrap;
}

/** Ends every process that is still there. */
async function stopAll(): Promise<void> {
  isStopping = true;
  const timer = setTimeout(() => signalAll("SIGKILL"), stopMsMax);
  signalAll("SIGTERM");
  await Promise.all(children.map((child) => child.status));
  clearTimeout(timer);
}

function signalAll(signal: Deno.Signal): void {
  for (const child of children) {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  }
}

/** The menu of one more peer on this terminal; it has a folder and a password of its own. */
async function menu(bootstrap: string): Promise<void> {
  const args = programArguments("you", ["--bootstrap", bootstrap]);
  isMenuOpen = true;
  const child = spawn(args, { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  await child.status;
  isMenuOpen = false;
  await io.err(unsaid.splice(0).join(""));
}

/** Makes the folder ready, for this process alone: two networks in one would take it from each other. */
async function prepareFolder(fresh: boolean): Promise<Disposable> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await Deno.open(join(folder, "lock"), { write: true, create: true });
  if (!await lock.tryLock(true)) {
    lock.close();
    throw new Error(
      `Cannot start: another network runs on ${folder}. Stop it, or name a --data DIR`,
    );
  }
  if (fresh) {
    for await (const { name } of Deno.readDir(folder)) {
      if (name !== "lock") await Deno.remove(join(folder, name), { recursive: true });
    }
  }
  const config = join(folder, "config.ini");
  // One that is there may have been changed to try something out.
  if (!await exists(config)) await Deno.writeTextFile(config, devConfig);
  const password = join(folder, "password");
  // Drawn anew on each machine, so that it opens no data elsewhere.
  const drawn = `${crypto.randomUUID()}\n`;
  if (!await exists(password)) await Deno.writeTextFile(password, drawn, { mode: 0o600 });
  return lock;
}

/** How one more peer is started by hand: with data of its own, and on loopback like the others. */
function joinCommand(bootstrap: string): string {
  const quote = (path: string) => /^[\w./-]+$/.test(path) ? path : `'${path}'`;
  const [data, config] = ["me", "config.ini"].map((name) => quote(join(folder, name)));
  return `deno task camellia --data ${data} --config ${config} --bootstrap ${bootstrap}`;
}

async function runNetwork({ peers, fresh }: Options): Promise<number> {
  const end = new Promise<void>((resolve) => io.onInterrupt(() => resolve()));
  try {
    using _lock = await prepareFolder(fresh);
    try {
      const bootstrap = await Promise.race([startAll(peers), end]);
      if (bootstrap === undefined) return 0;
      if (io.terminal.input && io.terminal.output) {
        await menu(bootstrap);
      } else {
        await io.out(`Join with: ${joinCommand(bootstrap)}\nCtrl+C stops all of it.\n`);
        await end;
      }
      return 0;
    } finally {
      await stopAll();
    }
  } catch (error) {
    await io.err(`error: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

async function main(): Promise<number> {
  const options = readArguments(Deno.args);
  if (options === "help") {
    await io.out(usage);
    return 0;
  }
  if (options instanceof Error) {
    await io.err(`error: ${options.message}\n\n${usage}`);
    return 2;
  }
  if (options.data !== undefined) folder = resolve(options.data);
  return await runNetwork(options);
}

if (import.meta.main) Deno.exit(await main());
