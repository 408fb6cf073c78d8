/** A process around ui/ in memory, and a host whose peers are {@linkcode FakePeer}s. */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { CamelliaError } from "../../core/model/errors.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { SystemRandom } from "../../net/system/system_random.ts";
import { run } from "../../ui/cli.ts";
import type { ExpectedLogin, Host, OpenFolder, RunningPeer } from "../../ui/peer/host.ts";
import type { PeerSettings } from "../../ui/settings/settings.ts";
import type { Timer } from "../../lib/time.ts";
import type { Io } from "../../ui/terminal/io.ts";
import type { Prompts } from "../../ui/prompts/prompts.ts";
import { FakePeer } from "./fake_peer.ts";

export class FakeIo implements Io {
  terminal = { input: false, output: false, error: false };
  os = "linux";
  stdout = "";
  stderr = "";
  stdin: Uint8Array = new Uint8Array();
  variables: Record<string, string> = { HOME: "/home/user" };
  files = new Map<string, Uint8Array>();
  readonly openFiles = new Set<string>();
  readonly interrupts = new Set<(signal: string) => void>();
  readonly unexpected = new Set<(error: unknown) => void>();
  exited: number | undefined;
  /** Texts whose writing to standard output has begun and not ended. */
  writing = 0;
  #changed = Promise.withResolvers<void>();

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }

  /** Resolves once the condition holds; it is looked at after every output. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  async out(text: string): Promise<void> {
    this.stdout += text;
    this.#change();
    this.writing++;
    await new Promise((resolve) => setImmediate(resolve));
    this.writing--;
  }

  err(text: string): Promise<void> {
    this.stderr += text;
    this.#change();
    return Promise.resolve();
  }

  input(bytesMax: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.stdin.length > bytesMax ? undefined : this.stdin);
  }

  env(name: string): string | undefined {
    return this.variables[name];
  }

  size(): { columns: number; rows: number } {
    return { columns: 80, rows: 24 };
  }

  readFile(path: string, _bytesMax = 0): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  readableByOthers(path: string): Promise<boolean> {
    return Promise.resolve(this.openFiles.has(path));
  }

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, fn: () => void): Timer {
    const id = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(id) };
  }

  onInterrupt(fn: (signal: string) => void): () => void {
    this.interrupts.add(fn);
    return () => this.interrupts.delete(fn);
  }

  onUnexpected(fn: (error: unknown) => void): () => void {
    this.unexpected.add(fn);
    return () => this.unexpected.delete(fn);
  }

  interrupt(): void {
    for (const fn of [...this.interrupts]) fn("SIGINT");
  }

  exit(code: number): void {
    this.exited = code;
  }

  colours(): boolean {
    return false;
  }
}

/** A machine: accounts on its one disk, locks on folders, and the files in them (through `io.files`). */
export class FakeHost implements Host {
  readonly version = "1.2.3";
  /** What programs of the system were started with; what they come to is for the test to say. */
  readonly called: string[] = [];
  tool: (call: string) => { code: number; printed: string } | undefined = () => undefined;
  readonly tools: Host["tools"] = {
    invocation: () => Promise.resolve(["/usr/bin/camellia"]),
    run: (program, args) => {
      const call = [program, ...args].join(" ");
      this.called.push(call);
      return Promise.resolve(this.tool(call));
    },
    open: (_os, url) => {
      this.called.push(`open ${url}`);
      return Promise.resolve(this.tool(`open ${url}`) !== undefined);
    },
    write: (path, bytes) => Promise.resolve(void this.#io.files.set(path, bytes)),
    remove: (path) => Promise.resolve(void this.#io.files.delete(path)),
  };
  readonly system = {
    deno: "2.9.6",
    folder: (_path: string): ReturnType<Host["system"]["folder"]> =>
      Promise.resolve({
        kind: "folder",
        isOwn: true,
        mode: 0o700,
        unwritable: undefined,
        freeBytes: 5_000_000_000,
      }),
    descriptors: () => Promise.resolve(65_536),
  };
  readonly shippedConfig: { bytes: Uint8Array; name: string };
  readonly accounts = new Map<string, string>();
  /** Users who registered with keys that stay in the folder. */
  readonly local = new Set<string>();
  readonly order: string[] = [];
  readonly locked = new Set<string>();
  readonly started: { peer: FakePeer; settings: PeerSettings }[] = [];
  /** Changes every peer before it starts. */
  prepare: (peer: FakePeer) => void = () => {};
  startError: Error | undefined;
  /** When a peer's first attempt to join has ended. */
  firstAttempt: Promise<void> = Promise.resolve();
  readonly #io: FakeIo;
  readonly #random = new SystemRandom();

  constructor(io: FakeIo) {
    this.#io = io;
    const path = new URL("../../config.ini", import.meta.url);
    this.shippedConfig = { bytes: Deno.readFileSync(path), name: "the shipped config.ini" };
  }

  /** Lines of the log, by data folder. */
  readonly logs = new Map<string, string[]>();

  openLog(path: string): ReturnType<Host["openLog"]> {
    const lines = this.logs.get(path) ?? [];
    this.logs.set(path, lines);
    return Promise.resolve({ write: (line) => void lines.push(line), close: () => {} });
  }

  /** Who was said to log in, as each folder was locked. */
  readonly expected: (ExpectedLogin | undefined)[] = [];

  async openFolder(
    path: string,
    expected?: () => Promise<ExpectedLogin | undefined>,
  ): Promise<OpenFolder> {
    if (this.locked.has(path)) {
      throw new CamelliaError("folder_in_use", `Cannot use ${path}: it is in use`);
    }
    this.locked.add(path);
    try {
      this.expected.push(await expected?.());
    } catch (error) {
      this.locked.delete(path);
      throw error;
    }
    const io = this.#io;
    return {
      path,
      accounts: () => Promise.resolve(this.order.map((name) => FakePeer.view(name))),
      writePrivate: (name, bytes) => Promise.resolve(void io.files.set(`${path}/${name}`, bytes)),
      remove: (name) => Promise.resolve(void io.files.delete(`${path}/${name}`)),
      start: (settings) => this.#start(settings),
      close: () => Promise.resolve(void this.locked.delete(path)),
    };
  }

  giveUpLibraries(): void {}

  #start(settings: PeerSettings): Promise<RunningPeer> {
    if (this.startError !== undefined) return Promise.reject(this.startError);
    const peer = new FakePeer(this.accounts, this.order, this.local);
    this.prepare(peer);
    this.started.push({ peer, settings });
    return Promise.resolve({
      api: peer,
      firstAttempt: this.firstAttempt,
      stop: () => Promise.resolve(void (peer.stopped = true)),
    });
  }

  writePrivate(path: string, bytes: Uint8Array): Promise<void> {
    return Promise.resolve(void this.#io.files.set(path, bytes));
  }

  randomBytes(length: number): Uint8Array<ArrayBuffer> {
    return this.#random.bytes(length);
  }
}

/** A machine with a process on it, and how to run commands there. */
export class Machine {
  readonly io: FakeIo = new FakeIo();
  readonly host: FakeHost = new FakeHost(this.io);
  /** Answers to prompts, first to last. */
  readonly answers: string[] = [];
  readonly asked: string[] = [];

  readonly #answer = (message: string): Promise<string> => {
    assert.equal(this.io.writing, 0, `${message} is asked before all is said`);
    this.asked.push(message);
    return Promise.resolve(this.answers.shift() ?? "");
  };
  prompts: Prompts = {
    password: this.#answer,
    text: ({ message }) => this.#answer(message),
    compose: async ({ message, draft, onChange }) => {
      const typed = await this.#answer(message);
      if (typed !== "") onChange(typed);
      return typed === "" ? draft || undefined : typed;
    },
    choice: ({ message }) => this.#answer(message),
    menu: () => this.#answer("menu"),
  };

  /** Runs a command; resolves to what it printed since. */
  async run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const { io } = this;
    const outAt = io.stdout.length;
    const errAt = io.stderr.length;
    const code = await run(["--data", "/data", ...args], {
      io,
      host: this.host,
      prompts: this.prompts,
    });
    assert.equal(io.writing, 0, "all is said when the command ends");
    return { code, out: io.stdout.slice(outAt), err: io.stderr.slice(errAt) };
  }

  /** Starts a command in a process of its own, so that its output does not mix with others'. */
  start(...args: string[]): { io: FakeIo; ended: Promise<number> } {
    const io = new FakeIo();
    io.files = this.io.files;
    io.variables = { ...this.io.variables };
    const { host, prompts } = this;
    return { io, ended: run(["--data", "/data", ...args], { io, host, prompts }) };
  }

  /** Runs a command with `--json` that succeeds; resolves to its one document. */
  async json(...args: string[]): Promise<unknown> {
    const { code, out, err } = await this.run("--json", ...args);
    if (code !== 0) throw new Error(`${args.join(" ")} exited with ${code}: ${err}`);
    return JSON.parse(out);
  }

  /** Runs a command with `--json` that fails; resolves to exit code and error. */
  async failure(...args: string[]): Promise<{ code: number; error: string; message: string }> {
    const { code, out, err } = await this.run(...args, "--json");
    if (out !== "") throw new Error(`${args.join(" ")} printed ${out}`);
    const { error } = JSON.parse(err.trim().split("\n").at(-1) ?? "");
    return { code, error: error.code, message: error.message };
  }

  /** A machine on which alice has registered. */
  static async withAlice(): Promise<Machine> {
    const machine = new Machine();
    machine.io.variables["CAMELLIA_PASSWORD"] = "secret";
    await machine.json("register", "alice");
    return machine;
  }

  writeFile(path: string, text: string): void {
    this.io.files.set(path, utf8(text));
  }
}
