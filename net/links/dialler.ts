/**
 * Finds out on which way a device can be reached: a plain TCP connect to one of its addresses, or through
 * a relay.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";
import { within } from "../../lib/waiting.ts";
import type { Route } from "./addresses.ts";
import {
  dialsAtAddress,
  dialsAtPlace,
  dialsAtRelay,
  dialStaggerMs,
  doubtMs,
  linksAtPlaceMax,
  linksAtRelayMax,
  placesMax,
  rememberedAddressesMax,
} from "./link_limits.ts";
import { connectTwice } from "./connect.ts";
import { connectThrough } from "./tunnels.ts";

/**
 * Connects, and closes the connection unless it is one to a relay that can be used. Rejects when no program
 * listens there, or the signal is raised.
 */
export type TcpConnect = (
  ip: string,
  port: number,
  signal: AbortSignal,
  /** The device that the program there, a relay, has to connect to. */
  relayedTo?: Uint8Array,
) => Promise<Deno.TcpConn | undefined | void>;

/** {@linkcode TcpConnect} on real sockets. */
function realConnect(time: Pick<Clock, "after">): TcpConnect {
  return async (ip, port, signal, relayedTo) => {
    const connection = await connectTwice(time, { ip, port }, signal);
    if (relayedTo === undefined) return connection;
    const close = () => connection.close();
    signal.addEventListener("abort", close);
    try {
      await connectThrough(connection, relayedTo);
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) connection.close();
    }
    return undefined;
  };
}

/** Why attempts end; a reason made anew for each dial costs more than the connection. */
const isOver = new Error("Cannot use the connection: another one came first, or the time is over");

/** What to dial. */
export interface DialRequest {
  /** Names the device: its link key, in hexadecimal digits. */
  readonly key: string;
  /** Ways to it, the likeliest first. */
  readonly routes: readonly Route[];
  /** The device's link key, where a relay is to show that it reaches the device. */
  readonly relayedTo?: Uint8Array;
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Chooses among the ways to devices and remembers the choice.
 *
 * A record may name an address and port that is not its owner's. So dials there are bounded over all
 * devices together, but for the device that was met there last: what others claim does not cut it off.
 */
export class Dialler {
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #connect: TcpConnect;
  readonly #spare: (route: Route, conn: Deno.TcpConn) => void;
  /** The name of the route that took the last connect, by device. */
  readonly #good = new BoundedMap<string, string>(rememberedAddressesMax);
  /** The device that was met last, by address and port. */
  readonly #met = new BoundedMap<string, string>(placesMax);
  /** When a link to a device came up or ended last, by device, on the monotonic clock. */
  readonly #metAt = new BoundedMap<string, number>(placesMax);
  /** When a handshake through a relay failed last, or it held back what was sent, by its name, on the monotonic clock. */
  readonly #doubtedAt = new BoundedMap<string, number>(placesMax);
  /** What others may still dial, by address and port, and by address. */
  readonly #dials = new BoundedMap<string, TokenBucket>(placesMax);
  /** Links up, by address and port. */
  readonly #up = new Map<string, number>();

  /**
   * No route is known at first.
   *
   * @param connect Replaceable for tests.
   * @param spare Takes connections to relays, which the next tunnel there can use; default: they are closed.
   */
  constructor(
    clock: Pick<Clock, "after" | "monotonic">,
    connect: TcpConnect = realConnect(clock),
    spare?: (route: Route, conn: Deno.TcpConn) => void,
  ) {
    this.#clock = clock;
    this.#connect = connect;
    this.#spare = (route, conn) => route.isRelay && spare ? spare(route, conn) : conn.close();
  }

  /**
   * The device was not met there, or what was sent did not arrive: the next dial tries another route first, and all
   * others wait longer. A relay is in {@linkcode doubt}.
   */
  failed(key: string, route: Route): void {
    this.#good.delete(key);
    if (route.isRelay) this.doubt(route);
    this.#bucket(route.name, route.isRelay ? dialsAtRelay : dialsAtPlace).spend(1);
  }

  /** The relay comes last for a while, for all devices. */
  doubt({ name }: Route): void {
    this.#doubtedAt.set(name, this.#clock.monotonic());
  }

  /** The device was met there; to be called again with -1 when the link is gone. */
  met(key: string, { name, isRelay }: Route, links: 1 | -1): void {
    this.#metAt.set(key, this.#clock.monotonic());
    // Many devices are met at one relay: none of them keeps the others waiting.
    if (links > 0 && !isRelay) this.#met.set(name, key);
    const up = (this.#up.get(name) ?? 0) + links;
    if (up > 0) this.#up.set(name, up);
    else this.#up.delete(name);
  }

  /** How long ago the device was met last, on whatever way, in milliseconds; Infinity if it never was. */
  sinceMetMs(key: string): number {
    return this.#clock.monotonic() - (this.#metAt.get(key) ?? -Infinity);
  }

  /**
   * The first route that takes a connect: the remembered one, then the others, each tried when the
   * one before has failed or has not answered for a while.
   *
   * @returns Nothing when none took it in time, or the signal was raised.
   */
  async reach(request: DialRequest, signal?: AbortSignal): Promise<Route | undefined> {
    const { key, routes, relayedTo, timeoutMs } = request;
    if (routes.length === 0 || signal?.aborted) return undefined;
    const good = this.#good.get(key);
    // Of those in doubt the one that failed last comes last: it may go on lying, when others are back.
    const rank = ({ name }: Route) => name === good ? -2 : this.#doubtedSince(name) ?? -1;
    const inOrder = routes.toSorted((a, b) => rank(a) - rank(b));
    const staggerMs = Math.min(dialStaggerMs, timeoutMs / routes.length);
    const ended = new AbortController();
    const first = (limit: AbortSignal) => {
      limit.addEventListener("abort", () => ended.abort(isOver));
      return this.#first(inOrder, { key, relayedTo, staggerMs, signal: ended.signal });
    };
    try {
      const route = await within({ clock: this.#clock, ms: timeoutMs }, first, signal);
      if (route) this.#good.set(key, route.name);
      return route;
    } catch {
      return undefined;
    } finally {
      ended.abort(isOver);
    }
  }

  /** Rejects when no route takes a connect. */
  async #first(
    [route, ...others]: readonly Route[],
    how: {
      readonly key: string;
      readonly relayedTo: Uint8Array | undefined;
      readonly staggerMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Route> {
    how.signal.throwIfAborted();
    if (!route) throw new Error("Cannot connect: no address is left to try");
    if (!this.#mayDial(how.key, route)) return await this.#first(others, how);
    const { address: { ip }, port, isRelay } = route;
    const attempt = this.#connect(ip, port, how.signal, isRelay ? how.relayedTo : undefined)
      .then((conn) => {
        if (conn) this.#spare(route, conn);
        return route;
      });
    try {
      const limit = { clock: this.#clock, ms: how.staggerMs };
      const reached = await within(limit, () => attempt, how.signal);
      if (reached) return reached;
    } catch {
      return await this.#first(others, how);
    }
    return await Promise.any([attempt, this.#first(others, how)]);
  }

  /** Since when a relay is in doubt; undefined where it is not. */
  #doubtedSince(name: string): number | undefined {
    const sinceMs = this.#doubtedAt.get(name) ?? -Infinity;
    return this.#clock.monotonic() - sinceMs < doubtMs ? sinceMs : undefined;
  }

  #mayDial(key: string, { name, isRelay, address: { ip, kind } }: Route): boolean {
    if (this.#met.touch(name) === key) return true;
    if ((this.#up.get(name) ?? 0) >= (isRelay ? linksAtRelayMax : linksAtPlaceMax)) return false;
    const buckets = [this.#bucket(name, isRelay ? dialsAtRelay : dialsAtPlace)];
    if (kind === "public") buckets.push(this.#bucket(ip, dialsAtAddress));
    return buckets.every((bucket) => bucket.has(1)) && buckets.every((bucket) => bucket.take(1));
  }

  #bucket(name: string, rate: Rate): TokenBucket {
    const bucket = this.#dials.touch(name) ?? new TokenBucket(this.#clock, rate);
    if (!this.#dials.has(name)) this.#dials.set(name, bucket);
    return bucket;
  }
}
