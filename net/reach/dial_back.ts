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
import { knockAnswer, relayHead } from "./relay_protocol.ts";

/** A peer asks at start, every 15 minutes, and after a change: a home with some peers stays within it. */
const perNetworkAMinute = networkLimits(4, 16, 64);

/** Connections made for others a minute, in all: each costs a descriptor for 2 s at most. */
const perMinute = 60;

/** Networks whose connections are remembered. */
const networksMax = 4_096;

/**
 * A question that is repeated so soon after a yes is one whose answer was late or lost: the asker tries again for
 * 1.5 s. Any later the router may have closed, as it does where a peer ends. A no may have changed at once.
 */
const rememberedMs = 2_000;

/** How long a connection and the first bytes may take. A connection over a bad line takes a second. */
const dialMsMax = 2_000;

/** Connects, knocks, and reads the answer. Rejects when no program takes the connection. */
export type Knock = (to: Endpoint, signal: AbortSignal) => Promise<Uint8Array>;

/** {@linkcode Knock} on real sockets. */
const knock: Knock = async ({ ip, port }, signal) => {
  using connection = await Deno.connect({ hostname: ip, port, signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close);
  try {
    await writeAll(connection, relayHead("knock"));
    return await new ByteReader(connection).take(knockAnswer.length);
  } finally {
    signal.removeEventListener("abort", close);
  }
};

/** Dials back. */
export class DialBack {
  readonly #time: Pick<Time, "after" | "monotonic">;
  readonly #knock: Knock;
  readonly #exemption: Exemption;
  readonly #networks: NetworkBudget;
  readonly #all: TokenBucket;
  /** A question that comes twice is one connection. */
  readonly #dialling = new InFlight<boolean>();
  /** Where a peer took a connection, and when, on the monotonic clock. */
  readonly #reached = new BoundedMap<string, number>(perMinute);

  /**
   * Nothing is dialled at first.
   *
   * @param options.exemption Which addresses the limits leave out.
   * @param options.knock Replaceable for tests.
   */
  constructor(options: {
    readonly time: Pick<Time, "after" | "monotonic">;
    readonly exemption: Exemption;
    readonly knock?: Knock;
  }) {
    this.#time = options.time;
    this.#knock = options.knock ?? knock;
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
   * Whether a peer takes connections there; undefined, and no connection made, beyond the limits. Never
   * rejects.
   */
  dial(to: Endpoint): Promise<boolean> | undefined {
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
    return networks !== undefined && this.#networks.take(networks) && this.#all.take(1);
  }

  async #dial(to: Endpoint): Promise<boolean> {
    try {
      const limit = { clock: this.#time, ms: dialMsMax };
      const answer = await within(limit, (signal) => this.#knock(to, signal));
      return answer !== undefined && equalBytes(answer, knockAnswer);
    } catch {
      return false;
    }
  }
}
