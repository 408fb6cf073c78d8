/**
 * Noticing that this process did not run for a while: the machine slept, or the process was stopped.
 *
 * @module
 */

import type { Scheduler } from "./scheduler.ts";
import type { Time } from "./time.ts";

/** How often it is looked at: so late at most a sleep is noticed after its end. */
const lookEveryMs = 1_000;

/** A shorter pause is none: connections outlive it, and a busy machine has such. */
const sleepMsMin = 5_000;

/**
 * Calls back after every sleep, within a second of its end, until the scheduler is closed. While a machine
 * sleeps its monotonic clock may stand still and its Unix time goes on; while a process is stopped both go
 * on. A clock that was set ahead counts as a sleep, too.
 */
export function onWake(time: Time, scheduler: Scheduler, wake: () => void): void {
  const startMs = time.monotonic();
  let [unixMs, monotonicMs] = [time.now(), startMs];
  const look = scheduler.job(() => {
    const lateMs = Math.max(time.now() - unixMs, time.monotonic() - monotonicMs) - lookEveryMs;
    [unixMs, monotonicMs] = [time.now(), time.monotonic()];
    if (time.beforeJump === undefined) look.dueIn(lookEveryMs);
    if (lateMs >= sleepMsMin) wake();
  });
  if (time.beforeJump === undefined) return look.dueIn(lookEveryMs);
  // Looks of every second are most of what happens in a simulated day. This is the one that notices the jump.
  time.beforeJump(() => {
    if (look.isDue) return;
    const sinceMs = (time.monotonic() - startMs) % lookEveryMs;
    [unixMs, monotonicMs] = [time.now() - sinceMs, time.monotonic() - sinceMs];
    look.dueIn(lookEveryMs - sinceMs);
  });
}
