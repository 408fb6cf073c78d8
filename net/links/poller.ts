/**
 * Learns from the system which of zeromq's sockets have news, so that no timer has to look all the time.
 *
 * zeromq's own tie to the event loop is broken under Deno, but each of its sockets has a file
 * descriptor that becomes readable with every change of state (zmq_getsockopt(3), ZMQ_FD). Here epoll(7)
 * waits for the descriptors of all sockets of the process at once, in one thread, called through Deno's
 * foreign function interface; a look costs what has news, however many wait. Where that is not
 * available, timers alone look at the sockets.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";

/** The C library of Linux with glibc, the only one that Deno itself runs on there. */
const libraryPath = "libc.so.6";

const symbols = {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** `EPOLL_CLOEXEC` and `EFD_CLOEXEC`: no child inherits them. `EFD_NONBLOCK`: no call waits. */
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;

/** `EPOLL_CTL_ADD`, `EPOLL_CTL_DEL`, `EPOLL_CTL_MOD`. */
const [add, remove, change] = [1, 2, 3];

/** `EPOLLIN`; and `EPOLLONESHOT`: told once, until asked for again. */
const readable = 0x1;
const once = 0x40000000;

/** `struct epoll_event`: the events, then eight bytes of our own, packed on x86-64 alone. */
const eventLayout = Deno.build.arch === "x86_64"
  ? { bytes: 12, own: 4 } as const
  : { bytes: 16, own: 8 } as const;

/** `struct pollfd`: a descriptor of four bytes, then the events asked for and those found, two bytes each. */
const polledBytes = 8;

/** Events fetched at once; the others come with the next call. */
const eventsMax = 256;

/** A wait goes on until there is news, or until it is woken. */
const noTimeout = -1;

/** What the calls return when they fail. */
const failed = -1;

/**
 * Waits that may fail in a row; after that callers are told to look by timer. Signals (a terminal that is
 * being resized) end waits early, but never so many without news in between.
 */
const failuresMax = 100;

/** Functions of the C library, as in its manual (sections 2 and 3). */
export interface CFunctions {
  /** Makes an instance of epoll; -1 when that fails. */
  epoll_create1(flags: number): number;
  /** Changes what an instance looks at; 0 when it did. */
  epoll_ctl(
    epoll: number,
    what: number,
    descriptor: number,
    event: Uint8Array<ArrayBuffer>,
  ): number;
  /** Waits in a thread of Deno's until a descriptor has news; how many events there are, or -1. */
  epoll_wait(
    epoll: number,
    events: Uint8Array<ArrayBuffer>,
    most: number,
    timeoutMs: number,
  ): Promise<number>;
  /** Makes a descriptor that is readable once it was written to; -1 when that fails. */
  eventfd(value: number, flags: number): number;
  /** Waits for news of descriptors, in the thread that calls; how many have some, or -1. */
  poll(descriptors: Uint8Array<ArrayBuffer>, count: bigint, timeoutMs: number): number;
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
  readonly #epoll: number;
  /** Ends a wait early once it is written to. */
  readonly #waker: number;
  readonly #event = new Uint8Array(eventLayout.bytes);
  readonly #eventView = new DataView(this.#event.buffer);
  readonly #polled = new Uint8Array(polledBytes);
  readonly #polledView = new DataView(this.#polled.buffer);
  readonly #waiting = new Map<number, () => void>();
  #running: Promise<void> | undefined;
  #failures = 0;

  private constructor(library: Library, epoll: number, waker: number) {
    this.#library = library;
    this.#epoll = epoll;
    this.#waker = waker;
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
    const { epoll_create1, eventfd, close } = library.symbols;
    const epoll = epoll_create1(closeOnExec);
    const waker = eventfd(0, closeOnExec | nonBlocking);
    if (epoll !== failed && waker !== failed) return new Poller(library, epoll, waker);
    for (const descriptor of [epoll, waker]) if (descriptor !== failed) close(descriptor);
    library.close();
    return undefined;
  }

  /**
   * Calls back once, when the descriptor is readable or may be; never within the call.
   *
   * @returns Whether it will: not where waits keep failing, or the descriptor cannot be waited for.
   */
  watch(descriptor: number, onNews: () => void): boolean {
    if (this.#failures >= failuresMax || !this.#ask(descriptor)) return false;
    this.#waiting.set(descriptor, onNews);
    this.#running ??= this.#run();
    return true;
  }

  /** Waits, the whole program with it, until the descriptor is readable: so long at most, in whole milliseconds. */
  wait(descriptor: number, timeoutMs: number): boolean {
    this.#polledView.setInt32(0, descriptor, true);
    this.#polledView.setInt16(4, readable, true);
    return this.#library.symbols.poll(this.#polled, 1n, timeoutMs) > 0;
  }

  /** Takes a {@linkcode watch} back; to be called before the descriptor is closed. */
  unwatch(descriptor: number): void {
    if (!this.#waiting.delete(descriptor)) return;
    this.#control(remove, descriptor, 0);
    if (this.#waiting.size === 0) this.#wake();
  }

  /** Ends; to be called once. Resolves when no wait is under way any more. */
  async close(): Promise<void> {
    this.#waiting.clear();
    if (this.#running !== undefined) this.#wake();
    await this.#running;
    for (const descriptor of [this.#epoll, this.#waker]) this.#library.symbols.close(descriptor);
    this.#library.close();
  }

  /** Has the system tell of the descriptor's next news, once. */
  #ask(descriptor: number): boolean {
    // One that was asked about before, and not closed since, is still known.
    return this.#control(change, descriptor, readable | once) ||
      this.#control(add, descriptor, readable | once);
  }

  #control(what: number, descriptor: number, events: number): boolean {
    this.#eventView.setUint32(0, events, true);
    this.#eventView.setInt32(eventLayout.own, descriptor, true);
    const { epoll_ctl } = this.#library.symbols;
    return epoll_ctl(this.#epoll, what, descriptor, this.#event) !== failed;
  }

  /** The loop looks whether any caller waits still. The waker stays readable until it is asked about anew. */
  #wake(): void {
    if (this.#ask(this.#waker)) this.#library.symbols.write(this.#waker, wakeBytes, 8n);
  }

  /** Waits for news while any caller does. Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.size > 0 && this.#failures < failuresMax) {
      await this.#wait();
      // The callers look at their sockets now and then ask again: the next wait is for all of them.
      await setImmediate();
    }
    this.#running = undefined;
    // Waits fail: all callers are to look once more, and are then told to look by timer.
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const onNews of left) onNews();
  }

  async #wait(): Promise<void> {
    const view = new DataView(new ArrayBuffer(eventsMax * eventLayout.bytes));
    const { epoll_wait } = this.#library.symbols;
    const found = await epoll_wait(this.#epoll, new Uint8Array(view.buffer), eventsMax, noTimeout)
      .catch(() => failed);
    if (found === failed) {
      this.#failures++;
      return;
    }
    this.#failures = 0;
    for (let i = 0; i < found; i++) {
      const descriptor = view.getInt32(i * eventLayout.bytes + eventLayout.own, true);
      const onNews = this.#waiting.get(descriptor);
      this.#waiting.delete(descriptor);
      onNews?.();
    }
  }
}

/** What eventfd(2) takes: a number of eight bytes. */
const wakeBytes = new Uint8Array(new BigUint64Array([1n]).buffer);

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
