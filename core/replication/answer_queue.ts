/**
 * Answers to many who want posts at once: each in turn, within bounds, however much they want.
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { PostsBody } from "../messages/kinds/posts.ts";
import { toHex } from "../model/bytes.ts";
import { isSame, nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { Slices } from "../../lib/slices.ts";
import { Slots } from "../../lib/slots.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { pause } from "../../lib/waiting.ts";
import { Answer } from "./answer.ts";
import type { FeedsParts } from "./known_feeds.ts";

/** Askers that wait at once: those whose key is pinned, and others. */
const askersMax = { pinned: 512, others: 256 };

/** Answers that wait for one asker at most: a rejoining device wants one author's posts a message. */
const wantsOfAskerMax = 512;

/** Answers prepared and sent beside one another: one may wait for the disk or for a look-up. */
const answeredAtOnceMax = { pinned: 8, others: 4 };

/**
 * Bytes sent to one asker: 10,000 missed posts of the usual length at once, of any length within
 * three seconds; beyond that an asker who asks for everything again and again waits.
 */
const bytesOfAsker = { perSecond: 4 * 1024 * 1024, burst: 16 * 1024 * 1024 };

/** Bytes sent to all askers without a pin together. */
const bytesOfOthers = { perSecond: 8 * 1024 * 1024, burst: 32 * 1024 * 1024 };

/** Askers whose bytes are counted, at most. */
const countedMax = 2048;

/** A message counts as at least so many bytes, so that a thousand empty answers aren't free. */
const messageBytesMin = 2048;

/** Waits while the queue to an asker is full: from, up to, and for how long in all. */
const fullPauseMsMin = 10;
const fullPauseMsMax = 250;
const fullMsMax = 30_000;

/** Answers of which nothing could be sent for so long are given up: the askers have stopped waiting. */
const answerAgeMsMax = 60_000;

/** An answer that has not been sent to its end. */
interface OpenAnswer {
  readonly device: number;
  readonly answer: Answer;
  /** When it was asked for, or a message of it was sent last, on the monotonic clock. */
  movedAt: number;
  /** The message that could not be queued yet. */
  body?: PostsBody;
  /** How long it has to wait next, and since when it could not be queued. */
  pauseMs: number;
  fullAt?: number;
}

/** A user who waits, and for what. */
interface Asker {
  readonly user: UserRef;
  /** What may still be sent now. */
  readonly buckets: readonly TokenBucket[];
  /** By author and device: asking for the same again replaces what has not been answered. */
  readonly open: Map<string, OpenAnswer>;
}

/** Askers of one kind, who take turns. */
class Lane {
  readonly askers = new Map<string, Asker>();
  readonly askersMax: number;
  readonly slots: Slots;

  constructor(askersMax: number, answeredAtOnceMax: number) {
    this.askersMax = askersMax;
    this.slots = new Slots(answeredAtOnceMax);
  }
}

/** See the module. */
export class AnswerQueue {
  readonly #parts: FeedsParts;
  readonly #pinned = new Lane(askersMax.pinned, answeredAtOnceMax.pinned);
  readonly #others = new Lane(askersMax.others, answeredAtOnceMax.others);
  readonly #buckets = new BoundedMap<string, TokenBucket>(countedMax);
  readonly #bytesOfOthers: TokenBucket;
  readonly #slices: Slices;

  /** No asker waits at first. */
  constructor(parts: FeedsParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#bytesOfOthers = new TokenBucket(clock, bytesOfOthers);
  }

  /** Answers a `want` when its turn comes; where too many wait already it is dropped. */
  add(want: MessageOf<"want">): void {
    const { session: { self, store, ports }, people, records, feeds } = this.#parts;
    const { author, device } = want.body;
    const lane = people.pin(want.from.username) === undefined ? this.#others : this.#pinned;
    const asker = this.#askerOf(lane, want.from);
    if (asker === undefined) return;
    const what = `${nameOf(author)}/${device}`;
    if (!asker.open.has(what) && asker.open.size >= wantsOfAskerMax) return;
    const heads = isSame(author, self) ? records.heads() : [];
    const answer = new Answer({ store, want, heads, isKept: feeds.keeps(author) });
    const movedAt = ports.clock.monotonic();
    asker.open.set(what, { device, answer, movedAt, pauseMs: fullPauseMsMin });
  }

  /** The asker, who is served from now on if not already; undefined where there is no room. */
  #askerOf(lane: Lane, user: UserRef): Asker | undefined {
    const name = toHex(user.key);
    const known = lane.askers.get(name);
    if (known !== undefined || lane.askers.size >= lane.askersMax) return known;
    const bucket = this.#buckets.touch(name) ??
      new TokenBucket(this.#parts.session.ports.clock, bytesOfAsker);
    this.#buckets.set(name, bucket);
    const buckets = lane === this.#pinned ? [bucket] : [bucket, this.#bytesOfOthers];
    const asker = { user, buckets, open: new Map() };
    lane.askers.set(name, asker);
    void this.#serve(lane, asker);
    return asker;
  }

  /** Sends an asker one message whenever it is the asker's turn, until nothing is open. */
  async #serve(lane: Lane, asker: Asker): Promise<void> {
    const { ports: { clock }, signal } = this.#parts.session;
    await null;
    while (asker.open.size > 0 && !signal.aborted) {
      try {
        const waitMs = await lane.slots.run(() => this.#sendNext(asker));
        if (waitMs > 0) await pause(clock, waitMs, signal);
      } catch {
        // The database failed: the asker will ask others.
        asker.open.clear();
      }
    }
    // In the same turn as the last look, or a want that came in between would be forgotten.
    lane.askers.delete(toHex(asker.user.key));
  }

  /** Sends one message to one asker; resolves to how long the asker has to wait for the next. */
  async #sendNext({ user, buckets, open }: Asker): Promise<number> {
    const { session: { ports: { clock }, signal }, messenger } = this.#parts;
    await this.#slices.next();
    const [entry] = open;
    if (entry === undefined) return 0;
    const [what, it] = entry;
    const drop = () => {
      if (open.get(what) === it) open.delete(what);
      return 0;
    };
    if (clock.monotonic() - it.movedAt > answerAgeMsMax) return drop();
    const waitMs = Math.max(...buckets.map((bucket) => bucket.waitMs(messageBytesMin)));
    if (waitMs > 0) return waitMs;
    const body = it.body ??= await it.answer.next();
    const order = { kind: "posts" as const, to: user, body, device: it.device };
    const { devices, full } = await messenger.send(order, signal);
    if (devices === 0) return full > 0 ? this.#waitForRoom(it) ?? drop() : drop();
    const bytes = body.posts.reduce((sum, post) => sum + post.length, messageBytesMin);
    for (const bucket of buckets) bucket.spend(bytes);
    if (body.done) return drop();
    delete it.body;
    delete it.fullAt;
    it.pauseMs = fullPauseMsMin;
    it.movedAt = clock.monotonic();
    return 0;
  }

  /** How long to wait for room in the queue to the asker; undefined when it has been long enough. */
  #waitForRoom(it: OpenAnswer): number | undefined {
    const now = this.#parts.session.ports.clock.monotonic();
    it.fullAt ??= now;
    if (now - it.fullAt > fullMsMax) return undefined;
    const waitMs = it.pauseMs;
    it.pauseMs = Math.min(2 * waitMs, fullPauseMsMax);
    return waitMs;
  }
}
