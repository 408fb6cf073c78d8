/**
 * The front door: the one TCP port at which a peer is reached.
 *
 * libzmq accepts whatever comes, and at the limit of descriptors its thread spins. So a listener of our
 * own accepts, counts connections by address and network, and looks at the first byte of each. A ZMTP
 * greeting is joined to the PULL socket, which listens on loopback alone; everything else is closed.
 * What a connection sends is counted too, and a sender beyond its budget is read more slowly, which
 * TCP passes on to it.
 *
 * @module
 */

import { type Endpoint, type IpAddress, ipAddress } from "../../lib/ip_address.ts";
import { type Network, NetworkCounts, type NetworkLimits, networksOf } from "../../lib/networks.ts";
import type { Time } from "../../lib/time.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";
import { pause } from "../../lib/waiting.ts";
import { ZmtpFrames } from "./zmtp_frames.ts";

/** The first byte of a ZMTP greeting (ZMTP 3.1, section 2.2). */
const zmtpByte = 0xff;

/** A caller that does not say what it wants within this time is sent away. */
const firstByteMsMax = 5_000;

/** The pause after an accept that failed: at the limit of descriptors each one fails. */
const acceptPauseMs = 100;

/** Senders whose budgets are remembered; one that is forgotten starts afresh. */
const sendersMax = 4_096;

/** Bytes read at once: at first, and for a connection that fills its buffer. */
const bufferBytes = { first: 4_096, most: 65_536 } as const;

/** What the door allows. */
export interface DoorBounds {
  /** Connections in all. Each takes three descriptors: outside, inside, and libzmq's own. */
  readonly connectionsMax: number;
  /** Connections of one address. */
  readonly perAddressMax: number;
  /** Connections of one network, by depth. */
  readonly perNetwork: NetworkLimits;
  /** Bytes a second that one home network (/24, /56) may send. */
  readonly bytes: Rate;
  /** Frames a second that one home network may send. */
  readonly frames: Rate;
}

/** How a {@linkcode FrontDoor} is built. */
export interface FrontDoorOptions {
  /** Where to listen; port 0 for any free one. */
  readonly listen: Endpoint;
  /** Time. */
  readonly time: Pick<Time, "after" | "monotonic">;
  /** What is allowed. */
  readonly bounds: DoorBounds;
  /** Whether an address is bounded only by the connections in all: loopback, for a peer that is there itself. */
  readonly isExempt: (address: IpAddress) => boolean;
  /** The port on 127.0.0.1 where the PULL socket listens; undefined while there is none. */
  readonly inside: () => number | undefined;
}

/** One connection that is open. */
interface Visit {
  readonly outside: Deno.TcpConn;
  inside: Deno.TcpConn | undefined;
  readonly address: IpAddress;
  /** Empty for an exempt address. */
  readonly networks: readonly Network[];
  /** When bytes were passed on last, on the monotonic clock. */
  activeMs: number;
}

/** See the module. */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #listener: Deno.TcpListener;
  readonly #visits = new Set<Visit>();
  readonly #byNetwork: NetworkCounts;
  readonly #byAddress = new Map<string, number>();
  readonly #bytes = new BoundedMap<string, TokenBucket>(sendersMax);
  readonly #frames = new BoundedMap<string, TokenBucket>(sendersMax);
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;
  #refused = 0;

  /**
   * Listens at once.
   *
   * @throws What Deno.listen throws, such as Deno.errors.AddrInUse.
   */
  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#byNetwork = new NetworkCounts(options.bounds.perNetwork);
    const { ip, port } = options.listen;
    this.#listener = Deno.listen({ hostname: ip, port });
    this.#accepting = this.#accept();
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#visits.size;
  }

  /** Connections that were sent away since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Stops listening and closes every connection. Idempotent. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return await this.#accepting;
    this.#closing.abort();
    this.#listener.close();
    for (const visit of this.#visits) this.#end(visit);
    await this.#accepting;
  }

  /** Accepts until closed; never rejects. */
  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#admit(await this.#listener.accept());
      } catch {
        // A caller that left at once, or no descriptor left.
        await pause(this.#options.time, acceptPauseMs, signal);
      }
    }
  }

  #admit(outside: Deno.TcpConn): void {
    const { bounds, isExempt, time } = this.#options;
    const address = ipAddress(outside.remoteAddr.hostname);
    if (address === undefined || this.#closing.signal.aborted) return this.#refuse(outside);
    const networks = isExempt(address) ? [] : networksOf(address);
    const here = this.#byAddress.get(address.ip) ?? 0;
    const isCrowded = networks.length > 0 &&
      (here >= bounds.perAddressMax || !this.#byNetwork.has(networks));
    if (isCrowded) return this.#refuse(outside);
    if (this.#visits.size >= bounds.connectionsMax) this.#endIdlest();
    this.#byAddress.set(address.ip, here + 1);
    this.#byNetwork.add(networks);
    const visit = { outside, inside: undefined, address, networks, activeMs: time.monotonic() };
    this.#visits.add(visit);
    this.#receive(visit).catch(() => {}).finally(() => this.#end(visit));
  }

  #refuse(outside: Deno.TcpConn): void {
    this.#refused++;
    outside.close();
  }

  /** Makes room: the connection that has been silent for the longest time is closed. */
  #endIdlest(): void {
    let idlest: Visit | undefined;
    for (const visit of this.#visits) {
      if (idlest === undefined || visit.activeMs < idlest.activeMs) idlest = visit;
    }
    if (idlest === undefined) return;
    this.#refused++;
    this.#end(idlest);
  }

  /** Closes a connection; harmless when it is closed. */
  #end(visit: Visit): void {
    if (!this.#visits.delete(visit)) return;
    const left = (this.#byAddress.get(visit.address.ip) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(visit.address.ip, left);
    else this.#byAddress.delete(visit.address.ip);
    this.#byNetwork.remove(visit.networks);
    for (const conn of [visit.outside, visit.inside]) {
      try {
        conn?.close();
      } catch {
        // The other side has closed it already.
      }
    }
  }

  /** Finds out what the caller wants, and serves it until one side ends. */
  async #receive(visit: Visit): Promise<void> {
    const { time, inside } = this.#options;
    const first = new Uint8Array(bufferBytes.first);
    const deadline = time.after(firstByteMsMax, () => this.#end(visit));
    const read = await visit.outside.read(first).finally(() => deadline.cancel());
    const port = inside();
    if (read === null || first[0] !== zmtpByte || port === undefined) {
      this.#refused++;
      return;
    }
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    if (!this.#visits.has(visit)) return conn.close();
    visit.inside = conn;
    visit.outside.setNoDelay(true);
    conn.setNoDelay(true);
    const back = this.#pass(visit, conn, visit.outside, new Uint8Array(bufferBytes.first));
    await Promise.race([this.#passIn(visit, conn, first.subarray(0, read)), back]);
  }

  /** Passes on what the caller sends, as fast as its budget allows. */
  async #passIn(visit: Visit, inside: Deno.TcpConn, first: Uint8Array): Promise<void> {
    const frames = new ZmtpFrames();
    await this.#pass(visit, visit.outside, inside, new Uint8Array(bufferBytes.first), {
      first,
      charge: (bytes) => this.#charge(visit, bytes.length, frames.count(bytes)),
    });
  }

  /** Copies bytes from one connection to the other until the first has no more. */
  async #pass(
    visit: Visit,
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    buffer: Uint8Array,
    inward?: {
      readonly first: Uint8Array;
      readonly charge: (bytes: Uint8Array) => Promise<void> | undefined;
    },
  ): Promise<void> {
    let bytes = inward?.first ?? new Uint8Array(0);
    let space = buffer;
    for (;;) {
      if (bytes.length > 0) {
        const wait = inward?.charge(bytes);
        if (wait !== undefined) await wait;
        for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
        visit.activeMs = this.#options.time.monotonic();
      }
      const read = await from.read(space);
      if (read === null) return;
      bytes = space.subarray(0, read);
      if (read === space.length && read < bufferBytes.most) {
        space = new Uint8Array(bufferBytes.most);
      }
    }
  }

  /** Takes what was sent out of its network's budget; a promise where the sender has to wait. */
  #charge(visit: Visit, bytes: number, frames: number): Promise<void> | undefined {
    // The network that one home holds at the least: /24, or /56 (which stands second).
    const home = visit.networks[visit.address.isIPv6 ? 1 : 0];
    if (home === undefined) return undefined;
    const { time, bounds } = this.#options;
    const waitMs = Math.max(
      this.#spend(this.#bytes, home.name, bounds.bytes, bytes),
      this.#spend(this.#frames, home.name, bounds.frames, frames),
    );
    return waitMs > 0 ? pause(time, waitMs, this.#closing.signal) : undefined;
  }

  /** Spends units, those that are not there as a debt; milliseconds until the debt is paid. */
  #spend(
    buckets: BoundedMap<string, TokenBucket>,
    name: string,
    rate: Rate,
    units: number,
  ): number {
    const bucket = buckets.touch(name) ?? new TokenBucket(this.#options.time, rate);
    if (!buckets.has(name)) buckets.set(name, bucket);
    bucket.spend(units);
    return bucket.waitMs(0);
  }
}
