/**
 * Relays that failed: how long others are taken before them, and when they are tried again. No I/O.
 *
 * @module
 */

import type { Time } from "../../lib/time.ts";

/** While others are to be had, a relay that failed is left alone for so long. */
const avoidMs = 60_000;

/**
 * While too few are, it is tried again after the first wait, and after twice the wait before each time that it
 * fails again, `avoidMs` at most: one that was started anew is back within seconds, and one that refuses is not
 * to be asked all the time.
 */
const againMsMin = 4_000;

/** One relay that failed. */
interface Failure {
  /** When it failed last, on the monotonic clock. */
  readonly atMs: number;
  /** How long it is left alone at least. */
  readonly waitMs: number;
}

/** Remembers them, by name; a name that has not failed for two minutes is forgotten. */
export class AvoidedRelays {
  readonly #time: Pick<Time, "monotonic">;
  readonly #failures = new Map<string, Failure>();

  /** None has failed. */
  constructor(time: Pick<Time, "monotonic">) {
    this.#time = time;
  }

  /** It failed, or was away for long. */
  failed(name: string): void {
    const atMs = this.#time.monotonic();
    for (const [other, failure] of this.#failures) {
      if (failure.atMs + 2 * avoidMs <= atMs) this.#failures.delete(other);
    }
    const before = this.#failures.get(name)?.waitMs;
    const waitMs = Math.min(before === undefined ? againMsMin : 2 * before, avoidMs);
    this.#failures.set(name, { atMs, waitMs });
  }

  /** It has been of use for a while: the next time counts as the first. */
  wasGood(name: string): void {
    this.#failures.delete(name);
  }

  /** Whether it comes after those that have not failed lately. */
  isAvoided(name: string): boolean {
    return this.#time.monotonic() < this.#sinceOf(name) + avoidMs;
  }

  /** Whether it is not even tried where no other is to be had. */
  isLeftAlone(name: string): boolean {
    const failure = this.#failures.get(name);
    return failure !== undefined && this.#time.monotonic() < failure.atMs + failure.waitMs;
  }

  /** In how many milliseconds the next of them may be tried again; Infinity where none waits. */
  get nextMs(): number {
    const now = this.#time.monotonic();
    const waits = [...this.#failures.values()].map(({ atMs, waitMs }) => atMs + waitMs - now);
    return Math.min(...waits.filter((ms) => ms > 0));
  }

  #sinceOf(name: string): number {
    return this.#failures.get(name)?.atMs ?? -Infinity;
  }
}
