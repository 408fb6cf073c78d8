/**
 * A process that runs peers and does with them what it is told: a line of JSON a command on standard
 * input, a line an answer on standard output.
 *
 * @module
 */

import process from "node:process";
import { fromHex, toHex } from "../../core/model/bytes.ts";
import type { ListEntry } from "../../core/model/record_body.ts";
import type { BenchPeer, PeerSpec } from "./peers.ts";
import { startPeer } from "./peers.ts";
import { each, now, sleep } from "./measure.ts";
import { SharedDirectory } from "./shared_directory.ts";

/** Good enough for the judge of passwords. */
const password = "correct horse battery 7 staple";

/**
 * What was measured is told so much later: the pipes and the process that reads them would take a core
 * from those who are still being measured.
 */
const tellAfterMs = 100;

/** With hundreds of nodes in one process look-ups run late, and what needs them may fail. */
const triesMax = 3;

/** A user as the bench names one. */
export interface Key {
  readonly username: string;
  /** Hexadecimal. */
  readonly key: string;
}

/** When something was stored: the first and the last of it, on the common scale. */
export interface Stored {
  readonly first: number;
  readonly last: number;
}

/** What a process says that it has used. */
export interface OwnUsage {
  readonly cpuMs: number;
  readonly rssMB: number;
  /** What went wrong behind, as told. */
  readonly faults: readonly string[];
}

class Tally {
  /** Peers that are counted, where peers are. */
  readonly names = new Set<string>();
  count = 0;
  /** When each came. */
  readonly times: number[] = [];
  first = NaN;
  last = NaN;
  #waiting: { count: number; resolve: (stored: Stored) => void }[] = [];

  add(): void {
    this.last = now();
    this.times.push(this.last);
    if (this.count++ === 0) this.first = this.last;
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.count < count) return true;
      resolve({ first: this.first, last: this.last });
      return false;
    });
  }

  reach(count: number): Promise<Stored> {
    if (this.count >= count) return Promise.resolve({ first: this.first, last: this.last });
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }
}

const peers = new Map<string, BenchPeer>();
const faults: string[] = [];
/** Posts that came to peers here, by text and by peer; not those that they made themselves. */
const byText = new Map<string, Tally>();
const byPeer = new Map<string, Tally>();
/** Notifications and requests that peers here were told of, by the text of their post. */
const byTold = new Map<string, Tally>();

const shared = new SharedDirectory((value) => write({ record: toHex(value) }));

function tallyOf(tallies: Map<string, Tally>, name: string): Tally {
  const tally = tallies.get(name) ?? new Tally();
  tallies.set(name, tally);
  return tally;
}

function peerOf(name: string): BenchPeer {
  const peer = peers.get(name);
  if (peer === undefined) throw new Error(`Cannot use ${name}: no such peer runs here`);
  return peer;
}

/** Tries again what failed; the failures are told. */
async function retried(task: () => Promise<unknown>): Promise<void> {
  for (let left = triesMax - 1;; left--) {
    try {
      await task();
      return;
    } catch (error) {
      if (left === 0) throw error;
      faults.push(String(error));
    }
  }
}

function write(line: unknown): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** What a host can be told to do. */
export const commands = {
  async start(specs: readonly PeerSpec[]): Promise<void> {
    await each(specs, 8, async (spec) => {
      const peer = await startPeer(spec, shared, (message) => faults.push(message));
      peers.set(spec.name, peer);
      const own = tallyOf(byPeer, spec.name);
      peer.api.subscribe((event) => {
        if (event.event === "warning") faults.push(event.message);
        const told = event.event === "notification"
          ? event.notification
          : event.event === "request"
          ? event.request
          : undefined;
        if (told?.post) tallyOf(byTold, told.post.text).add();
        if (event.event !== "post" || event.post.author === spec.name) return;
        own.add();
        const tally = tallyOf(byText, event.post.text);
        tally.names.add(spec.name);
        tally.add();
      });
    });
  },

  async register(names: readonly string[]): Promise<void> {
    await each(
      names,
      8,
      (username) => retried(() => peerOf(username).api.register({ username, password })),
    );
  },

  async login(names: readonly string[]): Promise<{ calledAt: number; doneAt: number }> {
    const calledAt = now();
    await each(names, 8, (username) => peerOf(username).api.login({ username, password }));
    return { calledAt, doneAt: now() };
  },

  async logout(names: readonly string[]): Promise<void> {
    await each(names, 8, (name) => peerOf(name).api.logout());
  },

  async stop(names: readonly string[]): Promise<void> {
    await each(names, 8, async (name) => {
      await peerOf(name).stop();
      peers.delete(name);
      byPeer.delete(name);
    });
  },

  /** The keys under which light users are registered. */
  async keys(names: readonly string[]): Promise<Key[]> {
    return await Promise.all(names.map(async (username) => {
      const answer = await peerOf(username).light?.directory.get({ username, namespace: "public" });
      return { username, key: toHex(answer?.record?.publicKey ?? new Uint8Array()) };
    }));
  },

  /** Writes entries of a list straight into the databases of light users who are logged out. */
  async seed(
    order: {
      readonly names: readonly string[];
      readonly list: ListEntry["list"];
      readonly users: readonly Key[];
    },
  ): Promise<void> {
    const updatedAt = Date.now();
    await each(order.names, 8, async (name) => {
      const store = await peerOf(name).light?.stores.open(name);
      await store?.putListEntries(order.users.map(({ username, key }) => ({
        list: order.list,
        username,
        key: fromHex(key) ?? new Uint8Array(),
        updatedAt,
        present: true,
      })));
      await store?.close();
    });
  },

  async follow(
    order: { readonly name: string; readonly users: readonly string[] },
  ): Promise<{ calledAt: number; doneAt: number }> {
    const calledAt = now();
    await each(
      order.users,
      8,
      (username) => retried(() => peerOf(order.name).api.follow({ username })),
    );
    return { calledAt, doneAt: now() };
  },

  async post(
    order: { readonly name: string; readonly text: string },
  ): Promise<{ calledAt: number; doneAt: number }> {
    const calledAt = now();
    await peerOf(order.name).api.post({ text: order.text });
    const doneAt = now();
    await sleep(tellAfterMs);
    return { calledAt, doneAt };
  },

  /** Resolves when a peer here has been told that a post with that text speaks to its user. */
  told(text: string): Promise<Stored> {
    return tallyOf(byTold, text).reach(1);
  },

  /** Calls a method of a peer; what it resolves to. */
  async ask(
    { name, method, argument }: {
      readonly name: string;
      readonly method: "post" | "requests" | "thread";
      readonly argument: unknown;
    },
  ): Promise<unknown> {
    return await peerOf(name).api[method](argument as never);
  },

  /** Many posts, one after another. */
  async posts(order: { readonly names: readonly string[]; readonly count: number }): Promise<void> {
    await each(order.names, 8, async (name) => {
      const { api } = peerOf(name);
      for (let i = 0; i < order.count; i++) {
        await api.post({ text: `${name} says number ${i}, which is of about the usual length` });
      }
    });
  },

  /** Resolves when so many peers here have stored a post with that text, or when the time is over. */
  async stored(
    { text, count, withinMs }: {
      readonly text: string;
      readonly count: number;
      readonly withinMs?: number;
    },
  ): Promise<Stored & { readonly count: number }> {
    const tally = tallyOf(byText, text);
    const reached = tally.reach(count);
    await (withinMs === undefined ? reached : Promise.race([reached, sleep(withinMs)]));
    const stored = { first: tally.first, last: tally.last, count: tally.count };
    await sleep(tellAfterMs);
    return stored;
  },

  /** When peers here stored a post with that text. */
  times(text: string): readonly number[] {
    return tallyOf(byText, text).times;
  },

  /** Resolves when a peer has stored so many posts of others since it was started. */
  received(order: { readonly name: string; readonly count: number }): Promise<Stored> {
    return tallyOf(byPeer, order.name).reach(order.count);
  },

  /** Which of these peers lack a post with that text. */
  lacking(order: { readonly text: string; readonly names: readonly string[] }): string[] {
    const { names } = tallyOf(byText, order.text);
    return order.names.filter((name) => !names.has(name));
  },

  /** How many posts of others a peer has stored. */
  count(name: string): number {
    return tallyOf(byPeer, name).count;
  },

  async followers(name: string): Promise<number> {
    return (await peerOf(name).api.profile({})).followers.length;
  },

  async status(name: string) {
    return await peerOf(name).api.status();
  },

  usage(): OwnUsage {
    const { user, system } = process.cpuUsage();
    return {
      cpuMs: (user + system) / 1000,
      rssMB: Deno.memoryUsage().rss / 1024 / 1024,
      faults: faults.splice(0),
    };
  },

  /** A record that a peer of another process has stored. */
  record(value: string): void {
    shared.take(fromHex(value) ?? new Uint8Array());
  },

  /** Ends the process in order, so that a profile is written. */
  exit(): void {
    setTimeout(() => Deno.exit(0), 0);
  },
};

/** The names and types of what a host can be told. */
export type Commands = typeof commands;

async function serve(): Promise<void> {
  for (const kind of ["error", "unhandledrejection"] as const) {
    globalThis.addEventListener(kind, (event) => {
      event.preventDefault();
      const cause = "reason" in event ? event.reason : (event as ErrorEvent).error;
      faults.push(`Unhandled: ${cause instanceof Error ? cause.stack : cause}`);
    });
  }
  const table = commands as unknown as Record<string, (order: unknown) => unknown>;
  let text = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const { id, command, order } = JSON.parse(line);
      Promise.resolve().then(() => table[command]?.(order)).then(
        (value) => id === undefined || write({ id, value }),
        (error) => write({ id, error: error instanceof Error ? error.stack : String(error) }),
      );
    }
  }
  Deno.exit(0);
}

if (import.meta.main) await serve();
