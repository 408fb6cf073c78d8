/**
 * The node lookup (Kademlia, section 2.3) over disjoint paths (S/Kademlia, section 4.3), without I/O.
 *
 * @module
 */
import { AddressGroups, type Candidate, CandidateList } from "./candidates.ts";
import { outvotedMax, queriesPerLookupMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, distance, type Id } from "../space/id.ts";
import { Doubts, noPath } from "./doubts.ts";
import type { LookupOptions } from "./lookup_options.ts";
import { Holders, Nearness } from "./nearness.ts";
import { OpenQueries } from "./open_queries.ts";
import { PathFamilies } from "./path_families.ts";
import { type Outlook, Places } from "./places.ts";

export type { LookupOptions } from "./lookup_options.ts";

/** A goal counts as covered by open queries while their expected answers lack no more than this. */
const goalSlack = 0.15;

/**
 * One lookup as a state machine: `start`, `reply`, `timeout` and `failure` in; out come the candidates
 * to ask next, `finished`, and the result.
 *
 * All candidates stand in one list by distance. A path is a bit: seeds are dealt out to the paths, a
 * reply's contacts become known to the path that asked, and one path asks a candidate that several
 * know. Each path goes on until the nearest it knows have answered, whatever the others believe, so
 * that a liar on one path cannot starve the rest; the lookup ends when, besides, the k closest of all
 * that live have answered.
 */
export class Lookup {
  readonly target: Id;
  readonly k: number;
  readonly #alpha: number;
  readonly #open: OpenQueries;
  readonly #paths: number;
  readonly #families: PathFamilies;
  readonly #width: number;
  readonly #goal: number;
  readonly #spare: number;
  readonly #isSuspect: LookupOptions["isSuspect"];
  readonly #groups: AddressGroups;
  readonly #nearness: Nearness;
  readonly #candidates: CandidateList;
  readonly #places: Places;
  readonly #doubts: Doubts;
  readonly #inFlight: number[];
  readonly #holders: number[];
  readonly #hasCosts: boolean;
  /** What {@link Lookup.#next} has seen on each path, and the best there: arrays for each call would be many. */
  readonly #seen: number[];
  readonly #best: (Candidate | undefined)[];
  #asked = 0;
  #found = 0;
  #answered = 0;
  #slow = 0;
  #hopeless = 0;
  /** Nodes that ought to have the value and do not. */
  #missing = 0;
  /** Nodes that sent what no honest node sends. */
  #liars = 0;
  #finished = false;

  constructor(options: LookupOptions) {
    this.target = options.target;
    this.k = options.k;
    this.#candidates = new CandidateList(options.target, options.own);
    this.#alpha = options.alpha;
    this.#open = new OpenQueries(options);
    this.#families = new PathFamilies(options.seeds, options.paths);
    this.#paths = this.#families.paths;
    const share = Math.ceil(this.k / this.#paths);
    this.#width = this.#paths === 1 ? this.k : Math.max(this.#alpha, share);
    this.#goal = options.goal ?? Infinity;
    this.#spare = options.spare ?? 0;
    this.#isSuspect = options.isSuspect;
    this.#groups = new AddressGroups(options.networksOf);
    this.#nearness = new Nearness(options.target, options.k, options.radius);
    this.#places = new Places({
      k: this.k,
      candidates: this.#candidates,
      groups: this.#groups,
      nearness: this.#nearness,
      families: this.#families,
    });
    this.#doubts = new Doubts({
      candidates: this.#candidates,
      groups: this.#groups,
      reserve: options.reserve,
      first: options.doubtsAtFirst ?? 0,
    });
    this.#inFlight = new Array(this.#paths).fill(0);
    this.#holders = new Array(this.#paths).fill(0);
    this.#seen = new Array(this.#paths).fill(0);
    this.#best = new Array(this.#paths).fill(undefined);
    this.#families.deal(this.#candidates);
    const { cost } = options;
    this.#hasCosts = cost !== undefined;
    if (cost === undefined) return;
    for (const candidate of this.#candidates.all) {
      const from = distance(this.target, candidate.contact.nodeId);
      candidate.cost = cost(candidate.contact, from, this.#nearness.radius);
    }
  }

  /** Whether there is nothing left to ask or to wait for. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Queries sent so far. */
  get asked(): number {
    return this.#asked;
  }

  /** Those whose answers are waited for. */
  get open(): readonly Candidate[] {
    return this.#open.all;
  }

  /** Queries past their timeout that may still be answered. */
  get slow(): number {
    return this.#slow;
  }

  /** The first queries. */
  start(): Candidate[] {
    return this.#advance();
  }

  /**
   * Takes an answer, also a late one, and returns the next queries. `found`: it has the value; `isFalse`: it
   * sent one that does not count.
   */
  reply(
    candidate: Candidate,
    contacts: readonly NodeContact[],
    found = false,
    isFalse = false,
  ): Candidate[] {
    if (candidate.state !== "asked" && candidate.state !== "slow") return [];
    if (candidate.state === "slow") {
      // It counted as dead: with its answer there may be more to ask.
      this.#slow--;
      this.#finished = false;
    }
    this.#release(candidate);
    const near = this.#nearness.isNear(candidate.contact);
    candidate.state = !found ? "answered" : near ? "holder" : "afar";
    this.#answered++;
    this.#open.answered(candidate);
    if (near && found) {
      this.#found++;
      this.#bump(this.#holders, candidate.path, 1);
    } else if (near) this.#missing++;
    else if (isFalse || (found && !this.#nearness.mayStore(candidate.contact))) this.#liars++;
    for (const contact of contacts) this.#candidates.learn(contact, 1 << candidate.path, candidate);
    return this.#advance();
  }

  /**
   * Queries in flight take longer than usual: from now on they count for little towards a goal. If they are
   * `overdue`, they hold no slot either.
   */
  hurry(overdue = false): Candidate[] {
    this.#open.hurry(overdue);
    return this.#advance();
  }

  /** The candidate is silent beyond its timeout: its slot is free. */
  timeout(candidate: Candidate): Candidate[] {
    if (candidate.state !== "asked") return [];
    this.#release(candidate);
    candidate.state = "slow";
    this.#slow++;
    return this.#advance();
  }

  /** The candidate cannot be asked, or answered nonsense. */
  failure(candidate: Candidate): Candidate[] {
    if (candidate.state !== "asked" && candidate.state !== "slow") return [];
    if (candidate.state === "slow") this.#slow--;
    this.#release(candidate);
    candidate.state = candidate.fallBack() ? "fresh" : "failed";
    return this.#advance();
  }

  /** Goes on with contacts that a holder named when asked apart from the value it answered with. */
  extend(candidate: Candidate, contacts: readonly NodeContact[]): Candidate[] {
    this.#finished = false;
    for (const contact of contacts) this.#candidates.learn(contact, 1 << candidate.path, candidate);
    return this.#advance();
  }

  /**
   * The k closest that have answered, nearest first, within the address limit. Where there are two
   * families, some of each are among them, or behind them.
   */
  result(): NodeContact[] {
    return this.answered().map((candidate) => candidate.contact);
  }

  /** {@link Lookup.result}, with what the lookup knows of each. */
  answered(): Candidate[] {
    return this.#places.among((candidate) => candidate.hasAnswered);
  }

  /** What the result will be if each candidate that is not silent answers. */
  places(): readonly Candidate[] {
    return this.#places.upcoming();
  }

  /** The same, and how far it is to be believed. */
  outlook(): Outlook {
    return this.#places.outlook();
  }

  /** Whether an attacker was seen to have placed nodes around the target. */
  get isBesieged(): boolean {
    return this.#nearness.isBesieged;
  }

  /** Whether a node is known to be near the target, so that it will be in the result as a rule. */
  isNear(candidate: Candidate): boolean {
    return candidate.isNear ??= !this.#nearness.isUnknown &&
      this.#nearness.isNear(candidate.contact);
  }

  /** Those that were asked in vain so far, nearest first. */
  silent(): Candidate[] {
    return this.#candidates.silent(this.#groups);
  }

  #release(candidate: Candidate): void {
    if (candidate.state !== "asked") return;
    this.#open.remove(candidate);
    this.#bump(this.#inFlight, candidate.path, -1);
  }

  #bump(counts: number[], path: number, change: number): void {
    counts[path] = (counts[path] ?? 0) + change;
  }

  /** Fills the free slots. */
  #advance(): Candidate[] {
    const queries: Candidate[] = [];
    while (!this.#finished) {
      const next = this.#next();
      if (next === undefined) break;
      this.#asked++;
      queries.push(next);
      if (this.#isHopeless(next)) continue;
      next.state = "asked";
      this.#open.add(next);
      this.#bump(this.#inFlight, next.path, 1);
    }
    return queries;
  }

  /**
   * Whether a candidate is asked without waiting for it, as if its timeout had passed: the node knows that it is
   * likely dead, and others are alive. So the dead cost a node one timeout, and not one a lookup.
   */
  #isHopeless(candidate: Candidate): boolean {
    if (this.#answered === 0 || this.#hopeless >= this.k) return false;
    if (this.#isSuspect?.(candidate.contact) !== true) return false;
    candidate.state = "slow";
    this.#slow++;
    this.#hopeless++;
    return true;
  }

  /** The next candidate to ask, with its path set; finishes the lookup when there is none to come. */
  #next(): Candidate | undefined {
    this.#groups.begin();
    const seen = this.#seen.fill(0);
    const best = this.#best.fill(undefined);
    const holders = new Holders(this.#nearness);
    let pathsWithout = this.#paths;
    let waiting = false;
    // Among seeds that are equally far the quickest answers first; later the nearest is best.
    const beginning = this.#hasCosts && this.#answered === 0;
    for (const candidate of this.#candidates.all) {
      const state = candidate.state;
      if (candidate.isSilent || !this.#groups.within(candidate)) continue;
      const belongs = holders.add(candidate.contact);
      let wanted = belongs;
      for (let path = 0; path < this.#paths; path++) {
        if ((candidate.known & (1 << path)) === 0) continue;
        const count = (seen[path] ?? 0) + 1;
        seen[path] = count;
        if (count <= this.#width) wanted = true;
        if (state !== "fresh" || !wanted) continue;
        const other = best[path];
        if (other === undefined) pathsWithout--;
        else if (!beginning || other.cost <= candidate.cost) continue;
        best[path] = candidate;
      }
      if (state === "asked" && wanted) waiting = true;
      if (pathsWithout === 0 && !beginning) break;
      if (holders.isOver && seen.every((count) => count >= this.#width)) break;
    }
    const reached = this.#goalReached(best);
    const choice = !reached && this.#asked < queriesPerLookupMax ? this.#choose(best) : undefined;
    if (choice === undefined) return reached || !waiting ? this.#doubt() : undefined;
    if (this.#covered(choice)) return undefined;
    if (this.#open.hasSlot(this.isNear(choice))) return choice;
    return this.#choose(
      best.map((one) => one && this.#open.hasSlot(this.isNear(one)) ? one : undefined),
    );
  }

  /**
   * Finishes the lookup, unless what was found is too far from the target to be all that is there, as if
   * a liar had named its accomplices alone: then candidates that they displaced are asked, and the contacts
   * that these name are followed as before.
   */
  #doubt(): Candidate | undefined {
    const isDoubtful = this.#isDoubtful();
    const displaced = isDoubtful ? this.#doubts.next(this.#nearness.isUnknown) : undefined;
    if (displaced === undefined) {
      this.#finished = !isDoubtful || this.#open.size === 0;
      return undefined;
    }
    if (this.#open.isFull) return undefined;
    this.#doubts.ask(displaced);
    displaced.path = displaced.known === noPath
      ? this.#families.pathFor(displaced.contact, this.#doubts.asked)
      : 31 - Math.clz32(displaced.known);
    return displaced;
  }

  /** A read that met no node near the target without the value has no reason to doubt. */
  #isDoubtful(): boolean {
    if (this.#asked >= queriesPerLookupMax) return false;
    if (this.#nearness.isUnknown) return this.#doubts.first > 0;
    const mayLack = this.#goal === Infinity || this.#found < this.#goal || this.#missing > 0;
    return mayLack && !this.#places.isDense();
  }

  /**
   * Whether there are enough holders, and at least one on every path that still has a node to ask: three
   * holders that one liar named meet no goal of three while other paths look, and with d paths all d
   * must lie.
   */
  #goalReached(best: readonly (Candidate | undefined)[]): boolean {
    if (this.#found < this.#wanted) return false;
    for (let path = 0; path < this.#paths; path++) {
      const alive = best[path] !== undefined || (this.#inFlight[path] ?? 0) > 0;
      if (alive && (this.#holders[path] ?? 0) === 0) return false;
    }
    return true;
  }

  /**
   * Each node that ought to have the value and does not is outvoted by one more holder, and so are some of those
   * that lied on the way: where they are, others near the key may be theirs.
   */
  get #wanted(): number {
    return this.#goal + this.#missing + Math.min(this.#liars, outvotedMax);
  }

  /** Whether the queries in flight are likely to be enough for the goal, so that `choice` is not asked as well. */
  #covered(choice: Candidate): boolean {
    if (this.#goal === Infinity) return false;
    const without = this.#holders.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
    const missing = Math.max(1, this.#wanted - this.#found, Math.min(without, this.#alpha));
    const spare = missing === 1 && this.isNear(choice) ? this.#spare : 0;
    return this.#open.answersExpected(this.#answered, this.#slow) >= missing + spare - goalSlack;
  }

  /** Turns go to the path with the fewest holders, then the fewest queries in flight, then the nearest. */
  #choose(best: readonly (Candidate | undefined)[]): Candidate | undefined {
    let choice: Candidate | undefined;
    let chosenPath = 0;
    const load = (path: number): number =>
      (this.#holders[path] ?? 0) * (this.#alpha + 1) + (this.#inFlight[path] ?? 0);
    for (let path = 0; path < this.#paths; path++) {
      const candidate = best[path];
      if (candidate === undefined) continue;
      // With holders enough only paths without one still matter.
      if (this.#found >= this.#wanted && (this.#holders[path] ?? 0) > 0) continue;
      const better = choice === undefined || load(path) < load(chosenPath) ||
        (load(path) === load(chosenPath) &&
          compareDistance(this.target, candidate.contact.nodeId, choice.contact.nodeId) < 0);
      if (better) {
        choice = candidate;
        chosenPath = path;
      }
    }
    if (choice !== undefined) {
      choice.path = chosenPath;
      choice.turnTo(this.#families.of(chosenPath));
    }
    return choice;
  }
}
