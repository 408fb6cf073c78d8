/**
 * Asking back: whoever asks for posts tells what they have, and that may be more than is here. So one
 * comparison of heads (design, section 6, behaviour 4) repairs both sides.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import { feedOf, type FeedState, missingUpTo, type NumberRange } from "../model/feed.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { Head } from "../model/record_body.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { type FetchParts, wantOf } from "./fetch_parts.ts";
import { pause } from "../../lib/waiting.ts";

/** One asker is asked back for one author at most once in so long. */
const sameEveryMs = 60_000;

/** Pairs of asker and author remembered. */
const rememberedMax = 4096;

/** Questions back, to all askers together: what they claim to have is not proven. */
const questions = { perSecond: 10, burst: 64 };

/** The answer is awaited for so long: until then the asker does not count as a stranger. */
const awaitedMs = 5_000;

/** See the module. */
export class CounterQuestions {
  readonly #parts: FetchParts;
  readonly #bucket: TokenBucket;
  readonly #asked = new BoundedMap<string, number>(rememberedMax);

  /** Nobody has been asked yet. */
  constructor(parts: FetchParts) {
    this.#parts = parts;
    this.#bucket = new TokenBucket(parts.session.ports.clock, questions);
  }

  /** Asks the asker if they have something of an author kept here that is missing here. */
  async consider(want: MessageOf<"want">): Promise<void> {
    const { session, intake, messenger } = this.#parts;
    const { clock } = session.ports;
    const { from, body: { author, feeds, device } } = want;
    const name = `${toHex(from.key)}/${author.username}`;
    const isAllowed = clock.monotonic() - (this.#asked.get(name) ?? -Infinity) >= sameEveryMs;
    if (!isAllowed || !intake.keeps(author)) return;
    const mine = intake.held.without(author.username, await session.store.feeds(author.username));
    const isSelf = author.username === session.self.username;
    const haveMore = feeds.some((theirs) => {
      if (isSelf && theirs.device === session.device) return false;
      return hasMissing(theirs, feedOf(mine, theirs.device));
    });
    if (!haveMore || !this.#bucket.take(1)) return;
    this.#asked.set(name, clock.monotonic());
    const body = await wantOf(this.#parts, author);
    const forget = messenger.expect(from);
    pause(clock, awaitedMs, session.signal).then(forget);
    await messenger.send({ kind: "want", to: from, body, device }, session.signal);
  }
}

/**
 * The ranges that somebody has. A range without end says that what lies in the future is not wanted
 * now, not that it is had.
 */
function rangesHad(feed: FeedState): NumberRange[] {
  const had = feed.ranges.filter(([, to]) => to < Number.MAX_SAFE_INTEGER);
  return feed.floor > 0 && feed.floor < Number.MAX_SAFE_INTEGER ? [[1, feed.floor], ...had] : had;
}

/** How far somebody has the feeds. */
export function headsHad(feeds: readonly FeedState[]): Head[] {
  return feeds.flatMap((feed) => {
    const head = rangesHad(feed).at(-1)?.[1];
    return head === undefined ? [] : [{ device: feed.device, head }];
  });
}

/** Whether one feed state has a number that the other misses. */
export function hasMissing(theirs: FeedState, mine: FeedState): boolean {
  const had = rangesHad(theirs);
  const head = had.at(-1)?.[1] ?? 0;
  return missingUpTo(mine, head)
    .some(([from, to]) => had.some((range) => range[0] <= to && range[1] >= from));
}
