/**
 * The contacts that a lookup knows: their states, their order, and how many of one network count.
 *
 * @module
 */
import { candidatesPerLookupMax, sameNetPerLookupMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";

/** How far the lookup has come with a candidate. */
export type CandidateState =
  /** Not asked yet. */
  | "fresh"
  /** Asked; its query holds one of the alpha slots. */
  | "asked"
  /** Asked, silent beyond its timeout: holds no slot, but may still answer. */
  | "slow"
  /** Has answered. */
  | "answered"
  /** Has answered with the value sought. */
  | "holder"
  /** Has answered with the value sought, from so far away that it proves nothing. */
  | "afar"
  /** Cannot answer. */
  | "failed";

/** A contact that the lookup has learned of. */
export class Candidate {
  readonly contact: NodeContact;
  state: CandidateState = "fresh";
  /** The paths that know it, one bit each. */
  known: number;
  /** The path that asked it. */
  path = 0;
  /** See `LookupOptions.cost`. */
  cost = 0;
  /** The number of its query: those with a lower number that are still open were overtaken. */
  order = 0;
  /** The number of its group in {@link AddressGroups}; -1 until it is needed. */
  group = -1;

  constructor(contact: NodeContact, known: number) {
    this.contact = contact;
    this.known = known;
  }
}

/** The candidates of one lookup, each once, however many nodes name it. */
export class CandidateList {
  readonly #target: Id;
  readonly #own: Id;
  readonly #all: Candidate[] = [];

  constructor(target: Id, own: Id) {
    this.#target = target;
    this.#own = own;
  }

  /** All of them, nearest first. */
  get all(): readonly Candidate[] {
    return this.#all;
  }

  /** Adds a contact to what a path knows; `bit` is the path's. */
  learn(contact: NodeContact, bit: number): void {
    const list = this.#all;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = list[middle];
      if (other === undefined) return;
      const order = compareDistance(this.#target, other.contact.nodeId, contact.nodeId);
      if (order === 0) {
        other.known |= bit;
        return;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    if (contact.nodeId.equals(this.#own)) return;
    if (list.length >= candidatesPerLookupMax) {
      // The farthest makes room, unless it was asked: queries in flight must find their candidate.
      if (low >= list.length || list[list.length - 1]?.state !== "fresh") return;
      list.pop();
    }
    const candidate = new Candidate(contact, bit);
    if (low === list.length) list.push(candidate);
    else list.splice(low, 0, candidate);
  }
}

/** The address limit of a lookup: counts its candidates by network. */
export class AddressGroups {
  readonly #netOf: (ip: string) => string | undefined;
  readonly #groups = new Map<string, number>();
  readonly #limits: number[] = [];

  /** `netOf` names the network that an IP address counts under; undefined where it is exempt. */
  constructor(netOf: (ip: string) => string | undefined) {
    this.#netOf = netOf;
  }

  /** Counts a candidate in its group; false when `counts` has no room left for the group. */
  within(candidate: Candidate, counts: number[]): boolean {
    // Most candidates are never looked at: their group is named when it matters.
    if (candidate.group < 0) candidate.group = this.#groupOf(candidate.contact);
    const group = candidate.group;
    const count = (counts[group] ?? 0) + 1;
    if (count > (this.#limits[group] ?? 0)) return false;
    counts[group] = count;
    return true;
  }

  #groupOf(contact: NodeContact): number {
    const net = this.#netOf(contact.ip);
    // Where networks are not limited, one address still is no more than one node.
    const name = net ?? `${contact.ip}|${contact.port}`;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = this.#limits.length;
      this.#groups.set(name, group);
      this.#limits.push(net === undefined ? 1 : sameNetPerLookupMax);
    }
    return group;
  }
}
