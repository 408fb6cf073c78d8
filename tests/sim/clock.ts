/**
 * Time that passes only when the simulation says so.
 *
 * {@linkcode VirtualClock} runs timers in order of time and, for equal times, of entry; between two
 * of them it lets every promise settle that can. What waits for real asynchronous work (crypto off the
 * event loop, files) has no place in a simulation: virtual time may pass while it waits. A
 * {@linkcode NodeClock} is one simulated peer's view of it: with an offset of its own that may step,
 * and timers that die with the peer.
 *
 * @module
 */

import { nextTick } from "node:process";
import { setImmediate } from "node:timers";
import type { Clock, ClockStatus, Timer } from "../../core/ports.ts";
import { EventQueue } from "./event_queue.ts";

/** Where virtual Unix time starts unless said otherwise: a moment after the Snowflake epoch. */
export const startMsDefault: number = Date.UTC(2026, 0, 1);

/** More events than this in one run means that something rearms itself for ever. */
const eventsMaxDefault = 20_000_000;

/** How a {@linkcode VirtualClock} is set up. */
export interface VirtualClockOptions {
  /** Unix time in milliseconds at which it starts. */
  readonly startMs?: number;
  /**
   * Lets promises settle between two events. By default no microtask is left, and now and then the event
   * loop turns.
   */
  readonly settle?: () => Promise<void>;
  /** Events between two turns of the event loop; 1 where what is tested loads modules. */
  readonly eventsATurn?: number;
  /** Events in one run beyond which it gives up. */
  readonly eventsMax?: number;
}

/** Between so many events the event loop turns once, so that signals and finished work are seen. */
const eventsATurnDefault = 64;

/** One turn of the event loop: every microtask has run when it resolves. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Resolves when no microtask is left, as a turn does, in a quarter of the time: Node runs what `nextTick` was
 * given once the microtasks have run, and before anything else of the event loop.
 */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    nextTick(resolve);
  });
}

/** The simulation's time. Itself a {@linkcode Clock} without offset. */
export class VirtualClock implements Clock {
  readonly #events = new EventQueue();
  readonly #settle: (() => Promise<void>) | undefined;
  readonly #eventsATurn: number;
  readonly #eventsMax: number;
  readonly #startMs: number;
  #elapsedMs = 0;
  #running = false;

  /** A clock at its start. */
  constructor(options: VirtualClockOptions = {}) {
    this.#startMs = options.startMs ?? startMsDefault;
    this.#settle = options.settle;
    this.#eventsATurn = options.eventsATurn ?? eventsATurnDefault;
    this.#eventsMax = options.eventsMax ?? eventsMaxDefault;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#events.size;
  }

  /** Virtual Unix time in milliseconds. */
  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** Virtual milliseconds since the start. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Calls `fn` once `ms` virtual milliseconds from now; negative and NaN count as 0. */
  after(ms: number, fn: () => void): Timer {
    const event = this.#events.push(this.#elapsedMs + (ms > 0 ? ms : 0), fn);
    return { cancel: () => this.#events.cancel(event) };
  }

  /** Always exact. */
  status(): ClockStatus {
    return { offsetMs: 0, source: "ntp", syncedAt: this.#startMs };
  }

  /** The true time never changes its offset. */
  onChange(_fn: (status: ClockStatus) => void): () => void {
    return () => {};
  }

  /** The true time goes on evenly. */
  beforeJump(_fn: () => void): void {}

  /** A peer's own view of this time. */
  view(options: NodeClockOptions = {}): NodeClock {
    return new NodeClock(this, options);
  }

  /** Lets every promise settle that can without time passing. */
  settle(): Promise<void> {
    return this.#settle?.() ?? turn();
  }

  /** Runs everything due up to `untilMs` on {@linkcode monotonic}'s scale, and stands there then. */
  async run(untilMs: number): Promise<void> {
    await this.#drive(() => false, untilMs);
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
  }

  /** Runs the next `ms` milliseconds. */
  advance(ms: number): Promise<void> {
    return this.run(this.#elapsedMs + ms);
  }

  /**
   * Runs until `condition` holds, which it resolves true for, or `limitMs` milliseconds have
   * passed, which it resolves false for. The condition is looked at after every event.
   */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const untilMs = this.#elapsedMs + limitMs;
    const met = await this.#drive(condition, untilMs);
    if (!met) this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
    return met;
  }

  /**
   * Runs until the promise settles and resolves or rejects as it does.
   *
   * @throws {Error} When it has not settled after `limitMs` milliseconds (an hour by default).
   */
  async drive<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    if (!await this.until(() => settled, limitMs)) {
      throw new Error(`Cannot finish: a promise is still pending after ${limitMs} virtual ms`);
    }
    return await promise;
  }

  async #drive(condition: () => boolean, untilMs: number): Promise<boolean> {
    if (this.#running) throw new Error("Cannot run the clock: it is running already");
    this.#running = true;
    try {
      for (let events = 0; events < this.#eventsMax; events++) {
        const isTurn = events % this.#eventsATurn === 0;
        await (this.#settle?.() ?? (isTurn ? turn() : microtasksDone()));
        if (condition()) return true;
        const nextAt = this.#events.nextAt();
        if (nextAt === undefined || nextAt > untilMs) return false;
        const event = this.#events.pop();
        if (event === undefined) return false;
        this.#elapsedMs = event.at;
        event.fn();
      }
    } finally {
      this.#running = false;
    }
    throw new Error(
      `Cannot run the clock: more than ${this.#eventsMax} events up to ${untilMs} ms`,
    );
  }
}

/** How a peer's clock differs from the true time at its start. */
export interface NodeClockOptions {
  /** Its time minus the true time, in milliseconds. */
  readonly offsetMs?: number;
  /** What {@linkcode NodeClock.status} names as source. */
  readonly source?: ClockStatus["source"];
}

/** One peer's clock. Also serves as the time of net/kademlia. */
export class NodeClock implements Clock {
  readonly #base: VirtualClock;
  readonly #timers = new Set<Timer>();
  readonly #listeners = new Set<(status: ClockStatus) => void>();
  readonly #jumpListeners = new Set<() => void>();
  readonly #source: ClockStatus["source"];
  #offsetMs: number;
  #stopped = false;
  /** Timers that came due while the peer was frozen. */
  #frozen: (() => void)[] | undefined;

  /** Use {@linkcode VirtualClock.view}. */
  constructor(base: VirtualClock, options: NodeClockOptions) {
    this.#base = base;
    this.#offsetMs = options.offsetMs ?? 0;
    this.#source = options.source ?? "ntp";
  }

  /** Timers of this peer that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** This peer's Unix time in milliseconds. */
  now(): number {
    return this.#base.now() + this.#offsetMs;
  }

  /** Milliseconds since the simulation's start; steps don't touch it. */
  monotonic(): number {
    return this.#base.monotonic();
  }

  /** As {@linkcode VirtualClock.after}; after {@linkcode stop} nothing is called any more. */
  after(ms: number, fn: () => void): Timer {
    if (this.#stopped) return { cancel: () => {} };
    const fire = () => {
      if (this.#frozen !== undefined) return void this.#frozen.push(fire);
      if (this.#timers.delete(timer)) fn();
    };
    const inner = this.#base.after(ms, fire);
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer);
        inner.cancel();
      },
    };
    this.#timers.add(timer);
    return timer;
  }

  /** The offset as this peer believes it to be corrected. */
  status(): ClockStatus {
    return { offsetMs: this.#offsetMs, source: this.#source, syncedAt: this.now() };
  }

  /** Calls back at every {@linkcode step}. */
  onChange(fn: (status: ClockStatus) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Calls back before every {@linkcode step} and {@linkcode freeze}. */
  beforeJump(fn: () => void): void {
    this.#jumpListeners.add(fn);
  }

  /** The clock jumps by that many milliseconds, forward or back. */
  step(deltaMs: number): void {
    for (const listener of this.#jumpListeners) listener();
    this.#offsetMs += deltaMs;
    for (const listener of [...this.#listeners]) listener(this.status());
  }

  /** The process is stopped (SIGSTOP): time goes on and nothing runs until {@linkcode thaw}. */
  freeze(): void {
    if (this.#frozen !== undefined) return;
    for (const listener of this.#jumpListeners) listener();
    this.#frozen = [];
  }

  /** The process goes on: all that came due meanwhile runs now. */
  thaw(): void {
    const due = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const fire of due) fire();
  }

  /** The peer crashes: none of its timers fires any more, and none can be set. */
  stop(): void {
    this.#stopped = true;
    for (const timer of [...this.#timers]) timer.cancel();
    this.#listeners.clear();
    this.#jumpListeners.clear();
  }
}
