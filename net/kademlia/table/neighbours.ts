/**
 * Who enters the routing table and who leaves it: the pings around it.
 *
 * @module
 */
import { BoundedMap } from "../../../lib/bounded_map.ts";
import type { Endpoint } from "../../../lib/ip_address.ts";
import {
  checkTimeoutsMs,
  liveRateMin,
  muteMsMax,
  muteShare,
  mutesMax,
  timeoutMsMin,
  verificationsMax,
  verifyTries,
} from "../constants.ts";
import { ping } from "../rpc/methods/ping.ts";
import { stun } from "../rpc/methods/stun.ts";
import type { RateLimits } from "../rpc/rate_limits.ts";
import { RoundTrip } from "../rpc/round_trip.ts";
import type { Call, Caller, CallObserver, Rpc } from "../rpc/rpc.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import { Acquaintances, addressName } from "./acquaintances.ts";
import { LeftAlone } from "./left_alone.ts";
import type { TableEntry } from "./table_entry.ts";
import type { RoutingTables } from "./routing_tables.ts";

/** What {@link Neighbours} are built from. */
export interface NeighboursOptions {
  readonly table: RoutingTables;
  readonly rpc: Rpc;
  readonly limits: RateLimits;
  /** Told of every contact that has entered the table. */
  readonly onEntered: (contact: NodeContact) => void;
}

/** A node at home is told from a lost datagram by asking it so often. */
const knocksMax = 3;

/** A contact that is to enter, and how often it was pinged. */
interface Verification {
  /** The name of its address. */
  readonly name: string;
  tries: number;
  /** How many of these pings are given up. */
  lost: number;
  hasAnswered: boolean;
}

/** An entry that is to stay, since when it is pinged, in monotonic ms, and how often it was. */
interface Check {
  readonly entry: TableEntry;
  readonly sinceMs: number;
  readonly tries: number;
}

/** Answers of an entry are noted as proof of its address so seldom: a thousand others push none out so soon. */
const proveAgainMs = 10_000;

/** How fast the share of answered queries follows the latest: one in eight, as RFC 6298's alpha. */
const answerRateGain = 1 / 8;

/** Keeps the routing table true. Learns from every request's fate. */
export class Neighbours implements CallObserver {
  readonly #options: NeighboursOptions;
  /** The own estimate over recent replies, for contacts never measured. */
  readonly #all = new RoundTrip();
  readonly #best = new RoundTrip();
  readonly #verifying = new Set<string>();
  #onVerified: (() => void)[] = [];
  /** Addresses that failed verification. */
  readonly #leftAlone = new LeftAlone();
  /** Addresses not in the table that left a query unanswered, and when, in monotonic ms. */
  readonly #mutes = new BoundedMap<string, number>(mutesMax);
  /** Pings contacts that are to enter. */
  readonly #verifier: Caller<Id, Verification>;
  /** Asks contacts that answered a ping from the second socket; the tag counts the tries. */
  readonly #knocker: Caller<Endpoint, number>;
  /** Pings entries that are to stay. */
  readonly #checker: Caller<Id, Check>;
  /** Pings entries that say that they end; {@link silent} does the rest. */
  readonly #farewell: Caller<Id, undefined> = {
    answered: ({ contact }, id) => id.equals(contact.nodeId),
    silent: () => {},
    lost: () => {},
  };
  /** Nodes that answer this one and that others do not reach. */
  readonly acquaintances = new Acquaintances();
  #answerRate = 1;
  #answeredMs = -Infinity;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#verifier = {
      answered: (call, id) => this.#verified(call, id),
      silent: (call) => this.#verifyAgain(call),
      lost: (call) => this.#unverified(call),
    };
    this.#knocker = {
      answered: (call) => this.#knocked(call),
      silent: (call) => this.#knockAgain(call),
      lost: () => {},
    };
    this.#checker = {
      answered: (call, id) => this.#checked(call, id),
      silent: (call) => this.#checkAgain(call),
      // After its timeout the next ping is out, or the contact is gone already.
      lost: (call) => call.isLate || this.#evict(call.tag),
    };
  }

  /** The share of requests answered in time lately, 0 to 1. */
  get answerRate(): number {
    return this.#answerRate;
  }

  /** Whether dead nodes are to be expected. */
  get mayBeDead(): boolean {
    return this.#answerRate < liveRateMin;
  }

  /** The timeout for contacts never measured, in ms. */
  get timeoutMs(): number {
    return this.#all.timeoutMs;
  }

  /** What was measured over recent replies of all contacts. */
  get roundTrip(): RoundTrip {
    return this.#all;
  }

  /** How long the contacts that replied took at their best. */
  get best(): RoundTrip {
    return this.#best;
  }

  /** What was measured with a contact in the table; undefined where nothing was. */
  roundTripOf(contact: NodeContact): RoundTrip | undefined {
    const roundTrip = this.#options.table.find(contact)?.roundTrip;
    return roundTrip?.measured === true ? roundTrip : undefined;
  }

  timeoutMsOf(contact: NodeContact): number {
    const roundTrip = this.roundTripOf(contact);
    if (roundTrip !== undefined) return roundTrip.timeoutMs;
    const { timeoutMs } = this.#all;
    return this.#isMute(contact) ? Math.max(timeoutMs * muteShare, timeoutMsMin) : timeoutMs;
  }

  /** Whether the contact left the last request to it unanswered, lately or as long as it is in the table. */
  isSuspect(contact: NodeContact): boolean {
    const { table } = this.#options;
    if (this.#mutes.size === 0 && !table.hasFailing) return false;
    const entry = table.find(contact);
    return entry === undefined ? this.#isMute(contact) : entry.failures > 0;
  }

  #isMute(contact: NodeContact): boolean {
    if (this.#mutes.size === 0) return false;
    const sinceMs = this.#mutes.get(addressName(contact));
    return sinceMs !== undefined && this.#options.rpc.nowMs() - sinceMs < muteMsMax;
  }

  answered(call: Call, roundTripMs: number, nowMs: number): void {
    const { contact, method, isLate } = call;
    const { table, limits } = this.#options;
    this.#answeredMs = nowMs;
    if (this.#mutes.size > 0) this.#mutes.delete(addressName(contact));
    if (method.isPrompt) this.#all.add(roundTripMs);
    if (!isLate) this.#answerRate += (1 - this.#answerRate) * answerRateGain;
    const known = table.find(contact);
    if (known === undefined && method.introduces) this.#introduced(call, nowMs);
    const entry = known ?? table.find(contact);
    if (entry === undefined || nowMs - entry.provenMs > proveAgainMs) {
      limits.answered(contact);
      if (entry !== undefined) entry.provenMs = nowMs;
    }
    if (entry === undefined) return;
    if (method.isPrompt) {
      entry.roundTrip.add(roundTripMs);
      this.#best.add(entry.roundTrip.bestMs);
    }
    table.answered(entry, nowMs);
  }

  /** A node that is not in the table has answered; if under another id, then it was named wrongly. */
  #introduced({ contact, answeredBy }: Call, nowMs: number): void {
    if (answeredBy?.equals(contact.nodeId) === false) return;
    this.meet(contact, true, nowMs, answeredBy !== undefined);
  }

  silent({ contact, caller }: Call): void {
    // Verifying pings go to strangers, whose silence says nothing about the network.
    if (caller === this.#verifier || caller === this.#knocker) return;
    this.#answerRate -= this.#answerRate * answerRateGain;
    const entry = this.#options.table.find(contact);
    if (entry === undefined) {
      this.#mutes.set(addressName(contact), this.#options.rpc.nowMs());
      return;
    }
    this.#options.table.failed(entry);
    this.check(entry);
  }

  /**
   * Notes a contact heard of at its own address: by a request that it sent, or because it `answered` one. If
   * `isProven`, it has answered under its id.
   */
  meet(contact: NodeContact, answered: boolean, nowMs: number, isProven = false): void {
    const advice = this.#options.table.consider(contact, answered, nowMs);
    if (advice.kind === "verify") this.verify(contact, isProven);
    else if (advice.kind === "check") {
      this.check(advice.entry);
      // Of a contact that moved the new address is asked as well: its answer shows that the own link
      // works, without which no entry is evicted; in a quiet network no other answer may come meanwhile.
      if (advice.entry.contact.nodeId.equals(contact.nodeId)) this.verify(contact);
    }
  }

  /** Pings a contact that is to enter the table, unless its id is proven: what others say of that proves nothing. */
  verify(contact: NodeContact, isProven = false): void {
    const { rpc } = this.#options;
    if (this.#verifying.size >= verificationsMax) return;
    const name = addressName(contact);
    if (this.#verifying.has(name)) return;
    if (this.#leftAlone.has(name, rpc.nowMs())) return;
    const tag: Verification = { name, tries: 0, lost: 0, hasAnswered: false };
    if (isProven) this.#proved(contact, name);
    else if (this.#askToEnter(contact, tag)) this.#verifying.add(name);
  }

  /** Contacts that are being pinged because they are to enter. */
  get verifyingCount(): number {
    return this.#verifying.size;
  }

  /** Calls back once none is, at once where that is so; never where the node closes meanwhile. */
  onVerified(fn: () => void): void {
    if (this.#verifying.size === 0) fn();
    else this.#onVerified.push(fn);
  }

  #verificationOver(name: string): void {
    this.#verifying.delete(name);
    if (this.#verifying.size > 0) return;
    const waiting = this.#onVerified;
    this.#onVerified = [];
    for (const fn of waiting) fn();
  }

  #askToEnter(contact: NodeContact, tag: Verification): boolean {
    const { rpc, table } = this.#options;
    const args = { sender: table.own };
    const call = rpc.call({ contact, method: ping, args, caller: this.#verifier, tag });
    if (call !== undefined) tag.tries++;
    return call !== undefined;
  }

  /** Pings an entry that left a request unanswered; it is evicted only if this fails, too. */
  check(entry: TableEntry): void {
    if (entry.checking) return;
    const sinceMs = this.#options.rpc.nowMs();
    entry.checking = this.#askToStay({ entry, sinceMs, tries: 0 });
  }

  #askToStay(check: Check): boolean {
    const { rpc, table } = this.#options;
    const { entry: { contact }, tries } = check;
    const timeoutMs = checkTimeoutsMs[tries];
    if (timeoutMs === undefined) return false;
    const call = rpc.call({
      contact,
      method: ping,
      args: { sender: table.own },
      caller: this.#checker,
      tag: { ...check, tries: tries + 1 },
      timeoutMs,
    });
    return call !== undefined;
  }

  /**
   * A contact says that it is about to end. Anybody can say so in its name, so it is pinged: where it is
   * silent, no lookup asks it any more, and it is evicted once further pings are unanswered.
   */
  left(contact: NodeContact): void {
    const { rpc, table } = this.#options;
    const entry = table.find(contact);
    if (entry === undefined || entry.checking || entry.failures > 0) return;
    const args = { sender: table.own };
    rpc.call({ contact, method: ping, args, caller: this.#farewell, tag: undefined });
  }

  /** Lets in a contact whose id its own answer to a ping has proved. */
  enter(contact: NodeContact): void {
    const { rpc, table, onEntered } = this.#options;
    this.#leftAlone.answered(addressName(contact));
    if (table.insert(contact, rpc.nowMs()) !== undefined) onEntered(contact);
  }

  #verified({ contact, tag }: Call<Id, Verification>, id: Id): boolean {
    if (!id.equals(contact.nodeId)) return false;
    if (tag.hasAnswered) return true;
    tag.hasAnswered = true;
    this.#proved(contact, tag.name);
    return true;
  }

  /** A contact has proved its id: it enters, if others reach it, too. */
  #proved(contact: NodeContact, name: string): void {
    const { rpc } = this.#options;
    if (rpc.hasOutside) {
      this.#verifying.add(name);
      this.acquaintances.add(contact, rpc.nowMs());
      this.#knock(contact, 1);
    } else {
      this.#verificationOver(name);
      this.enter(contact);
    }
  }

  #verifyAgain({ contact, tag }: Call<Id, Verification>): void {
    if (tag.tries < verifyTries && !tag.hasAnswered) this.#askToEnter(contact, tag);
  }

  /** Asks from the second socket: a router at home drops what it was not opened for. */
  #knock(contact: NodeContact, tries: number): void {
    const { rpc } = this.#options;
    const call = rpc.call({
      contact,
      method: stun,
      args: {},
      caller: this.#knocker,
      tag: tries,
      isOutside: true,
    });
    if (call === undefined) this.#verificationOver(addressName(contact));
  }

  #knocked({ contact }: Call<Endpoint, number>): boolean {
    this.#verificationOver(addressName(contact));
    this.acquaintances.delete(contact);
    this.enter(contact);
    return true;
  }

  #knockAgain({ contact, tag: tries }: Call<Endpoint, number>): void {
    if (tries < knocksMax) return this.#knock(contact, tries + 1);
    this.#giveUp(contact);
  }

  #unverified({ contact, tag }: Call<Id, Verification>): void {
    // The first ping is given up while the second is out.
    if (++tag.lost < tag.tries || tag.hasAnswered) return;
    this.acquaintances.delete(contact);
    this.#giveUp(contact);
  }

  /** It does not enter, and is not asked again for a while. */
  #giveUp(contact: NodeContact): void {
    const { rpc, table } = this.#options;
    const name = addressName(contact);
    this.#verificationOver(name);
    this.#leftAlone.failed(name, rpc.nowMs());
    const next = table.nextReplacement(contact);
    if (next !== undefined) this.verify(next);
  }

  #checked({ contact, tag: { entry } }: Call<Id, Check>, id: Id): boolean {
    if (!id.equals(contact.nodeId)) return false;
    entry.checking = false;
    return true;
  }

  #checkAgain({ tag }: Call<Id, Check>): void {
    if (tag.entry.checking && !this.#askToStay(tag)) this.#evict(tag);
  }

  #evict({ entry, sinceMs }: Check): void {
    const { table } = this.#options;
    if (!entry.checking) return;
    entry.checking = false;
    // It may have answered something else meanwhile: then the pings were lost.
    if (entry.answeredMs > sinceMs) return;
    // When no node answers at all it is the own link that is down: then no entry is evicted.
    if (this.#answeredMs < sinceMs) {
      if (entry.failures === 0) table.failed(entry);
      entry.isSilent = true;
      return;
    }
    this.#mutes.set(addressName(entry.contact), this.#options.rpc.nowMs());
    const next = table.evict(entry);
    if (next !== undefined) this.verify(next);
  }
}
