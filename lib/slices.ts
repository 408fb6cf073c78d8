/**
 * Long work that gives way to others.
 *
 * @module
 */

import type { Time } from "./time.ts";
import { pause } from "./waiting.ts";

/** Milliseconds of work in one turn of the event loop at most: a person notices ten times as much. */
const sliceMs = 5;

/** Cuts the long work of any number of tasks into slices; the event loop turns between two of them. */
export class Slices {
  readonly #time: Time;
  #startedAt = -Infinity;
  #turn: Promise<void> | undefined;

  /** Slices measured by that clock. */
  constructor(time: Time) {
    this.#time = time;
  }

  /** To be called between two pieces of work: returns at once, or after a turn when the slice is used up. */
  async next(): Promise<void> {
    const now = this.#time.monotonic();
    // Nothing kept this loop busy for a while: what comes now begins a slice of its own.
    if (this.#turn === undefined && now - this.#startedAt > 2 * sliceMs) this.#startedAt = now;
    if (now - this.#startedAt < sliceMs) return;
    this.#turn ??= pause(this.#time, 0).then(() => {
      this.#turn = undefined;
      this.#startedAt = this.#time.monotonic();
    });
    await this.#turn;
  }
}
