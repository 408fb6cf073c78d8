/**
 * The contacts that a lookup knows: their states, their order, and how many of one network count.
 *
 * @module
 */
import type { Family } from "../../../lib/ip_address.ts";
import type { Network } from "../../../lib/networks.ts";
import { candidatesPerLookupMax, networkPerLookupMax } from "../constants.ts";
import type { RoundTrip } from "../rpc/round_trip.ts";
import type { NodeContact } from "../space/contact.ts";
import { commonPrefixBits, compareDistance, type Id } from "../space/id.ts";

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

/** The node that named a contact first, or else the own bucket that it stands in. */
export type Source = Candidate | number;

/** A contact that the lookup has learned of. */
export class Candidate {
  /** Where it is asked. */
  contact: NodeContact;
  /** The same node by the other family, where it is known to have both. */
  other: NodeContact | undefined;
  /** Where it is from: see {@link Source}. */
  readonly source: Source;
  state: CandidateState = "fresh";
  /** The paths that know it, one bit each. */
  known: number;
  /** The path that asked it. */
  path = 0;
  /** See `LookupOptions.cost`. */
  cost = 0;
  /** The number of its query: see {@link OpenQueries}. */
  order = 0;
  /** Whether its answer took less than a busy process needs. */
  isQuick = false;
  /** Whether its answer took no longer than it does while neither side is busy. */
  isPrompt = true;
  /** Whether it is known to be near the target; undefined until it matters. */
  isNear: boolean | undefined;
  /** When it was asked last, in monotonic ms. */
  askedMs = 0;
  /** What is known of its round trip; undefined where it was never measured. */
  roundTrip: RoundTrip | undefined;
  /** The numbers of its groups in {@link AddressGroups}; undefined until they are needed. */
  groups: readonly number[] | undefined;
  #hasFallenBack = false;

  constructor(contact: NodeContact, known: number, source: Source) {
    this.contact = contact;
    this.known = known;
    this.source = source;
  }

  /** Whether the own table vouches for the contact: then no node that is asked adds an address to it. */
  get isVouched(): boolean {
    return typeof this.source === "number";
  }

  /** It is to be asked by this family, if it has it. */
  turnTo(family: Family): void {
    if (this.contact.family !== family && !this.#hasFallenBack) this.#turn();
  }

  /** It did not answer where its path asked: whether there is another address for others to try, once. */
  fallBack(): boolean {
    if (this.other === undefined || this.#hasFallenBack) return false;
    this.#hasFallenBack = true;
    this.known &= ~(1 << this.path);
    this.#turn();
    return true;
  }

  #turn(): void {
    if (this.other === undefined) return;
    [this.contact, this.other] = [this.other, this.contact];
    this.groups = undefined;
  }

  /** A path knows it at this address, too. Two nodes that claim one id are told apart by the own table. */
  learn(contact: NodeContact, bit: number, isVouched: boolean): void {
    const isOther = contact.family !== this.contact.family;
    if (isOther && this.isVouched && !isVouched) return;
    if (isOther) this.other ??= contact;
    this.known |= bit;
  }

  /** Whether it has answered. */
  get hasAnswered(): boolean {
    return this.state === "answered" || this.state === "holder" || this.state === "afar";
  }

  /** Whether it was asked in vain so far. */
  get isSilent(): boolean {
    return this.state === "slow" || this.state === "failed";
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

  /** Those that were asked in vain, nearest first, within the address limit. */
  silent(groups: AddressGroups): Candidate[] {
    groups.begin();
    return this.#all.filter((candidate) => candidate.isSilent && groups.within(candidate));
  }

  /** Adds a contact to what a path knows; `bit` is the path's. `from` named it; without, the own table has it. */
  learn(contact: NodeContact, bit: number, from?: Candidate): void {
    const list = this.#all;
    let high = list.length;
    const last = list[high - 1];
    // Most come in order, seeds above all.
    let low = last !== undefined && isNearer(last, contact, this.#target) ? high : 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = list[middle];
      if (other === undefined) return;
      const order = compareDistance(this.#target, other.contact.nodeId, contact.nodeId);
      if (order === 0) {
        other.learn(contact, bit, from === undefined);
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
    const source = from ?? commonPrefixBits(this.#own, contact.nodeId);
    const candidate = new Candidate(contact, bit, source);
    if (low === list.length) list.push(candidate);
    else list.splice(low, 0, candidate);
  }
}

function isNearer(candidate: Candidate, contact: NodeContact, target: Id): boolean {
  return compareDistance(target, candidate.contact.nodeId, contact.nodeId) < 0;
}

/** The group of one address; `next` has the same port. */
interface AddressGroup {
  readonly ip: string;
  readonly group: number;
  readonly next: AddressGroup | undefined;
}

/** The address limits of a lookup: counts its candidates by network, at each depth. */
export class AddressGroups {
  readonly #networksOf: (ip: string) => readonly Network[];
  readonly #groups = new Map<string, number>();
  /** Groups of single addresses: a text made of address and port for each would cost more. */
  readonly #byPort = new Map<number, AddressGroup>();
  readonly #limits: number[] = [];
  readonly #counts: number[] = [];
  /** The count in which a group was counted last: of an older one nothing is left. */
  readonly #counted: number[] = [];
  #count = 0;

  /** `networksOf` gives the networks that an IP address counts under; none where it is exempt. */
  constructor(networksOf: (ip: string) => readonly Network[]) {
    this.#networksOf = networksOf;
  }

  /** Begins to count, with nothing. */
  begin(): void {
    this.#count++;
  }

  /** Counts a candidate in its groups; false when one of them has no room left. */
  within(candidate: Candidate): boolean {
    // Most candidates are never looked at: their groups are named when it matters.
    const groups = candidate.groups ??= this.#groupsOf(candidate.contact);
    for (const group of groups) if (this.#in(group) >= (this.#limits[group] ?? 0)) return false;
    for (const group of groups) {
      this.#counts[group] = this.#in(group) + 1;
      this.#counted[group] = this.#count;
    }
    return true;
  }

  /** How many were counted in a group. */
  #in(group: number): number {
    return this.#counted[group] === this.#count ? this.#counts[group] ?? 0 : 0;
  }

  #newGroup(limit: number): number {
    this.#counts.push(0);
    this.#counted.push(0);
    return this.#limits.push(limit) - 1;
  }

  #groupsOf(contact: NodeContact): number[] {
    const networks = this.#networksOf(contact.ip);
    if (networks.length === 0) return [this.#addressGroup(contact)];
    return networks.map(({ depth, name }) => this.#group(name, networkPerLookupMax[depth]));
  }

  /** Where networks are not limited, one address still is no more than one node. */
  #addressGroup({ ip, port }: NodeContact): number {
    const known = this.#byPort.get(port);
    for (let at = known; at !== undefined; at = at.next) if (at.ip === ip) return at.group;
    const group = this.#newGroup(1);
    this.#byPort.set(port, { ip, group, next: known });
    return group;
  }

  #group(name: string, limit: number): number {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = this.#newGroup(limit);
      this.#groups.set(name, group);
    }
    return group;
  }
}
