/**
 * How far from a key its holders can be.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import type { RoutingTable } from "../table/routing_table.ts";

/**
 * The distance of the k-th closest differs from key to key, by a fifth as a rule: three of four keys have
 * theirs within 1.25 times the average, which is 1.47 times the lower quartile.
 */
const averageAllowance = 1.25;
const quartileAllowance = 1.47;

/** The XOR distance of two ids as a number; its first 53 bits count. */
export function distance(a: Id, b: Id): number {
  return ((a.w0 ^ b.w0) >>> 0) * 2 ** 32 + ((a.w1 ^ b.w1) >>> 0);
}

/**
 * Bits by which an answer brings a lookup nearer: with k = 20 contacts in a bucket, its log2 at least.
 */
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
    /** See {@link Reach}. */
    radius: number;
  },
): number {
  // Out to half of the radius nearly everybody holds the value, farther out fewer and fewer do.
  const bits = Math.max(0, Math.log2(2 * from / radius));
  return ownMs + averageMs * bits / bitsPerHop;
}

/**
 * Lookups remembered. Whoever meets nobody but liars finds what he finds too far away; the lower quartile
 * holds though half of the lookups did.
 */
const samplesMax = 31;

/**
 * The distance within which the k closest nodes to any key are to be expected. Ids are spread evenly, so
 * that it is the same for all keys but for chance: what past lookups found tells what the next should find.
 */
export class Reach {
  readonly #table: RoutingTable;
  readonly #samples: number[] = [];
  #next = 0;
  #quartile = Infinity;

  constructor(table: RoutingTable) {
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

  /** That distance, with an allowance for chance; Infinity while the table holds fewer than k. */
  radius(): number {
    if (this.#table.size < this.#table.k) return Infinity;
    // Our own neighbourhood is one sample only, but it shows at once how the network grows.
    return Math.min(this.#ownRadius() * averageAllowance, this.#quartile * quartileAllowance);
  }

  /** How far our own k closest are from us. */
  #ownRadius(): number {
    const { own, k } = this.#table;
    const last = this.#table.closest(own, k)[k - 1];
    return last === undefined ? Infinity : distance(own, last.nodeId);
  }
}
