/**
 * Which of a lookup's candidates are the places of a value, as far as the lookup has come.
 *
 * @module
 */
import { nearShareMin } from "../constants.ts";
import type { AddressGroups, Candidate, CandidateList } from "./candidates.ts";
import { Holders, innermost, innermostMax, type Nearness } from "./nearness.ts";
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
  #kept: Kept | undefined;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Those among the candidates that `isIn` lets in, nearest first. */
  among(isIn: (candidate: Candidate) => boolean): Candidate[] {
    return this.#choose(isIn, new Holders(this.#options.nearness)).places;
  }

  #choose(isIn: (candidate: Candidate) => boolean, holders: Holders): Choice {
    const { candidates, groups, families } = this.#options;
    groups.begin();
    const scarcity = families.scarcity();
    const places: Candidate[] = [];
    let looked = 0;
    for (const candidate of candidates.all) {
      looked++;
      if (!isIn(candidate) || !groups.within(candidate)) continue;
      if (!holders.add(candidate.contact)) {
        if (holders.isOver && !scarcity.lasts) return { places, looked, isWhole: false };
        if (!scarcity.wants(candidate)) continue;
      }
      scarcity.count(candidate);
      places.push(candidate);
    }
    return { places, looked, isWhole: true };
  }

  /**
   * What they will be if each candidate that is not silent answers: the same array as long as nothing changes
   * it, as it is asked for after every answer.
   */
  upcoming(): readonly Candidate[] {
    return this.#keep().places;
  }

  /** What they will be. */
  outlook(): Outlook {
    const { places, isPlain } = this.#keep();
    let paths = 0;
    for (const candidate of this.#options.candidates.all) {
      if (!candidate.isSilent) paths |= candidate.known;
    }
    return { places, isPlain, paths };
  }

  /**
   * Whether as many candidates as there must be are near the target. Those that an attacker placed next to it
   * are not taken for the nodes around it, nor are contacts in reserve before they were asked.
   */
  isDense(): boolean {
    const { k, candidates: { all }, groups, nearness } = this.#options;
    groups.begin();
    let missing = k * nearShareMin;
    let inmost = innermostMax(k);
    for (const candidate of all) {
      if (candidate.isSilent || (candidate.known === 0 && candidate.state === "fresh")) continue;
      if (missing <= 0 || !nearness.isNear(candidate.contact)) break;
      if (!groups.within(candidate)) continue;
      if (nearness.share(candidate.contact) > innermost || inmost-- > 0) missing--;
    }
    return missing <= 0 || nearness.isUnknown;
  }

  #keep(): Kept {
    const { k, candidates: { all }, nearness } = this.#options;
    const { isBesieged } = nearness;
    if (this.#kept?.isBesieged === isBesieged && isAsKept(this.#kept, all)) return this.#kept;
    const holders = new Holders(nearness);
    const choice = this.#choose((candidate) => !candidate.isSilent, holders);
    const near = choice.places.filter(({ contact }) => nearness.isNear(contact)).length;
    const isPlain = !nearness.isUnknown && !nearness.isBesieged && !holders.isCrowd &&
      choice.places.length >= k && near >= k * nearShareMin;
    const from = all.slice(0, choice.looked).map((candidate) => {
      const { contact, other, isSilent } = candidate;
      return { candidate, contact, other, isSilent };
    });
    return this.#kept = { ...choice, isPlain, from, isBesieged };
  }
}

/** What was chosen, nearest first. */
interface Choice {
  readonly places: Candidate[];
  /** How many candidates were looked at. */
  readonly looked: number;
  /** Whether those were all. */
  readonly isWhole: boolean;
}

/** A choice among those that are not silent, and what it was made from: the nearest candidates, as they were. */
interface Kept extends Choice, Pick<Outlook, "isPlain"> {
  readonly from: readonly Look[];
  /** See {@link Nearness.isBesieged}, as it was before. */
  readonly isBesieged: boolean;
}

/** A candidate at the time of a choice. */
interface Look extends Pick<Candidate, "contact" | "other" | "isSilent"> {
  readonly candidate: Candidate;
}

/** Whether the candidates from which a choice was made are as they were, and where they were. */
function isAsKept({ from, isWhole }: Kept, all: readonly Candidate[]): boolean {
  if (isWhole && all.length !== from.length) return false;
  for (let i = 0; i < from.length; i++) {
    const { candidate, contact, other, isSilent } = from[i] as Look;
    if (all[i] !== candidate || candidate.isSilent !== isSilent) return false;
    if (candidate.contact !== contact || candidate.other !== other) return false;
  }
  return true;
}
