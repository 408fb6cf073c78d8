/**
 * The machine's own time and timers: the only module that asks for them.
 *
 * @module
 */

import type { Clock, ClockStatus, Timer } from "../../core/ports.ts";
import { Alarms } from "./alarms.ts";

/** The system's clock, without correction. Serves as the time of net/kademlia, too. */
export class SystemClock implements Clock {
  readonly #alarms = new Alarms(() => this.monotonic());

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
    return this.#alarms.set(ms > 0 ? ms : 0, fn);
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
