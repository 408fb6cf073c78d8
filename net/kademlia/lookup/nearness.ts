/**
 * What is near a target: within the distance at which its k closest nodes are to be expected.
 *
 * @module
 */
import { crowdedShare, crowdFactorMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { distance, type Id } from "../space/id.ts";

/** The surroundings of one target. */
export class Nearness {
  readonly #target: Id;
  readonly #k: number;
  readonly #radiusOf: () => number;
  #radius: number | undefined;

  /** `radiusOf` gives the distance, Infinity where too little is known; it is asked once, when it matters. */
  constructor(target: Id, k: number, radiusOf: () => number) {
    this.#target = target;
    this.#k = k;
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

  /**
   * Whether the node at `rank`, from 0, is to hold a value: it is among the k closest, or in a crowd around
   * the target that chance does not explain. An attacker who places k ids next to a key displaces no other
   * node by that; only twice as many would.
   */
  belongs(contact: NodeContact, rank: number): boolean {
    if (rank < this.#k) return true;
    if (rank >= crowdFactorMax * this.#k || this.isUnknown) return false;
    return distance(this.#target, contact.nodeId) <= this.radius * crowdedShare;
  }
}
