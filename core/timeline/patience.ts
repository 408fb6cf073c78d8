/**
 * How long a relay may stay silent: measured by the others, because what is slow for all is no relay's fault.
 * No I/O.
 *
 * @module
 */

import { lowerMedian } from "../../lib/median.ts";

/** How much slower than half of all a relay may be, and the bounds of that in milliseconds. */
export interface Patience {
  /** So many times slower than half of them. */
  readonly times: number;
  /** The least. */
  readonly msMin: number;
  /** The most. */
  readonly msMax: number;
}

/**
 * Milliseconds after which a relay that has not answered is silent.
 *
 * @param delays How long relays took; Infinity for those that have not answered.
 */
export function silentAfterMs(
  delays: readonly number[],
  { times, msMin, msMax }: Patience,
): number {
  return Math.min(Math.max(times * (lowerMedian(delays) ?? 0), msMin), msMax);
}
