/**
 * How far from a key its holders can be.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";
import { distance, type Id } from "../space/id.ts";
import type { RoutingTables } from "../table/routing_tables.ts";

/** What is asked of the routing table. */
type Closest = Pick<RoutingTables, "own" | "k" | "size" | "closest">;

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

  constructor(table: Closest) {
    this.#table = table;
  }

  /** Notes the k closest to `target` that a lookup has found; fewer than k tell nothing. */
  learn(target: Id, closest: readonly NodeContact[]): void {
    const last = closest[this.#table.k - 1];
    if (last === undefined) return;
    this.#samples[this.#next] = distance(target, last.nodeId);
    this.#next = (this.#next + 1) % samplesMax;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    this.#quartile = sorted[sorted.length >> 2] ?? Infinity;
  }

  /** That distance, with an allowance for chance; Infinity while the table has fewer than k contacts. */
  radius(): number {
    const { own, k, size } = this.#table;
    if (size < k) return Infinity;
    const last = this.#table.closest(own, k)[k - 1];
    // The own neighbourhood is one sample only, but it shows at once how the network grows.
    const ownRadius = last === undefined ? Infinity : distance(own, last.nodeId);
    return Math.min(ownRadius * averageAllowance, this.#quartile * quartileAllowance);
  }
}
