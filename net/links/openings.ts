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
import { Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { handshakesMax, handshakeTurnMs } from "./link_limits.ts";

/** Turns to shake hands. */
export class Openings {
  readonly #slots = new Slots(handshakesMax);

  /**
   * Begins a handshake when it is its turn; resolves when the turn is over: with the handshake, or after a while.
   * One that waits for a device that says nothing takes no processor, and goes on beside the next.
   */
  async run(clock: Pick<Clock, "after">, handshake: () => Promise<void>): Promise<void> {
    await this.#slots.run(() => settledWithin(clock, handshake(), handshakeTurnMs));
  }
}

/** The turns of this process: what its links share is its processor. */
export const processOpenings: Openings = new Openings();
