/**
 * The one place of a node that schedules.
 *
 * @module
 */
import type { Time, Timer } from "./time.ts";

/** Something that is due once. */
export interface Entry {
  /** Monotonic ms. */
  readonly dueMs: number;
  /** Called at or after `dueMs`, unless {@link Entry.cancelled} by then. */
  run(nowMs: number): void;
  /** Entries are not searched for: whoever no longer needs one says so here. */
  readonly cancelled: boolean;
}

/**
 * So much too early is due. Without it the rounding of now + (due - now) could arm a timer for no time
 * at all, again and again, on a clock that stands still between timers.
 */
const earlyMs = 0.01;

/**
 * A heap of deadlines behind a single timer.
 *
 * A request costs no timer of its own: most are answered long before they are due, and what was
 * cancelled in the meantime falls out when the timer comes by.
 */
export class Agenda {
  readonly #time: Time;
  readonly #heap: Entry[] = [];
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
    return this.#heap.length;
  }

  /** Schedules an entry. */
  add(entry: Entry): void {
    if (this.#closed) return;
    this.#push(entry);
    if (entry.dueMs < this.#armedForMs) this.#arm(this.#time.monotonic());
  }

  /** Runs `fn` once in `ms` milliseconds. */
  after(ms: number, fn: (nowMs: number) => void): Timer {
    const entry = {
      dueMs: this.#time.monotonic() + ms,
      cancelled: false,
      run: fn,
      cancel(): void {
        entry.cancelled = true;
      },
    };
    this.add(entry);
    return entry;
  }

  /** Stops everything. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#heap.length = 0;
  }

  #arm(nowMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = this.#heap[0]?.dueMs ?? Infinity;
    if (this.#heap.length === 0) return;
    const wait = Math.max(0, this.#armedForMs - nowMs);
    this.#timer = this.#time.after(wait, () => this.#run());
  }

  #run(): void {
    this.#timer = undefined;
    // Nothing re-arms while entries run: one look at the heap afterwards serves them all.
    this.#armedForMs = -Infinity;
    const nowMs = this.#time.monotonic();
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.cancelled) this.#pop();
      else if (next.dueMs > nowMs + earlyMs) break;
      else {
        this.#pop();
        try {
          next.run(nowMs);
        } catch (error) {
          this.#onError(error instanceof Error ? error : new Error(String(error)));
        }
      }
    }
    if (!this.#closed) this.#arm(nowMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || parent.dueMs <= entry.dueMs) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && right.dueMs < child.dueMs) {
        down++;
        child = right;
      }
      if (child.dueMs >= last.dueMs) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}
