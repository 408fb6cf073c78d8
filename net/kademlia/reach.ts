/**
 * How far from a key its holders can be.
 *
 * @module
 */
import type { Id } from "./id.ts";
import type { RoutingTable } from "./routing_table.ts";

/**
 * Ids are spread evenly, so that the k closest to a key lie about as far from it as our own k closest
 * lie from us. That distance is a sample of 20, a fifth off as a rule: so much more is allowed.
 */
const radiusAllowance = 1.25;

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
    /** See {@link holderRadius}. */
    radius: number;
  },
): number {
  // Out to half of the radius nearly everybody holds the value, farther out fewer and fewer do.
  const bits = Math.max(0, Math.log2(2 * from / radius));
  return ownMs + averageMs * bits / bitsPerHop;
}

/**
 * The distance within which the k closest nodes to any key are to be expected; Infinity while the table
 * holds fewer than k.
 */
export function holderRadius(table: RoutingTable): number {
  const nearest = table.closest(table.own, table.k);
  const last = nearest[table.k - 1];
  return last === undefined ? Infinity : distance(table.own, last.nodeId) * radiusAllowance;
}
