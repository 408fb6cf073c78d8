/**
 * Which of a lookup's candidates are the places of a value, as far as the lookup has come.
 *
 * @module
 */
import { nearShareMin } from "../constants.ts";
import type { AddressGroups, Candidate, CandidateList } from "./candidates.ts";
import { Holders, type Nearness } from "./nearness.ts";
import type { PathFamilies } from "./path_families.ts";

/** What {@link Places} are chosen from. */
export interface PlacesOptions {
  readonly k: number;
  readonly candidates: CandidateList;
  readonly groups: AddressGroups;
  readonly nearness: Nearness;
  readonly families: PathFamilies;
}

/** What the places will be if each candidate that is not silent answers. */
export interface Outlook {
  /** They, nearest first. */
  readonly places: readonly Candidate[];
  /** Whether they look like all that must be there: near enough, and no crowd. */
  readonly isPlain: boolean;
  /** The paths that know a candidate that is not silent, one bit each. */
  readonly paths: number;
}

/** The k closest within the address limit, and more where there is a crowd or where a family is scarce. */
export class Places {
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Those among the candidates that `isIn` lets in, nearest first. */
  among(isIn: (candidate: Candidate) => boolean): Candidate[] {
    return this.#among(isIn, new Holders(this.#options.nearness));
  }

  #among(isIn: (candidate: Candidate) => boolean, holders: Holders): Candidate[] {
    const { candidates, groups, families } = this.#options;
    const counts: number[] = [];
    const scarcity = families.scarcity();
    const result: Candidate[] = [];
    for (const candidate of candidates.all) {
      if (!isIn(candidate) || !groups.within(candidate, counts)) continue;
      if (!holders.add(candidate.contact)) {
        if (holders.isOver && !scarcity.lasts) break;
        if (!scarcity.wants(candidate)) continue;
      }
      scarcity.count(candidate);
      result.push(candidate);
    }
    return result;
  }

  /** What they will be. */
  outlook(): Outlook {
    const { k, candidates, nearness } = this.#options;
    const holders = new Holders(nearness);
    const places = this.#among((candidate) => !candidate.isSilent, holders);
    const near = places.filter(({ contact }) => nearness.isNear(contact)).length;
    const isPlain = !nearness.isUnknown && !holders.isCrowd && places.length >= k &&
      near >= k * nearShareMin;
    let paths = 0;
    for (const candidate of candidates.all) if (!candidate.isSilent) paths |= candidate.known;
    return { places, isPlain, paths };
  }
}
