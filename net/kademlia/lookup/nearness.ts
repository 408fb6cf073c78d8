/**
 * What is near a target: within the distance at which its k closest nodes are to be expected.
 *
 * @module
 */
import {
  besiegedShare,
  crowdedShare,
  crowdFactorMax,
  crowdRings,
  ringAllowance,
  siegeMin,
  storedWithin,
} from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { distance, type Id } from "../space/id.ts";

/** The surroundings of one target. */
export class Nearness {
  /** Nodes that hold a value. */
  readonly k: number;
  /**
   * Whether an attacker was seen to have placed nodes around the target. It stays so: those that do not count
   * for that reason are not even asked, and so are not among the nodes that have answered.
   */
  isBesieged = false;
  readonly #target: Id;
  readonly #radiusOf: () => number;
  #radius: number | undefined;

  /** `radiusOf` gives the distance, Infinity where too little is known; it is asked once, when it matters. */
  constructor(target: Id, k: number, radiusOf: () => number) {
    this.#target = target;
    this.k = k;
    this.#radiusOf = radiusOf;
  }

  /** The distance within which the k closest are to be expected; Infinity where too little is known. */
  get radius(): number {
    return this.#radius ??= this.#radiusOf();
  }

  /** Whether too little is known to tell near from far. */
  get isUnknown(): boolean {
    return this.radius === Infinity;
  }

  /** Whether a node is near; where too little is known every node may be. */
  isNear(contact: NodeContact): boolean {
    return distance(this.#target, contact.nodeId) <= this.radius;
  }

  /** Whether a node may be one of those that store the value. */
  mayStore(contact: NodeContact): boolean {
    return this.isUnknown || this.share(contact) <= storedWithin;
  }

  /** How far a node is, as a share of the radius; Infinity where too little is known. */
  share(contact: NodeContact): number {
    return this.isUnknown ? Infinity : distance(this.#target, contact.nodeId) / this.radius;
  }
}

/** The width of the innermost ring, as a share of the radius. */
export const innermost: number = 2 ** -(crowdRings - 1);

/** So many nodes chance may have put into a ring of that width; `k` are expected within the radius. */
export function innermostMax(k: number): number {
  return Math.floor(ringMax(k, innermost));
}

function ringMax(k: number, width: number): number {
  return ringAllowance + 2 * k * width;
}

/**
 * Tells of the nodes around a target, one after another from the nearest on, which are to hold a value: the k
 * closest, and more where a crowd that chance does not explain stands before them. An attacker who places
 * ids next to a key displaces no other node by that: of such a crowd no more count, ring by ring, than
 * chance might have put there.
 */
export class Holders {
  readonly #nearness: Nearness;
  readonly #rings: number[] = [];
  /** The last of the nearest that chance might have put close to the target. */
  #inner: NodeContact | undefined;
  #count = 0;
  #isOver = false;

  constructor(nearness: Nearness) {
    this.#nearness = nearness;
  }

  /** Whether none of the nodes that come next holds it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether there are more than k. */
  get isCrowd(): boolean {
    return this.#count > this.#nearness.k;
  }

  /** Whether this node is to hold the value; it is no nearer than those told of before. */
  add(contact: NodeContact): boolean {
    if (this.#count >= this.#nearness.k && !this.#isInCrowd(contact)) return false;
    this.#count++;
    if (this.#count === siegeMin) this.#inner = contact;
    return true;
  }

  #isInCrowd(contact: NodeContact): boolean {
    if (this.#isOver) return false;
    const { k } = this.#nearness;
    const share = this.#nearness.share(contact);
    if (this.#inner !== undefined && this.#nearness.share(this.#inner) <= innermost) {
      this.#nearness.isBesieged = true;
    }
    this.#isOver = this.#count >= crowdFactorMax * k ||
      share > (this.#nearness.isBesieged ? besiegedShare : crowdedShare);
    if (this.#isOver) return false;
    const ring = Math.min(crowdRings - 1, Math.floor(-Math.log2(share)));
    const width = Math.max(innermost, 2 ** -(ring + 1));
    const count = this.#rings[ring] ?? 0;
    if (count >= ringMax(k, width)) {
      this.#nearness.isBesieged = true;
      return false;
    }
    this.#rings[ring] = count + 1;
    return true;
  }
}
