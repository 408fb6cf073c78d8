/**
 * What strangers may bring in a day: users who neither follow nor are followed.
 *
 * @module
 */

import type { NotificationExtras } from "../conversation_store.ts";
import { asArray, asInteger, asString, attempt, decode, encode } from "../../lib/msgpack.ts";
import type { Session } from "../session/interfaces.ts";

/** Requests taken from one stranger in a day. */
export const ofOneMax = 10;

/** Requests taken from all strangers in a day. */
export const ofAllMax = 200;

/** The note with the day and what each stranger brought in it. */
const note = "strangers";

const dayMs = 86_400_000;

/** Counts by day (UTC) and stranger, across restarts. */
export class StrangersBudget {
  readonly #session: Session;
  #day = 0;
  #all = 0;
  #counts = new Map<string, number>();

  /** Nothing is counted before {@linkcode load}. */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Takes in what an earlier session counted. */
  async load(): Promise<void> {
    const value = await this.#session.store.getNote(note);
    if (value === undefined) return;
    attempt(() => {
      const limits = { maxBytes: 16_384, maxArrayLength: ofAllMax };
      const [day, counts] = asArray(decode(value, limits), "strangers", 2);
      this.#begin(asInteger(day, "day"));
      for (const pair of asArray(counts, "counts", 0, ofAllMax)) {
        const [name, count] = asArray(pair, "count", 2);
        this.#count(asString(name, "name", 20), asInteger(count, "count", 0, ofOneMax));
      }
    });
  }

  /** Whether one more is taken from that stranger today. */
  has(username: string): boolean {
    this.#turn();
    return this.#all < ofAllMax && (this.#counts.get(username) ?? 0) < ofOneMax;
  }

  /** What to commit together with what the stranger brought. */
  noteWith(username: string): Required<NotificationExtras>["note"] {
    this.#turn();
    const counts = new Map(this.#counts).set(username, (this.#counts.get(username) ?? 0) + 1);
    return { name: note, value: encode([this.#day, [...counts]]) };
  }

  /** It was committed. */
  took(username: string): void {
    this.#turn();
    this.#count(username, 1);
  }

  /** A new day begins where one has; one that the clock was set back to goes on. */
  #turn(): void {
    const today = Math.floor(this.#session.ports.clock.now() / dayMs);
    // A clock that was days ahead for a while must not stop the counting.
    if (today > this.#day || today < this.#day - 1) this.#begin(today);
  }

  #begin(day: number): void {
    this.#day = day;
    this.#all = 0;
    this.#counts = new Map();
  }

  #count(username: string, count: number): void {
    this.#all += count;
    this.#counts.set(username, (this.#counts.get(username) ?? 0) + count);
  }
}
