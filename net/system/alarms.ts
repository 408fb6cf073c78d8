/**
 * All timers of a clock behind one of the runtime's.
 *
 * A message takes half a dozen timers, and most are cancelled a moment later: they are for what takes too long.
 * A timer of the runtime costs some microseconds, which was a tenth of what a peer in a crowd did; a place in a
 * heap costs a tenth of that.
 *
 * @module
 */

import type { Timer } from "../../core/ports.ts";
import { Heap } from "../../lib/heap.ts";

/** The runtime takes a signed 32-bit number of milliseconds, and calls at once beyond. */
const timeoutMsMax = 0x7fff_ffff;

/** Cancelled alarms are looked for and taken out where more than so many, and more than three of four, are. */
const cancelledMin = 256;

interface Alarm extends Timer {
  /** Monotonic ms. */
  readonly dueMs: number;
  /** How many were set before: of two for the same time the older one comes first. */
  readonly number: number;
  /** Undefined once it has run or was cancelled. */
  fn: (() => void) | undefined;
}

/** Calls `fn` after a whole number of milliseconds; what it returns takes that back. */
export type SystemTimer = (fn: () => void, ms: number) => () => void;

const runtimeTimer: SystemTimer = (fn, ms) => {
  const handle = setTimeout(fn, ms);
  return () => clearTimeout(handle);
};

/** See the module. */
export class Alarms {
  readonly #nowMs: () => number;
  readonly #systemTimer: SystemTimer;
  readonly #heap = new Heap<Alarm>((a, b) => a.dueMs < b.dueMs || isOlder(a, b));
  /** Alarms that have neither run nor been cancelled. Without any no timer keeps the process from its end. */
  #live = 0;
  #numbers = 0;
  #disarm: (() => void) | undefined;
  #armedForMs = Infinity;
  #isRunning = false;

  /**
   * None is set at first.
   *
   * @param nowMs The monotonic clock.
   * @param systemTimer Replaceable for tests.
   */
  constructor(nowMs: () => number, systemTimer: SystemTimer = runtimeTimer) {
    this.#nowMs = nowMs;
    this.#systemTimer = systemTimer;
  }

  /** How many places are in use, those of cancelled alarms included. */
  get size(): number {
    return this.#heap.size;
  }

  /** Calls `fn` once, `ms` milliseconds from now or a moment later, and never within this call. */
  set(ms: number, fn: () => void): Timer {
    const alarm: Alarm = {
      dueMs: this.#nowMs() + ms,
      number: this.#numbers++,
      fn,
      cancel: () => {
        if (alarm.fn === undefined) return;
        alarm.fn = undefined;
        this.#cancelled();
      },
    };
    this.#live++;
    this.#heap.push(alarm);
    if (!this.#isRunning && alarm.dueMs < this.#armedForMs) this.#arm();
    return alarm;
  }

  #cancelled(): void {
    this.#live--;
    if (this.#live === 0 && !this.#isRunning) {
      this.#heap.clear();
      this.#arm();
    } else if (this.#heap.size > Math.max(cancelledMin, 4 * this.#live)) {
      this.#heap.keep(({ fn }) => fn !== undefined);
    }
  }

  /** Has the runtime call at the time of the first alarm. */
  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedForMs = this.#heap.first?.dueMs ?? Infinity;
    if (this.#armedForMs === Infinity) return;
    const waitMs = Math.ceil(Math.max(this.#armedForMs - this.#nowMs(), 0));
    this.#disarm = this.#systemTimer(() => this.#run(), Math.min(waitMs, timeoutMsMax));
  }

  /** Runs what is due. What is set meanwhile runs in another turn, or other work would never have its turn. */
  #run(): void {
    this.#disarm = undefined;
    this.#isRunning = true;
    const nowMs = this.#nowMs();
    const end = this.#numbers;
    try {
      for (let next = this.#heap.first; next !== undefined; next = this.#heap.first) {
        const { fn, dueMs, number } = next;
        if (fn !== undefined && (dueMs > nowMs || number >= end)) break;
        this.#heap.pop();
        if (fn === undefined) continue;
        next.fn = undefined;
        this.#live--;
        fn();
      }
    } finally {
      // What an alarm throws is an error of the program, as it is in a timer of the runtime; the others go on.
      this.#isRunning = false;
      if (this.#live === 0) this.#heap.clear();
      this.#arm();
    }
  }
}

function isOlder(a: Alarm, b: Alarm): boolean {
  return a.dueMs === b.dueMs && a.number < b.number;
}
