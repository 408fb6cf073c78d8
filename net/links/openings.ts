/**
 * How many links open at once.
 *
 * To find an address and shake hands takes a millisecond of processor at each end. When the links of a crowd opened
 * all at once on machines that were busy, thousands of handshakes shared the processors: each was late, many had
 * failed after their 5 seconds, and all of these began anew. So did connects, which were not even looked at in
 * time. In turns, those that begin come to their end.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import { lowerMedian } from "../../lib/median.ts";
import { Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { openingsMax, openingTurn } from "./link_limits.ts";

/** So many of the last links count. Their median is taken, so a few devices that are slow on purpose change little. */
const lastMax = 15;

/** Turns to open a link. */
export class Openings {
  readonly #slots = new Slots(openingsMax);
  /** How long the last links took that opened, in milliseconds, the oldest first. */
  #lastMs: readonly number[] = [];

  /**
   * Opens a link when it is its turn; resolves when the turn is over: when the link is open or has failed, or after
   * a while. One that waits for a device that says nothing takes no processor, and goes on beside the next.
   *
   * @param open Resolves at its end: whether the link is up.
   */
  async run(
    clock: Pick<Clock, "after" | "monotonic">,
    open: () => Promise<boolean>,
  ): Promise<void> {
    await this.#slots.run(() => {
      const begunAt = clock.monotonic();
      const ended = open().then((isUp) => {
        if (isUp) this.#lastMs = [...this.#lastMs, clock.monotonic() - begunAt].slice(-lastMax);
      });
      return settledWithin(clock, ended, this.#turnMs());
    });
  }

  /**
   * On a busy machine links to devices that do answer take long as well, and to begin with more of them would
   * keep these from their end.
   */
  #turnMs(): number {
    const { times, msMin, msMax } = openingTurn;
    return Math.min(Math.max(times * (lowerMedian(this.#lastMs) ?? 0), msMin), msMax);
  }
}

/** The turns of this process: what its links share is its processor. */
export const processOpenings: Openings = new Openings();
