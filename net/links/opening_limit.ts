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

import { latenessMs, openingsMax, openingsMin, slowOpeningMs } from "./link_limits.ts";

/** So many links are judged together: of fewer, single devices that are slow on purpose could be most. */
const judgedTogether = 8;

/**
 * So many more links may open at once when as many as may have opened in time. Where they took less than half of
 * {@linkcode slowOpeningMs} it is twice as many: with few at once a processor may be idle between the turns of a
 * handshake, and to grow slowly then costs a crowd seconds.
 */
const increase = 4;

/** After so long without a sign of a busy machine as many as ever may open at once. */
const forgottenAfterMs = 15_000;

/** A link that has opened in time, or has not. */
export interface Opening {
  /** When it began to open, on the monotonic clock, in milliseconds. */
  readonly begunAt: number;
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

  /** Judges a link, once: when it has opened, or when it has not within {@linkcode slowOpeningMs}. */
  judge({ begunAt, lateMs }: Opening, now: number): void {
    if (now - this.#loweredAt >= forgottenAfterMs) this.#places = openingsMax;
    // Those that began before were as many as there were before.
    if (begunAt < this.#loweredAt) return;
    const ms = now - begunAt;
    const isSlow = ms >= slowOpeningMs;
    if (!isSlow) {
      const more = ms < slowOpeningMs / 2 ? 1 : increase / this.#places;
      this.#places = Math.min(this.#places + more, openingsMax);
    }
    if (isSlow && lateMs >= latenessMs) this.#strained++;
    if (++this.#judged < judgedTogether) return;
    if (2 * this.#strained > judgedTogether) {
      this.#places = Math.max(this.#places / 2, openingsMin);
      this.#loweredAt = now;
    }
    this.#judged = this.#strained = 0;
  }
}
