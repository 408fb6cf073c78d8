/**
 * Whom a lookup asks that does not believe what it has found.
 *
 * @module
 */
import { doubtsMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { AddressGroups, Candidate, CandidateList, Source } from "./candidates.ts";

/** The bits of a contact that no path knows: one of the reserve. */
export const noPath = 0;

/** What {@link Doubts} choose from. */
export interface DoubtsOptions {
  readonly candidates: CandidateList;
  readonly groups: AddressGroups;
  /** See `LookupOptions.reserve`. */
  readonly reserve: () => readonly NodeContact[];
  /** See `LookupOptions.doubtsAtFirst`. */
  readonly first: number;
}

/**
 * The candidates that those found have displaced. Liars name one another alone, and may fill a bucket: so each
 * node that named some, and each own bucket, has its turn, whichever of them has the nearest.
 */
export class Doubts {
  readonly #options: DoubtsOptions;
  readonly #askedOf = new Map<Source, number>();
  #asked = 0;
  #hasReserve = false;

  constructor(options: DoubtsOptions) {
    this.#options = options;
  }

  /** Queries sent so far. */
  get asked(): number {
    return this.#asked;
  }

  /** So many are asked where too little is known to judge what was found. */
  get first(): number {
    return this.#options.first;
  }

  /** Whom to ask next, if anybody: the nearest, not asked yet, of a source of which the fewest were. */
  next(isFirst: boolean): Candidate | undefined {
    if (this.#asked >= (isFirst ? this.first : doubtsMax)) return undefined;
    const { candidates, groups, reserve } = this.#options;
    if (!this.#hasReserve) {
      this.#hasReserve = true;
      for (const contact of reserve()) candidates.learn(contact, noPath);
    }
    groups.begin();
    let choice: Candidate | undefined;
    let fewest = Infinity;
    for (const candidate of candidates.all) {
      if (candidate.isSilent || !groups.within(candidate) || candidate.state !== "fresh") continue;
      const asked = this.#askedOf.get(candidate.source) ?? 0;
      if (asked >= fewest) continue;
      fewest = asked;
      choice = candidate;
    }
    return choice;
  }

  /** The candidate is asked. */
  ask({ source }: Candidate): void {
    this.#asked++;
    this.#askedOf.set(source, (this.#askedOf.get(source) ?? 0) + 1);
  }
}
