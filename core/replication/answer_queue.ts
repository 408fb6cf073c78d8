/**
 * Answers to many who want posts at once: each in turn, within bounds, however much they want. What they want,
 * posts of an author or those of a thread, is for {@linkcode SteppedAnswer} to know.
 *
 * An answer is pulled in steps, one for each `want` or `thread`. A step that leaves something has a token, and the
 * next step is sent only for that token. A device that has sent one back has shown that it wants what
 * goes there. To others a step is at most three times as large as the question: a stranger who names
 * another user's address cannot have that address flooded (docs/PROTOCOL.md, section 4.4).
 *
 * @module
 */

import { stepTokenBytes } from "../messages/kinds/kind.ts";
import { batchBytesMax, postsPerMessageMax } from "../messages/kinds/posts.ts";
import { placeOf } from "../messages/outbox.ts";
import type { StepMessage, SteppedAnswer, SteppedQuestion } from "../messages/stepped_answer.ts";
import { toHex } from "../model/bytes.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import { isSame, type UserRef } from "../model/user.ts";
import { BoundedMap, TimedCache } from "../../lib/bounded_map.ts";
import { Slices } from "../../lib/slices.ts";
import { Slots } from "../../lib/slots.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { pause } from "../../lib/waiting.ts";
import type { Clock } from "../ports.ts";
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

/**
 * Bytes sent to devices that have not shown that they want them: those of all askers with a pin together,
 * and those of all others. A first step has some 500 to 1,500.
 */
const bytesUnshown = { perSecond: 128 * 1024, burst: 1024 * 1024 };

/** How much larger than the question a step may be that goes to such a device. */
const stepFactor = 3;

/** What a step has beside heads and posts: envelope, names, keys, ids, token. At most 359 bytes. */
const stepOverheadBytes = 360;

/** How long a device that has sent a token back counts as shown, and how many are remembered. */
const shownMs = 1_800_000;
const shownMax = 8192;

/** How long a step may be asked for: an asker deals with the step before first. */
const tokenMs = 30_000;

/** Answers that wait for their tokens at most: of askers whose key is pinned, and of others. */
const parkedMax = { pinned: 512, others: 256 };

/**
 * Work for all askers without a pin together, in microseconds a second: a quarter of a core. A message is
 * signed, encrypted and sent, perhaps over a new link.
 */
const workOfOthers = { perSecond: 250_000, burst: 500_000 };
const workOf = { message: 400, read: 60, post: 6 };

/** A message counts as at least so many bytes, so that a thousand empty answers aren't free. */
const messageBytesMin = 2048;

/** Waits while the queue to an asker is full: from, up to, and for how long in all. */
const fullPauseMsMin = 10;
const fullPauseMsMax = 250;
const fullMsMax = 30_000;

/** Steps that could not be sent for so long are given up: the askers have stopped waiting. */
const answerAgeMsMax = 60_000;

/** An answer of which a step is to be sent. */
interface OpenAnswer {
  readonly device: number;
  readonly answer: SteppedAnswer;
  /** Bytes of the question. */
  readonly bytes: number;
  /** When it was asked for, on the monotonic clock. */
  readonly askedAt: number;
  /** The step that could not be queued yet, and the place that it was made for. */
  made?: { readonly message: StepMessage; readonly place: string };
  /** How long it has to wait next, and since when it could not be queued. */
  pauseMs: number;
  fullAt?: number;
}

/** An answer of which a step was sent, to whom and where. */
interface ParkedAnswer {
  readonly user: UserRef;
  readonly device: number;
  readonly answer: SteppedAnswer;
  readonly place: string;
}

/** A user who waits, and for what. */
interface Asker {
  readonly user: UserRef;
  /** What may still be sent now. */
  readonly buckets: readonly TokenBucket[];
  /** By what is wanted and device: asking for the same again replaces what has not been answered. */
  readonly open: Map<string, OpenAnswer>;
}

/** Askers of one kind, who take turns. */
class Lane {
  readonly askers = new Map<string, Asker>();
  readonly askersMax: number;
  readonly slots: Slots;
  readonly bytesUnshown: TokenBucket;
  /** Answers of which a step was sent, by the token (hexadecimal) that asks for the next one. */
  readonly parked: TimedCache<ParkedAnswer>;

  constructor(clock: Clock, kind: keyof typeof askersMax) {
    this.askersMax = askersMax[kind];
    this.slots = new Slots(answeredAtOnceMax[kind]);
    this.bytesUnshown = new TokenBucket(clock, bytesUnshown);
    this.parked = new TimedCache(clock, parkedMax[kind]);
  }
}

/** See the module. */
export class AnswerQueue {
  readonly #parts: FeedsParts;
  readonly #pinned: Lane;
  readonly #others: Lane;
  readonly #buckets = new BoundedMap<string, TokenBucket>(countedMax);
  readonly #bytesOfOthers: TokenBucket;
  readonly #workOfOthers: TokenBucket;
  /** Devices that have sent a token back. */
  readonly #shown: TimedCache<true>;
  readonly #slices: Slices;

  /** No asker waits at first. */
  constructor(parts: FeedsParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#pinned = new Lane(clock, "pinned");
    this.#others = new Lane(clock, "others");
    this.#bytesOfOthers = new TokenBucket(clock, bytesOfOthers);
    this.#workOfOthers = new TokenBucket(clock, workOfOthers);
    this.#shown = new TimedCache(clock, shownMax);
  }

  /** Sends the next step of an answer when its turn comes; where too many wait already it is dropped. */
  add(question: SteppedQuestion): void {
    const { session: { ports }, people } = this.#parts;
    const { message: { from, body: { device, token }, bytes = 0 }, about } = question;
    const lane = people.pin(from.username) === undefined ? this.#others : this.#pinned;
    const answer = token === undefined ? question.answer() : this.#resume(lane, question, token);
    const asker = answer && this.#askerOf(lane, from);
    if (asker === undefined || answer === undefined) return;
    const what = token === undefined ? `${about}/${device}` : toHex(token);
    if (!asker.open.has(what) && asker.open.size >= wantsOfAskerMax) return;
    const askedAt = ports.clock.monotonic();
    asker.open.set(what, { device, answer, bytes, askedAt, pauseMs: fullPauseMsMin });
  }

  /** The answer that waits for that token; the device that it was sent to counts as shown from now on. */
  #resume(
    lane: Lane,
    { message: { from, body }, about }: SteppedQuestion,
    token: Uint8Array,
  ): SteppedAnswer | undefined {
    const name = toHex(token);
    const parked = lane.parked.get(name);
    if (parked === undefined || parked.device !== body.device) return undefined;
    const { answer, user } = parked;
    if (!isSame(user, from) || answer.about !== about) return undefined;
    lane.parked.delete(name);
    this.#shown.set(parked.place, true, shownMs);
    return answer;
  }

  /** Whether that device of a user has sent a token back from where it listens now. */
  async isShown(user: UserRef, device: number): Promise<boolean> {
    const { session: { signal }, messenger } = this.#parts;
    const entry = (await messenger.devices(user, signal)).find((entry) => entry.device === device);
    return entry !== undefined && this.#shown.get(shownName(user, entry)) === true;
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
        const waitMs = await lane.slots.run(() => this.#sendNext(lane, asker));
        if (waitMs > 0) await pause(clock, waitMs, signal);
      } catch {
        // The database failed: the asker will ask others.
        asker.open.clear();
      }
    }
    // In the same turn as the last look, or a want that came in between would be forgotten.
    lane.askers.delete(toHex(asker.user.key));
  }

  /** Sends one step to one asker; resolves to how long the asker has to wait for the next. */
  async #sendNext(lane: Lane, { user, buckets, open }: Asker): Promise<number> {
    const { session: { ports: { clock, random }, signal }, messenger } = this.#parts;
    await this.#slices.next();
    const [first] = open;
    if (first === undefined) return 0;
    const [what, it] = first;
    const { device, answer } = it;
    const drop = () => {
      if (open.get(what) === it) open.delete(what);
      return 0;
    };
    if (clock.monotonic() - it.askedAt > answerAgeMsMax) return drop();
    const entry = (await messenger.devices(user, signal)).find((entry) => entry.device === device);
    if (entry === undefined) return drop();
    const place = shownName(user, entry);
    const isShown = this.#shown.get(place) === true;
    const unshownBytes = stepFactor * it.bytes;
    const waitMs = Math.max(
      ...buckets.map((bucket) => bucket.waitMs(messageBytesMin)),
      lane === this.#others ? this.#workOfOthers.waitMs(0) : 0,
      isShown ? 0 : lane.bytesUnshown.waitMs(unshownBytes),
    );
    if (waitMs > 0) return waitMs;
    if (it.made === undefined) {
      const bytes = isShown ? batchBytesMax : unshownBytes - stepOverheadBytes;
      const { step, message } = await answer.next(
        { posts: postsPerMessageMax, bytes },
        () => random.bytes(stepTokenBytes),
      );
      it.made = { place, message };
      if (lane === this.#others) {
        const { message, read, post } = workOf;
        this.#workOfOthers.spend(message + step.reads * read + step.posts.length * post);
      }
    }
    const { message } = it.made;
    const { posts, more } = message.body;
    // A step for one place, made while the queue to it was full, goes to no other.
    if (it.made.place !== place) return drop();
    const { devices, full } = await messenger.send(
      { ...message, to: user, entry },
      signal,
    );
    if (devices === 0) return full > 0 ? this.#waitForRoom(it) ?? drop() : drop();
    const bytes = posts.reduce((sum, post) => sum + post.length, 0);
    for (const bucket of buckets) bucket.spend(messageBytesMin + bytes);
    if (!isShown) lane.bytesUnshown.spend(unshownBytes);
    if (more !== undefined) {
      lane.parked.set(toHex(more), { user, device, answer, place }, tokenMs);
    }
    return drop();
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

/** Under which a device is remembered: one key's word for a place says nothing about another's. */
function shownName({ key }: UserRef, entry: DeviceEntry): string {
  return `${toHex(key)} ${placeOf(entry)}`;
}
