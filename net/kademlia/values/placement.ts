/**
 * Where a put stores its value, and when it has stored it often enough: no I/O.
 *
 * @module
 */
import { crowdFactorMax } from "../constants.ts";
import type { Candidate } from "../lookup/candidates.ts";
import type { Lookup } from "../lookup/lookup.ts";
import { compareDistance, type Id } from "../space/id.ts";

/** What became of a store. */
export type Fate = "accepted" | "refused" | "silent";

/** How many stores met which fate. */
export interface Fates {
  readonly accepted: number;
  readonly refused: number;
  readonly silent: number;
  /** Those without an answer so far, and those still to be sent. */
  readonly open: number;
}

/**
 * One put. It stores while its lookup walks: a node near enough by the density that past lookups showed is
 * sent the value as soon as it has answered (kubo's Optimistic Provide), the others once the lookup has
 * ended. It is settled once most of the k closest have accepted it. A liar does not bring that about alone:
 * each path has to know one of those that accepted, and a put to a crowd, to a sparse place or without an
 * estimate of the density waits for all.
 */
export class Placement {
  readonly #lookup: Lookup;
  readonly #own: Id;
  readonly #fates = new Map<Candidate, Fate | undefined>();
  #accepted = 0;
  #isOwnNear: boolean | undefined;
  /** The places that were asked about last, and those of them that are others'. */
  #asked: readonly Candidate[] | undefined;
  #ofOthers: readonly Candidate[] = [];

  /** `own` is the id of the node that puts. */
  constructor(lookup: Lookup, own: Id) {
    this.#lookup = lookup;
    this.#own = own;
  }

  /** Whether a candidate that has just answered is to be sent the value at once. */
  answered(candidate: Candidate): boolean {
    const { k } = this.#lookup;
    if (this.#fates.has(candidate) || this.#fates.size >= crowdFactorMax * k) return false;
    if (!this.#lookup.isNear(candidate)) return false;
    const others = this.#others(this.#lookup.places());
    if (!others.includes(candidate)) return false;
    this.#fates.set(candidate, undefined);
    return true;
  }

  /** The lookup has ended: those that are still to be sent the value. */
  rest(): Candidate[] {
    const rest = this.#others(this.#lookup.answered()).filter((one) => !this.#fates.has(one));
    for (const one of rest) this.#fates.set(one, undefined);
    return rest;
  }

  /** A store is over. */
  stored(candidate: Candidate, fate: Fate): void {
    this.#fates.set(candidate, fate);
    if (fate === "accepted") this.#accepted++;
  }

  /**
   * Whether the own node is one of the k closest, as of the last time that others were to be sent the value
   * or counted; undefined while fewer than k others were known.
   */
  get isOwnNear(): boolean | undefined {
    return this.#isOwnNear;
  }

  /** Whether most of the k closest have accepted, the own node aside, and nothing is doubtful. */
  get isSettled(): boolean {
    // It is asked after every answer, and most of the time this tells.
    if (2 * this.#accepted < this.#lookup.k) return false;
    const { places, isPlain, paths } = this.#lookup.outlook();
    if (!isPlain) return false;
    const others = this.#others(places);
    let accepted = 0;
    let reached = 0;
    for (const one of others) {
      if (this.#fates.get(one) !== "accepted") continue;
      accepted++;
      reached |= one.known;
    }
    if (2 * accepted <= others.length || (paths & ~reached) !== 0) return false;
    const counts = this.#count(others);
    return 2 * counts.accepted > counts.accepted + counts.refused + counts.silent + counts.open;
  }

  /** The fates so far. */
  get fates(): Fates {
    return this.#count(this.#others(this.#lookup.places()));
  }

  /** Whether stores are out. */
  get isWaiting(): boolean {
    for (const fate of this.#fates.values()) if (fate === undefined) return true;
    return false;
  }

  #count(places: readonly Candidate[]): Fates {
    const counts = { accepted: 0, refused: 0, silent: 0, open: 0 };
    for (const fate of this.#fates.values()) counts[fate ?? "open"]++;
    for (const one of places) if (!this.#fates.has(one)) counts.open++;
    return counts;
  }

  /** The places without that of the own node. */
  #others(places: readonly Candidate[]): readonly Candidate[] {
    if (places === this.#asked) return this.#ofOthers;
    const { k, target } = this.#lookup;
    const last = places[k - 1]?.contact.nodeId;
    const isNear = last === undefined || compareDistance(target, this.#own, last) < 0;
    this.#isOwnNear = last === undefined ? undefined : isNear;
    const count = Math.max(k, places.length);
    this.#asked = places;
    return this.#ofOthers = places.slice(0, isNear ? count - 1 : count);
  }
}
