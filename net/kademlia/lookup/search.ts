/**
 * Runs a lookup over the network.
 *
 * @module
 */
import { doubtsAtFirst, nearAtOnce } from "../constants.ts";
import type { Timer } from "../ports.ts";
import { type AboutTarget, findNode } from "../rpc/methods/find_node.ts";
import { findValue, type Found, type WireFound } from "../rpc/methods/find_value.ts";
import type { Method } from "../rpc/methods/method.ts";
import type { Call, Caller } from "../rpc/rpc.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import type { Neighbours } from "../table/neighbours.ts";
import type { Candidate } from "./candidates.ts";
import { expectedMs } from "./density.ts";
import { hearingOf, isEnough } from "./hearing.ts";
import { Lookup, type LookupOptions } from "./lookup.ts";
import type { Network } from "./network.ts";
import { atOnceMs, Patience } from "./patience.ts";
import { isPlausible } from "./plausible.ts";

/** What to search. */
export interface SearchOptions {
  readonly target: Id;
  readonly paths: number;
  /** Ends the search once so many holders have answered. */
  readonly goal?: number;
  /** Whether a caller waits: then more is asked at once. Default false, as upkeep is never in a hurry. */
  readonly isHurried?: boolean;
  /** Whether nodes that others do not reach are asked where no others are known. Default false. */
  readonly mayAskHomes?: boolean;
  /**
   * Whether the silent are asked again although others have answered: what is stored, or voted on, shall
   * miss no holder. Default false: they are while no node has answered.
   */
  readonly isThorough?: boolean;
  /** Told whenever the lookup has got on, and of the candidate that answered, if one has. */
  readonly onProgress?: (lookup: Lookup, answered?: Candidate) => void;
  /** Looks for a value, and judges one that was found: false when it does not count. */
  readonly onFound?: (contact: NodeContact, found: WireFound) => boolean;
}

/**
 * Further contacts that a search may need, all of a table in a network of a million nodes: liars may have filled
 * the buckets that the nearest ones stand in.
 */
const reserveMax = 400;
/** UDP may lose a datagram: those that were silent are asked again so often before that is a result. */
const askAgainMax = 3;
/** A search without any result waits this long, or so many timeouts, for answers that are late. */
const graceMsMin = 250;
const graceTimeouts = 2;
/** The timer that watches over the queries is set no shorter, and anew where it would come so much too late. */
const watchMsMin = 1;
const watchLateMs = 1;
/** What would be over so soon is over: another timer would come a millisecond or two later. */
const watchEarlyMs = 0.5;
/** An answer is prompt that takes so many times as long as its contact needed at its best, or less than this. */
const promptBests = 3;
const promptMsMin = 2;
/** Where all nodes answer this fast, it does not matter which is asked first. */
const quickMs = 10;
/** Where they do not, a read asks so many more nodes near its key for the last holder that it wants. */
const spareQueries = 1;

/** Runs a search to its end; rejects when the node closes or the signal aborts. */
export function search(
  network: Network,
  options: SearchOptions,
  signal?: AbortSignal,
): Promise<Lookup> {
  return network.operations.run<Lookup>(signal, (done) => {
    const running = new Search(network, options, done);
    running.start();
    return () => running.stop();
  });
}

/** The k closest live nodes to the target, nearest first. */
export async function findClosest(
  network: Network,
  options: Pick<SearchOptions, "target" | "paths" | "isHurried">,
  signal?: AbortSignal,
): Promise<NodeContact[]> {
  return (await search(network, options, signal)).result();
}

/** One lookup in progress. */
class Search implements Caller<Found, Candidate> {
  readonly #network: Network;
  readonly #options: SearchOptions;
  readonly #done: (lookup: Lookup) => void;
  readonly #lookup: Lookup;
  readonly #args: AboutTarget;
  /** Holders being asked for their neighbours, and those that were. */
  readonly #expanding = new Set<Candidate>();
  readonly #expandedOnce = new Set<Candidate>();
  /** The query that was sent to a candidate last, where it was asked again. */
  readonly #again = new Map<Candidate, Call<Found, Candidate>>();
  #rounds = 0;
  #grace: Timer | undefined;
  readonly #patience: Patience;
  #watching: Timer | undefined;
  #watchMs = Infinity;
  #stopped = false;

  constructor(network: Network, options: SearchOptions, done: (lookup: Lookup) => void) {
    this.#network = network;
    this.#options = options;
    this.#done = done;
    const { own, table, k, alpha, neighbours, density } = network;
    const { target, paths, goal, isHurried = false } = options;
    const nowMs = network.rpc.nowMs();
    table.lookedUp(target, nowMs);
    this.#patience = new Patience(neighbours, nowMs);
    this.#args = { sender: own, target };
    const cost = isHurried || goal !== undefined ? costOf(neighbours) : undefined;
    this.#lookup = new Lookup({
      target,
      own,
      k,
      alpha,
      nearAtOnce: isHurried && goal === undefined ? nearAtOnce : 0,
      nearAtFirst: alpha,
      paths,
      seeds: this.#seeds(),
      reserve: () => table.closest(target, reserveMax, undefined, true),
      answerRate: neighbours.answerRate,
      isSuspect: (contact) => neighbours.isSuspect(contact),
      networksOf: (ip) => table.networksOf(ip),
      radius: () => density.radius(),
      goal,
      doubtsAtFirst: goal === undefined ? doubtsAtFirst : 0,
      spare: goal !== undefined && isFarApart(neighbours) ? spareQueries : 0,
      cost,
    });
  }

  /** The nearest contacts; where there are none, and nothing is to be stored, nodes at home. */
  #seeds(): NodeContact[] {
    const { table, k, neighbours, rpc } = this.#network;
    const { target, mayAskHomes } = this.#options;
    const seeds = table.seeds(target, k);
    if (seeds.length > 0 || mayAskHomes !== true) return seeds;
    return neighbours.acquaintances.live(rpc.nowMs())
      .sort((a, b) => compareDistance(target, a.nodeId, b.nodeId)).slice(0, k);
  }

  /** Sends the first queries. Without any node to ask the search ends at once. */
  start(): void {
    // Before the queries: their timeouts come later, and the scheduler sets its timer but once.
    this.#watch(this.#network.rpc.nowMs());
    this.#send(this.#lookup.start());
  }

  /** Ends the search without a result. */
  stop(): void {
    this.#stopped = true;
    this.#grace?.cancel();
    this.#watching?.cancel();
  }

  answered({ contact, sentMs, tag: candidate }: Call<Found, Candidate>, answer: Found): boolean {
    if (this.#stopped) return true;
    const { rpc, self } = this.#network;
    // Who was asked twice may answer twice.
    const isOpen = candidate.state === "asked" || candidate.state === "slow";
    if (!isOpen && !this.#expanding.has(candidate)) return true;
    const counts = answer.found !== undefined &&
      this.#options.onFound?.(contact, answer.found) === true;
    const nowMs = rpc.nowMs();
    this.#patience.answered(nowMs - sentMs, nowMs);
    candidate.isQuick = nowMs - sentMs < atOnceMs;
    candidate.isPrompt = nowMs - sentMs < this.#promptMs(candidate);
    const useful = answer.contacts.filter((named) => isPlausible(named, contact, self));
    this.#settled(
      candidate,
      useful,
      () => this.#lookup.reply(candidate, useful, counts, answer.found !== undefined && !counts),
      candidate,
    );
    // Answers may have made the patience shorter.
    if (!this.#stopped && this.#watchNextMs + watchLateMs < this.#watchMs) this.#watch(nowMs);
    return true;
  }

  /** What an answer takes at most while neither side is busy. */
  #promptMs({ roundTrip }: Candidate): number {
    const bestMs = roundTrip?.bestMs ?? this.#network.neighbours.best.patienceMs;
    return Math.max(promptMsMin, promptBests * bestMs);
  }

  silent({ tag: candidate }: Call<Found, Candidate>): void {
    this.#settled(candidate, [], () => this.#lookup.timeout(candidate));
  }

  lost(call: Call<Found, Candidate>): void {
    const { tag: candidate } = call;
    if ((this.#again.get(candidate) ?? call) !== call) return;
    this.#settled(candidate, [], () => this.#lookup.failure(candidate));
  }

  /** Goes on after a question to a holder for its neighbours, or else after a query of the lookup. */
  #settled(
    candidate: Candidate,
    contacts: readonly NodeContact[],
    next: () => Candidate[],
    answered?: Candidate,
  ): void {
    if (this.#stopped) return;
    const isExpanded = this.#expanding.delete(candidate);
    this.#send(isExpanded ? this.#lookup.extend(candidate, contacts) : next());
    this.#options.onProgress?.(this.#lookup, answered);
  }

  #send(queue: Candidate[]): void {
    // A query that could not be sent makes room for others, which join the queue.
    for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) {
      const call = this.#ask(candidate, this.#method);
      if (call === undefined) queue.push(...this.#lookup.failure(candidate));
      // It is asked at its other address after it was asked again at the first.
      else if (this.#again.has(candidate)) this.#again.set(candidate, call);
    }
    if (this.#lookup.finished && !this.#stopped && !this.#expand()) this.#conclude();
    else if (this.#watchMs === Infinity) this.#watch(this.#network.rpc.nowMs());
  }

  /**
   * Ends the search, unless what is silent may make a difference: a lost datagram, or a process that
   * stands still, this one or that of the nodes asked, looks like a dead network. Then it is asked again.
   */
  #conclude(): void {
    const missing = this.#missing();
    if (missing.length === 0) return this.#finish();
    if (this.#grace !== undefined) return;
    const { scheduler, neighbours } = this.#network;
    let waitMs = 0;
    if (this.#rounds++ < askAgainMax) {
      for (const candidate of missing) {
        const call = this.#ask(candidate, this.#method);
        if (call === undefined) continue;
        this.#again.set(candidate, call);
        waitMs = Math.max(waitMs, call.dueMs - call.sentMs);
      }
    }
    if (waitMs === 0) return this.#finish();
    if (this.#isInVain()) {
      waitMs = Math.max(graceMsMin, graceTimeouts * neighbours.timeoutMs, waitMs);
    }
    this.#grace = scheduler.after(waitMs, () => {
      this.#grace = undefined;
      this.#conclude();
    });
  }

  /** Whether what is sought was not found so far: any node, or a holder. */
  #isInVain(): boolean {
    const isHolder = this.#options.goal !== undefined;
    return !this.#lookup.answered().some(({ state }) => !isHolder || state === "holder");
  }

  /**
   * Those whose answers are worth another question. A holder is enough to end a read, and k nodes are
   * enough for all else; of those who are silent twice not all are waited for.
   */
  #missing(): Candidate[] {
    const { goal, isThorough = false } = this.#options;
    if (this.#lookup.slow === 0) return [];
    if (!this.#isInVain() && (goal !== undefined || !isThorough)) return [];
    const { k } = this.#network;
    const { heard, silent } = hearingOf(this.#lookup);
    const isSettled = this.#rounds > 0 && this.#grace === undefined &&
      isEnough(heard, silent.length, k);
    if (isSettled || (goal === undefined && heard >= k)) return [];
    return silent.filter(({ state }) => state === "slow");
  }

  /** Looks after the queries in flight once the patience is at its end, again and again. */
  #watch(nowMs: number): void {
    // The scheduler may run this a moment early. The little time that is left then is no reason to come
    // back within the same moment, again and again.
    const waitMs = Math.max(this.#watchNextMs - nowMs, watchMsMin);
    this.#watchMs = nowMs + waitMs;
    this.#watching?.cancel();
    this.#watching = this.#network.scheduler.after(waitMs, () => {
      if (this.#stopped) return;
      const nowMs = this.#network.rpc.nowMs();
      this.#watchMs = Infinity;
      this.#hurry(nowMs);
      if (!this.#stopped && this.#lookup.open.length > 0) this.#watch(nowMs);
    });
  }

  get #watchNextMs(): number {
    return this.#patience.nextMs(this.#lookup.open);
  }

  /** Gives up on what is silent for long, and asks further nodes in place of the rest. */
  #hurry(nowMs: number): void {
    const patience = this.#patience;
    const isOver = patience.endMs(this.#lookup.open) <= nowMs + watchEarlyMs;
    if (isOver) patience.hurried(nowMs);
    for (const query of this.#lookup.open.filter((one) => patience.isOverdue(one, nowMs))) {
      this.#settled(query, [], () => this.#lookup.timeout(query));
    }
    // A search for the k closest waits for all of them anyway.
    if (isOver && !this.#stopped && this.#options.goal !== undefined) {
      this.#send(this.#lookup.hurry(patience.isAtEnd));
    }
  }

  #finish(): void {
    if (this.#stopped) return;
    this.stop();
    const { target, goal } = this.#options;
    // Nodes that an attacker placed around a key tell nothing of how dense the network is elsewhere.
    if (goal === undefined && !this.#lookup.isBesieged) {
      this.#network.density.learn(target, this.#lookup.result());
    }
    this.#done(this.#lookup);
  }

  get #method(): Method<string, AboutTarget, Found> {
    return this.#options.onFound === undefined ? findNode : findValue;
  }

  #ask(
    candidate: Candidate,
    method: Method<string, AboutTarget, Found>,
  ): Call<Found, Candidate> | undefined {
    const { rpc } = this.#network;
    const { contact } = candidate;
    const call = rpc.call({ contact, method, args: this.#args, caller: this, tag: candidate });
    if (call !== undefined) {
      candidate.askedMs = call.sentMs;
      candidate.roundTrip = this.#network.neighbours.roundTripOf(contact);
    }
    return call;
  }

  /**
   * A holder answers with the value and names no contacts, so that a search short of its goal may not know
   * the nodes around the key. It asks its holders for them; true while such questions are out.
   */
  #expand(): boolean {
    const goal = this.#options.goal;
    if (goal === undefined) return false;
    const holders = this.#lookup.answered().filter((c) => c.state === "holder");
    if (holders.length >= goal) return false;
    for (const holder of holders) {
      if (this.#expandedOnce.has(holder)) continue;
      this.#expandedOnce.add(holder);
      if (this.#ask(holder, findNode) !== undefined) this.#expanding.add(holder);
    }
    return this.#expanding.size > 0;
  }
}

/** Whether it takes time to reach most nodes. */
function isFarApart({ roundTrip }: Neighbours): boolean {
  return (roundTrip.smoothedMs ?? 0) >= quickMs;
}

function costOf(neighbours: Neighbours): LookupOptions["cost"] | undefined {
  if (!isFarApart(neighbours)) return undefined;
  const averageMs = neighbours.roundTrip.smoothedMs ?? 0;
  return (seed, from, radius) =>
    expectedMs({
      ownMs: neighbours.roundTripOf(seed)?.smoothedMs ?? averageMs,
      averageMs,
      from,
      radius,
    });
}
