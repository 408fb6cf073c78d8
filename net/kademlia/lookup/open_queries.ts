/**
 * The queries of a lookup that are in flight: which of them were overtaken, and whether there is a slot left.
 *
 * @module
 */
import { liveRateMin } from "../constants.ts";
import type { Candidate } from "./candidates.ts";
import type { LookupOptions } from "./lookup_options.ts";

/** An open query that a later one overtook is likely lost: it counts for a quarter of an answer. */
const overtakenWeight = 0.25;
/** What the node saw before a lookup weighs as much as two queries of the lookup itself. */
const answerRateWeight = 2;
/** Where a smaller share is answered, it is the own link that fails, and more queries help nobody. */
const answerRateMin = 0.5;
/** So many times alpha are in flight at most, however many of them are overdue. */
const openFactorMax = 3;

/** The queries that may still be answered in time. */
export class OpenQueries {
  readonly #alpha: number;
  readonly #answerRate: number;
  readonly #nearAtOnce: number;
  #nearSlots: number;
  readonly #open: Candidate[] = [];
  #order = 0;
  /** Those below it were overtaken. */
  #lastAnswered = 0;
  /** Those below it are overdue. */
  #overdue = 0;

  /** None at first. */
  constructor(
    { alpha, answerRate, nearAtOnce = 0, nearAtFirst = nearAtOnce }: Pick<
      LookupOptions,
      "alpha" | "answerRate" | "nearAtOnce" | "nearAtFirst"
    >,
  ) {
    // Where some nodes do not answer, more are asked, so that as many answers come.
    this.#alpha = Math.round(alpha / Math.max(answerRate, answerRateMin));
    this.#answerRate = answerRate;
    this.#nearAtOnce = nearAtOnce;
    this.#nearSlots = Math.min(nearAtFirst, nearAtOnce);
  }

  /** All of them, in the order in which they were sent. */
  get all(): readonly Candidate[] {
    return this.#open;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.length;
  }

  /** How many answers are expected of them, given how many queries of the lookup were answered and were not. */
  answersExpected(answered: number, silent: number): number {
    let weight = 0;
    for (const { order } of this.#open) weight += order < this.#lastAnswered ? overtakenWeight : 1;
    return weight * (answerRateWeight * this.#answerRate + answered) /
      (answerRateWeight + answered + silent);
  }

  /**
   * Whether all slots are held. Overdue queries hold none: the dead hold up no others, though they may be as
   * many as there are slots.
   */
  get isFull(): boolean {
    const { length } = this.#open;
    if (this.#overdue === 0 || length < this.#alpha) return length >= this.#alpha;
    let held = 0;
    for (const { order } of this.#open) if (order >= this.#overdue) held++;
    return held >= this.#alpha || length >= openFactorMax * this.#alpha;
  }

  /**
   * Whether there is a slot for a query to a node near the target, or to another. Those near it have slots of
   * their own, as all of them will have to be sent; the more of them the more answers were prompt, because so
   * many at once make a busy process slower.
   */
  hasSlot(isNear: boolean): boolean {
    if (this.#nearAtOnce === 0) return !this.isFull;
    let open = 0;
    for (const other of this.#open) if (other.isNear === isNear) open++;
    return open < (isNear ? this.#nearSlots : this.#alpha);
  }

  /** Adds a query. */
  add(candidate: Candidate): void {
    candidate.order = ++this.#order;
    this.#open.push(candidate);
  }

  /** Takes a query out. */
  remove(candidate: Candidate): void {
    this.#open.splice(this.#open.indexOf(candidate), 1);
  }

  /**
   * One was answered, maybe late: it has overtaken those sent before it. That says little where round trips
   * differ, but much where it came at once, or where some nodes may be dead.
   */
  answered({ order, isQuick, isPrompt }: Candidate): void {
    if (isPrompt) this.#nearSlots = Math.min(this.#nearAtOnce, this.#nearSlots + this.#alpha);
    const tellsMuch = isQuick || this.#answerRate < liveRateMin;
    if (tellsMuch) this.#lastAnswered = Math.max(this.#lastAnswered, order);
  }

  /** All take longer than usual and count as overtaken. */
  hurry(overdue: boolean): void {
    this.#lastAnswered = this.#order + 1;
    if (overdue) this.#overdue = this.#lastAnswered;
  }
}
