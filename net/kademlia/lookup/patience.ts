/**
 * How long a search waits for an answer before it asks further nodes.
 *
 * As long as all are answered, just enough queries for the goal are the cheapest way. Once one takes longer than
 * usual, further ones go out, long before timeouts would free slots. The answers within the search tell what is
 * usual now: where all are slow, more queries would only make them slower.
 *
 * @module
 */
import type { RoundTrip } from "../rpc/round_trip.ts";
import type { Candidate } from "./candidates.ts";

/** Without an answer yet no search asks further nodes sooner: a busy process answers in 1 or 2 ms. */
const uninformedMsMin = 3;
/** Nor after one: timers come a millisecond late. */
const informedMsMin = 1;
/** Without an answer it may be this process that is slow: it waits once more. */
const uninformedHurries = 2;
/** An answer that takes so many times the slowest so far in a search is likely to be lost. */
const lostRoundTrips = 2;
/**
 * And one that takes so many times the shortest time that its contact, or an average one, ever needed; where
 * nodes have died, an answer that others overtook is more likely lost than late.
 */
const lostBests = 4;
const lostBestsAmongDead = 1.5;
/** One that takes so many times as long as would make it likely to be lost is not waited for … */
const overdueFactor = 2;
/** … but for so long it always is, as a process may stand still for a moment; less where nodes have died. */
const overdueMsMin = 10;
const overdueMsMinAmongDead = 4;
/**
 * Answers that took less come from this machine or the next, and no process is busy or stands still: a search
 * that got only such answers soon does without what is silent.
 */
export const atOnceMs = 1;
/** A contact whose best was less is as near, though it may have been measured while a process was busy. */
const nearBestMs = 10;

/** What a node has measured over the answers of all its contacts. */
export interface Usual {
  /** How long they took lately. */
  readonly roundTrip: RoundTrip;
  /** How long those contacts took at their best. */
  readonly best: RoundTrip;
  /** Whether dead nodes are to be expected: some queries were not answered lately. */
  readonly mayBeDead: boolean;
}

/** The patience of one search. */
export class Patience {
  readonly #usual: Usual;
  /** When the search began, an answer came, or further nodes were asked last, in monotonic ms. */
  #sinceMs: number;
  /** The slowest answer in ms. */
  #slowestMs = 0;
  /** How often further nodes were asked since the last answer. */
  #hurries = 0;

  /** `nowMs` is the time when the search begins. */
  constructor(usual: Usual, nowMs: number) {
    this.#usual = usual;
    this.#sinceMs = nowMs;
  }

  /** Whether an answer of this search has told what is usual now. */
  get isInformed(): boolean {
    return this.#slowestMs > 0;
  }

  /** Whether what is in flight when it ends is done without: a slow process alone would not explain it. */
  get isAtEnd(): boolean {
    return this.isInformed || this.#hurries >= uninformedHurries;
  }

  /** When it is at its end, or one of these queries in flight is overdue, in monotonic ms. */
  nextMs(open: readonly Candidate[]): number {
    const endMs = this.endMs(open);
    if (!this.#isCalm) return endMs;
    return open.reduce((ms, query) => Math.min(ms, query.askedMs + this.#waitMs(query)), endMs);
  }

  /** When it is at its end with these queries in flight, in monotonic ms. */
  endMs(open: readonly Candidate[]): number {
    if (this.isInformed) {
      return this.#sinceMs + open.reduce(this.#longer, informedMsMin) * this.#factor;
    }
    return this.#sinceMs + Math.max(uninformedMsMin, this.#usual.roundTrip.patienceMs);
  }

  /** Whether a query in flight is not waited for any longer. Without an answer its timeout alone decides. */
  isOverdue(query: Candidate, nowMs: number): boolean {
    return this.isInformed && nowMs - query.askedMs > this.#waitMs(query);
  }

  /** How long a query is waited for at most, once an answer of the search has come. */
  #waitMs(query: Candidate): number {
    return Math.max(this.#overdueMsMin, overdueFactor * this.#neededMs(query));
  }

  get #overdueMsMin(): number {
    if (this.#isCalm) return informedMsMin;
    return this.#usual.mayBeDead ? overdueMsMinAmongDead : overdueMsMin;
  }

  /** Whether all answers of this search came at once. */
  get #isCalm(): boolean {
    return this.isInformed && this.#slowestMs < atOnceMs;
  }

  /** Takes an answer that took so long. */
  answered(tookMs: number, nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#hurries = 0;
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
  }

  /**
   * Further nodes are asked: it begins anew, and lasts twice as long without an answer. Where nodes have died
   * it does not: several dead ones in a row are likely there, and not a process that has become slow.
   */
  hurried(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#hurries++;
  }

  get #factor(): number {
    return this.#usual.mayBeDead ? 1 : 2 ** this.#hurries;
  }

  readonly #longer = (ms: number, query: Candidate): number => Math.max(ms, this.#neededMs(query));

  /** What most answers need; where those of this search were quick, no more than at the contact's best. */
  #neededMs({ roundTrip }: Candidate): number {
    const { roundTrip: all, best, mayBeDead } = this.#usual;
    const bests = mayBeDead ? lostBestsAmongDead : lostBests;
    const bestMs = roundTrip?.bestMs ?? best.patienceMs;
    const lostMs = lostRoundTrips * this.#slowestMs;
    if (this.#isCalm && bestMs < nearBestMs) return lostMs;
    return Math.max(lostMs, Math.min((roundTrip ?? all).patienceMs, bests * bestMs));
  }
}
