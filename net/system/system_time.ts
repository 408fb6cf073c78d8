/**
 * The machine's own time and timers: the only module that asks for them.
 *
 * @module
 */

import type { Clock, ClockStatus, Timer } from "../../core/ports.ts";

/** `setTimeout` takes a signed 32-bit number of milliseconds, and fires at once beyond. */
const timeoutMsMax = 0x7fff_ffff;

/** The system's clock, without correction. Serves as the time of net/kademlia, too. */
export class SystemClock implements Clock {
  /** The system's Unix time in milliseconds. */
  now(): number {
    return Date.now();
  }

  /** Milliseconds since the program's start; never steps. */
  monotonic(): number {
    return performance.now();
  }

  /** Calls `fn` once after `ms` milliseconds, however many; negative and NaN count as 0. */
  after(ms: number, fn: () => void): Timer {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number) => {
      const partMs = Math.min(leftMs, timeoutMsMax);
      handle = setTimeout(() => partMs < leftMs ? arm(leftMs - partMs) : fn(), partMs);
    };
    arm(ms > 0 ? ms : 0);
    return { cancel: () => clearTimeout(handle) };
  }

  /** Never corrected. */
  status(): ClockStatus {
    return { offsetMs: 0, source: "system" };
  }

  /** Nothing ever changes. */
  onChange(_fn: (status: ClockStatus) => void): () => void {
    return () => {};
  }
}
