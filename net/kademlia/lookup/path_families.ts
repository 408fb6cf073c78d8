/**
 * Which family of addresses each path of a lookup keeps to.
 *
 * A node names contacts of the family that it is asked by alone. So a node with both families follows
 * some paths by IPv4 and some by IPv6: each finds the nodes that have its family alone, and the nodes with
 * both belong to whichever path comes to them first.
 *
 * @module
 */
import type { Family } from "../../../lib/ip_address.ts";
import { holdersPerFamilyMin, pathsMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Candidate, CandidateList } from "./candidates.ts";

/** The families that a lookup's seeds have, and its paths. */
export class PathFamilies {
  /** How many paths there are: as many as wanted, but one for each family, and one seed for each. */
  readonly paths: number;
  readonly #seeds: readonly NodeContact[];
  readonly #families: readonly Family[];

  constructor(seeds: readonly NodeContact[], pathsWanted: number) {
    this.#seeds = seeds;
    this.#families = [...new Set(seeds.map(({ family }) => family))];
    const wanted = Math.max(pathsWanted, this.#families.length);
    this.paths = Math.max(1, Math.min(wanted, pathsMax, seeds.length));
  }

  /** The family of a path. */
  of(path: number): Family {
    return this.#families[path % this.#families.length] ?? 4;
  }

  /** Deals the seeds of each family out to its paths. */
  deal(list: CandidateList): void {
    for (const [nth, family] of this.#families.entries()) {
      const paths: number[] = [];
      for (let path = nth; path < this.paths; path += this.#families.length) paths.push(path);
      const seeds = this.#seeds.filter((seed) => seed.family === family);
      seeds.forEach((seed, i) => list.learn(seed, 1 << (paths[i % paths.length] ?? 0)));
    }
  }

  /** A path for a contact that no path knows: of its family, another one each time. */
  pathFor({ family }: NodeContact, turn: number): number {
    for (let i = 0; i < this.paths; i++) {
      const path = (turn + i) % this.paths;
      if (this.of(path) === family) return path;
    }
    return turn % this.paths;
  }

  /**
   * Says of candidates, the nearest first, whether those that do not belong to the result are to be in it
   * all the same: nodes with one family alone read and write there, where a few holders may be far apart.
   */
  scarcity(): Scarcity {
    return new Scarcity(this.#families);
  }
}

/** How many of each family a result has so far. */
export class Scarcity {
  readonly #left: Map<Family, number>;

  constructor(families: readonly Family[]) {
    const isNeeded = families.length > 1;
    this.#left = new Map(isNeeded ? families.map((family) => [family, holdersPerFamilyMin]) : []);
  }

  /** Whether more of any family are wanted. */
  get lasts(): boolean {
    return this.#left.size > 0;
  }

  /** Whether more of the candidate's family are wanted. */
  wants({ contact }: Candidate): boolean {
    return this.#left.has(contact.family);
  }

  /** The candidate is in the result; a node with both families counts in both. */
  count({ contact, other }: Candidate): void {
    if (this.#left.size === 0) return;
    for (const { family } of other === undefined ? [contact] : [contact, other]) {
      const left = (this.#left.get(family) ?? 0) - 1;
      if (left > 0) this.#left.set(family, left);
      else this.#left.delete(family);
    }
  }
}
