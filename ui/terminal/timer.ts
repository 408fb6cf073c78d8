/**
 * A timer that costs a short command nothing.
 *
 * Deno's `setTimeout` brings Node.js's timers along: 8 ms of a processor and 4 MB with its first use.
 *
 * @module
 */

import type { Timer } from "../../lib/time.ts";

/**
 * Calls `fn` once after `ms` milliseconds, unless it is cancelled. A program that waits for nothing else
 * waits for it.
 */
export function startTimer(ms: number, fn: () => void): Timer {
  const signal = AbortSignal.timeout(ms);
  const fire = () => fn();
  signal.addEventListener("abort", fire, { once: true });
  return { cancel: () => signal.removeEventListener("abort", fire) };
}
