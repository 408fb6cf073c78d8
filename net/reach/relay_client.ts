/**
 * Being reached through relays: finds some, keeps a connection to each, and takes the circuits that they
 * tell of.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import {
  families,
  type Family,
  familyOf,
  type IpAddress,
  unicastAddress,
} from "../../lib/ip_address.ts";
import { type Exemption, siteOf } from "../../lib/networks.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { settledWithin, within } from "../../lib/waiting.ts";
import { x25519Shared } from "../../lib/x25519.ts";
import { relayAddress } from "../links/addresses.ts";
import { ByteReader, writeAll } from "../links/byte_reader.ts";
import { type Connect, connectTwice } from "../links/connect.ts";
import { makeLinkKeyPair } from "../links/link_keys.ts";
import { aliveEveryMs, silentMsMax, stepMsMax } from "./relay_limits.ts";
import { circuitNameBytes, keyBytes, proofOf, relayHead, sayings } from "./relay_protocol.ts";

/** Relays kept: with three, one that stops and one that lies leave a third. */
const relaysMax = 3;

/**
 * How soon others are looked for: while there is none, while there are too few, and while all that lacks is
 * one with the other family of addresses, which many networks have not.
 */
const searchMs = { first: 1_000, later: 15_000, rarely: 60_000 } as const;

/**
 * A relay that failed is not asked again for so long. Where all are lost the fault may be the own line's,
 * and those that did serve are asked again soon.
 */
const avoidMs = { failed: 60_000, lost: 2_000 } as const;

/** A relay that was found. */
export interface FoundRelay extends Endpoint {
  /** Its address and port of the other family, where it says that it has one. */
  readonly other?: Endpoint;
}

/** What relays are needed for. */
export interface RelayNeed {
  /** The families of addresses by which others do not reach this peer. */
  readonly lacking: readonly Family[];
  /** Whether they reach it by neither; otherwise only a relay with the other family is of use. */
  readonly isOnlyWay: boolean;
}

/** The need of a peer that others do not reach at all. */
export const theOnlyWay: RelayNeed = { lacking: families, isOnlyWay: true };

/** What {@linkcode RelayClient} needs. */
export interface RelayClientOptions {
  /** Time. */
  readonly time: Time;
  /** Relays that answer and have room, in the order of their answers. */
  readonly find: (signal: AbortSignal) => Promise<readonly FoundRelay[]>;
  /** The secret of the own link key; undefined while no messages are taken. */
  readonly secretKey: () => Uint8Array | undefined;
  /** Takes messages from a connection to a relay. */
  readonly receive: (conn: Deno.TcpConn, relay: IpAddress) => void;
  /** Which addresses the rule of different networks leaves out. */
  readonly exemption: Exemption;
  /** The relays that reach this peer have changed. */
  readonly onChange: () => void;
  /** Learns of failures in the background. */
  readonly onError?: (error: Error) => void;
  /** Replaceable for tests. */
  readonly connect?: Connect;
}

/** One relay that is kept, or tried. */
interface Kept {
  relay: FoundRelay;
  readonly address: IpAddress;
  readonly end: AbortController;
  isReserved: boolean;
  /** The secret of the link key that it knows this device under. */
  secretKey?: Uint8Array;
}

/** Keeps up to three relays while it is started. */
export class RelayClient {
  readonly #options: RelayClientOptions;
  readonly #connect: Connect;
  readonly #scheduler: Scheduler;
  readonly #searching: Job;
  readonly #kept = new Map<string, Kept>();
  /** Relays that failed, and until when they are not asked, on the monotonic clock. */
  readonly #avoided = new Map<string, { readonly sinceMs: number; readonly hasServed: boolean }>();
  /** What they are needed for; undefined while it is stopped. */
  #need: RelayNeed | undefined;
  /** Resolves with the next reservation, where a caller waits for it. */
  #first: PromiseWithResolvers<void> | undefined;

  /** Nothing is asked before {@linkcode start}. */
  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#connect = options.connect ?? ((to, signal) => connectTwice(options.time, to, signal));
    this.#scheduler = new Scheduler(options.time, options.onError ?? reportError);
    this.#searching = this.#scheduler.job(() => this.#search());
  }

  /** How many relays reach this peer now. */
  get count(): number {
    return this.#reserved.length;
  }

  /** The addresses to announce of these: those that senders need who do not reach this peer directly. */
  addresses(): string[] {
    return this.#reserved.flatMap(({ relay }) => placesOf(relay))
      .filter(({ ip }) => this.#need?.lacking.includes(familyOf(ip)))
      .map(relayAddress);
  }

  get #reserved(): Kept[] {
    return [...this.#kept.values()].filter((one) => one.isReserved && !this.#isStale(one));
  }

  /** Looks for relays, and keeps them until stopped. May be called again, with another need. */
  start(need: RelayNeed = theOnlyWay): void {
    const before = this.#need;
    this.#need = need;
    if (!need.isOnlyWay) this.#endWait();
    if (before?.isOnlyWay === need.isOnlyWay && `${before.lacking}` === `${need.lacking}`) return;
    for (const { relay, end } of this.#kept.values()) if (!this.#isOfUse(relay)) end.abort();
    this.#searching.dueIn(0);
  }

  /**
   * Looks for relays now, and resolves once one reaches this peer, when none is found, or after `ms`
   * milliseconds.
   */
  async reserved(ms: number): Promise<void> {
    for (const kept of this.#kept.values()) if (this.#isStale(kept)) kept.end.abort();
    if (!this.#need?.isOnlyWay || this.count > 0) return;
    const first = this.#first ??= Promise.withResolvers();
    if (this.#kept.size === 0) this.#searching.dueIn(0);
    await settledWithin(this.#options.time, first.promise, ms);
  }

  /** Gives up all relays. */
  stop(): void {
    this.#need = undefined;
    this.#endWait();
    this.#searching.cancel();
    for (const { end } of this.#kept.values()) end.abort();
  }

  /** Ends for good. */
  close(): void {
    this.stop();
    this.#scheduler.close();
  }

  /**
   * Whether a relay knows this device under a link key that it no longer has: another user has logged in,
   * or the device's number was drawn anew.
   */
  #isStale({ secretKey }: Kept): boolean {
    return secretKey !== undefined && secretKey !== this.#options.secretKey();
  }

  async #search(): Promise<void> {
    const isListening = this.#options.secretKey() !== undefined;
    if (isListening && (this.#kept.size < relaysMax || !this.#isComplete)) {
      const limit = { clock: this.#options.time, ms: stepMsMax };
      const found = await within(limit, (signal) => this.#options.find(signal)) ?? [];
      if (this.#need === undefined) return;
      this.#learn(found);
      const chosen = this.#choose(found);
      for (const relay of chosen.slice(0, relaysMax - this.#kept.size)) this.#keep(relay);
      const [best] = chosen;
      if (!this.#isComplete && best !== undefined && this.#isComplementary(best)) {
        [...this.#kept.values()].at(-1)?.end.abort();
        this.#keep(best);
      }
    }
    if (this.#kept.size === 0) this.#endWait();
    const isFull = this.#kept.size >= relaysMax;
    if (isFull && this.#isComplete) return;
    const soon = this.#kept.size === 0 ? searchMs.first : searchMs.later;
    const isEnough = isFull || (isListening && !this.#need?.isOnlyWay);
    this.#searching.dueIn(isEnough ? searchMs.rarely : soon);
  }

  /** There is nothing more to wait for. */
  #endWait(): void {
    this.#first?.resolve();
    this.#first = undefined;
  }

  /** A relay that is kept may have got its other address, or lost it, since. */
  #learn(found: readonly FoundRelay[]): void {
    for (const relay of found) {
      const kept = this.#kept.get(relayAddress(relay));
      if (kept === undefined || `${namesOf(kept.relay)}` === `${namesOf(relay)}`) continue;
      kept.relay = relay;
      if (kept.isReserved) this.#options.onChange();
    }
  }

  /** Whether a relay that is kept is reached by all families by which this peer is not. */
  get #isComplete(): boolean {
    return [...this.#kept.values()].some(({ relay }) => this.#isComplementary(relay));
  }

  /** Whether it is reached by all families by which this peer is not. */
  #isComplementary(relay: FoundRelay): boolean {
    const has = placesOf(relay).map(({ ip }) => familyOf(ip));
    return this.#need?.lacking.every((family) => has.includes(family)) ?? false;
  }

  #isOfUse(relay: FoundRelay): boolean {
    return this.#need?.isOnlyWay === true || this.#isComplementary(relay);
  }

  /**
   * Relays that are new, first those that all reach, and then, as far as there are such, those in networks
   * without another kept one.
   */
  #choose(found: readonly FoundRelay[]): FoundRelay[] {
    const now = this.#options.time.monotonic();
    for (const [name, { sinceMs }] of this.#avoided) {
      if (sinceMs + avoidMs.failed <= now) this.#avoided.delete(name);
    }
    // One that has both families may be found at both of its addresses.
    const taken = new Set([...this.#kept.values()].flatMap(({ relay }) => namesOf(relay)));
    const fresh = found.filter((relay) => {
      if (unicastAddress(relay.ip) === undefined || !this.#isOfUse(relay)) return false;
      const names = namesOf(relay);
      if (names.some((name) => taken.has(name) || this.#isAvoided(name))) return false;
      for (const name of names) taken.add(name);
      return true;
    });
    const sites = new Set([...this.#kept.values()].map(({ relay }) => this.#siteOf(relay)));
    const apart: FoundRelay[] = [];
    const near: FoundRelay[] = [];
    for (const relay of fresh) {
      const site = this.#siteOf(relay);
      (sites.has(site) ? near : apart).push(relay);
      sites.add(site);
    }
    const rank = (one: FoundRelay) => this.#isComplementary(one) ? 0 : 1;
    return [...apart, ...near].toSorted((a, b) => rank(a) - rank(b));
  }

  #isAvoided(name: string): boolean {
    const failure = this.#avoided.get(name);
    if (failure === undefined) return false;
    const isAlone = failure.hasServed && this.count === 0;
    const ms = isAlone ? avoidMs.lost : avoidMs.failed;
    return this.#options.time.monotonic() < failure.sinceMs + ms;
  }

  #siteOf({ ip, port }: Endpoint): string {
    const networks = this.#options.exemption.networksOf(ip) ?? [];
    return siteOf(networks) ?? `${ip} ${port}`;
  }

  #keep(relay: FoundRelay): void {
    const address = unicastAddress(relay.ip);
    if (address === undefined) return;
    const name = relayAddress(relay);
    const kept: Kept = { relay, address, end: new AbortController(), isReserved: false };
    this.#kept.set(name, kept);
    this.#reserve(kept).catch(() => {}).finally(() => {
      const wasReserved = kept.isReserved;
      kept.isReserved = false;
      this.#kept.delete(name);
      if (!kept.end.signal.aborted) {
        const sinceMs = this.#options.time.monotonic();
        this.#avoided.set(name, { sinceMs, hasServed: wasReserved });
      }
      if (wasReserved) this.#options.onChange();
      if (this.#need !== undefined) this.#searching.dueIn(0);
    });
  }

  /** Reserves, and serves the relay's calls until the connection ends. Rejects when it fails. */
  async #reserve(kept: Kept): Promise<void> {
    const { signal } = kept.end;
    const conn = await this.#step((limit) => this.#connect(kept.relay, limit), signal);
    const close = () => conn.close();
    signal.addEventListener("abort", close);
    try {
      await this.#prove(kept, conn, signal);
      kept.isReserved = true;
      this.#endWait();
      this.#options.onChange();
      await this.#serve(kept, conn);
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) conn.close();
    }
  }

  async #prove(kept: Kept, conn: Deno.TcpConn, signal: AbortSignal): Promise<void> {
    const secretKey = this.#options.secretKey();
    if (secretKey === undefined) throw new Error("Cannot reserve: no messages are taken");
    kept.secretKey = secretKey;
    const { publicKey: linkKey } = makeLinkKeyPair(secretKey);
    const reader = new ByteReader(conn);
    await this.#step(async () => {
      await writeAll(conn, relayHead("reserve", linkKey));
      const challenge = await reader.take(1 + 2 * keyBytes);
      if (challenge[0] !== sayings.challenge) throw new Error("Cannot reserve: no challenge came");
      const shared = x25519Shared(secretKey, challenge.subarray(1, 1 + keyBytes));
      if (shared === undefined) throw new Error("Cannot reserve: the relay's key is none");
      const nonce = challenge.subarray(1 + keyBytes);
      await writeAll(conn, proofOf({ shared, relay: kept.relay, nonce, linkKey }));
      const [verdict] = await reader.take(1);
      if (verdict !== sayings.reserved) throw new Error("Cannot reserve: the relay refuses");
    }, signal);
  }

  /** Takes the relay's calls, and says again and again that this device is there. */
  async #serve(kept: Kept, conn: Deno.TcpConn): Promise<void> {
    const { time } = this.#options;
    const reader = new ByteReader(conn);
    const telling = this.#scheduler.job(async () => {
      telling.dueIn(aliveEveryMs);
      if (this.#isStale(kept)) return kept.end.abort();
      // A connection that is gone is noticed where it is read.
      await writeAll(conn, Uint8Array.of(sayings.alive)).catch(() => {});
    });
    telling.dueIn(aliveEveryMs);
    try {
      for (;;) {
        const said = await within({ clock: time, ms: silentMsMax }, () => reader.take(1));
        if (said?.[0] === sayings.alive) continue;
        if (said?.[0] !== sayings.call) return;
        const name = await this.#step(() => reader.take(circuitNameBytes), kept.end.signal);
        void this.#take(kept, name).catch(() => {});
      }
    } finally {
      telling.cancel();
    }
  }

  /** Connects to the relay once more, for the sender that it told of. */
  async #take({ relay, address, end }: Kept, name: Uint8Array): Promise<void> {
    const conn = await this.#step((limit) => this.#connect(relay, limit), end.signal);
    try {
      await writeAll(conn, relayHead("take", name));
    } catch (error) {
      conn.close();
      throw error;
    }
    this.#options.receive(conn, address);
  }

  /** One step, which may take 5 s. */
  async #step<T>(task: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const limit = { clock: this.#options.time, ms: stepMsMax };
    const result = await within(limit, async (until) => ({ value: await task(until) }), signal);
    if (result === undefined) throw new Error("Cannot go on: the relay takes too long");
    return result.value;
  }
}

/** Where a relay takes connections: at the address that is dialled from here, and at its other one. */
function placesOf(relay: FoundRelay): Endpoint[] {
  return relay.other === undefined ? [relay] : [relay, relay.other];
}

function namesOf(relay: FoundRelay): string[] {
  return placesOf(relay).map(relayAddress);
}
