/**
 * Runs a lookup over the network.
 *
 * @module
 */
import type { Scheduler } from "../../../lib/scheduler.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import { type Candidate, Lookup, type LookupOptions } from "./lookup.ts";
import type { Neighbours } from "../table/neighbours.ts";
import { expectedMs, type Reach } from "./density.ts";
import type { RoutingTable } from "../table/routing_table.ts";
import type { Timer } from "../ports.ts";
import type { Call, Caller, Rpc } from "../rpc/rpc.ts";
import { decodeContacts, decodeFound, type WireFound } from "../rpc/wire.ts";

/** The parts of a node that operations work with. */
export interface Network {
  readonly own: Id;
  readonly k: number;
  readonly alpha: number;
  readonly rpc: Rpc;
  readonly scheduler: Scheduler;
  readonly table: RoutingTable;
  readonly neighbours: Neighbours;
  readonly reach: Reach;
  /** Whether a contact that `from` told of can be one: not ourselves, and within its reach. */
  plausible(contact: NodeContact, from: NodeContact): boolean;
}

/** What to search. */
export interface SearchOptions {
  readonly target: Id;
  readonly method: "find_node" | "find_value";
  readonly paths: number;
  /** Ends the search once so many holders have answered. */
  readonly goal?: number;
  /** Judges a value found; false when it does not count. */
  readonly onFound?: (contact: NodeContact, found: WireFound) => boolean;
  /** Called once, when the search has come to its end. */
  readonly onDone: (search: Search) => void;
}

/**
 * Further contacts that a search may need: the nearest ones stand in one bucket as a rule, and liars may
 * have filled just that.
 */
const reserveMax = 20;
/** A search without any result waits this long, or so many timeouts, for answers that are late. */
const graceMsMin = 250;
const graceTimeouts = 2;
/** Nobody hedges faster: on loopback a busy process answers in 1 or 2 ms. */
const hedgeMsMin = 3;
/** An answer that takes so many times the slowest so far in a search is likely to be lost. */
const hedgeRoundTrips = 2;

/** One lookup in progress. */
export class Search implements Caller {
  readonly lookup: Lookup;
  readonly #network: Network;
  readonly #options: SearchOptions;
  /** Holders being asked for their neighbours, and those that were. */
  readonly #expanding = new Set<Candidate>();
  readonly #expandedOnce = new Set<Candidate>();
  #grace: Timer | undefined;
  #hedging: Timer | undefined;
  /** When the search began or an answer came last, in monotonic ms, and the slowest answer in ms. */
  #activeMs = 0;
  #slowestMs = 0;
  #done = false;

  constructor(network: Network, options: SearchOptions) {
    this.#network = network;
    this.#options = options;
    const { own, table, k, alpha, neighbours, reach } = network;
    table.lookedUp(options.target, network.rpc.nowMs());
    const cost = options.goal === undefined ? undefined : costOf(neighbours);
    this.lookup = new Lookup({
      target: options.target,
      own,
      k,
      alpha,
      paths: options.paths,
      seeds: table.closest(options.target, k, undefined, true),
      reserve: () => table.closest(options.target, k + reserveMax, undefined, true),
      answerRate: neighbours.answerRate,
      netOf: (ip) => table.limitedNet(ip),
      radius: () => reach.radius(),
      // Whoever needs few holders is in a hurry; whoever needs the k closest waits for all of them anyway.
      ...(options.goal === undefined ? {} : { goal: options.goal }),
      ...(cost === undefined ? {} : { cost }),
    });
  }

  /** Sends the first queries. Without anybody to ask the search ends at once. */
  start(): void {
    this.#send(this.lookup.start());
    this.#activeMs = this.#network.rpc.nowMs();
    if (this.#options.goal !== undefined && !this.#done) this.#hedge();
  }

  /** Ends the search without a word. */
  stop(): void {
    this.#done = true;
    this.#grace?.cancel();
    this.#hedging?.cancel();
  }

  answered(call: Call, data: Uint8Array): boolean {
    if (call.method === "find_node") {
      const contacts = decodeContacts(data);
      if (contacts === undefined) return false;
      this.#reply(call, contacts, false);
      return true;
    }
    const answer = decodeFound(data);
    if (answer === undefined) return false;
    const { onFound } = this.#options;
    const counts = answer.found !== undefined && !this.#done &&
      onFound?.(call.contact, answer.found) === true;
    this.#reply(call, answer.contacts, counts);
    return true;
  }

  silent(call: Call): void {
    if (this.#done) return;
    if (this.#expanding.has(call.tag as Candidate)) this.#expanded(call.tag as Candidate, []);
    else this.#send(this.lookup.timeout(call.tag as Candidate));
  }

  lost(call: Call): void {
    if (this.#done) return;
    if (this.#expanding.has(call.tag as Candidate)) this.#expanded(call.tag as Candidate, []);
    else this.#send(this.lookup.failure(call.tag as Candidate));
  }

  #reply(call: Call, contacts: NodeContact[], counts: boolean): void {
    const candidate = call.tag as Candidate;
    if (this.#done) return;
    this.#activeMs = this.#network.rpc.nowMs();
    this.#slowestMs = Math.max(this.#slowestMs, this.#activeMs - call.sentMs);
    const from = call.contact;
    const useful = contacts.filter((contact) => this.#network.plausible(contact, from));
    if (this.#expanding.has(candidate)) this.#expanded(candidate, useful);
    else this.#send(this.lookup.reply(candidate, useful, counts));
  }

  #send(candidates: Candidate[]): void {
    const { method } = this.#options;
    const queue = candidates;
    // A query that could not be sent makes room for others, which join the queue.
    for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
      if (!this.#ask(candidate, method)) queue.push(...this.lookup.failure(candidate));
    }
    if (!this.lookup.finished || this.#done || this.#expand()) return;
    if (this.lookup.fruitful || this.lookup.slow === 0) this.#finish();
    else {
      // Empty hands are no result while answers may be under way: a stalled process, ours or theirs,
      // looks like a dead network.
      const { scheduler, neighbours } = this.#network;
      const waitMs = Math.max(graceMsMin, graceTimeouts * neighbours.timeoutMs);
      this.#grace ??= scheduler.after(waitMs, () => this.#finish());
    }
  }

  /**
   * Just enough queries for the goal is cheap while all are answered; once one takes longer than usual
   * further ones go out, long before timeouts would free their slots. What is usual the answers within
   * this search know best: where all are slow, more queries would only make them slower.
   */
  #hedge(): void {
    const { scheduler, neighbours, rpc } = this.#network;
    const patienceMs = Math.max(
      hedgeMsMin,
      neighbours.patienceMs,
      hedgeRoundTrips * this.#slowestMs,
    );
    const leftMs = this.#activeMs + patienceMs - rpc.nowMs();
    // The scheduler runs what is due a moment early, together with others: what is left then is no reason
    // to come back within the same moment, again and again.
    const waitMs = leftMs > 0 ? Math.max(leftMs, 1) : patienceMs;
    this.#hedging = scheduler.after(waitMs, () => {
      if (this.#done) return;
      if (rpc.nowMs() - this.#activeMs >= patienceMs) this.#send(this.lookup.hurry());
      if (!this.#done) this.#hedge();
    });
  }

  #finish(): void {
    if (this.#done) return;
    this.stop();
    const { target, goal, onDone } = this.#options;
    if (goal === undefined) this.#network.reach.learn(target, this.lookup.result());
    onDone(this);
  }

  #ask(candidate: Candidate, method: "find_node" | "find_value"): boolean {
    const { rpc, own } = this.#network;
    const request = { method, sender: own, target: this.#options.target };
    const contact = candidate.contact;
    return rpc.call({ contact, request, caller: this, tag: candidate }) !== undefined;
  }

  /**
   * A holder answers with the value and names nobody, so that a search short of its goal may not know
   * the nodes around the key: it asks its holders for them. True while such questions are out.
   */
  #expand(): boolean {
    const goal = this.#options.goal;
    if (goal === undefined) return false;
    const holders = this.lookup.answered().filter((c) => c.state === "holder");
    if (holders.length >= goal) return false;
    for (const holder of holders) {
      if (this.#expandedOnce.has(holder)) continue;
      this.#expandedOnce.add(holder);
      if (this.#ask(holder, "find_node")) this.#expanding.add(holder);
    }
    return this.#expanding.size > 0;
  }

  #expanded(holder: Candidate, contacts: NodeContact[]): void {
    this.#expanding.delete(holder);
    this.#send(this.lookup.extend(holder, contacts));
  }
}

/** Where everybody answers at once, whom to ask first is no question of time. */
const quickMs = 10;

function costOf(neighbours: Neighbours): LookupOptions["cost"] | undefined {
  const averageMs = neighbours.roundTripMs ?? 0;
  if (averageMs < quickMs) return undefined;
  return (seed, from, radius) =>
    expectedMs({ ownMs: neighbours.roundTripMsOf(seed) ?? averageMs, averageMs, from, radius });
}
