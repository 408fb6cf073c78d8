/**
 * Being reached through relays: finds some, keeps a line to each, and comes back to one that was lost.
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
import type { Time, Timer } from "../../lib/time.ts";
import { settledWithin, within } from "../../lib/waiting.ts";
import { relayAddress } from "../links/addresses.ts";
import { type Connect, connectTwice } from "../links/connect.ts";
import { AvoidedRelays } from "./avoided_relays.ts";
import { Outages } from "./outages.ts";
import { stepMsMax } from "./relay_limits.ts";
import { RelayLine } from "./relay_line.ts";

/** Relays kept: with three, one that stops and one that lies leave a third. */
const relaysMax = 3;

/**
 * How soon others are looked for: while there is none, while there are too few, and while all that lacks is
 * one with the other family of addresses, which many networks have not.
 */
const searchMs = { first: 1_000, later: 15_000, rarely: 60_000 } as const;

/** A line that has lasted so long was a good one: when it is lost, the relay is tried again at once. */
const goodLineMs = 10_000;

/**
 * So often, and while another relay is left for so long; while none is left the fault is most likely the own
 * line's, and it goes on. The addresses of a lost relay are announced a little longer: it is mostly back
 * before others have heard of a change.
 */
const returnMs = { every: 2_000, max: 10_000, announced: 5_000 } as const;

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
  /** Takes messages from a connection to a relay; resolves once it has ended, if the receiver tells. */
  readonly receive: (conn: Deno.TcpConn, relay: IpAddress) => Promise<void> | void;
  /** Which addresses the rule of different networks leaves out. */
  readonly exemption: Exemption;
  /** The relays that reach this peer have changed. */
  readonly onChange: () => void;
  /** This machine was cut off for some seconds, as far as its relays tell; default: nothing happens. */
  readonly onOutage?: () => void;
  /** Learns of failures in the background. */
  readonly onError?: (error: Error) => void;
  /** Replaceable for tests. */
  readonly connect?: Connect;
}

/** One relay that is kept, or tried. */
interface Kept {
  readonly name: string;
  relay: FoundRelay;
  readonly address: IpAddress;
  line?: RelayLine;
  isReserved: boolean;
  /** When the present reservation came about, on the monotonic clock. */
  reservedMs: number;
  /** Its place among others when they are announced: by the first reservation. */
  order: number;
  /** When the line was lost, while it is tried to come back, and the next attempt. */
  lostMs?: number | undefined;
  retry?: Timer;
}

/** Keeps up to three relays while it is started. */
export class RelayClient {
  readonly #options: RelayClientOptions;
  readonly #connect: Connect;
  readonly #scheduler: Scheduler;
  readonly #searching: Job;
  readonly #kept = new Map<string, Kept>();
  /** Relays whose line was lost, and that are tried again. */
  readonly #lost = new Map<string, Kept>();
  readonly #avoided: AvoidedRelays;
  readonly #outages: Outages;
  /** When no relay was left for the last time, as far as was seen, on the monotonic clock. */
  #noneMs = -Infinity;
  /** Relays that have reserved since the construction. */
  #ordered = 0;
  /** What they are needed for; undefined while it is stopped. */
  #need: RelayNeed | undefined;
  /** Resolves with the next reservation, where a caller waits for it. */
  #first: PromiseWithResolvers<void> | undefined;

  /** Nothing is asked before {@linkcode start}. */
  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#connect = options.connect ?? ((to, signal) => connectTwice(options.time, to, signal));
    this.#avoided = new AvoidedRelays(options.time);
    this.#outages = new Outages(options.time, () => options.onOutage?.());
    this.#scheduler = new Scheduler(options.time, options.onError ?? reportError);
    this.#searching = this.#scheduler.job(() => this.#search());
  }

  /** How many relays reach this peer now. */
  get count(): number {
    return this.#reserved.length;
  }

  /** The addresses to announce of these: those that senders need who do not reach this peer directly. */
  addresses(): string[] {
    const now = this.#options.time.monotonic();
    const lost = [...this.#lost.values()].filter(({ lostMs = 0, line }) =>
      now - lostMs < returnMs.announced && line?.isStale !== true
    );
    return [...this.#reserved, ...lost].slice(0, relaysMax)
      .toSorted((a, b) => a.order - b.order)
      .flatMap(({ relay }) => placesOf(relay))
      .filter(({ ip }) => this.#need?.lacking.includes(familyOf(ip)))
      .map(relayAddress);
  }

  get #reserved(): Kept[] {
    return [...this.#kept.values()].filter((one) => one.isReserved && one.line?.isStale !== true);
  }

  /** Looks for relays, and keeps them until stopped. May be called again, with another need. */
  start(need: RelayNeed = theOnlyWay): void {
    const before = this.#need;
    this.#need = need;
    if (!need.isOnlyWay) this.#endWait();
    if (before?.isOnlyWay === need.isOnlyWay && `${before.lacking}` === `${need.lacking}`) return;
    for (const one of this.#all()) if (!this.#isOfUse(one.relay)) this.#giveUp(one);
    this.#searching.dueIn(0);
  }

  /**
   * Looks for relays now, and resolves once one reaches this peer, when none is found, or after `ms`
   * milliseconds.
   */
  async reserved(ms: number): Promise<void> {
    for (const one of this.#all()) if (one.line?.isStale) this.#giveUp(one);
    if (!this.#need?.isOnlyWay || this.count > 0) return;
    const first = this.#first ??= Promise.withResolvers();
    if (this.#kept.size === 0) this.#searching.dueIn(0);
    await settledWithin(this.#options.time, first.promise, ms);
  }

  /** Gives up all relays. */
  stop(): void {
    this.#need = undefined;
    this.#outages.clear();
    this.#endWait();
    this.#searching.cancel();
    for (const one of this.#all()) this.#giveUp(one);
  }

  /** Ends for good. */
  close(): void {
    this.stop();
    this.#scheduler.close();
  }

  #all(): Kept[] {
    return [...this.#kept.values(), ...this.#lost.values()];
  }

  /** Its line ends, and it is tried no more. */
  #giveUp(one: Kept): void {
    one.retry?.cancel();
    if (this.#lost.get(one.name) === one) this.#lost.delete(one.name);
    one.line?.end();
  }

  async #search(): Promise<void> {
    const isListening = this.#options.secretKey() !== undefined;
    if (isListening && (this.#kept.size < relaysMax || !this.#isComplete)) {
      const limit = { clock: this.#options.time, ms: stepMsMax };
      const found = await within(limit, (signal) => this.#options.find(signal)) ?? [];
      if (this.#need === undefined) return;
      this.#learn(found);
      const chosen = this.#choose(found, (name) => this.#avoided.isAvoided(name));
      this.#fill(chosen);
      // Where too few are to be had, one that failed is better than none.
      this.#fill(this.#choose(found, (name) => this.#avoided.isLeftAlone(name)));
      const [best] = chosen;
      if (!this.#isComplete && best !== undefined && this.#isComplementary(best)) {
        [...this.#kept.values()].at(-1)?.line?.end();
        this.#keep(best);
      }
    }
    if (this.#kept.size === 0 && this.#lost.size === 0) this.#endWait();
    const isFull = this.#kept.size >= relaysMax;
    if (isFull && this.#isComplete) return;
    const later = Math.max(Math.min(searchMs.later, this.#avoided.nextMs), searchMs.first);
    const soon = this.#kept.size === 0 ? searchMs.first : later;
    const isEnough = isFull || (isListening && !this.#need?.isOnlyWay);
    this.#searching.dueIn(isEnough ? searchMs.rarely : soon);
  }

  /** Keeps the first of them, as far as there are too few. */
  #fill(chosen: readonly FoundRelay[]): void {
    for (const relay of chosen) if (this.#kept.size < relaysMax) this.#keep(relay);
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
   * Relays that are new and not left out, first those that all reach, and then, as far as there are such, those in networks
   * without another kept one.
   */
  #choose(
    found: readonly FoundRelay[],
    isLeftOut: (name: string) => boolean,
  ): FoundRelay[] {
    // One that has both families may be found at both of its addresses.
    const taken = new Set(this.#all().flatMap(({ relay }) => namesOf(relay)));
    const fresh = found.filter((relay) => {
      if (unicastAddress(relay.ip) === undefined || !this.#isOfUse(relay)) return false;
      const names = namesOf(relay);
      if (names.some((name) => taken.has(name) || isLeftOut(name))) return false;
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

  #siteOf({ ip, port }: Endpoint): string {
    const networks = this.#options.exemption.networksOf(ip) ?? [];
    return siteOf(networks) ?? `${ip} ${port}`;
  }

  #keep(relay: FoundRelay): void {
    const address = unicastAddress(relay.ip);
    if (address === undefined) return;
    const name = relayAddress(relay);
    const kept: Kept = { name, relay, address, isReserved: false, reservedMs: 0, order: 0 };
    this.#kept.set(name, kept);
    this.#open(kept);
  }

  #open(kept: Kept, connectMsMax?: number): void {
    const { time, secretKey, receive } = this.#options;
    const line = kept.line = new RelayLine({
      time,
      scheduler: this.#scheduler,
      relay: kept.relay,
      address: kept.address,
      secretKey,
      receive,
      connect: this.#connect,
      onReserved: () => this.#didReserve(kept, line),
      onHeard: () => this.#outages.heard(),
    });
    const sinceMs = time.monotonic();
    line.run(connectMsMax).catch(() => {}).finally(() => this.#ended(kept, line, sinceMs));
  }

  #didReserve(kept: Kept, line: RelayLine): void {
    if (kept.lostMs !== undefined) {
      this.#lost.delete(kept.name);
      // Others have taken its place meanwhile.
      if (this.#kept.size >= relaysMax) return line.end();
      this.#kept.set(kept.name, kept);
    }
    kept.lostMs = undefined;
    kept.isReserved = true;
    kept.reservedMs = this.#options.time.monotonic();
    kept.order ||= ++this.#ordered;
    this.#endWait();
    this.#options.onChange();
    this.#outages.heard();
    this.#outages.cameBack(this.#reserved.map(({ reservedMs }) => reservedMs));
  }

  #ended(kept: Kept, line: RelayLine, sinceMs: number): void {
    const now = this.#options.time.monotonic();
    const wasReserved = kept.isReserved;
    kept.isReserved = false;
    if (this.#kept.get(kept.name) === kept) this.#kept.delete(kept.name);
    const wasGood = wasReserved && now - kept.reservedMs >= goodLineMs && !line.isEnded;
    if (wasGood) {
      this.#outages.lost(kept.name);
      this.#avoided.wasGood(kept.name);
      kept.lostMs = now;
      this.#lost.set(kept.name, kept);
      this.#comeBack(kept, 0);
    } else if (this.#lost.get(kept.name) === kept) {
      this.#comeBack(kept, Math.max(sinceMs + returnMs.every - now, 0));
    } else if (!line.isEnded) this.#avoided.failed(kept.name);
    if (wasReserved) this.#options.onChange();
    // One that comes back at once needs no replacement.
    if (this.#need !== undefined) this.#searching.dueIn(wasGood ? searchMs.first : 0);
  }

  /** Tries a relay again whose line was lost. */
  #comeBack(kept: Kept, waitMs: number): void {
    const { time, onChange } = this.#options;
    kept.retry = time.after(waitMs, () => {
      const now = time.monotonic();
      if (this.count === 0) this.#noneMs = now;
      if (now - Math.max(kept.lostMs ?? now, this.#noneMs) >= returnMs.max) {
        this.#lost.delete(kept.name);
        this.#avoided.failed(kept.name);
        this.#searching.dueIn(0);
      } else this.#open(kept, returnMs.every);
      // It may have been announced so far.
      if (waitMs > 0) onChange();
    });
  }
}

/** Where a relay takes connections: at the address that is dialled from here, and at its other one. */
function placesOf(relay: FoundRelay): Endpoint[] {
  return relay.other === undefined ? [relay] : [relay, relay.other];
}

function namesOf(relay: FoundRelay): string[] {
  return placesOf(relay).map(relayAddress);
}
