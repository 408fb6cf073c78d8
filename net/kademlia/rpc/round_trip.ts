/**
 * Round-trip estimation as RFC 6298 computes it.
 *
 * @module
 */
import { timeoutMsInitial, timeoutMsMax, timeoutMsMin } from "../constants.ts";

/** Smoothed round trip and its variation, of one contact or of a node's replies together. */
export class RoundTrip {
  // Whole microseconds: V8 keeps small integers in place and boxes fractions.
  #smoothedUs = -1;
  #variationUs = 0;
  #bestUs = 0;

  /** Whether there was a measurement. */
  get measured(): boolean {
    return this.#smoothedUs >= 0;
  }

  /** The smoothed round trip in ms; undefined before the first measurement. */
  get smoothedMs(): number | undefined {
    return this.#smoothedUs < 0 ? undefined : this.#smoothedUs / 1_000;
  }

  /** The shortest in ms; 0 before the first measurement. */
  get bestMs(): number {
    return this.#bestUs / 1_000;
  }

  /** Takes one measured round trip. Answers carry their request's id, so late ones count too. */
  add(ms: number): void {
    const us = Math.min(Math.max(0, Math.round(ms * 1_000)), 10 * timeoutMsMax * 1_000);
    if (this.#smoothedUs < 0) {
      this.#smoothedUs = this.#bestUs = us;
      this.#variationUs = us >> 1;
      return;
    }
    if (us < this.#bestUs) this.#bestUs = us;
    // RFC 6298 section 2.3: beta = 1/4, alpha = 1/8, variation first.
    this.#variationUs = Math.round(this.#variationUs * 0.75 + Math.abs(this.#smoothedUs - us) / 4);
    this.#smoothedUs = Math.round(this.#smoothedUs * 0.875 + us / 8);
  }

  /** How long to wait for an answer, in ms: SRTT + 4 RTTVAR between floor and ceiling. */
  get timeoutMs(): number {
    if (this.#smoothedUs < 0) return timeoutMsInitial;
    const ms = (this.#smoothedUs + 4 * this.#variationUs) / 1_000;
    return Math.min(Math.max(ms, timeoutMsMin), timeoutMsMax);
  }

  /** What most answers need, in ms: SRTT + 2 RTTVAR, at most the timeout. */
  get patienceMs(): number {
    if (this.#smoothedUs < 0) return timeoutMsInitial;
    return Math.min((this.#smoothedUs + 2 * this.#variationUs) / 1_000, this.timeoutMs);
  }
}
