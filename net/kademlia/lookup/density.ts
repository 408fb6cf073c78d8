/**
 * How far from a key its holders can be.
 *
 * @module
 */
import { crowdFactorMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { commonPrefixBits, distance, type Id } from "../space/id.ts";
import type { RoutingTables } from "../table/routing_tables.ts";
import { innermost, innermostMax } from "./nearness.ts";

/** Bits of a distance as a number. */
const distanceBits = 64;

/** What is asked of the routing table. */
type Closest = Pick<RoutingTables, "own" | "k" | "size" | "changes" | "closest">;

/**
 * The distance of the k-th closest differs from key to key, by a fifth as a rule: three of four keys have
 * theirs within 1.25 times the average, which is 1.47 times the lower quartile.
 */
const averageAllowance = 1.25;
const quartileAllowance = 1.47;

/** Bits by which an answer brings a lookup nearer: with k = 20 contacts in a bucket, its log2 at least. */
const bitsPerHop = 4.5;

/**
 * How long a read is expected to take that begins with a contact, in ms: its own round trip, and an
 * average one for every further hop until the holders are reached.
 */
export function expectedMs(
  { ownMs, averageMs, from, radius }: {
    /** Round trip of the contact. */
    ownMs: number;
    /** Round trip of an average contact. */
    averageMs: number;
    /** The contact's distance from the target. */
    from: number;
    /** See {@link DensityEstimate.radius}. */
    radius: number;
  },
): number {
  // Out to half of the radius nearly all nodes store the value, farther out fewer and fewer do.
  const bits = Math.max(0, Math.log2(2 * from / radius));
  return ownMs + averageMs * bits / bitsPerHop;
}

/**
 * Lookups remembered. A node that meets liars alone finds what it finds too far away; the lower quartile
 * stays right even if half of the lookups went that way.
 */
const samplesMax = 31;

/**
 * Estimates the distance within which the k closest nodes to any key are to be expected. Ids are spread
 * evenly, so that it is the same for all keys but for chance: past lookups tell what the next should find.
 */
export class DensityEstimate {
  readonly #table: Closest;
  readonly #samples: number[] = [];
  #next = 0;
  #quartile = Infinity;
  #ownReach = Infinity;
  /** What the table had changed to when that was computed. */
  #changes = -1;

  constructor(table: Closest) {
    this.#table = table;
  }

  /** Notes the k closest to `target` that a lookup has found; fewer than k tell nothing. */
  learn(target: Id, closest: readonly NodeContact[]): void {
    const { k } = this.#table;
    if (closest.length < k) return;
    const { reach, spread } = reachOf(target, closest, k);
    if (2 * spread < k) return;
    this.#samples[this.#next] = reach;
    this.#next = (this.#next + 1) % samplesMax;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    this.#quartile = sorted[sorted.length >> 2] ?? Infinity;
  }

  /** That distance, with an allowance for chance; Infinity while the table has fewer than k contacts. */
  radius(): number {
    const { k, size, changes } = this.#table;
    if (size < k) return Infinity;
    if (changes !== this.#changes) {
      this.#ownReach = this.#reachOfOwn();
      this.#changes = changes;
    }
    // The own neighbourhood is one sample only, but it shows at once how the network grows.
    return Math.min(this.#ownReach * averageAllowance, this.#quartile * quartileAllowance);
  }

  #reachOfOwn(): number {
    const { own, k } = this.#table;
    const closest = this.#table.closest(own, k);
    if (closest.length < k) return Infinity;
    if (countSpread(own, closest, k) === k) return lastOf(own, closest);
    return reachOf(own, this.#table.closest(own, crowdFactorMax * k), k).reach;
  }
}

function lastOf(target: Id, closest: readonly NodeContact[]): number {
  const last = closest.at(-1);
  return last === undefined ? Infinity : distance(target, last.nodeId);
}

/** How far from a target its k closest reach, and how many nodes tell so. */
interface Reach {
  readonly reach: number;
  /** k, or fewer where no more are known. */
  readonly spread: number;
}

/**
 * The distance from `target` within which k of the closest stand that chance may have put there. An attacker who
 * places ids next to a key would else make the network look as dense as these are to every node that is near
 * the key or looks it up, and none of the true holders would look near.
 */
function reachOf(target: Id, closest: readonly NodeContact[], k: number): Reach {
  for (let count = Math.min(k, closest.length);;) {
    const within = closest.slice(0, count);
    const spread = countSpread(target, within, k);
    const reach = lastOf(target, within);
    if (spread >= k) return { reach, spread };
    // Distances grow in proportion to the number of nodes: fewer tell where k of them would reach to.
    if (count === closest.length) return { reach: reach * k / Math.max(1, spread), spread };
    count = Math.min(count + k - spread, closest.length);
  }
}

/**
 * How many of the nodes nearest to `target` chance may have put there: of those that share a cell, a sixteenth
 * of the distance of the last of them or less, no more count than of a ring of that width.
 */
function countSpread(target: Id, closest: readonly NodeContact[], k: number): number {
  const cellMax = innermostMax(k);
  const bits = distanceBits - Math.floor(Math.log2(lastOf(target, closest) * innermost));
  let count = 0;
  let inCell = 0;
  let first: Id | undefined;
  // In this order the nodes of one cell stand beside one another.
  for (const { nodeId } of closest) {
    if (first === undefined || commonPrefixBits(first, nodeId) < bits) {
      first = nodeId;
      inCell = 0;
    }
    if (++inCell <= cellMax) count++;
  }
  return count;
}
