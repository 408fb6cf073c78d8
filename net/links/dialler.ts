/**
 * Finds out where a device can be reached: a plain TCP connect to one of its addresses.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { IpAddress } from "../../lib/ip_address.ts";
import { within } from "../../lib/waiting.ts";
import { dialStaggerMs, rememberedAddressesMax } from "./link_limits.ts";

/** Connects and closes at once. Rejects when no program listens there, or the signal is raised. */
export type TcpConnect = (ip: string, port: number, signal: AbortSignal) => Promise<void>;

/** {@linkcode TcpConnect} on real sockets. */
const denoConnect: TcpConnect = async (ip, port, signal) => {
  const connection = await Deno.connect({ hostname: ip, port, signal });
  connection.close();
};

/** What to dial. */
export interface DialRequest {
  /** Names the device, to remember its good address by. */
  readonly key: string;
  /** Addresses, the likeliest first. */
  readonly addresses: readonly IpAddress[];
  /** TCP port. */
  readonly port: number;
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number;
}

/** Chooses among the addresses of devices and remembers the choice. */
export class Dialler {
  readonly #clock: Pick<Clock, "after">;
  readonly #connect: TcpConnect;
  /** The address that took the last connect, by device. */
  readonly #good = new BoundedMap<string, string>(rememberedAddressesMax);

  /** `connect` is replaceable for tests. */
  constructor(clock: Pick<Clock, "after">, connect: TcpConnect = denoConnect) {
    this.#clock = clock;
    this.#connect = connect;
  }

  /** Makes the next dial of a device try another address first: this one took a connect, but no link. */
  forget(key: string): void {
    this.#good.delete(key);
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
      return this.#first(inOrder, { port, staggerMs, signal: ended.signal });
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
    how: { readonly port: number; readonly staggerMs: number; readonly signal: AbortSignal },
  ): Promise<IpAddress> {
    how.signal.throwIfAborted();
    if (!address) throw new Error("Cannot connect: no address is left to try");
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
}
