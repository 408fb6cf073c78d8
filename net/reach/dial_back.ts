/**
 * Connecting back to nodes that ask whether strangers reach them.
 *
 * The DHT passes on only what verified nodes ask, and only their own address: so this is no scanner of
 * other machines' ports. Connections are few a minute for each network, and few in all.
 *
 * @module
 */

import { equalBytes } from "../../core/model/bytes.ts";
import { BoundedMap, InFlight } from "../../lib/bounded_map.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import { type Exemption, NetworkBudget, networkLimits } from "../../lib/networks.ts";
import type { Time } from "../../lib/time.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { within } from "../../lib/waiting.ts";
import { ByteReader, writeAll } from "../links/byte_reader.ts";
import { type Connect, connectTwice } from "../links/connect.ts";
import { knockAnswer, relayHead } from "./relay_protocol.ts";

/**
 * A peer asks twice at the start, again soon where others do not connect, and after a change: a home with
 * some peers that are started anew stays within it.
 */
const perNetworkAMinute = networkLimits(8, 32, 128);

/** Connections made for others a minute, in all: each costs two descriptors for 2.5 s at most. */
const perMinute = 120;

/** Connections at once for addresses that limits leave out: a trial network on one machine has so many peers. */
const exemptMax = 64;

/** Networks whose connections are remembered. */
const networksMax = 4_096;

/**
 * A question that is repeated so soon after a yes is one whose answer was late or lost: the asker tries again for
 * 1.5 s. Any later the router may have closed, as it does where a peer ends. A no may have changed at once.
 */
const rememberedMs = 2_000;

/**
 * How long a connection may take to come about: by then four SYNs have been sent, and a router that drops
 * them is told from a bad line.
 */
const connectMsMax = 1_500;

/** How long all of it may take: a peer that has just started on a busy machine answers late. */
const dialMsMax = 2_500;

/** Errors of the system that are this machine's own fault: they say nothing about the peer. */
const ownFaults: ReadonlySet<unknown> = new Set([
  "EACCES",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENETDOWN",
  "ENETUNREACH",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
]);

/** Says that it knocks, and reads the answer. Rejects when no peer is there. */
export type Knock = (conn: Deno.TcpConn, signal: AbortSignal) => Promise<Uint8Array>;

/** {@linkcode Knock} on real sockets. */
const knockAt: Knock = async (conn, signal) => {
  const close = () => conn.close();
  signal.throwIfAborted();
  signal.addEventListener("abort", close);
  try {
    await writeAll(conn, relayHead("knock"));
    return await new ByteReader(conn).take(knockAnswer.length);
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) conn.close();
  }
};

/** Dials back. */
export class DialBack {
  readonly #time: Pick<Time, "after" | "monotonic">;
  readonly #connect: Connect;
  readonly #knock: Knock;
  readonly #exemption: Exemption;
  readonly #networks: NetworkBudget;
  readonly #all: TokenBucket;
  /** A question that comes twice is one connection. */
  readonly #dialling = new InFlight<boolean | undefined>();
  /** Where a peer took a connection, and when, on the monotonic clock. */
  readonly #reached = new BoundedMap<string, number>(perMinute);

  /**
   * Nothing is dialled at first.
   *
   * @param options.exemption Which addresses the limits leave out.
   * @param options.connect Replaceable for tests.
   * @param options.knock Replaceable for tests.
   */
  constructor(options: {
    readonly time: Pick<Time, "after" | "monotonic">;
    readonly exemption: Exemption;
    readonly connect?: Connect;
    readonly knock?: Knock;
  }) {
    this.#time = options.time;
    this.#connect = options.connect ?? ((to, signal) => connectTwice(options.time, to, signal));
    this.#knock = options.knock ?? knockAt;
    this.#exemption = options.exemption;
    this.#networks = new NetworkBudget({
      time: options.time,
      limits: perNetworkAMinute,
      periodMs: 60_000,
      networksMax,
    });
    this.#all = new TokenBucket(options.time, { perSecond: perMinute / 60, burst: perMinute });
  }

  /**
   * Whether a peer takes connections there; undefined beyond the limits, without a connection, and where
   * this machine could make none. Never rejects.
   */
  dial(to: Endpoint): Promise<boolean | undefined> | undefined {
    const name = formatHostPort(to.ip, to.port);
    const begun = this.#dialling.get(name);
    if (begun !== undefined) return begun;
    const sinceMs = this.#time.monotonic() - (this.#reached.get(name) ?? -Infinity);
    if (sinceMs < rememberedMs) return Promise.resolve(true);
    if (!this.#mayDial(to.ip)) return undefined;
    return this.#dialling.run(name, async () => {
      const isReached = await this.#dial(to);
      if (isReached) this.#reached.set(name, this.#time.monotonic());
      return isReached;
    });
  }

  #mayDial(ip: string): boolean {
    const networks = this.#exemption.networksOf(ip);
    if (networks?.length === 0) return this.#dialling.size < exemptMax;
    return networks !== undefined && this.#networks.take(networks) && this.#all.take(1);
  }

  async #dial(to: Endpoint): Promise<boolean | undefined> {
    const clock = this.#time;
    try {
      const answer = await within({ clock, ms: dialMsMax }, async (signal) => {
        const limit = { clock, ms: connectMsMax };
        const conn = await within(limit, (inTime) => this.#connect(to, inTime), signal);
        return conn && await this.#knock(conn, signal).catch(() => undefined);
      });
      return answer !== undefined && equalBytes(answer, knockAnswer);
    } catch (error) {
      return isOwnFault(error) ? undefined : false;
    }
  }
}

/** Whether a connection failed because of this machine. */
function isOwnFault(error: unknown): boolean {
  if (error instanceof Deno.errors.NotCapable) return true;
  return error instanceof Error && "code" in error && ownFaults.has(error.code);
}
