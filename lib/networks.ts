/**
 * The networks that an address belongs to, and counts by network.
 *
 * One customer may hold many addresses, and some hold many networks: any home with IPv6 gets a /56,
 * many a /48. So each address counts at several depths at once, and each depth has a limit of its own.
 *
 * @module
 */

import { BoundedMap } from "./bounded_map.ts";
import { type IpAddress, unicastAddress } from "./ip_address.ts";
import type { Time } from "./time.ts";

/** How wide a network is: family and length of the prefix. */
export type NetworkDepth = "4/24" | "4/16" | "6/64" | "6/56" | "6/48" | "6/32";

/** One network. */
export interface Network {
  /** How wide it is. */
  readonly depth: NetworkDepth;
  /** The depth and the prefix as text; no two networks share it. */
  readonly name: string;
}

/** One number for each depth. */
export type NetworkLimits = Readonly<Record<NetworkDepth, number>>;

/**
 * Limits that are the same for what one customer holds at the least (/24, /64, /56), and larger for what
 * holds many customers.
 *
 * @param narrow For one /24, one /64 and one /56.
 * @param wide For one /16 and one /48; a /48 may still be one customer.
 * @param widest For one /32, which is a provider.
 */
export function networkLimits(narrow: number, wide: number, widest: number): NetworkLimits {
  return {
    "4/24": narrow,
    "4/16": wide,
    "6/64": narrow,
    "6/56": narrow,
    "6/48": wide,
    "6/32": widest,
  };
}

/** Networks computed before: the same few hundred addresses come with every datagram. */
const known = new BoundedMap<string, readonly Network[]>(8_192);

/** The networks of an address, the narrowest first. */
export function networksOf(address: Pick<IpAddress, "ip" | "isIPv6" | "net">): readonly Network[] {
  const found = known.get(address.ip);
  if (found !== undefined) return found;
  const networks = address.isIPv6 ? networks6(address.net) : networks4(address.net);
  known.set(address.ip, networks);
  return networks;
}

function networks4(net24: string): Network[] {
  const net16 = net24.slice(0, net24.lastIndexOf("."));
  return [{ depth: "4/24", name: `4/24 ${net24}` }, { depth: "4/16", name: `4/16 ${net16}` }];
}

function networks6(net64: string): Network[] {
  const [a = "0", b = "0", c = "0", d = "0"] = net64.split(":");
  const net48 = `${a}:${b}:${c}`;
  // The upper byte of the fourth part is the last of a /56.
  const net56 = `${net48}:${(parseInt(d, 16) >> 8).toString(16)}`;
  return [
    { depth: "6/64", name: `6/64 ${net64}` },
    { depth: "6/56", name: `6/56 ${net56}` },
    { depth: "6/48", name: `6/48 ${net48}` },
    { depth: "6/32", name: `6/32 ${a}:${b}` },
  ];
}

/**
 * The networks that limits count an address under: none where it is exempt, as loopback and private
 * addresses may be; undefined for what is no address of a single machine.
 */
export function limitedNetworks(
  ip: string,
  exemptPrivate: boolean,
): readonly Network[] | undefined {
  const address = unicastAddress(ip);
  if (address === undefined) return undefined;
  return exemptPrivate && address.kind !== "public" ? [] : networksOf(address);
}

/**
 * Whether limits by network leave out loopback and private addresses: always, never, or as long as all
 * that is met is `local`.
 */
export type ExemptPrivate = boolean | "local";

/**
 * Decides for one peer which addresses limits leave out. On the open Internet private addresses mean
 * little: behind the address translation of a container or a proxy every sender may have one.
 */
export class Exemption {
  readonly #ended: (() => void)[] = [];
  #setting: ExemptPrivate;

  /** By the setting; `local` holds at first. */
  constructor(setting: ExemptPrivate = "local") {
    this.#setting = setting;
  }

  /** By another setting from now on; `local` holds again until a public address is met. */
  use(setting: ExemptPrivate): void {
    const held = this.holds;
    this.#setting = setting;
    if (held && !this.holds) { for (const fn of this.#ended) fn(); }
  }

  /** Whether loopback and private addresses are exempt now. */
  get holds(): boolean {
    return this.#setting !== false;
  }

  /**
   * Notes the peer's own outer address, or another's that answered it: from a public one on `local` has
   * ended, as the peer is on the open Internet.
   */
  met(ip: string): void {
    if (this.#setting !== "local" || unicastAddress(ip)?.kind !== "public") return;
    this.#setting = false;
    for (const fn of this.#ended) fn();
  }

  /** Has a function called when the exemption ends. */
  onEnd(fn: () => void): void {
    this.#ended.push(fn);
  }

  /** The networks that limits count an address under; see {@linkcode limitedNetworks}. */
  networksOf(ip: string): readonly Network[] | undefined {
    return limitedNetworks(ip, this.holds);
  }
}

/** The network that one customer may hold as a whole: a /24 (IPv4) or a /48 (IPv6), by name. */
export function siteOf(networks: readonly Network[]): string | undefined {
  return networks.find(({ depth }) => depth === "4/24" || depth === "6/48")?.name;
}

/** Counts what stands at addresses, within a limit for each network at each depth. */
export class NetworkCounts {
  readonly #limits: NetworkLimits;
  readonly #counts = new Map<string, number>();

  /** Nothing is counted at first. */
  constructor(limits: NetworkLimits) {
    this.#limits = limits;
  }

  /** How many networks are counted. */
  get size(): number {
    return this.#counts.size;
  }

  /** How many are counted in a network. */
  count(network: Network): number {
    return this.#counts.get(network.name) ?? 0;
  }

  /** Whether one more at the address is within all limits. */
  has(networks: readonly Network[]): boolean {
    return networks.every((network) => this.count(network) < this.#limits[network.depth]);
  }

  /** Counts one more at the address, if that is within all limits; whether it is. */
  add(networks: readonly Network[]): boolean {
    if (!this.has(networks)) return false;
    for (const network of networks) this.#counts.set(network.name, this.count(network) + 1);
    return true;
  }

  /** One that was counted has gone. */
  remove(networks: readonly Network[]): void {
    for (const network of networks) {
      const left = this.count(network) - 1;
      if (left > 0) this.#counts.set(network.name, left);
      else this.#counts.delete(network.name);
    }
  }
}

/** What is counted against limits by network over time. */
export interface PeriodOptions {
  /** Measures the period. */
  readonly time: Pick<Time, "monotonic">;
  /** Units or events of each network within a period. */
  readonly limits: NetworkLimits;
  /** The period in milliseconds. */
  readonly periodMs: number;
  /** Networks remembered; one that is forgotten starts afresh. */
  readonly networksMax: number;
}

/** What one network has taken: units that come back evenly. */
interface Level {
  taken: number;
  atMs: number;
}

/**
 * A budget for each network at each depth: so many units at once, which come back evenly over a period.
 * What a network takes counts at all of its depths.
 */
export class NetworkBudget {
  readonly #options: PeriodOptions;
  readonly #levels: BoundedMap<string, Level>;

  /** Nothing is taken at first. */
  constructor(options: PeriodOptions) {
    this.#options = options;
    this.#levels = new BoundedMap(options.networksMax);
  }

  /** Networks remembered. */
  get size(): number {
    return this.#levels.size;
  }

  /** Whether so many units are left in each of the networks. */
  has(networks: readonly Network[], units = 1): boolean {
    const { limits } = this.#options;
    return networks.every((network) => this.#level(network).taken + units <= limits[network.depth]);
  }

  /** Takes so many units from each of the networks, if they are left; whether they were. */
  take(networks: readonly Network[], units = 1): boolean {
    if (!this.has(networks, units)) return false;
    for (const network of networks) {
      const level = this.#level(network);
      level.taken += units;
      this.#levels.set(network.name, level);
    }
    return true;
  }

  #level({ depth, name }: Network): Level {
    const { time, limits, periodMs } = this.#options;
    const nowMs = time.monotonic();
    const level = this.#levels.get(name);
    if (level === undefined) return { taken: 0, atMs: nowMs };
    const back = (nowMs - level.atMs) / periodMs * limits[depth];
    level.taken = Math.max(0, level.taken - back);
    level.atMs = nowMs;
    return level;
  }
}

/** The last events of one network: a ring of their times. */
interface Ring {
  readonly times: Float64Array;
  /** Where the next time is written: the oldest one stands there. */
  next: number;
  /** Events left of the slot taken last. */
  left: number;
}

/** At most so many events of each network, at each depth, within any period of a fixed length. */
export class NetworkWindow {
  readonly #options: PeriodOptions & { readonly perSlot?: number };
  readonly #rings: BoundedMap<string, Ring>;

  /**
   * No event has happened at first.
   *
   * @param options.limits Slots of each network within the period: a time is kept for each.
   * @param options.perSlot Events that one slot is good for; 1 by default.
   */
  constructor(options: PeriodOptions & { readonly perSlot?: number }) {
    this.#options = options;
    this.#rings = new BoundedMap(options.networksMax);
  }

  /** Counts an event at the address, if that is within all limits; whether it is. */
  take(networks: readonly Network[]): boolean {
    const { time, limits, perSlot = 1, periodMs } = this.#options;
    const nowMs = time.monotonic();
    const rings = networks.map(({ depth, name }): [string, Ring] => [
      name,
      this.#rings.touch(name) ??
        { times: new Float64Array(limits[depth]).fill(-Infinity), next: 0, left: 0 },
    ]);
    const since = nowMs - periodMs;
    const isFull = ({ times, next, left }: Ring) => left === 0 && (times[next] ?? nowMs) > since;
    if (rings.some(([, ring]) => isFull(ring))) return false;
    for (const [name, ring] of rings) {
      if (ring.left > 0) ring.left--;
      else {
        ring.times[ring.next] = nowMs;
        ring.next = (ring.next + 1) % ring.times.length;
        ring.left = perSlot - 1;
      }
      if (!this.#rings.has(name)) this.#rings.set(name, ring);
    }
    return true;
  }
}
