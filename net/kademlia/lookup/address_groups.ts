/**
 * The address limit of a lookup.
 *
 * @module
 */
import type { Candidate } from "./candidate.ts";
import { sameNetPerLookupMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";

/** Counts a lookup's candidates by network. */
export class AddressGroups {
  readonly #netOf: (ip: string) => string | undefined;
  readonly #groups = new Map<string, number>();
  readonly #limits: number[] = [];

  /** `netOf` names the network that an IP address counts under; undefined where it is exempt. */
  constructor(netOf: (ip: string) => string | undefined) {
    this.#netOf = netOf;
  }

  /** Counts a candidate in its group; false when the group has had its share. */
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
