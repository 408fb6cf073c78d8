/**
 * The line of a device to one relay: the reservation, signs of life, and the circuits taken there.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import type { IpAddress } from "../../lib/ip_address.ts";
import type { Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { within } from "../../lib/waiting.ts";
import { x25519Shared } from "../../lib/x25519.ts";
import { ByteReader, writeAll } from "../links/byte_reader.ts";
import type { Connect } from "../links/connect.ts";
import { makeLinkKeyPair } from "../links/link_keys.ts";
import { aliveEveryMs, lateMsMax, silentMsMax, stepMsMax } from "./relay_limits.ts";
import { circuitNameBytes, keyBytes, proofOf, relayHead, sayings } from "./relay_protocol.ts";

/** Circuits of one line that are remembered; more than a relay allows for one device. */
const takenMax = 128;

/** What a {@linkcode RelayLine} needs. */
export interface RelayLineOptions {
  /** Time. */
  readonly time: Time;
  /** Runs the signs of life. */
  readonly scheduler: Scheduler;
  /** Where the relay is. */
  readonly relay: Endpoint;
  /** The same, read. */
  readonly address: IpAddress;
  /** The secret of the own link key; undefined while no messages are taken. */
  readonly secretKey: () => Uint8Array | undefined;
  /** Takes messages from a connection to the relay; resolves once it has ended, if the receiver tells. */
  readonly receive: (conn: Deno.TcpConn, relay: IpAddress) => Promise<void> | void;
  /** Connects. */
  readonly connect: Connect;
  /** The reservation has come about. */
  readonly onReserved: () => void;
  /** The relay has given a sign of life. */
  readonly onHeard: () => void;
}

/** One line. Runs once. */
export class RelayLine {
  readonly #options: RelayLineOptions;
  readonly #end = new AbortController();
  /** The secret of the link key that the relay knows this device under. */
  #secretKey: Uint8Array | undefined;
  /** Connections of circuits that go on, as far as is known, the latest last. */
  readonly #taken = new Set<Deno.TcpConn>();

  /** Nothing is connected before {@linkcode run}. */
  constructor(options: RelayLineOptions) {
    this.#options = options;
  }

  /** Whether it was ended from here. */
  get isEnded(): boolean {
    return this.#end.signal.aborted;
  }

  /**
   * Whether the relay knows this device under a link key that it no longer has: another user has logged in,
   * or the device's number was drawn anew.
   */
  get isStale(): boolean {
    return this.#secretKey !== undefined && this.#secretKey !== this.#options.secretKey();
  }

  /** Ends it. Its circuits go on. */
  end(): void {
    this.#end.abort();
  }

  /**
   * Reserves, and serves the relay's calls until the connection ends.
   *
   * @param connectMsMax How long the connection may take.
   * @throws {Error} When it fails. Its circuits have ended then, unless the line was ended from here.
   */
  async run(connectMsMax: number = stepMsMax): Promise<void> {
    const { signal } = this.#end;
    const { connect, relay, onReserved } = this.#options;
    const conn = await this.#step((limit) => connect(relay, limit), connectMsMax);
    const close = () => conn.close();
    signal.addEventListener("abort", close);
    try {
      await this.#prove(conn);
      onReserved();
      await this.#serve(conn);
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) {
        conn.close();
        this.#cut();
      }
    }
  }

  async #prove(conn: Deno.TcpConn): Promise<void> {
    const { secretKey: current, relay } = this.#options;
    const secretKey = current();
    if (secretKey === undefined) throw new Error("Cannot reserve: no messages are taken");
    this.#secretKey = secretKey;
    const { publicKey: linkKey } = makeLinkKeyPair(secretKey);
    const reader = new ByteReader(conn);
    await this.#step(async () => {
      await writeAll(conn, relayHead("reserve", linkKey));
      const challenge = await reader.take(1 + 2 * keyBytes);
      if (challenge[0] !== sayings.challenge) throw new Error("Cannot reserve: no challenge came");
      const shared = x25519Shared(secretKey, challenge.subarray(1, 1 + keyBytes));
      if (shared === undefined) throw new Error("Cannot reserve: the relay's key is none");
      const nonce = challenge.subarray(1 + keyBytes);
      await writeAll(conn, proofOf({ shared, relay, nonce, linkKey }));
      const [verdict] = await reader.take(1);
      if (verdict !== sayings.reserved) throw new Error("Cannot reserve: the relay refuses");
    });
  }

  /** Takes the relay's calls, and says again and again that this device is there. */
  async #serve(conn: Deno.TcpConn): Promise<void> {
    const { time, scheduler, onHeard } = this.#options;
    const reader = new ByteReader(conn);
    /** When signs of life were sent that the relay has not answered yet. */
    const unanswered: number[] = [];
    const telling = scheduler.job(async () => {
      telling.dueIn(aliveEveryMs);
      if (this.isStale) return this.end();
      unanswered.push(time.monotonic());
      // A connection that is gone is noticed where it is read.
      await writeAll(conn, Uint8Array.of(sayings.alive)).catch(() => {});
    });
    telling.dueIn(aliveEveryMs);
    try {
      for (;;) {
        const said = await within({ clock: time, ms: silentMsMax }, () => reader.take(1));
        if (said?.[0] === sayings.alive) {
          const sentMs = unanswered.shift() ?? Infinity;
          if (time.monotonic() - sentMs >= lateMsMax) this.#cut();
          onHeard();
          continue;
        }
        if (said?.[0] !== sayings.call) return;
        const name = await this.#step(() => reader.take(circuitNameBytes));
        void this.#take(name).catch(() => {});
      }
    } finally {
      telling.cancel();
    }
  }

  /**
   * The way to the relay was gone for a while. A router that has forgotten the circuits' connections lets
   * nothing of them in any more, without a word: senders have to connect anew, and learn it by this.
   */
  #cut(): void {
    for (const conn of this.#taken) {
      try {
        conn.close();
      } catch {
        // It has ended already.
      }
    }
    this.#taken.clear();
  }

  /** Connects to the relay once more, for the sender that it told of. */
  async #take(name: Uint8Array): Promise<void> {
    const { connect, relay, receive, address } = this.#options;
    const conn = await this.#step((limit) => connect(relay, limit));
    try {
      await writeAll(conn, relayHead("take", name));
    } catch (error) {
      conn.close();
      throw error;
    }
    this.#taken.add(conn);
    const [oldest] = this.#taken;
    if (this.#taken.size > takenMax && oldest !== undefined) this.#taken.delete(oldest);
    const ended = receive(conn, address);
    if (ended === undefined) return;
    await ended.catch(() => {});
    this.#taken.delete(conn);
  }

  /** One step, which may take 5 s. */
  async #step<T>(task: (signal: AbortSignal) => Promise<T>, ms: number = stepMsMax): Promise<T> {
    const limit = { clock: this.#options.time, ms };
    const result = await within(
      limit,
      async (until) => ({ value: await task(until) }),
      this.#end.signal,
    );
    if (result === undefined) throw new Error("Cannot go on: the relay takes too long");
    return result.value;
  }
}
