/**
 * Which messages have been seen, so that none is dealt with twice.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { Clock } from "../ports.ts";

/** Messages older or newer than this are refused (design, section 6). */
export const messageAgeMsMax = 600_000;

/**
 * How long an id is remembered: a message dated as far ahead as is allowed stays acceptable for
 * twice the tolerance.
 */
const rememberedMs = 2 * messageAgeMsMax;

/**
 * Ids remembered at most, some 8 MB. Beyond that the oldest go: a replay then costs work, and changes
 * nothing, because every message can be dealt with twice.
 */
const idsMax = 65_536;

/** A bounded memory of message ids. */
export class SeenIds {
  readonly #clock: Clock;
  readonly #max: number;
  /** When each id came, on the monotonic clock; the oldest first. */
  readonly #ids = new Map<string, number>();

  /**
   * Remembers none at first.
   *
   * @param max Ids remembered at most.
   */
  constructor(clock: Clock, max = idsMax) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Ids remembered. */
  get size(): number {
    return this.#ids.size;
  }

  /** Whether the id is remembered. */
  has(id: Uint8Array): boolean {
    return this.#ids.has(toHex(id));
  }

  /** Remembers the id; whether it is new. */
  add(id: Uint8Array): boolean {
    const name = toHex(id);
    if (this.#ids.has(name)) return false;
    this.#forget();
    this.#ids.set(name, this.#clock.monotonic());
    return true;
  }

  #forget(): void {
    const before = this.#clock.monotonic() - rememberedMs;
    for (const [name, at] of this.#ids) {
      if (at >= before && this.#ids.size < this.#max) return;
      this.#ids.delete(name);
    }
  }
}
