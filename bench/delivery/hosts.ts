/**
 * Processes that run peers ({@linkcode ./host.ts}), as the one who measures sees them.
 *
 * @module
 */

import { join } from "node:path";
import type { Commands, OwnUsage } from "./host.ts";
import type { PeerSpec } from "./peers.ts";
import { v8Flags } from "../../tools/v8_flags.ts";

type Order<C extends keyof Commands> = Parameters<Commands[C]>[0];
type Answer<C extends keyof Commands> = Awaited<ReturnType<Commands[C]>>;

const script = new URL("host.ts", import.meta.url).pathname;

/** A process that runs peers. */
export class HostProcess {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #onRecord: (value: string) => void;
  #nextId = 0;

  /**
   * Starts one; `onRecord` gets what its peers store in the directory in memory. With one peer V8 is told
   * what the program tells it; a heap of a hundred peers, which the program never has, would be looked
   * through all the time then.
   */
  constructor(onRecord: (value: string) => void, peers: "one" | "many") {
    this.#onRecord = onRecord;
    const flags = peers === "one" ? [v8Flags] : [];
    const profiles = Deno.env.get("BENCH_PROFILES");
    const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", ...flags, ...profiling, script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#read();
  }

  /** Its number. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Has it do something. */
  call<C extends keyof Commands>(command: C, order: Order<C>): Promise<Answer<C>> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#open.set(id, answer);
    this.#write({ id, command, order });
    return answer.promise as Promise<Answer<C>>;
  }

  /** Tells it of a record that another process has stored. */
  tell(record: string): void {
    this.#write({ command: "record", order: record });
  }

  /** What it has used, and what went wrong in it since it was asked last. */
  async usage(): Promise<Usage> {
    return { ...await this.call("usage", undefined as never), queuedMs: queuedMs(this.pid) };
  }

  /** Kills it; with `inOrder` it ends by itself first, as profiles need. */
  async end(options: { inOrder?: boolean } = {}): Promise<void> {
    if (options.inOrder) {
      this.call("exit", undefined as never).catch(() => {});
    } else {
      try {
        this.#child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }

  #write(line: unknown): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
    this.#writer.write(bytes).catch(() => {
      // It has ended; whoever waits for an answer learns of it.
    });
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line));
    }
    for (const { reject } of this.#open.values()) reject(new Error("The host has ended"));
  }

  #take(line: { record?: string; id?: number; value?: unknown; error?: string }): void {
    if (line.record !== undefined) return this.#onRecord(line.record);
    const answer = this.#open.get(line.id ?? -1);
    this.#open.delete(line.id ?? -1);
    if (line.error === undefined) answer?.resolve(line.value);
    else answer?.reject(new Error(line.error));
  }
}

/** What a process has used. */
export interface Usage extends OwnUsage {
  /** How long its threads, all together, were ready to run and got no core: others were using them. */
  readonly queuedMs: number;
}

/**
 * The second number of schedstat, in nanoseconds, of all threads of a process; 0 where the system does not tell. A
 * peer has given up the right to read it of itself.
 */
function queuedMs(pid: number): number {
  const folder = `/proc/${pid}/task`;
  let sum = 0;
  for (const name of threads(folder)) {
    try {
      const text = Deno.readTextFileSync(`${folder}/${name}/schedstat`);
      sum += Number(text.split(" ")[1]) / 1e6;
    } catch {
      // The thread has ended meanwhile.
    }
  }
  return sum;
}

function threads(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Processes, and a folder for all that they keep; both are gone at the end. */
export class Hosts {
  readonly #hosts: HostProcess[] = [];
  /** What the directory in memory holds, for processes that start later. */
  readonly #records: string[] = [];
  /** Where data folders go. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** None at first. */
  static async create(): Promise<Hosts> {
    return new Hosts(await Deno.makeTempDir({ prefix: "camellia-bench-" }));
  }

  /** Starts a process for one peer or for many. */
  start(peers: "one" | "many" = "one"): HostProcess {
    const host: HostProcess = new HostProcess((record) => {
      this.#records.push(record);
      for (const other of this.#hosts) if (other !== host) other.tell(record);
    }, peers);
    this.#hosts.push(host);
    for (const record of this.#records) host.tell(record);
    return host;
  }

  /** Starts a process with a bare node of the DHT, to join through. */
  async startNode(): Promise<{ host: HostProcess; bootstrap: { host: string; port: number }[] }> {
    const host = this.start();
    await host.call("start", [
      { name: "node", kind: "whole", folder: this.path("node"), bootstrap: [] },
    ]);
    const { node: { udp } } = await host.call("status", "node");
    return { host, bootstrap: [{ host: udp.ip, port: udp.port }] };
  }

  /** Starts a process with registered peers whose links and DHT nodes are real, their databases in memory. */
  async startLight(
    names: readonly string[],
    bootstrap: PeerSpec["bootstrap"],
  ): Promise<HostProcess> {
    const host = this.start("many");
    await host.call(
      "start",
      names.map((name): PeerSpec => ({
        name,
        kind: "light",
        folder: this.path(name),
        bootstrap,
        directory: "dht",
        stores: "memory",
      })),
    );
    await host.call("register", names);
    return host;
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Everything that went wrong behind in any of them since it was asked last. */
  async faults(): Promise<string[]> {
    const usages = await Promise.all(
      this.#hosts.map((host) => host.usage().catch(() => ({ faults: [] }))),
    );
    return usages.flatMap(({ faults }) => faults);
  }

  /** Ends one and forgets it. */
  async end(host: HostProcess): Promise<void> {
    this.#hosts.splice(this.#hosts.indexOf(host), 1);
    await host.end({ inOrder: Deno.env.has("BENCH_PROFILES") });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const inOrder = Deno.env.has("BENCH_PROFILES");
    await Promise.all(this.#hosts.map((host) => host.end({ inOrder })));
    await Deno.remove(this.folder, { recursive: true });
  }
}
