/**
 * Rates with room for bursts.
 *
 * @module
 */

import type { Time } from "./time.ts";

/** A rate with room for bursts. */
export interface Rate {
  /** Units a second in the long run. */
  readonly perSecond: number;
  /** Units at once after a quiet time. */
  readonly burst: number;
}

/** A token bucket. */
export class TokenBucket {
  readonly #time: Pick<Time, "monotonic">;
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  /** A full bucket. */
  constructor(time: Pick<Time, "monotonic">, rate: Rate) {
    this.#time = time;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = time.monotonic();
  }

  /** Whether so many units are there; more than the burst counts as the burst. */
  has(units: number): boolean {
    this.#fill();
    return this.#tokens >= Math.min(units, this.#rate.burst);
  }

  /** Takes so many units, if they are there. */
  take(units: number): boolean {
    if (!this.has(units)) return false;
    this.#tokens -= Math.min(units, this.#rate.burst);
    return true;
  }

  /** Takes so many units even where they are not there: what follows waits until the debt is paid. */
  spend(units: number): void {
    this.#fill();
    this.#tokens -= units;
  }

  /** Milliseconds until so many units will be there. */
  waitMs(units: number): number {
    this.#fill();
    const lacking = Math.min(units, this.#rate.burst) - this.#tokens;
    return lacking <= 0 ? 0 : Math.ceil((lacking / this.#rate.perSecond) * 1000);
  }

  #fill(): void {
    const now = this.#time.monotonic();
    const gained = ((now - this.#at) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained);
    this.#at = now;
  }
}
