/**
 * Posts on their way to single users, each user apart from the others: one who is slow or gone delays
 * no other.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import type { Post } from "../model/post.ts";
import type { Head } from "../model/record_body.ts";
import { isSame, nameOf, type UserRef } from "../model/user.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { pause } from "../../lib/waiting.ts";

/** Users being looked up or sent to at once; most look-ups are answered from the cache. */
const sendingMax = 128;

/** Posts that wait for one user, at most 150 KB: the oldest go, the heads tell the user to fetch them. */
const waitingMax = 64;

/** Users for whom posts wait, at most. */
const usersMax = 8192;

/** Bytes of posts that wait, counted for each user: an author may have posts passed on to thousands. */
const waitingBytesMax = 16 * 1024 * 1024;

/** A user of whom no device was announced is not looked up again for so long, unless heard of. */
const goneMs = 30_000;

/**
 * Devices that a follower's posts are pushed to, those announced last; others learn of them by the heads.
 * A record of strangers' addresses may name ninety.
 */
export const pushedDevicesMax = 2;

/** Tries, and the wait between them, while the queue to a user is full. */
const fullTriesMax = 4;
const fullPauseMs = 100;

/** Posts of one author that travel together. */
export interface Batch {
  /** Whose posts. */
  readonly author: UserRef;
  /** The posts. */
  readonly posts: readonly Post[];
  /** The author's heads as they are known. */
  readonly heads: readonly Head[];
  /** Nothing is sent before this resolves, and nothing if it rejects: see `SendOrder.committed`. */
  readonly committed?: Promise<void> | undefined;
}

/** What the queue needs. */
export interface PushQueueParts extends MessagingParts {
  /** Told why a user who was sent posts of that author does not take them: `future`, `unwanted`. */
  readonly onRefusal: (from: UserRef, reason: string, author: UserRef) => void;
}

/** See the module. */
export class PushQueue {
  readonly #parts: PushQueueParts;
  /**
   * What waits for a user, of an author. Batches stay apart until they are committed: where one fails,
   * its number goes to another post.
   */
  readonly #waiting = new Map<string, Batch[]>();
  #waitingBytes = 0;
  readonly #slots = new Slots(sendingMax);
  readonly #tasks = new Tasks(() => {});
  /** Since when users are gone, on the monotonic clock. */
  readonly #gone: TimedCache<number>;

  /** Nothing waits at first. */
  constructor(parts: PushQueueParts) {
    this.#parts = parts;
    this.#gone = new TimedCache(parts.session.ports.clock, usersMax);
  }

  /** Whether the user had no device announced a moment ago and has not been heard since. */
  isGone(user: UserRef): boolean {
    const goneAt = this.#gone.get(nameOf(user));
    return goneAt !== undefined && (this.#parts.messenger.heardAt(user) ?? -Infinity) < goneAt;
  }

  /**
   * Remembers that nothing could be sent to the user.
   *
   * @param at When it was tried, on the monotonic clock: a user who was heard since then is there. Default: now.
   */
  noteGone(user: UserRef, at = this.#parts.session.ports.clock.monotonic()): void {
    this.#gone.set(nameOf(user), at, goneMs);
  }

  /** Sends posts, together with others that come before it is the user's turn. Never waits. */
  push(to: UserRef, batch: Batch): void {
    if (this.#parts.session.signal.aborted) return;
    const { committed } = batch;
    if (this.isGone(to)) {
      // A user who comes while the commit is under way is told what was there before it.
      committed?.then(() => this.push(to, { ...batch, committed: undefined }), () => {});
      return;
    }
    // The commit may fail before it is this batch's turn, while nothing else waits for it.
    committed?.catch(() => {});
    const name = `${nameOf(to)} ${batch.author.username}`;
    const waiting = this.#waiting.get(name) ?? [];
    const isNew = !this.#waiting.has(name);
    const posts = batch.posts.slice(-waitingMax);
    const isFull = this.#waitingBytes + bytesOf(posts) > waitingBytesMax;
    if (isFull || (isNew && this.#waiting.size >= usersMax)) return;
    waiting.push({ ...batch, posts });
    this.#waitingBytes += bytesOf(posts);
    while (countOf(waiting) > waitingMax) this.#waitingBytes -= bytesOf(waiting.shift()?.posts);
    if (!isNew) return;
    this.#waiting.set(name, waiting);
    this.#tasks.add(this.#slots.run(() => this.#sendAll(name, to, waiting)));
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    return this.#tasks.settled();
  }

  async #sendAll(name: string, to: UserRef, waiting: Batch[]): Promise<void> {
    while (waiting.length > 0 && !this.#parts.session.signal.aborted) {
      try {
        const batches = waiting.splice(0);
        for (const { posts } of batches) this.#waitingBytes -= bytesOf(posts);
        const batch = await joined(batches);
        if (batch !== undefined) await this.#send(to, batch);
      } catch {
        // What was not committed is not sent; what could not be sent the user fetches.
      }
    }
    // In the same turn as the last look at the posts, or one that came in between would be forgotten.
    this.#waiting.delete(name);
  }

  async #send(to: UserRef, { author, posts, heads, committed }: Batch): Promise<void> {
    const { session: { self, ports: { clock, random }, signal }, messenger, onRefusal } =
      this.#parts;
    const id = random.bytes(messageIdBytes);
    const body = { author, posts: posts.map((post) => post.signed), heads, relay: [] };
    messenger.onAck(id, (from, reason) => {
      if (reason !== undefined && isSame(from, to)) onRefusal(from, reason, author);
    });
    // Of oneself every device is told: they are one's own.
    const devicesMax = to.username === self.username ? Infinity : pushedDevicesMax;
    const order = { kind: "posts" as const, to, body, id, committed, devicesMax };
    for (let tries = 1;; tries++) {
      const triedAt = clock.monotonic();
      const report = await messenger.send(order, signal);
      if (report.devices > 0 || signal.aborted) return;
      if (report.full === 0) return this.noteGone(to, triedAt);
      if (tries >= fullTriesMax) return;
      await pause(clock, fullPauseMs, signal);
    }
  }
}

/** The committed ones of several batches as one; a single batch as it is: it is signed during its commit. */
async function joined(batches: readonly Batch[]): Promise<Batch | undefined> {
  const [only] = batches;
  if (batches.length === 1) return only;
  const commits = await Promise.allSettled(batches.map(({ committed }) => committed));
  const done = batches.filter((_, i) => commits[i]?.status === "fulfilled");
  const last = done.at(-1);
  if (last === undefined) return undefined;
  const { author, heads } = last;
  return { author, heads, posts: done.flatMap(({ posts }) => posts) };
}

function countOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, { posts }) => sum + posts.length, 0);
}

function bytesOf(posts: readonly Post[] = []): number {
  return posts.reduce((sum, { signed }) => sum + signed.length, 0);
}
