/**
 * When this machine was cut off, as far as its relays tell. No I/O.
 *
 * @module
 */

import type { Time } from "../../lib/time.ts";
import { aliveEveryMs, lateMsMax } from "./relay_limits.ts";

/**
 * When no relay says anything for so long, or all lines are lost within that time, it is no relay's fault: it is
 * longer than one sign of life and its answer take where packets are lost.
 */
const momentMs = aliveEveryMs + lateMsMax;

/** Is told of relays, and tells of outages. */
export class Outages {
  readonly #time: Pick<Time, "monotonic">;
  readonly #onOutage: () => void;
  /** When a relay was heard last; undefined while there is none to hear. All times are on the monotonic clock. */
  #heardMs: number | undefined;
  /** Lines that were lost a moment ago, and when, by the names of the relays. */
  readonly #losses = new Map<string, number>();
  #toldMs = -Infinity;

  /** Tells of nothing before relays were heard, or lost. `onOutage` is called when the machine is back. */
  constructor(time: Pick<Time, "monotonic">, onOutage: () => void) {
    this.#time = time;
    this.#onOutage = onOutage;
  }

  /** A relay was heard: was none for longer than one alone would explain? */
  heard(): void {
    const now = this.#time.monotonic();
    const silentMs = now - (this.#heardMs ?? now);
    this.#heardMs = now;
    if (silentMs >= momentMs) this.#tell(now);
  }

  /** A line that had been good was lost. */
  lost(relay: string): void {
    this.#losses.set(relay, this.#time.monotonic());
  }

  /**
   * A line is there: were all others lost within a moment? A router that gets another address, or is off for a second,
   * lets no relay fall silent, and yet ends all connections through it, each when something is next said there.
   *
   * @param reservedMs Since when the lines are there that there are.
   */
  cameBack(reservedMs: readonly number[]): void {
    const now = this.#time.monotonic();
    for (const [name, lostMs] of this.#losses) {
      if (now - lostMs >= momentMs) this.#losses.delete(name);
    }
    const areNew = reservedMs.every((sinceMs) => now - sinceMs < momentMs);
    if (this.#losses.size >= 2 && areNew) this.#tell(now);
  }

  /** There are no relays any more. */
  clear(): void {
    this.#heardMs = undefined;
    this.#losses.clear();
  }

  /** Silence and losses come of one outage: it is told once. */
  #tell(now: number): void {
    if (now - this.#toldMs < momentMs) return;
    this.#toldMs = now;
    this.#onOutage();
  }
}
