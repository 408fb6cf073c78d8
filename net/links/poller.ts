/**
 * Learns from the system which of zeromq's sockets have news, so that no timer has to look all the time.
 *
 * zeromq's own tie to the event loop is broken under Deno, but each of its sockets has a file
 * descriptor that becomes readable with every change of state (zmq_getsockopt(3), ZMQ_FD). Here poll(2)
 * waits for the descriptors of all sockets of the process at once, in one thread, called through Deno's
 * foreign function interface. Where that is not available, timers alone look at the sockets.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";

/** The C library of Linux with glibc, the only one that Deno itself runs on there. */
const libraryPath = "libc.so.6";

const symbols = {
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** `O_CLOEXEC | O_NONBLOCK` of Linux (open(2)): no child inherits the pipe, and no call waits for it. */
const pipeFlags = 0o2000000 | 0o4000;

/** `struct pollfd`: a descriptor of four bytes, the events asked for and those found, two bytes each. */
const pollfdBytes = 8;

/** `POLLIN`. */
const readable = 1;

/** A poll waits until there is news, or until it is woken. */
const noTimeout = -1;

/** What `poll` returns when it fails. */
const failed = -1;

/**
 * Polls that may fail in a row; after that callers are told to look by timer. Signals (a terminal that is
 * being resized) end polls early, but never so many without news in between.
 */
const failuresMax = 100;

/** Functions of the C library, as in its manual (sections 2 and 3). */
export interface CFunctions {
  /** Waits in a thread of Deno's until a descriptor has news; -1 when that fails. */
  poll(fds: Uint8Array<ArrayBuffer>, count: bigint, timeoutMs: number): Promise<number>;
  /** Makes a pipe; 0 when it did. */
  pipe2(ends: Int32Array<ArrayBuffer>, flags: number): number;
  /** Reads. */
  read(descriptor: number, to: Uint8Array<ArrayBuffer>, bytes: bigint): bigint;
  /** Writes. */
  write(descriptor: number, from: Uint8Array<ArrayBuffer>, bytes: bigint): bigint;
  /** Closes. */
  close(descriptor: number): number;
}

/** The C library, as far as a poller needs it. */
export interface Library {
  /** Its functions. */
  readonly symbols: CFunctions;
  /** Unloads it. */
  close(): void;
}

function loadLibrary(): Library {
  return Deno.dlopen(libraryPath, symbols);
}

/** Calls back when something has happened to descriptors; see the module. */
export class Poller {
  readonly #library: Library;
  /** Ends a poll early: what is written to the second end makes the first readable. */
  readonly #pipe: readonly [number, number];
  readonly #waiting = new Map<number, () => void>();
  #running: Promise<void> | undefined;
  #isPolling = false;
  #isWoken = false;
  #failures = 0;

  private constructor(library: Library, pipe: readonly [number, number]) {
    this.#library = library;
    this.#pipe = pipe;
  }

  /**
   * A poller, or undefined where the system has none.
   *
   * @param load Loads the C library; replaceable for tests.
   */
  static open(load: () => Library = loadLibrary): Poller | undefined {
    if (Deno.build.os !== "linux") return undefined;
    let library: Library;
    try {
      library = load();
    } catch {
      // Another C library, or no permission.
      return undefined;
    }
    const ends = new Int32Array(2);
    const [read, write] = library.symbols.pipe2(ends, pipeFlags) === 0 ? ends : [];
    if (read !== undefined && write !== undefined) return new Poller(library, [read, write]);
    library.close();
    return undefined;
  }

  /**
   * Calls back once, when the descriptor is readable or may be; never within the call.
   *
   * @returns Whether it will: not where polls keep failing.
   */
  watch(descriptor: number, onNews: () => void): boolean {
    if (this.#failures >= failuresMax) return false;
    this.#waiting.set(descriptor, onNews);
    this.#wake();
    this.#running ??= this.#run();
    return true;
  }

  /** Takes a {@linkcode watch} back. */
  unwatch(descriptor: number): void {
    if (this.#waiting.delete(descriptor)) this.#wake();
  }

  /** Ends; to be called once. Resolves when no poll is under way any more. */
  async close(): Promise<void> {
    this.#waiting.clear();
    this.#wake();
    await this.#running;
    for (const end of this.#pipe) this.#library.symbols.close(end);
    this.#library.close();
  }

  #wake(): void {
    if (this.#isWoken || !this.#isPolling) return;
    this.#isWoken = true;
    this.#library.symbols.write(this.#pipe[1], Uint8Array.of(1), 1n);
  }

  /** Polls while any caller waits. Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.size > 0 && this.#failures < failuresMax) {
      await this.#poll();
      // The callers look at their sockets now and then wait again: the next poll is for all of them.
      await setImmediate();
    }
    this.#running = undefined;
    // Polls fail: all callers are to look once more, and are then told to look by timer.
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const onNews of left) onNews();
  }

  async #poll(): Promise<void> {
    const descriptors = [this.#pipe[0], ...this.#waiting.keys()];
    const view = new DataView(new ArrayBuffer(descriptors.length * pollfdBytes));
    for (const [i, descriptor] of descriptors.entries()) {
      view.setInt32(i * pollfdBytes, descriptor, true);
      view.setInt16(i * pollfdBytes + 4, readable, true);
    }
    const { poll, read } = this.#library.symbols;
    this.#isPolling = true;
    const found = await poll(new Uint8Array(view.buffer), BigInt(descriptors.length), noTimeout)
      .catch(() => failed);
    this.#isPolling = false;
    if (found === failed) {
      this.#failures++;
      return;
    }
    this.#failures = 0;
    const hasNews = (i: number) => view.getInt16(i * pollfdBytes + 6, true) !== 0;
    if (hasNews(0)) {
      read(this.#pipe[0], new Uint8Array(1), 1n);
      this.#isWoken = false;
    }
    for (const [i, descriptor] of descriptors.entries()) {
      if (i === 0 || !hasNews(i)) continue;
      const onNews = this.#waiting.get(descriptor);
      this.#waiting.delete(descriptor);
      onNews?.();
    }
  }
}

let shared: { readonly poller: Poller; users: number } | undefined;

/** Borrows the process's poller, opening it for the first borrower; undefined where there is none. */
export function borrowPoller(): Poller | undefined {
  if (shared === undefined) {
    const poller = Poller.open();
    if (poller === undefined) return undefined;
    shared = { poller, users: 0 };
  }
  shared.users++;
  return shared.poller;
}

/** Gives it back; the last one closes it. */
export async function returnPoller(): Promise<void> {
  if (shared === undefined || --shared.users > 0) return;
  const { poller } = shared;
  shared = undefined;
  await poller.close();
}
