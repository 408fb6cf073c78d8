/**
 * The one place of a node, or of a login, that schedules.
 *
 * @module
 */

import { Heap } from "./heap.ts";
import type { Time, Timer } from "./time.ts";

/** Work that is due once. */
export interface Entry {
  /** Monotonic ms. */
  readonly dueMs: number;
  /** Called at or after `dueMs`, unless {@link Entry.cancelled} by then. */
  run(nowMs: number): void;
  /** Entries are not searched for: the owner of one that is no longer needed says so here. */
  readonly cancelled: boolean;
}

/**
 * So much too early is due. Without it the rounding of now + (due - now) could arm a timer for no time
 * at all, again and again, on a clock that stands still between timers.
 */
const earlyMs = 0.01;

function nothing(): void {}

/**
 * A heap of deadlines behind a single timer.
 *
 * A request costs no timer of its own: most are answered long before they are due, and what was
 * cancelled in the meantime falls out when the timer comes by.
 */
export class Scheduler {
  readonly #time: Time;
  readonly #heap = new Heap<Entry>((a, b) => a.dueMs < b.dueMs);
  readonly #onError: (error: Error) => void;
  #timer: Timer | undefined;
  #armedForMs = Infinity;
  #closed = false;

  /** Nothing is due. `onError` is told of what an entry throws. */
  constructor(time: Time, onError: (error: Error) => void) {
    this.#time = time;
    this.#onError = onError;
  }

  /** Entries waiting, cancelled ones included. */
  get size(): number {
    return this.#heap.size;
  }

  /** Schedules an entry. */
  add(entry: Entry): void {
    if (this.#closed) return;
    this.#heap.push(entry);
    if (entry.dueMs < this.#armedForMs) this.#arm(this.#time.monotonic());
  }

  /** Runs `fn` once in `ms` milliseconds. */
  after(ms: number, fn: (nowMs: number) => void): Timer {
    return this.at(this.#time.monotonic() + ms, fn);
  }

  /** Runs `fn` once, at a time of the monotonic clock. */
  at(dueMs: number, fn: (nowMs: number) => void): Timer {
    const entry = {
      dueMs,
      cancelled: false,
      run: fn,
      cancel: () => {
        entry.cancelled = true;
        // It may keep its place in the heap for a while, and nothing else meanwhile.
        entry.run = nothing;
        this.#dropCancelled();
      },
    };
    this.add(entry);
    return entry;
  }

  /**
   * Work that comes again and again, or is put off: see {@linkcode Job}.
   *
   * @param run What fails in it, at once or later, is reported as the error of an entry is.
   */
  job(run: () => void | Promise<void>): Job {
    return new Job(this.#time, this, () => {
      const work = run();
      work?.catch((error) => this.#report(error));
    });
  }

  #report(error: unknown): void {
    this.#onError(error instanceof Error ? error : new Error(String(error)));
  }

  /** Cancels all entries; what is added afterwards never runs. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#heap.clear();
  }

  /** Takes out what is cancelled and comes first; without entries no timer keeps the program from its end. */
  #dropCancelled(): void {
    while (this.#heap.first?.cancelled) this.#heap.pop();
    if (this.#heap.size > 0 || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#armedForMs = Infinity;
  }

  #arm(nowMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = this.#heap.first?.dueMs ?? Infinity;
    if (this.#heap.size === 0) return;
    const wait = Math.max(0, this.#armedForMs - nowMs);
    this.#timer = this.#time.after(wait, () => this.#run());
  }

  #run(): void {
    this.#timer = undefined;
    // Nothing re-arms while entries run: one look at the heap afterwards serves them all.
    this.#armedForMs = -Infinity;
    const nowMs = this.#time.monotonic();
    for (let next = this.#heap.first; next !== undefined; next = this.#heap.first) {
      if (next.cancelled) this.#heap.pop();
      else if (next.dueMs > nowMs + earlyMs) break;
      else {
        this.#heap.pop();
        try {
          next.run(nowMs);
        } catch (error) {
          this.#report(error);
        }
      }
    }
    if (!this.#closed) this.#arm(nowMs);
  }
}

/**
 * One piece of work and the time when it runs next. The work says itself when it wants to run again, by
 * calling {@linkcode Job.dueIn}.
 */
export class Job {
  readonly #time: Pick<Time, "monotonic">;
  readonly #scheduler: Scheduler;
  readonly #run: () => void;
  #timer: Timer | undefined;
  #dueMs = Infinity;

  /** A job of that scheduler, not due yet. */
  constructor(time: Pick<Time, "monotonic">, scheduler: Scheduler, run: () => void) {
    this.#time = time;
    this.#scheduler = scheduler;
    this.#run = run;
  }

  /** Whether a run is to come. */
  get isDue(): boolean {
    return this.#timer !== undefined;
  }

  /** Runs the work in `ms` milliseconds, unless it is due earlier already. */
  dueIn(ms: number): void {
    const dueMs = this.#time.monotonic() + Math.max(0, ms);
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#scheduler.at(dueMs, () => {
      this.cancel();
      this.#run();
    });
  }

  /** Runs the work no more until it is due again. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#dueMs = Infinity;
  }
}
