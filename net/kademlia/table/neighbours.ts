/**
 * Who enters the routing table and who leaves it: the pings around it.
 *
 * @module
 */
import { timeoutMsMax, unverifiableMax, verificationsMax, verifyAgainMs } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { BoundedMap } from "../../../lib/bounded_map.ts";
import type { RateLimits } from "../rpc/rate_limits.ts";
import { RoundTrip } from "../rpc/round_trip.ts";
import type { RoutingTable, TableEntry } from "./routing_table.ts";
import type { Call, Caller, CallObserver, Rpc } from "../rpc/rpc.ts";
import { decodePong } from "../rpc/wire.ts";

/** What {@link Neighbours} are built from. */
export interface NeighboursOptions {
  readonly table: RoutingTable;
  readonly rpc: Rpc;
  readonly limits: RateLimits;
  /** Told of every contact that has entered the table. */
  readonly onEntered: (contact: NodeContact) => void;
}

/** How fast the share of answered queries follows the latest: one in eight, as RFC 6298's alpha. */
const answerRateGain = 1 / 8;

/** Keeps the routing table true. Learns from every request's fate. */
export class Neighbours implements CallObserver {
  readonly #table: RoutingTable;
  readonly #rpc: Rpc;
  readonly #limits: RateLimits;
  readonly #onEntered: (contact: NodeContact) => void;
  /** The own estimate over recent replies, for contacts never measured. */
  readonly #all = new RoundTrip();
  readonly #verifying = new Set<string>();
  /** Addresses that failed verification, and when, in monotonic ms. */
  readonly #unverifiable = new BoundedMap<string, number>(unverifiableMax);
  readonly #verifier: Caller;
  readonly #checker: Caller;
  #answerRate = 1;
  #answeredMs = -Infinity;

  constructor(options: NeighboursOptions) {
    this.#table = options.table;
    this.#rpc = options.rpc;
    this.#limits = options.limits;
    this.#onEntered = options.onEntered;
    this.#verifier = {
      answered: (call, data) => this.#verified(call, data),
      silent: () => {},
      lost: (call) => this.#unverified(call.contact),
    };
    this.#checker = {
      answered: (call, data) => this.#checked(call, data),
      silent: (call) => this.#evict(call),
      lost: (call) => this.#evict(call),
    };
  }

  /** The share of requests answered in time lately, 0 to 1. */
  get answerRate(): number {
    return this.#answerRate;
  }

  /** The timeout for contacts never measured, in ms. */
  get timeoutMs(): number {
    return this.#all.timeoutMs;
  }

  /** What most answers need, in ms: the smoothed round trip and twice its variation. */
  get patienceMs(): number {
    return this.#all.patienceMs;
  }

  /** The round trip of an average contact, in ms; undefined before anybody has answered. */
  get roundTripMs(): number | undefined {
    return this.#all.smoothedMs;
  }

  /** The round trip of a contact in the table, in ms. */
  roundTripMsOf(contact: NodeContact): number | undefined {
    return this.#entryOf(contact)?.roundTrip.smoothedMs;
  }

  timeoutMsOf(contact: NodeContact): number {
    const entry = this.#table.get(contact.nodeId);
    return entry?.roundTrip.measured === true && entry.contact.equals(contact)
      ? entry.roundTrip.timeoutMs
      : this.#all.timeoutMs;
  }

  answered(call: Call, roundTripMs: number, nowMs: number): void {
    this.#answeredMs = nowMs;
    // Whoever is to store a value may first ask others about it: that time says nothing about the way.
    const isRoundTrip = call.method !== "store";
    if (isRoundTrip) this.#all.add(roundTripMs);
    if (!call.late) this.#answerRate += (1 - this.#answerRate) * answerRateGain;
    const entry = this.#entryOf(call.contact);
    if (entry !== undefined) {
      if (isRoundTrip) entry.roundTrip.add(roundTripMs);
      this.#table.answered(entry, nowMs);
      return;
    }
    this.#limits.answered(call.contact);
    if (call.method !== "ping" && call.method !== "stun") this.meet(call.contact, true, nowMs);
  }

  silent(call: Call, nowMs: number): void {
    // Verifying pings go to strangers, whose silence says nothing about the network.
    if (call.caller === this.#verifier) return;
    this.#answerRate -= this.#answerRate * answerRateGain;
    const entry = this.#entryOf(call.contact);
    if (entry === undefined) return;
    this.#table.failed(entry);
    this.check(entry, nowMs);
  }

  /** Notes a contact heard of at its own address: by a request of its, or by an `answered` one of ours. */
  meet(contact: NodeContact, answered: boolean, nowMs: number): void {
    const advice = this.#table.consider(contact, answered, nowMs);
    if (advice.kind === "verify") this.verify(contact);
    else if (advice.kind === "check") {
      this.check(advice.entry, nowMs);
      // Of one that moved the new address is asked as well: its answer shows that our own link works,
      // without which nobody is evicted, and in a quiet network no other answer may come in that time.
      if (advice.entry.contact.nodeId.equals(contact.nodeId)) this.verify(contact);
    }
  }

  /** Pings a contact that is to enter the table: what others say of its id proves nothing. */
  verify(contact: NodeContact): void {
    if (this.#verifying.size >= verificationsMax) return;
    const name = `${contact.ip}|${contact.port}`;
    if (this.#verifying.has(name)) return;
    const failedMs = this.#unverifiable.get(name);
    if (failedMs !== undefined && this.#rpc.nowMs() - failedMs < verifyAgainMs) return;
    const request = { method: "ping", sender: this.#table.own } as const;
    if (this.#rpc.call({ contact, request, caller: this.#verifier })) this.#verifying.add(name);
  }

  /** Pings an entry that left a request unanswered; it is evicted only if this fails, too. */
  check(entry: TableEntry, _nowMs: number): void {
    if (entry.checking) return;
    const request = { method: "ping", sender: this.#table.own } as const;
    const call = this.#rpc.call({
      contact: entry.contact,
      request,
      caller: this.#checker,
      tag: entry,
      timeoutMs: timeoutMsMax,
    });
    entry.checking = call !== undefined;
  }

  /** Whether the contact stands in the table under just this address. */
  knows(contact: NodeContact): boolean {
    return this.#entryOf(contact) !== undefined;
  }

  /** Lets in a contact whose id its own answer to a ping has proved. */
  enter(contact: NodeContact, nowMs: number): void {
    if (this.#table.insert(contact, nowMs) !== undefined) this.#onEntered(contact);
  }

  #entryOf(contact: NodeContact): TableEntry | undefined {
    const entry = this.#table.get(contact.nodeId);
    return entry !== undefined && entry.contact.port === contact.port &&
        entry.contact.ip === contact.ip
      ? entry
      : undefined;
  }

  #verified(call: Call, data: Uint8Array): boolean {
    const id = decodePong(data);
    if (id === undefined || !id.equals(call.contact.nodeId)) return false;
    this.#verifying.delete(`${call.contact.ip}|${call.contact.port}`);
    this.enter(call.contact, this.#rpc.nowMs());
    return true;
  }

  #unverified(contact: NodeContact): void {
    const name = `${contact.ip}|${contact.port}`;
    this.#verifying.delete(name);
    this.#unverifiable.set(name, this.#rpc.nowMs());
    this.#promote(contact);
  }

  #checked(call: Call, data: Uint8Array): boolean {
    const entry = call.tag as TableEntry;
    const id = decodePong(data);
    if (id === undefined || !id.equals(call.contact.nodeId)) return false;
    entry.checking = false;
    return true;
  }

  #evict(call: Call): void {
    const entry = call.tag as TableEntry;
    if (!entry.checking) return;
    entry.checking = false;
    // With nobody answering at all it is our own link that is down: then nobody is evicted.
    if (this.#answeredMs < call.sentMs) {
      if (entry.failures === 0) this.#table.failed(entry);
      return;
    }
    const next = this.#table.evict(entry);
    if (next !== undefined) this.verify(next);
  }

  #promote(contact: NodeContact): void {
    const next = this.#table.nextReplacement(contact.nodeId);
    if (next !== undefined) this.verify(next);
  }
}
