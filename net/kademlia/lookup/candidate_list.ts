/**
 * Whom a lookup knows, by distance from its target.
 *
 * @module
 */
import { Candidate } from "./candidate.ts";
import { candidatesPerLookupMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";

/** The candidates of one lookup, each once, however many name them. */
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

  /** Adds a contact to what a path knows, given as its bit. */
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
