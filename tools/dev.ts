/**
 * `deno task dev`: a small network of real processes on loopback, to try Camellia out.
 *
 * A bare node and the users alice, bob, carol and dave (with `--peers` more or fewer), who follow one
 * another and have posted; data under .dev/. On a terminal the menu of one more peer follows; without
 * one, a summary, and everything stays up until interrupted. Ending this script ends all of it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import denoConfig from "../deno.json" with { type: "json" };

const root = new URL("..", import.meta.url).pathname;
const folder = `${root}.dev`;

/** Users in the order in which `--peers` takes them; the first peer is the bare node. */
const names = [
  "alice",
  "bob",
  "carol",
  "dave",
  "erin",
  "frank",
  "grace",
  "heidi",
  "ivan",
  "judy",
  "mallory",
];

/** Peers at most: the node and one a name. */
const peersMax = names.length + 1;

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

const usage = `Usage: deno task dev [--peers N] [--fresh]

  --peers N   how many peers to start, the bare node counted: 1 to ${peersMax} (default 5)
  --fresh     begin anew: removes .dev/ first
`;

/** A line with which \`up\` or \`node\` reports that it is ready. */
interface Ready {
  readonly user: string | null;
  readonly udp: { readonly ip: string; readonly port: number };
  readonly listening: { readonly ip: string; readonly port: number } | null;
}

const children: Deno.ChildProcess[] = [];

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

/** The arguments with which a peer's program is run. */
function programArguments(name: string, args: readonly string[]): string[] {
  const { read, write, net, ffi, env, sys } = denoConfig.permissions.camellia;
  const flags = Object.entries({ read, write, net, ffi, env })
    .filter(([, allowed]) => allowed).map(([flag]) => `--allow-${flag}`);
  const program = [
    "run",
    "-q",
    "--no-prompt",
    ...flags,
    `--allow-sys=${sys.join(",")}`,
    `${root}main.ts`,
  ];
  const common = ["--data", `${folder}/${name}`, "--config", `${folder}/config.ini`];
  return [...program, ...common, "--password-file", `${folder}/password`, ...args];
}

/** Runs one command to its end and returns what it printed. */
async function run(name: string, args: readonly string[]): Promise<unknown> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: programArguments(name, ["--json", ...args]),
    cwd: root,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (output.code !== 0) {
    throw new Error(`Cannot ${args.join(" ")} as ${name}: ${decoder.decode(output.stderr).trim()}`);
  }
  return JSON.parse(decoder.decode(output.stdout));
}

/** Starts a peer that stays and waits until it is ready. */
async function start(name: string, args: readonly string[]): Promise<Ready> {
  const child = new Deno.Command(Deno.execPath(), {
    args: programArguments(name, ["--json", "--log-level", "error", ...args]),
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  children.push(child);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`Cannot start ${name}: it ended before it was ready`);
    text += value;
  }
  void drain(lines);
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
  if (!await exists(`${folder}/${name}/keys/${name}.key`)) {
    await run(name, ["register", name, "--bootstrap", bootstrap]);
  }
  return await start(name, ["up", "--user", name, "--bootstrap", bootstrap]);
}

/** Lets every user follow every other and write a post, where that has not been done before. */
async function acquaint(users: readonly string[]): Promise<void> {
  await Promise.all(users.map(async (name) => {
    const profile = await run(name, ["profile"]) as { following: string[]; posts: number };
    for (const other of users) {
      if (other !== name && !profile.following.includes(other)) await run(name, ["follow", other]);
    }
    if (profile.posts === 0) {
      await run(name, ["post", `Hello, this is ${name}. The camellias are in bloom.`]);
    }
  }));
}

async function startAll(peers: number): Promise<string> {
  await say("Starting a bare node …\n");
  const node = await start("node", ["node", "--init"]);
  const bootstrap = `${node.udp.ip}:${node.udp.port}`;
  const users = names.slice(0, peers - 1);
  if (users.length > 0) await say(`Starting ${users.join(", ")} …\n`);
  const ready = await Promise.all(users.map((name) => startUser(name, bootstrap)));
  if (users.length > 1) await say("They follow one another and post …\n");
  await acquaint(users);
  const rows = [["peer", "DHT (UDP)", "posts (TCP)"], ["node", bootstrap, "-"]];
  for (const { user, udp, listening } of ready) {
    rows.push([
      user ?? "?",
      `${udp.ip}:${udp.port}`,
      listening === null ? "-" : `${listening.ip}:${listening.port}`,
    ]);
  }
  await say(
    `\n${rows.map(([a, b, c]) => `  ${a?.padEnd(10)}${b?.padEnd(20)}${c}`).join("\n")}\n\n`,
  );
  return bootstrap;
}

/** Ends every process that is still there. */
async function stopAll(): Promise<void> {
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
  const args = programArguments("you", ["--bootstrap", bootstrap])
    .filter((arg, i, all) => arg !== "--password-file" && all[i - 1] !== "--password-file");
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  children.push(child);
  await child.status;
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

function parsePeers(text: string): number | undefined {
  const peers = Number(text);
  return /^\d+$/.test(text) && peers >= 1 && peers <= peersMax ? peers : undefined;
}

function readArguments(): { peers: number; fresh: boolean } | string {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        peers: { type: "string", default: "5" },
        fresh: { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
    const peers = parsePeers(values.peers);
    if (values.help) return usage;
    if (peers === undefined) {
      return `Cannot start ${values.peers} peers: say 1 to ${peersMax}.\n\n${usage}`;
    }
    return { peers, fresh: values.fresh };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n\n${usage}`;
  }
}

async function main(): Promise<number> {
  const options = readArguments();
  if (typeof options === "string") {
    await say(options);
    return options === usage ? 0 : 2;
  }
  if (options.fresh) await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(`${folder}/config.ini`, devConfig);
  if (!await exists(`${folder}/password`)) {
    // Fresh on each machine: nobody else's .dev opens with it.
    const password = crypto.randomUUID();
    await Deno.writeTextFile(`${folder}/password`, `${password}\n`, { mode: 0o600 });
  }
  const end = interrupted();
  try {
    const bootstrap = await Promise.race([startAll(options.peers), end]);
    if (bootstrap === undefined) return 0;
    if (Deno.stdin.isTerminal() && Deno.stdout.isTerminal()) {
      await menu(bootstrap);
    } else {
      await say(
        `Join with: deno task camellia --bootstrap ${bootstrap}\nCtrl+C stops all of it.\n`,
      );
      await end;
    }
    return 0;
  } catch (error) {
    await say(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    await stopAll();
  }
}

if (import.meta.main) Deno.exit(await main());
