/**
 * Finds out where a device can be reached: a plain TCP connect to one of its addresses.
 *
 * @module
 */

import type { Clock, Timer } from "../../core/ports.ts";
import type { IpAddress } from "../../lib/ip_address.ts";
import { dialStaggerMs, rememberedAddressesMax } from "./link_limits.ts";

/** Connects and closes at once. Rejects when nobody listens there or the signal is raised. */
export type TcpConnect = (ip: string, port: number, signal: AbortSignal) => Promise<void>;

/** {@linkcode TcpConnect} on real sockets. */
export const denoConnect: TcpConnect = async (ip, port, signal) => {
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
  /** When to give up. */
  readonly timeoutMs: number;
}

/** Chooses among the addresses of devices and remembers the choice. */
export class Dialler {
  readonly #clock: Pick<Clock, "after">;
  readonly #connect: TcpConnect;
  /** Good address by device; the one used last is at the end. */
  readonly #remembered = new Map<string, string>();

  /** `connect` is replaceable for tests. */
  constructor(clock: Pick<Clock, "after">, connect: TcpConnect = denoConnect) {
    this.#clock = clock;
    this.#connect = connect;
  }

  /** Makes the next dial of a device try another address first: this one took a connect, but no link. */
  forget(key: string): void {
    this.#remembered.delete(key);
  }

  /**
   * The first address that takes a connect: the remembered one, then the others, each tried when the
   * one before has failed or hasn't answered for a while.
   *
   * @returns Nothing when none took it in time, or the signal was raised.
   */
  reach(request: DialRequest, signal?: AbortSignal): Promise<IpAddress | undefined> {
    const waiting = this.#inOrder(request);
    if (waiting.length === 0 || signal?.aborted) return Promise.resolve(undefined);
    const staggerMs = Math.min(dialStaggerMs, request.timeoutMs / waiting.length);
    return new Promise((resolve) => {
      const abort = new AbortController();
      let pending = 0;
      let stagger: Timer | undefined;
      const finish = (address?: IpAddress) => {
        if (abort.signal.aborted) return;
        deadline.cancel();
        stagger?.cancel();
        signal?.removeEventListener("abort", onAbort);
        abort.abort();
        if (address) this.#remember(request.key, address.ip);
        resolve(address);
      };
      const onAbort = () => finish();
      const next = () => {
        stagger?.cancel();
        const address = waiting.shift();
        if (!address) return;
        pending++;
        this.#connect(address.ip, request.port, abort.signal).then(() => finish(address), () => {
          pending--;
          if (abort.signal.aborted) return;
          if (waiting.length > 0) next();
          else if (pending === 0) finish();
        });
        if (waiting.length > 0) stagger = this.#clock.after(staggerMs, next);
      };
      const deadline = this.#clock.after(request.timeoutMs, () => finish());
      signal?.addEventListener("abort", onAbort);
      next();
    });
  }

  #inOrder(request: DialRequest): IpAddress[] {
    const good = this.#remembered.get(request.key);
    const isGood = (address: IpAddress) => address.ip === good;
    return [
      ...request.addresses.filter(isGood),
      ...request.addresses.filter((address) => !isGood(address)),
    ];
  }

  #remember(key: string, ip: string): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, ip);
    if (this.#remembered.size <= rememberedAddressesMax) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
