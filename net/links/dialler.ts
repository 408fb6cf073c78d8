/**
 * Finds out where a device can be reached: a plain TCP connect to one of its addresses.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { IpAddress } from "../../lib/ip_address.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";
import { within } from "../../lib/waiting.ts";
import {
  dialsAtAddress,
  dialsAtPlace,
  dialStaggerMs,
  linksAtPlaceMax,
  placesMax,
  rememberedAddressesMax,
} from "./link_limits.ts";

/** Connects and closes at once. Rejects when no program listens there, or the signal is raised. */
export type TcpConnect = (ip: string, port: number, signal: AbortSignal) => Promise<void>;

/** {@linkcode TcpConnect} on real sockets. */
const denoConnect: TcpConnect = async (ip, port, signal) => {
  const connection = await Deno.connect({ hostname: ip, port, signal });
  connection.close();
};

/** What to dial. */
export interface DialRequest {
  /** Names the device: its link key, in hexadecimal digits. */
  readonly key: string;
  /** Addresses, the likeliest first. */
  readonly addresses: readonly IpAddress[];
  /** TCP port. */
  readonly port: number;
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Chooses among the addresses of devices and remembers the choice.
 *
 * A record may name an address and port that is not its owner's. So dials there are bounded over all
 * devices together, but for the device that was met there last: what others claim does not cut it off.
 */
export class Dialler {
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #connect: TcpConnect;
  /** The address that took the last connect, by device. */
  readonly #good = new BoundedMap<string, string>(rememberedAddressesMax);
  /** The device that was met last, by address and port. */
  readonly #met = new BoundedMap<string, string>(placesMax);
  /** What others may still dial, by address and port, and by address. */
  readonly #dials = new BoundedMap<string, TokenBucket>(placesMax);
  /** Links up, by address and port. */
  readonly #up = new Map<string, number>();

  /** `connect` is replaceable for tests. */
  constructor(clock: Pick<Clock, "after" | "monotonic">, connect: TcpConnect = denoConnect) {
    this.#clock = clock;
    this.#connect = connect;
  }

  /** The device was not met there: the next dial tries another address first, and all others wait longer. */
  failed(key: string, { ip }: IpAddress, port: number): void {
    this.#good.delete(key);
    this.#bucket(placeOf(ip, port), dialsAtPlace).spend(1);
  }

  /** The device was met there; to be called again with -1 when the link is gone. */
  met(key: string, { ip }: IpAddress, port: number, links: 1 | -1): void {
    const place = placeOf(ip, port);
    if (links > 0) this.#met.set(place, key);
    const up = (this.#up.get(place) ?? 0) + links;
    if (up > 0) this.#up.set(place, up);
    else this.#up.delete(place);
  }

  /**
   * The first address that takes a connect: the remembered one, then the others, each tried when the
   * one before has failed or has not answered for a while.
   *
   * @returns Nothing when none took it in time, or the signal was raised.
   */
  async reach(request: DialRequest, signal?: AbortSignal): Promise<IpAddress | undefined> {
    const { key, addresses, port, timeoutMs } = request;
    if (addresses.length === 0 || signal?.aborted) return undefined;
    const good = this.#good.get(key);
    const inOrder = addresses.toSorted((a, b) => Number(b.ip === good) - Number(a.ip === good));
    const staggerMs = Math.min(dialStaggerMs, timeoutMs / addresses.length);
    const ended = new AbortController();
    const first = (limit: AbortSignal) => {
      limit.addEventListener("abort", () => ended.abort());
      return this.#first(inOrder, { key, port, staggerMs, signal: ended.signal });
    };
    try {
      const address = await within({ clock: this.#clock, ms: timeoutMs }, first, signal);
      if (address) this.#good.set(key, address.ip);
      return address;
    } catch {
      return undefined;
    } finally {
      ended.abort();
    }
  }

  /** Rejects when no address takes a connect. */
  async #first(
    [address, ...others]: readonly IpAddress[],
    how: Pick<DialRequest, "key" | "port"> & { staggerMs: number; signal: AbortSignal },
  ): Promise<IpAddress> {
    how.signal.throwIfAborted();
    if (!address) throw new Error("Cannot connect: no address is left to try");
    if (!this.#mayDial(how.key, address, how.port)) return await this.#first(others, how);
    const attempt = this.#connect(address.ip, how.port, how.signal).then(() => address);
    try {
      const limit = { clock: this.#clock, ms: how.staggerMs };
      const reached = await within(limit, () => attempt, how.signal);
      if (reached) return reached;
    } catch {
      return await this.#first(others, how);
    }
    return await Promise.any([attempt, this.#first(others, how)]);
  }

  #mayDial(key: string, { ip, kind }: IpAddress, port: number): boolean {
    const place = placeOf(ip, port);
    if (this.#met.touch(place) === key) return true;
    if ((this.#up.get(place) ?? 0) >= linksAtPlaceMax) return false;
    const buckets = [this.#bucket(place, dialsAtPlace)];
    if (kind === "public") buckets.push(this.#bucket(ip, dialsAtAddress));
    return buckets.every((bucket) => bucket.has(1)) && buckets.every((bucket) => bucket.take(1));
  }

  #bucket(name: string, rate: Rate): TokenBucket {
    const bucket = this.#dials.touch(name) ?? new TokenBucket(this.#clock, rate);
    if (!this.#dials.has(name)) this.#dials.set(name, bucket);
    return bucket;
  }
}

function placeOf(ip: string, port: number): string {
  return `${ip} ${port}`;
}
