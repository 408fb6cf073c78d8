/**
 * What followers say of relays: whether these passed on what they were asked to. Followers may lie in both
 * directions, so what counts is the balance of what many say, and it fades.
 *
 * @module
 */

import { nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Time } from "../../lib/time.ts";

/** Relays of whom it is remembered what was said. */
const remembered = 8_192;

/** How far trust and doubt go, in followers' words; each counts half after {@linkcode wordsHalfMs}. */
const trustMax = 4;
const doubtMax = 8;
const wordsHalfMs = 600_000;

/** More doubt than this costs a relay its place. */
const toleratedDoubt = 0.5;

/** See the module. */
export class Standing {
  readonly #time: Pick<Time, "monotonic">;
  readonly #words = new BoundedMap<string, { doubt: number; at: number }>(remembered);
  /** How often a relay has lost its place so far. */
  losses = 0;

  /** Nothing has been said. */
  constructor(time: Pick<Time, "monotonic">) {
    this.#time = time;
  }

  /** A follower says whether a relay passed posts on, or the relay was silent. */
  note(relay: UserRef, hasPassed: boolean): void {
    const before = this.#doubtOf(relay);
    const doubt = before + (hasPassed ? -1 : 1);
    if (before <= toleratedDoubt && doubt > toleratedDoubt) this.losses++;
    this.#words.set(nameOf(relay), {
      doubt: Math.min(Math.max(doubt, -trustMax), doubtMax),
      at: this.#time.monotonic(),
    });
  }

  /** Whether a relay has no place for now. */
  isOut(relay: UserRef): boolean {
    return this.#words.size > 0 && this.#doubtOf(relay) > toleratedDoubt;
  }

  #doubtOf(relay: UserRef): number {
    const words = this.#words.get(nameOf(relay));
    if (words === undefined) return 0;
    return words.doubt * 2 ** ((words.at - this.#time.monotonic()) / wordsHalfMs);
  }
}
