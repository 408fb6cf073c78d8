/**
 * How many links shake hands at once.
 *
 * A handshake takes a millisecond of processor at each end. When the links of a crowd opened all at once on
 * machines that were busy, thousands of handshakes shared the processors: each was late, many had failed after
 * their 5 seconds, and all of these began anew. In turns, those that begin come to their end.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import { lowerMedian } from "../../lib/median.ts";
import { Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { handshakesMax, handshakeTurn } from "./link_limits.ts";

/** Handshakes whose times are remembered: few devices that are slow on purpose are no half of them. */
const lastMax = 15;

/** Turns to shake hands. */
export class Openings {
  readonly #slots = new Slots(handshakesMax);
  /** How long the last handshakes took that came to their end, in milliseconds, the oldest first. */
  #lastMs: readonly number[] = [];

  /**
   * Begins a handshake when it is its turn; resolves when the turn is over: with the handshake, or after a while.
   * One that waits for a device that says nothing takes no processor, and goes on beside the next.
   *
   * @param handshake Resolves at its end: whether the link is up.
   */
  async run(
    clock: Pick<Clock, "after" | "monotonic">,
    handshake: () => Promise<boolean>,
  ): Promise<void> {
    await this.#slots.run(() => {
      const begunAt = clock.monotonic();
      const ended = handshake().then((isUp) => {
        if (isUp) this.#lastMs = [...this.#lastMs, clock.monotonic() - begunAt].slice(-lastMax);
      });
      return settledWithin(clock, ended, this.#turnMs());
    });
  }

  /**
   * On a busy machine handshakes of devices that do answer take long as well, and to begin more of them would
   * keep these from their end.
   */
  #turnMs(): number {
    const { times, msMin, msMax } = handshakeTurn;
    return Math.min(Math.max(times * (lowerMedian(this.#lastMs) ?? 0), msMin), msMax);
  }
}

/** The turns of this process: what its links share is its processor. */
export const processOpenings: Openings = new Openings();
