/**
 * Fetching posts: one run an author at a time, a bounded number of runs at once, and again later what
 * could not be had.
 *
 * @module
 */

import type { Head } from "../model/record_body.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import { warn } from "../session/warn.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { fraction } from "../../lib/random.ts";
import type { Job } from "../../lib/scheduler.ts";
import { Slots } from "../../lib/slots.ts";
import { abortable } from "../../lib/waiting.ts";
import { askedInVainMax, type FetchParts, FetchRun, type Question } from "./fetch_run.ts";

/** Runs at once: most of their time is spent waiting for others. */
const runsMax = 48;

/**
 * A gap is asked for a moment after it was noticed: what fills it may be on its way. The moment is
 * drawn, so that a thousand followers who miss the same post don't ask for it at once.
 */
const gapDelayMs = { min: 100, max: 400 };

/** Gaps that could not be filled are not asked for again for so long, whatever messages say. */
const unfilledMs = 30_000;

/**
 * … unless the author says hello meanwhile, who then is there: a peer at home is reached some seconds after
 * it starts. Each run in vain doubles this, so that an author cannot have posts fetched that are nowhere.
 */
const helloMs = 1_000;

/**
 * What was not to be had is tried again after a while, each time later: the author's own greeting
 * comes first if all is well, and no peer is asked for ever about posts that are nowhere.
 */
const retryMs = { min: 30_000, max: 3_600_000 };

/**
 * Where all that is known to be promised is there, but the author, who is announced, has not answered, it is asked
 * again after this, and each time twice as late, so many times.
 */
const doubtMs = 5_000;
const doubtsMax = 4;

/** Fellow followers asked at least, however often it was in vain. */
const inVainMin = 2;

/** Authors of whom something goes on or was not to be had: more than a user can follow. */
const authorsMax = 8192;

/** What goes on for one author. */
interface Fetching {
  /** The run that goes on, and whether all was to be had in the end. */
  run?: { readonly run: FetchRun; readonly over: Promise<boolean> };
  /** Fetches what a message showed to be missing. */
  readonly soon: Job;
  /** Tries again. */
  readonly retry: Job;
  /** How long the next retry waits. */
  retryMs: number;
  /** How often the author was to be asked again only because it had not answered. */
  doubts: number;
  /** Runs in a row that brought nothing of what was promised. */
  vainRuns: number;
  /** When a run last ended with gaps that it could not fill, on the monotonic clock. */
  unfilledAtMs: number;
  /** When the author was last heard, on the monotonic clock. */
  spokeAtMs: number;
}

/** Fetches. */
export class Fetches {
  readonly #parts: FetchParts;
  readonly #slots = new Slots(runsMax);
  readonly #fetching = new BoundedMap<string, Fetching>(authorsMax);

  /** The fetches of one session. */
  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  /**
   * Fetches an author's posts; joins a run that goes on already. Resolves when it is over, whether
   * everything was to be had or not.
   *
   * @throws The signal's reason; what the database fails with.
   */
  async fetch(author: UserRef, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await abortable(this.#start(author), signal);
  }

  /**
   * As {@linkcode Fetches.fetch}, but a run that goes on and does not get everything is followed by
   * another: what was asked under an old address is answered there.
   */
  async fetchAnew(author: UserRef, signal?: AbortSignal): Promise<void> {
    const begun = this.#fetching.get(nameOf(author))?.run?.over;
    if (begun === undefined || !await abortable(begun, signal)) await this.fetch(author, signal);
  }

  /** The question that a message from that user answers, with the run that asked it. */
  find(author: UserRef, inReplyTo: Uint8Array, from: UserRef): [FetchRun, Question] | undefined {
    const run = this.#fetching.get(nameOf(author))?.run?.run;
    const question = run?.questionOf(inReplyTo, from);
    return run !== undefined && question !== undefined ? [run, question] : undefined;
  }

  /** An answer of the author has come, perhaps late: it need not be asked again. What it lacks is another matter. */
  answered(author: UserRef): void {
    const fetching = this.#fetching.get(nameOf(author));
    const isInDoubt = fetching !== undefined && fetching.doubts > 0 && fetching.run === undefined;
    if (isInDoubt) this.#settle(author, fetching);
  }

  /** Ends what goes on for an author who is no longer followed. */
  forget(author: UserRef): void {
    const fetching = this.#fetching.get(nameOf(author));
    if (fetching === undefined) return;
    // Who is followed again at once is fetched by a run that begins then.
    this.#fetching.delete(nameOf(author));
    for (const job of [fetching.soon, fetching.retry]) job.cancel();
    fetching.run?.run.check().catch((error: unknown) => this.#report(error));
  }

  /**
   * Takes in heads that are certain to be the author's word, and fetches what they show to be missing.
   *
   * @param isThere The author has said so just now.
   */
  async promised(author: UserRef, heads: readonly Head[], isThere = false): Promise<void> {
    const { feeds } = this.#parts;
    if (!feeds.keeps(author)) return;
    feeds.promise(author.username, heads);
    if (await feeds.lacks(author)) this.soon(author, isThere);
  }

  /** Fetches, a moment later, what is missing of what the author promised. */
  async fillGaps(author: UserRef): Promise<void> {
    if (await this.#parts.feeds.lacks(author)) this.soon(author);
  }

  /**
   * Fetches a moment later what is missing by then; not again while it was in vain a moment ago.
   *
   * @param isThere The author has just been heard.
   */
  soon(author: UserRef, isThere = false): void {
    const { clock, random } = this.#parts.session.ports;
    const fetching = this.#of(author);
    const { soon, unfilledAtMs, vainRuns } = fetching;
    if (isThere) fetching.spokeAtMs = clock.monotonic();
    else if (soon.isDue) return;
    const { min, max } = gapDelayMs;
    const pauseMs = isThere ? Math.min(helloMs * 2 ** vainRuns, unfilledMs) : unfilledMs;
    const waitMs = Math.max(unfilledAtMs + pauseMs - clock.monotonic(), min);
    soon.dueIn(waitMs + fraction(random) * (max - min));
  }

  #of(author: UserRef): Fetching {
    const name = nameOf(author);
    const known = this.#fetching.touch(name);
    if (known !== undefined) return known;
    const { session: { scheduler }, feeds } = this.#parts;
    const run = (isDue: () => Promise<boolean>) =>
      scheduler.job(async () => {
        try {
          if (feeds.keeps(author) && await isDue()) await this.#start(author);
        } catch (error) {
          this.#report(error);
        }
      });
    const fetching: Fetching = {
      soon: run(() => feeds.lacks(author)),
      retry: run(() => Promise.resolve(true)),
      retryMs: retryMs.min,
      doubts: 0,
      vainRuns: 0,
      unfilledAtMs: -Infinity,
      spokeAtMs: -Infinity,
    };
    this.#fetching.set(name, fetching);
    return fetching;
  }

  #start(author: UserRef): Promise<boolean> {
    const fetching = this.#of(author);
    if (fetching.run !== undefined) return fetching.run.over;
    // What was nowhere the last time is asked of fewer.
    const inVainMax = Math.max(Math.floor(askedInVainMax / 2 ** fetching.vainRuns), inVainMin);
    const run = new FetchRun(this.#parts, author, inVainMax);
    const { clock } = this.#parts.session.ports;
    const beganMs = clock.monotonic();
    const over = this.#slots.run(() => run.run()).finally(() => delete fetching.run)
      .then((isComplete) => {
        if (this.#fetching.get(nameOf(author)) !== fetching) return isComplete;
        this.#ended(author, fetching, { isComplete, isInDoubt: run.isInDoubt });
        fetching.vainRuns = isComplete || run.hasHelped ? 0 : fetching.vainRuns + 1;
        // The author was asked before it was there.
        if (!isComplete && fetching.spokeAtMs > beganMs) this.soon(author, true);
        return isComplete;
      });
    fetching.run = { run, over };
    return over;
  }

  /** A run is over. */
  #ended(
    author: UserRef,
    fetching: Fetching,
    { isComplete, isInDoubt }: { readonly isComplete: boolean; readonly isInDoubt: boolean },
  ): void {
    const isWanted = this.#parts.feeds.keeps(author);
    const isToBeAsked = isInDoubt && fetching.doubts < doubtsMax;
    if (!isWanted || (isComplete && !isToBeAsked)) return this.#settle(author, fetching);
    fetching.retry.cancel();
    if (isComplete) return fetching.retry.dueIn(doubtMs * 2 ** fetching.doubts++);
    fetching.doubts = 0;
    fetching.unfilledAtMs = this.#parts.session.ports.clock.monotonic();
    fetching.retry.dueIn(fetching.retryMs);
    fetching.retryMs = Math.min(fetching.retryMs * 2, retryMs.max);
  }

  /** Nothing is to be tried again. */
  #settle(author: UserRef, fetching: Fetching): void {
    fetching.retry.cancel();
    fetching.retryMs = retryMs.min;
    fetching.doubts = 0;
    fetching.unfilledAtMs = -Infinity;
    if (fetching.run === undefined && !fetching.soon.isDue) this.#fetching.delete(nameOf(author));
  }

  #report(error: unknown): void {
    warn(this.#parts.session, error, "Cannot fetch posts");
  }
}
