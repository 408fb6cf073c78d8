/**
 * Time as everything below the adapters sees it, so that a simulation can replace it.
 *
 * @module
 */

/** A timer that can be stopped. */
export interface Timer {
  /** Stops it; harmless when it has fired or was stopped. */
  cancel(): void;
}

/** A clock and its timers. */
export interface Time {
  /** Unix time in milliseconds, possibly corrected; it may step. Dates are judged by it. */
  now(): number;
  /** Milliseconds since some moment, with fractions; never steps. Durations are measured by it. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds, never before this call returned. */
  after(ms: number, fn: () => void): Timer;
  /**
   * Calls back before its time jumps or stands still for this process. Only a simulated clock can tell that:
   * any other is looked at again and again (`wake.ts`).
   */
  beforeJump?(fn: () => void): void;
}
