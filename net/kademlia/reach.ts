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
 * The distance within which the k closest nodes to any key are to be expected; Infinity while the table
 * holds fewer than k.
 */
export function holderRadius(table: RoutingTable): number {
  const nearest = table.closest(table.own, table.k);
  const last = nearest[table.k - 1];
  return last === undefined ? Infinity : distance(table.own, last.nodeId) * radiusAllowance;
}
