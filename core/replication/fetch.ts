/**
 * Fetching posts: one run an author at a time, so many runs at once.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import { feedOf, missingUpTo } from "../model/feed.ts";
import type { UserRef } from "../model/user.ts";
import type { Timer } from "../ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Ask } from "./fetch_ask.ts";
import type { FetchParts } from "./fetch_parts.ts";
import { FetchRun } from "./fetch_run.ts";
import { fraction } from "../../lib/random.ts";
import { Slots } from "../../lib/slots.ts";
import { warn } from "../session/warn.ts";

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
 * What was not to be had is tried again after a while, each time later: the author's own greeting
 * comes first if all is well, and nobody is bothered for ever about posts that are nowhere.
 */
const retryMs = { min: 30_000, max: 3_600_000 };

/** Authors remembered, or waiting for their moment: more than a user can follow. */
const authorsMax = 8192;

/** A question that a message answers, and the run that asked it. */
export interface Answered {
  /** The run. */
  readonly run: FetchRun;
  /** The question. */
  readonly ask: Ask;
}

/** Fetches. */
export class Fetches {
  readonly #parts: FetchParts;
  readonly #runs = new Map<string, { run: FetchRun; over: Promise<boolean> }>();
  readonly #slots = new Slots(runsMax);
  /** Authors of whom not everything was to be had: until when, on the monotonic clock. */
  readonly #unfilled = new BoundedMap<string, number>(authorsMax);
  readonly #soon = new Map<string, Timer>();
  readonly #retries = new Map<string, { readonly waitMs: number; readonly timer: Timer }>();

  /** The fetches of one session. */
  constructor(parts: FetchParts) {
    this.#parts = parts;
    parts.session.signal.addEventListener("abort", () => {
      for (const timer of this.#soon.values()) timer.cancel();
      this.#soon.clear();
      for (const { timer } of this.#retries.values()) timer.cancel();
      this.#retries.clear();
    }, { once: true });
  }

  /**
   * Fetches an author's posts; joins a run that goes on already. Resolves when it is over, whether
   * everything was to be had or not.
   *
   * @throws The signal's reason; what the database fails with.
   */
  async fetch(author: UserRef, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const over = this.#start(author);
    if (signal === undefined) return void await over;
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
    });
    try {
      await Promise.race([over, aborted]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** The question that a message with this `inReplyTo` from that user answers. */
  find(author: UserRef, inReplyTo: Uint8Array, from: UserRef): Answered | undefined {
    const run = this.#runs.get(nameOf(author))?.run;
    const ask = run?.askOf(inReplyTo, from);
    return run !== undefined && ask !== undefined ? { run, ask } : undefined;
  }

  /** Ends what goes on for an author who is no longer followed. */
  forget(author: UserRef): void {
    const name = nameOf(author);
    this.#retries.get(name)?.timer.cancel();
    this.#retries.delete(name);
    this.#unfilled.delete(name);
    this.#runs.get(name)?.run.check().catch((error: unknown) => this.#report(error));
  }

  /** Whether something that the author promised is missing. */
  async lacks(author: UserRef): Promise<boolean> {
    const { session, heads, intake } = this.#parts;
    const { username } = author;
    const isSelf = username === session.self.username;
    const feeds = intake.held.without(username, await session.store.feeds(username));
    return heads.of(username)
      .filter(({ device }) => !(isSelf && device === session.device))
      .some(({ device, head }) => missingUpTo(feedOf(feeds, device), head).length > 0);
  }

  /** Fetches a moment later what is missing by then; not again while it was in vain a moment ago. */
  soon(author: UserRef): void {
    const { session: { ports: { clock, random }, signal } } = this.#parts;
    const name = nameOf(author);
    if (signal.aborted || this.#soon.has(name) || this.#soon.size >= authorsMax) return;
    const { min, max } = gapDelayMs;
    const waitMs = Math.max((this.#unfilled.get(name) ?? 0) - clock.monotonic(), min) +
      fraction(random) * (max - min);
    const timer = clock.after(waitMs, () => {
      this.#soon.delete(name);
      this.#fetchLacking(author).catch((error: unknown) => this.#report(error));
    });
    this.#soon.set(name, timer);
  }

  async #fetchLacking(author: UserRef): Promise<void> {
    const { intake, session: { signal } } = this.#parts;
    if (signal.aborted || !intake.keeps(author)) return;
    if (await this.lacks(author)) await this.#start(author);
  }

  #start(author: UserRef): Promise<boolean> {
    const name = nameOf(author);
    const known = this.#runs.get(name);
    if (known !== undefined) return known.over;
    const run = new FetchRun(this.#parts, author);
    const over = this.#slots.run(() => run.run()).then((complete) => {
      const { clock } = this.#parts.session.ports;
      if (complete) this.#unfilled.delete(name);
      else this.#unfilled.set(name, clock.monotonic() + unfilledMs);
      this.#planRetry(author, complete);
      return complete;
    }).finally(() => this.#runs.delete(name));
    this.#runs.set(name, { run, over });
    return over;
  }

  #planRetry(author: UserRef, isComplete: boolean): void {
    const { intake, session: { ports: { clock }, signal } } = this.#parts;
    const name = nameOf(author);
    const before = this.#retries.get(name);
    before?.timer.cancel();
    this.#retries.delete(name);
    if (isComplete || signal.aborted || !intake.keeps(author)) return;
    if (this.#retries.size >= authorsMax) return;
    const waitMs = before === undefined ? retryMs.min : Math.min(before.waitMs * 2, retryMs.max);
    const timer = clock.after(waitMs, () => {
      if (!intake.keeps(author)) this.#retries.delete(name);
      else this.#start(author).catch((error: unknown) => this.#report(error));
    });
    this.#retries.set(name, { waitMs, timer });
  }

  #report(error: unknown): void {
    warn(this.#parts.session, error, "Cannot fetch posts");
  }
}

function nameOf(user: UserRef): string {
  return `${user.username}/${toHex(user.key)}`;
}
