/**
 * Real `camellia` processes on loopback, each with a data folder of its own, and nothing of them left at the end.
 *
 *     await using network = await Network.start();
 *     const alice = await network.register("alice");
 *     await alice.json("post", "hello");
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PeerEvent, PostView, StatusView } from "../../core/api.ts";
import { v8Flags } from "../../tools/v8_flags.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Good enough for the judge of passwords. */
export const password = "correct horse battery 7 staple";

/**
 * A process that has not done what is waited for by then never will. On a busy machine a peer may stand still while
 * another one pings it, which leaves it alone for a minute then.
 */
const waitMs = 120_000;

/** Pauses between questions whose answer a command has to tell: it takes a part of this on a processor. */
const pauseMsMin = 100;
const pauseMsMax = 1_000;

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The first line of `node` and `up`. */
export interface Ready {
  readonly event: "ready";
  readonly user: string | null;
  readonly node_id: string;
  readonly udp: { readonly ip: string; readonly port: number };
  readonly listening: { readonly ip: string; readonly port: number } | null;
}

/** A line of JSON that a long-running command printed. */
export type Line = Ready | PeerEvent;

/** How a process is started. */
export interface StartOptions {
  readonly env?: Record<string, string>;
  /** Standard input, in full; none by default. */
  readonly input?: Uint8Array;
  /** What the command line begins with, such as that of another network namespace. */
  readonly inside?: readonly string[];
}

const words = [
  "run",
  "-q",
  v8Flags,
  "-P=camellia",
  "--no-prompt",
  "--cached-only",
  join(root, "main.ts"),
];

/** How Deno runs the program, with the permissions that the task gives it. */
export const program: readonly string[] = words;

/** Has whatever is started from here on derive keys at little cost: for tests that are not about it. */
export function deriveCheaply(): void {
  words.splice(1, 0, "--preload", join(root, "tests/e2e/cheap_derivation.ts"));
}

/** The environment of a command: nothing of the one who runs the tests gets in. */
export function environment(extra: Record<string, string> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["PATH", "HOME", "DENO_DIR", "TMPDIR", "SystemRoot"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, CAMELLIA_PASSWORD: password, ...extra };
}

function command(args: readonly string[], options: StartOptions): Deno.Command {
  const [name = "", ...rest] = [...options.inside ?? [], Deno.execPath(), ...program, ...args];
  return new Deno.Command(name, {
    args: rest,
    cwd: root,
    clearEnv: true,
    env: environment(options.env),
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a command to its end. */
export async function runProgram(
  args: readonly string[],
  options: StartOptions = {},
): Promise<Ended> {
  const child = command(args, options).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 2 * waitMs);
  try {
    if (options.input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(options.input).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  } finally {
    clearTimeout(timer);
  }
}

/** A command that stays: `node`, `up`, `timeline --watch`. */
export class Process {
  /** Lines of JSON from standard output so far. */
  readonly lines: Line[] = [];
  /** Standard error so far. */
  err = "";
  readonly #child: Deno.ChildProcess;
  readonly #streams: Promise<unknown>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  constructor(args: readonly string[], options: StartOptions = {}) {
    this.#child = command(args, options).spawn();
    const out = this.#read(this.#child.stdout, (line) => this.lines.push(JSON.parse(line)));
    const err = this.#read(this.#child.stderr, (line) => this.err += `${line}\n`);
    this.#streams = Promise.all([out, err]).finally(() => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** Its number. */
  get pid(): number {
    return this.#child.pid;
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) take(line);
      if (lines.length > 0) this.#tell();
    }
  }

  /** Waits for a line that it may have printed already. */
  async line<T extends Line>(is: (line: Line) => line is T): Promise<T>;
  async line(is: (line: Line) => boolean): Promise<Line>;
  async line(is: (line: Line) => boolean): Promise<Line> {
    const giveUp = Promise.withResolvers<void>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      giveUp.resolve();
    }, waitMs);
    try {
      while (true) {
        const found = this.lines.find(is);
        if (found !== undefined) return found;
        if (this.#ended || isLate) {
          const lines = this.lines.map((line) => JSON.stringify(line)).join("\n");
          throw new Error(
            `The process ${this.#ended ? "ended" : "did"} without the line:\n${lines}\n${this.err}`,
          );
        }
        await Promise.race([this.#changed.promise, giveUp.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until it is ready. */
  async ready(): Promise<Ready> {
    return await this.line((line): line is Ready => line.event === "ready");
  }

  /** Waits for a post with this text. */
  async post(text: string): Promise<PostView> {
    const line = await this.line((line): line is PeerEvent & { event: "post" } =>
      line.event === "post" && line.post.text === text
    );
    return line.post;
  }

  /** Ends it with a signal, if it still runs; resolves to its exit code. */
  async stop(signal: Deno.Signal = "SIGINT"): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), waitMs);
    try {
      const { code } = await this.#child.status;
      await this.#streams;
      return code;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until it has ended by itself; resolves to its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#streams;
    return code;
  }
}

/** A user's data folder, and the peer that runs on it, if one does. */
export class User {
  readonly name: string;
  readonly data: string;
  readonly network: Network;
  process: Process | undefined;

  constructor(network: Network, name: string, data: string) {
    this.network = network;
    this.name = name;
    this.data = data;
  }

  /** Runs a command on this folder; loopback, free ports, the network's bootstrap node. */
  run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
    return runProgram([...this.network.flags(this.data), ...args], options);
  }

  /** Runs a command with `--json` that has to succeed; resolves to its document. */
  async json<T = unknown>(...args: readonly string[]): Promise<T> {
    const { code, out, err } = await this.run(["--json", ...args]);
    if (code !== 0) throw new Error(`${this.name}: ${args.join(" ")} exited with ${code}: ${err}`);
    const document: T = JSON.parse(out);
    if (out.trim().includes("\n")) throw new Error(`More than one document: ${out}`);
    this.network.onDocument(args, document);
    return document;
  }

  /** Runs a command with `--json` that has to fail; resolves to the error, with the exit code. */
  async failure(
    ...args: readonly string[]
  ): Promise<{ exit: number; code: string; message: string }> {
    const { code: exit, out, err } = await this.run(["--json", ...args]);
    if (exit === 0 || out !== "") throw new Error(`${args.join(" ")} did not fail: ${out}`);
    const { error } = JSON.parse(err.trim().split("\n").at(-1) ?? "");
    return { exit, ...error };
  }

  /** Starts the peer (`up`) and waits until it is ready. */
  async up(...flags: readonly string[]): Promise<Ready> {
    this.process = this.network.start([
      ...this.network.flags(this.data),
      "--json",
      "up",
      ...flags,
    ]);
    return await this.process.ready();
  }

  /** Stops the peer; resolves to its exit code. */
  async down(signal: Deno.Signal = "SIGINT"): Promise<number> {
    const code = await this.process?.stop(signal) ?? 0;
    this.process = undefined;
    return code;
  }

  /** Texts on the timeline, newest first. */
  async texts(...flags: readonly string[]): Promise<string[]> {
    const { posts } = await this.json<{ posts: PostView[] }>(
      "timeline",
      "--limit",
      "1000",
      ...flags,
    );
    return posts.map((post) => post.text);
  }

  /** The state of the peer. */
  status(): Promise<StatusView> {
    return this.json<StatusView>("status");
  }

  /** Waits for a post with this text to come to the running peer. */
  async receives(text: string): Promise<PostView> {
    if (this.process === undefined) throw new Error(`${this.name}'s peer does not run`);
    return await this.process.post(text);
  }
}

/** A network of processes on loopback: a bare node, and the peers that join through it. */
export class Network {
  /** A folder for everything, removed at the end. */
  readonly folder: string;
  /** Flags that every process gets beside its folder. */
  readonly extraFlags: string[] = ["--ntp-server", "none"];
  readonly #processes: Process[] = [];
  /** Is told each document that a user's command printed, with the words of the command. */
  onDocument: (words: readonly string[], document: unknown) => void = () => {};
  /** The bootstrap node. */
  node: Process | undefined;
  /** Its address. */
  bootstrap = "";

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts the bootstrap node. */
  static async start(): Promise<Network> {
    const network = new Network(await Deno.makeTempDir({ prefix: "camellia-e2e-" }));
    try {
      await network.startNode("--init");
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** Flags of a process on a folder. */
  flags(data: string): string[] {
    const bootstrap = this.bootstrap === "" ? [] : ["--bootstrap", this.bootstrap];
    const here = ["--ip", "127.0.0.1", "--port", "0", "--listening-ip", "127.0.0.1"];
    return ["--data", data, ...here, "--listening-port", "0", ...bootstrap, ...this.extraFlags];
  }

  /** Starts any process of the program. */
  start(args: readonly string[], options: StartOptions = {}): Process {
    const process = new Process(args, options);
    this.#processes.push(process);
    return process;
  }

  /** Starts the bare node (again). */
  async startNode(...flags: readonly string[]): Promise<Ready> {
    this.node = this.start([...this.flags(join(this.folder, "node")), "--json", "node", ...flags]);
    const ready = await this.node.ready();
    this.bootstrap = `${ready.udp.ip}:${ready.udp.port}`;
    return ready;
  }

  /** A user's folder; nothing runs on it yet. */
  user(name: string, folder: string = name): User {
    return new User(this, name, join(this.folder, folder));
  }

  /** Registers a user and starts the peer. */
  async register(name: string): Promise<User> {
    const user = this.user(name);
    await user.json("register", name);
    await user.up();
    return user;
  }

  /** Kills what still runs and removes all folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop("SIGKILL")));
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Tries until it holds, asking again and again, ever more seldom: each time a command is started. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  limitMs = waitMs,
): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  let value = await ask();
  for (let pauseMs = pauseMsMin; !holds(value); pauseMs = Math.min(pauseMs * 1.5, pauseMsMax)) {
    if (performance.now() > giveUpAt) {
      throw new Error(`${what}: still ${JSON.stringify(value)} after ${limitMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    value = await ask();
  }
  return value;
}
