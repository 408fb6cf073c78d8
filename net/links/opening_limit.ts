/**
 * How many links may open at once on a machine that is busy: additive increase, multiplicative decrease, as TCP
 * does with what it sends (RFC 5681).
 *
 * What opens at once shares the processor. Where so many handshakes take longer than they may, all of them fail and
 * begin anew, and messages on links that are up wait behind them. With half as many each takes half as long, and in
 * a second as many links come up. That handshakes take long says nothing by itself: the line may be long, or the
 * device silent, which takes no processor. Timers that are late as well say that it is this process that is slow.
 * No I/O.
 *
 * @module
 */

import { latenessMs, openingsMax, openingsMin } from "./link_limits.ts";

/** So many links are judged together: of fewer, single devices that are slow on purpose could be most. */
const judgedTogether = 8;

/** So many more links may open at once when as many as may have opened promptly. */
const increase = 4;

/** After so long without a sign of a busy machine as many as ever may open at once. */
const forgottenAfterMs = 60_000;

/** A link that opened promptly, or that has not opened in time. */
export interface Opening {
  /** When it began to open, on the monotonic clock, in milliseconds. */
  readonly begunAt: number;
  /** Whether it takes longer than links do on a machine with time. */
  readonly isSlow: boolean;
  /** How late a timer of this process was meanwhile, in milliseconds. */
  readonly lateMs: number;
}

/** See the module. */
export class OpeningLimit {
  /** In fractions, while it grows. */
  #places = openingsMax;
  /** When it was lowered last, on the monotonic clock. */
  #loweredAt = -Infinity;
  /** Links that are judged together next, and how many of them are slow because this process is. */
  #judged = 0;
  #strained = 0;

  /** How many links may open at once. */
  get places(): number {
    return Math.floor(this.#places);
  }

  /** Judges a link, once, at a time of the monotonic clock. */
  judge({ begunAt, isSlow, lateMs }: Opening, now: number): void {
    if (now - this.#loweredAt >= forgottenAfterMs) this.#places = openingsMax;
    // Those that began before were as many as there were before.
    if (begunAt < this.#loweredAt) return;
    if (!isSlow) this.#places = Math.min(this.#places + increase / this.#places, openingsMax);
    if (isSlow && lateMs >= latenessMs) this.#strained++;
    if (++this.#judged < judgedTogether) return;
    if (2 * this.#strained > judgedTogether) {
      this.#places = Math.max(this.#places / 2, openingsMin);
      this.#loweredAt = now;
    }
    this.#judged = this.#strained = 0;
  }
}
