/**
 * One batch of own posts on its way to many followers: who relays what to whom, and how long that may take.
 *
 * How long it takes depends on the network and on how many links have to be opened first, so the author
 * measures it: by when the relays of this very batch acknowledge. What is slow for all is no relay's fault.
 *
 * @module
 */

import { nameOf, type UserRef } from "../model/user.ts";
import { lowerMedian } from "../../lib/median.ts";
import { mix, type Share } from "./draw.ts";
import type { Batch } from "./push_queue.ts";

/** A relay that is so many times slower to acknowledge than half of all is silent, within these bounds. */
const patience = { times: 3, msMin: 600, msMax: 2_400 };

/**
 * What a relay takes to pass posts on, compared with acknowledging. It may have to open links to followers
 * while it has one to the author: five round trips across an ocean take a second. And it acknowledges when its
 * links begin to open: where a crowd opens thousands, most of them open later than that took.
 */
const passing = {
  warm: { times: 2, msMin: 500, msMax: 2_400 },
  cold: { times: 4, msMin: 1_500, msMax: 3_000 },
};

/**
 * Of so few followers the author asks all, or sends the posts to them itself, until relays have shown what they do:
 * a single one who lacks them counts then, because the others may be accomplices of a relay that lies.
 * These are the 64 whom the author tells itself, and six rounds of 64 who are asked.
 */
export const allAskedMax = 448;

/**
 * Of more followers the author asks a sample. On a busy machine some relay of a crowd is always late, so one "no"
 * proves nothing, and asking hundreds more because of it slows the whole crowd down. From two "no" on, and from
 * one in so many answers on, the author asks more: where a twentieth of the relays lie, more than that say "no".
 */
const doubtfulPart = 64;

/**
 * Where acknowledgements are so late that the author has more patience than the least, and followers of a crowd
 * lack what more than this part of at least so many relays are to have passed on, copies are late for all: then no
 * relay loses its place. To give a crowd other relays opens thousands of links, which makes the next post
 * later still. Relays that lie acknowledge soon, and 30 of 100 stay far below this part.
 */
const lateForAll = { relaysMin: 16, part: 0.5 };

/** So many silent relays are replaced at once. */
const silentMin = 16;

/** A share on its way. */
export interface PlacedShare extends Share {
  /** When it was sent, on the monotonic clock. */
  readonly at: number;
  /** When the relay acknowledged it; undefined so far. */
  ackedAt?: number;
}

/** What a follower says of a relay that ought to have passed the posts on. */
export interface Word {
  /** The relay. */
  readonly relay: UserRef;
  /** Whether it did. */
  readonly hasPassed: boolean;
}

/** See the module. */
export class Broadcast {
  /** The posts. */
  readonly batch: Batch;
  /** This batch's secret number. */
  readonly seed: number;
  /** Followers in the order in which they are tried as relays, and how many have been. */
  readonly #order: readonly UserRef[];
  /** Whether relays may have to open links to followers. */
  readonly isCold: boolean;
  #tried = 0;
  /** Followers that the author sent the posts to itself, by name. */
  readonly told = new Set<string>();
  /** Relays that a message was queued to, and their names. */
  readonly reached: UserRef[] = [];
  readonly #reachedNames = new Set<string>();
  /** The first share of each relay, by the relay's name: it tells how long relays take. */
  readonly #firsts = new Map<string, PlacedShare>();
  /** What half of the relays took; unknown after a share was sent or acknowledged. Each answer asks for it. */
  #medianMs: number | undefined;
  /** Relays that have acknowledged a share, by name. */
  readonly #acked = new Map<string, UserRef>();
  readonly #answered = Promise.withResolvers<void>();
  /** Shares that a follower is in, by the follower's name: a few, of different relays. */
  readonly #dealt = new Map<string, PlacedShare[]>();
  /** Shares whose relay is neither silent nor doubted so far. */
  open: PlacedShare[] = [];
  /** What followers have said since {@linkcode takeWords}. */
  #said: Word[] = [];
  /** How often followers said whether a relay had passed the posts on, and how often that it had not. */
  #words = 0;
  #noes = 0;
  /** How many of the followers that were asked have answered. */
  answers = 0;
  /** How to stop listening for acknowledgements. */
  readonly stops: (() => void)[] = [];

  /** Nothing has been sent yet. */
  constructor(batch: Batch, seed: number, order: readonly UserRef[], isCold: boolean) {
    this.isCold = isCold;
    this.batch = batch;
    this.seed = seed;
    this.#order = order;
  }

  /** All followers. */
  get followers(): number {
    return this.#order.length;
  }

  /** Whether these are a crowd, whose links have to be opened. */
  get isOpening(): boolean {
    return this.isCold && this.followers > allAskedMax;
  }

  /** A follower says whether a relay that ought to have passed the posts on has done so. */
  said(word: Word): void {
    this.#said.push(word);
  }

  /** What followers have said since the last time; nothing where copies are late for all. */
  takeWords(): readonly Word[] {
    const words = this.#said;
    this.#said = [];
    if (this.#isLateForAll(words)) return [];
    this.#words += words.length;
    this.#noes += words.filter(({ hasPassed }) => !hasPassed).length;
    return words;
  }

  #isLateForAll(words: readonly Word[]): boolean {
    const areAcksLate = this.patienceMs() > patience.msMin;
    if (this.followers <= allAskedMax || !areAcksLate) return false;
    const relays = new Set(words.map(({ relay }) => nameOf(relay)));
    const late = new Set(
      words.filter(({ hasPassed }) => !hasPassed).map(({ relay }) => nameOf(relay)),
    );
    return relays.size >= lateForAll.relaysMin && late.size > lateForAll.part * relays.size;
  }

  /** Whether a follower lacked what a relay said to have passed on. */
  get isLacking(): boolean {
    return this.#noes > 0;
  }

  /** Whether so much is lacking that more followers are to be asked. */
  get isDoubtful(): boolean {
    if (this.followers <= allAskedMax) return this.isLacking;
    return this.#noes > 1 && doubtfulPart * this.#noes >= this.#words;
  }

  /** Relays that have acknowledged. */
  get acked(): UserRef[] {
    return [...this.#acked.values()];
  }

  /** Whether a relay has neither acknowledged a share nor failed. */
  get isWaiting(): boolean {
    return this.open.some(({ ackedAt }) => ackedAt === undefined);
  }

  /** Resolves when no relay is waited for, once one has acknowledged. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** A share was queued to its relay; returns what {@linkcode ack} needs. */
  sent(share: Share, now: number): PlacedShare {
    const { relay, users } = share;
    const relayName = nameOf(relay);
    const placed: PlacedShare = { ...share, at: now };
    this.#medianMs = undefined;
    if (!this.#reachedNames.has(relayName)) this.reached.push(relay);
    this.#reachedNames.add(relayName);
    if (users.length === 0) return placed;
    if (!this.#firsts.has(relayName)) this.#firsts.set(relayName, placed);
    this.open.push(placed);
    for (const user of users) {
      const name = nameOf(user);
      const shares = this.#dealt.get(name);
      if (shares === undefined) this.#dealt.set(name, [placed]);
      else shares.push(placed);
    }
    return placed;
  }

  /** The shares that a follower is in, by the follower's name. */
  sharesOf(user: string): readonly PlacedShare[] {
    return this.#dealt.get(user) ?? [];
  }

  /** Whether the follower was given to that relay, by their names. */
  isDealt(user: string, relay: string): boolean {
    return this.sharesOf(user).some((share) => nameOf(share.relay) === relay);
  }

  /** The relay says that it passes the share on. */
  ack(share: PlacedShare, now: number): void {
    share.ackedAt ??= now;
    this.#medianMs = undefined;
    this.#acked.set(nameOf(share.relay), share.relay);
    this.#look();
  }

  #look(): void {
    if (!this.isWaiting && this.#acked.size > 0) this.#answered.resolve();
  }

  /** Whether the relay has acknowledged a share. */
  hasAcked(relay: UserRef): boolean {
    return this.#acked.has(nameOf(relay));
  }

  /** Whether at least half of the relays have acknowledged: what they passed on may be there soon. */
  get isUnderWay(): boolean {
    const firsts = [...this.#firsts.values()];
    return 2 * firsts.filter(({ ackedAt }) => ackedAt !== undefined).length >= firsts.length;
  }

  /**
   * Whether followers who are asked can say something of most relays when they answer, at `answeredAt`: before
   * that a crowd that opens its links is better left alone.
   */
  isAnswerable(answeredAt: number): boolean {
    if (!this.isUnderWay || !this.isOpening) return this.isUnderWay;
    const firsts = [...this.#firsts.values()];
    return 2 * firsts.filter((share) => this.hasHadTime(share, answeredAt, 0)).length >=
      firsts.length;
  }

  /**
   * Whether the share was acknowledged so long ago that what its relay passed on has arrived at a follower
   * who took `slowMs` to be asked and to answer: opening a link there may take as long for the relay.
   */
  hasHadTime({ ackedAt }: PlacedShare, now: number, slowMs: number): boolean {
    const passingMs = this.#times(this.isCold ? passing.cold : passing.warm);
    return ackedAt !== undefined && now - ackedAt >= Math.max(passingMs, slowMs);
  }

  /** Milliseconds after which a relay that has not acknowledged is silent. */
  patienceMs(): number {
    return this.#times(patience);
  }

  #times({ times, msMin, msMax }: typeof patience): number {
    return Math.min(Math.max(times * this.#medianDelay, msMin), msMax);
  }

  /** How long half of the relays took to acknowledge, in milliseconds. */
  get #medianDelay(): number {
    return this.#medianMs ??= lowerMedian(
      // One that may still come counts as slower than all others.
      [...this.#firsts.values()].map(({ at, ackedAt = Infinity }) => ackedAt - at),
    ) ?? 0;
  }

  /** The next followers to be tried as relays, of the first `most`. */
  next(count: number, most: number): readonly UserRef[] {
    const next = this.#order.slice(this.#tried, Math.min(this.#tried + count, most));
    this.#tried += next.length;
    return next;
  }

  /** Followers to be asked, in an order that no other peer knows. */
  toAsk(
    count: number,
    tokenOf: (name: string) => number,
    isGone: (user: UserRef) => boolean,
  ): UserRef[] {
    return this.#order.map((user) => ({ user, name: nameOf(user) }))
      .filter(({ user, name }) => !this.told.has(name) && !isGone(user))
      .map(({ user, name }) => ({ user, rank: mix(tokenOf(name), ~this.seed) }))
      .sort((a, b) => a.rank - b.rank).slice(0, count)
      .map(({ user }) => user);
  }

  /**
   * Takes out the shares whose relay has failed: is doubted though it acknowledged, or is silent. Of more than a
   * few that are silent at the same time it is half: what is late for all is the machine's or the line's fault,
   * and to replace all of a crowd's relays at once opens thousands of links.
   */
  takeFailed(now: number, isDoubted: (relay: UserRef) => boolean): PlacedShare[] {
    const patienceMs = this.patienceMs();
    const silent = this.open.filter(({ at, ackedAt }) =>
      ackedAt === undefined && now - at >= patienceMs
    );
    const given = new Set(silent.slice(0, Math.max(silentMin, silent.length >> 1)));
    const { failed = [], open = [] } = Object.groupBy(
      this.open,
      (share) =>
        given.has(share) || (share.ackedAt !== undefined && isDoubted(share.relay))
          ? "failed"
          : "open",
    );
    this.open = open;
    this.#look();
    return failed;
  }
}
