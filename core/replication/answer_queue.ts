/**
 * Answers to many who want something at once: each in turn, within bounds, however much they want.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { MessageBodyOf, MessageOf } from "../messages/kinds/mod.ts";
import type { UserRef } from "../model/user.ts";
import { Answer, type AnswerParts } from "./answer.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { Session } from "../session/interfaces.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { pause } from "../../lib/waiting.ts";
import { Slices } from "../../lib/slices.ts";

/** Askers that wait at once: those whose key is pinned, and others. */
const askersMax = { pinned: 512, others: 256 };

/** Answers that wait for one asker at most: a rejoining device wants one author's posts a message. */
const wantsOfAskerMax = 512;

/** Answers prepared and sent beside one another: one may wait for the disk or for a look-up. */
const workersMax = { pinned: 8, others: 4 };

/**
 * Bytes sent to one asker: 10,000 missed posts of the usual length at once, of any length within
 * three seconds; beyond that an asker who asks for everything again and again waits.
 */
const bytesOfAsker = { perSecond: 4 * 1024 * 1024, burst: 16 * 1024 * 1024 };

/** Bytes sent to all askers without a pin together. */
const bytesOfOthers = { perSecond: 8 * 1024 * 1024, burst: 32 * 1024 * 1024 };

/** Askers whose bytes are counted, at most. */
const countedMax = 2048;

/** A message counts as at least so much, so that a thousand empty answers aren't free. */
const messageBytesMin = 2048;

/** Waits while the queue to an asker is full: from, up to, and for how long in all. */
const fullPauseMsMin = 10;
const fullPauseMsMax = 250;
const fullMsMax = 30_000;

/** Answers of which nothing could be sent for so long are given up: nobody waits for them any more. */
const answerAgeMsMax = 60_000;

/** What the queue needs. */
export interface AnswerQueueParts {
  /** The session. */
  readonly session: Session;
  /** Sends the answers. */
  readonly messenger: Pick<PeerMessenger, "send" | "pinOf">;
  /** How a `want` is answered. */
  readonly prepare: (want: MessageOf<"want">) => Omit<AnswerParts, "want" | "store">;
}

/** An answer on its way. */
interface Job {
  readonly want: MessageOf<"want">;
  readonly answer: Answer;
  /** When it was asked for, or a message of it was sent last, on the monotonic clock. */
  movedAt: number;
  /** The message that could not be queued yet. */
  body?: MessageBodyOf["posts"];
  /** How long it has to wait next, and since when it could not be queued. */
  pauseMs: number;
  fullAt?: number;
}

/** Somebody, and what they wait for. */
interface Asker {
  readonly name: string;
  readonly user: UserRef;
  readonly bucket: TokenBucket;
  /** By author and device: asking for the same again replaces what has not been answered. */
  readonly jobs: Map<string, Job>;
}

/** Askers of one kind, each in turn. */
class Ring {
  readonly askers = new Map<string, Asker>();
  readonly turns: Asker[] = [];
  readonly askersMax: number;
  readonly workersMax: number;
  workers = 0;

  constructor(askersMax: number, workersMax: number) {
    this.askersMax = askersMax;
    this.workersMax = workersMax;
  }
}

/** See the module. */
export class AnswerQueue {
  readonly #parts: AnswerQueueParts;
  readonly #pinned = new Ring(askersMax.pinned, workersMax.pinned);
  readonly #others = new Ring(askersMax.others, workersMax.others);
  readonly #buckets = new BoundedMap<string, TokenBucket>(countedMax);
  readonly #bytesOfOthers: TokenBucket;
  readonly #slices: Slices;

  /** Nobody waits at first. */
  constructor(parts: AnswerQueueParts) {
    this.#parts = parts;
    this.#slices = new Slices(parts.session.ports.clock);
    this.#bytesOfOthers = new TokenBucket(parts.session.ports.clock, bytesOfOthers);
  }

  /** Askers that wait. */
  get length(): number {
    return this.#pinned.askers.size + this.#others.askers.size;
  }

  /** Answers a `want` when its turn comes; where too many wait already it is dropped. */
  add(want: MessageOf<"want">): void {
    const { session, messenger, prepare } = this.#parts;
    const ring = messenger.pinOf(want.from.username) === undefined ? this.#others : this.#pinned;
    const asker = this.#askerOf(ring, want.from);
    if (asker === undefined) return;
    const { author, device } = want.body;
    const what = `${author.username}/${toHex(author.key)}/${device}`;
    if (!asker.jobs.has(what) && asker.jobs.size >= wantsOfAskerMax) return;
    const answer = new Answer({ ...prepare(want), want, store: session.store });
    const movedAt = session.ports.clock.monotonic();
    asker.jobs.set(what, { want, answer, movedAt, pauseMs: fullPauseMsMin });
    this.#work(ring);
  }

  #askerOf(ring: Ring, user: UserRef): Asker | undefined {
    const name = toHex(user.key);
    const known = ring.askers.get(name);
    if (known !== undefined || ring.askers.size >= ring.askersMax) return known;
    const bucket = this.#buckets.get(name) ??
      new TokenBucket(this.#parts.session.ports.clock, bytesOfAsker);
    this.#buckets.set(name, bucket);
    const asker = { name, user, bucket, jobs: new Map() };
    ring.askers.set(name, asker);
    ring.turns.push(asker);
    return asker;
  }

  #work(ring: Ring): void {
    while (ring.workers < ring.workersMax) {
      const asker = ring.turns.shift();
      if (asker === undefined) return;
      ring.workers++;
      this.#serve(ring, asker)
        // The database failed: whoever asked will ask others.
        .catch(() => this.#give(asker))
        .then((waitMs) => {
          ring.workers--;
          this.#next(ring, asker, waitMs);
          this.#work(ring);
        });
    }
  }

  #give(asker: Asker): number {
    asker.jobs.clear();
    return 0;
  }

  /** When it is the asker's turn again: after the others', or after a while, without keeping a worker. */
  #next(ring: Ring, asker: Asker, waitMs: number): void {
    const { ports: { clock }, signal } = this.#parts.session;
    if (asker.jobs.size === 0 || signal.aborted) ring.askers.delete(asker.name);
    else if (waitMs === 0) ring.turns.push(asker);
    else {
      pause(clock, waitMs, signal).then(() => {
        ring.turns.push(asker);
        this.#work(ring);
      });
    }
  }

  /** One message to one asker; resolves to how long the asker has to wait for the next. */
  async #serve(ring: Ring, asker: Asker): Promise<number> {
    const { session: { ports: { clock } } } = this.#parts;
    await this.#slices.next();
    const [entry] = asker.jobs;
    if (entry === undefined) return 0;
    const [what, job] = entry;
    const drop = () => {
      if (asker.jobs.get(what) === job) asker.jobs.delete(what);
      return 0;
    };
    if (clock.monotonic() - job.movedAt > answerAgeMsMax) return drop();
    const buckets = ring === this.#pinned ? [asker.bucket] : [asker.bucket, this.#bytesOfOthers];
    const waitMs = Math.max(...buckets.map((bucket) => bucket.waitMs(messageBytesMin)));
    if (waitMs > 0) return waitMs;
    const body = job.body ?? await job.answer.next();
    job.body = body;
    const outcome = await this.#send(asker, job, body);
    if (outcome === "gone") return drop();
    if (outcome === "full") return this.#waitForRoom(job) ?? drop();
    const bytes = body.posts.reduce((sum, post) => sum + post.length, messageBytesMin);
    for (const bucket of buckets) bucket.spend(bytes);
    if (body.done) return drop();
    delete job.body;
    delete job.fullAt;
    job.pauseMs = fullPauseMsMin;
    job.movedAt = clock.monotonic();
    return 0;
  }

  async #send(
    asker: Asker,
    job: Job,
    body: MessageBodyOf["posts"],
  ): Promise<"queued" | "full" | "gone"> {
    const { messenger, session: { signal } } = this.#parts;
    const { device } = job.want.body;
    const order = { kind: "posts" as const, to: asker.user, body, device };
    const { devices, full } = await messenger.send(order, signal);
    if (devices > 0) return "queued";
    return full > 0 ? "full" : "gone";
  }

  /** How long to wait for room in the queue to the asker; undefined when it has been long enough. */
  #waitForRoom(job: Job): number | undefined {
    const now = this.#parts.session.ports.clock.monotonic();
    job.fullAt ??= now;
    if (now - job.fullAt > fullMsMax) return undefined;
    const waitMs = job.pauseMs;
    job.pauseMs = Math.min(2 * waitMs, fullPauseMsMax);
    return waitMs;
  }
}
