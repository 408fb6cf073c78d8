/**
 * Addresses that did not answer when their node was to enter the table, and are left alone for a while.
 *
 * @module
 */
import { BoundedMap } from "../../../lib/bounded_map.ts";
import { unverifiableMax, verifyAgainMs } from "../constants.ts";

/** How long an address is left alone. */
interface Pause {
  readonly waitMs: number;
  /** Its end, in monotonic ms. */
  readonly untilMs: number;
}

/**
 * Remembers addresses by name. A process may have stood still for a moment, and is asked again some seconds
 * later; an address that never answers, which any sender may have invented, is asked more and more seldom.
 */
export class LeftAlone {
  readonly #pauses = new BoundedMap<string, Pause>(unverifiableMax);

  /** Whether the address is left alone now. */
  has(name: string, nowMs: number): boolean {
    const pause = this.#pauses.get(name);
    return pause !== undefined && nowMs < pause.untilMs;
  }

  /** The address has not answered: each time in a row it is left alone twice as long. */
  failed(name: string, nowMs: number): void {
    const { min, max } = verifyAgainMs;
    const before = this.#pauses.get(name);
    const waitMs = before === undefined ? min : Math.min(2 * before.waitMs, max);
    this.#pauses.set(name, { waitMs, untilMs: nowMs + waitMs });
  }

  /** The address has answered. */
  answered(name: string): void {
    this.#pauses.delete(name);
  }
}
