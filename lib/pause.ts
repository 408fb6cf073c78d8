/**
 * Waiting by the clock that is given, and giving way to others during long work.
 *
 * @module
 */

import type { Time } from "./time.ts";

/** Resolves after so many milliseconds, or at once when the signal is aborted. Never rejects. */
export function pause(clock: Time, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** Resolves as soon as the promise settles, or after so many milliseconds; whether it has settled. */
export function settledWithin(
  clock: Time,
  promise: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false));
    const end = () => {
      timer.cancel();
      resolve(true);
    };
    promise.then(end, end);
  });
}

/** Work in one turn of the event loop at most: a tenth of what a person notices, half a poll of the links. */
const sliceMs = 5;

/**
 * Cuts long work, of however many tasks at once, into slices between which the event loop turns.
 */
export class Slices {
  readonly #clock: Time;
  #startedAt = -Infinity;
  #turn: Promise<void> | undefined;

  /** Slices by that clock. */
  constructor(clock: Time) {
    this.#clock = clock;
  }

  /** To be called between two pieces of work: returns at once, or after a turn when the slice is used up. */
  async next(): Promise<void> {
    const now = this.#clock.monotonic();
    // Nothing kept this loop busy for a while: what comes now begins a slice of its own.
    if (this.#turn === undefined && now - this.#startedAt > 2 * sliceMs) this.#begin(now);
    if (now - this.#startedAt < sliceMs) return;
    this.#turn ??= pause(this.#clock, 0).then(() => {
      this.#turn = undefined;
      this.#begin(this.#clock.monotonic());
    });
    await this.#turn;
  }

  #begin(now: number): void {
    this.#startedAt = now;
  }
}
