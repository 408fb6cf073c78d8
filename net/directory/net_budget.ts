/**
 * How much one network may ask for in an hour.
 *
 * @module
 */

import { BoundedMap } from "../../lib/bounded_map.ts";
import { unicastAddress } from "../../lib/ip_address.ts";

const hourMs = 3_600_000;

/** Networks remembered: those that asked last. */
const netsMax = 4_096;

/** How a {@linkcode NetBudget} is built. */
export interface NetBudgetOptions {
  /** Slots granted to one network within any hour: a time is kept for each. */
  readonly slotsPerHour: number;
  /** What one slot is good for; default 1. */
  readonly perSlot?: number;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  /** Whether loopback and private addresses are exempt. */
  readonly exemptPrivate: boolean;
}

/** The last hour's slots of one network: a ring of times. */
interface Ring {
  readonly times: Float64Array;
  /** The slot to be taken next. */
  next: number;
  /** What is left of the slot taken last. */
  left: number;
}

/** A sliding window of one hour for each /24 (IPv4) or /64 (IPv6). */
export class NetBudget {
  readonly #options: NetBudgetOptions;
  readonly #rings = new BoundedMap<string, Ring>(netsMax);

  /** A budget of which nothing is used. */
  constructor(options: NetBudgetOptions) {
    this.#options = options;
  }

  /** Takes one from the budget of the address's network; false if none is left. */
  take(ip: string): boolean {
    const info = unicastAddress(ip);
    if (info === undefined) return false;
    if (this.#options.exemptPrivate && info.kind !== "public") return true;
    const ring = this.#ringOf(info.net);
    if (ring.left > 0) {
      ring.left--;
      return true;
    }
    const now = this.#options.monotonic();
    // The time about to be overwritten is that of the oldest slot.
    if ((ring.times[ring.next] ?? 0) > now - hourMs) return false;
    ring.times[ring.next] = now;
    ring.next = (ring.next + 1) % ring.times.length;
    ring.left = (this.#options.perSlot ?? 1) - 1;
    return true;
  }

  #ringOf(net: string): Ring {
    const known = this.#rings.touch(net);
    if (known !== undefined) return known;
    const times = new Float64Array(this.#options.slotsPerHour).fill(Number.NEGATIVE_INFINITY);
    const ring = { times, next: 0, left: 0 };
    this.#rings.set(net, ring);
    return ring;
  }
}

/**
 * The network that an address counts for: its /24 or /64; a private address counts for itself where it
 * is exempt, so that several peers of one machine are several.
 */
export function netOf(address: { ip: string; port: number }, exemptPrivate: boolean): string {
  const info = unicastAddress(address.ip);
  if (info === undefined) return address.ip;
  if (exemptPrivate && info.kind !== "public") return `${address.ip} ${address.port}`;
  return info.net;
}
