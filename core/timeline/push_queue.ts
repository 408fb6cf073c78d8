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
import { nameOf, type UserRef } from "../model/user.ts";
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
  /** Told when a user keeps own posts back because they are from the future. */
  readonly onFuture: (from: UserRef) => void;
}

/** See the module. */
export class PushQueue {
  readonly #parts: PushQueueParts;
  /**
   * What waits for a user, of an author. Batches stay apart until they are committed: where one fails,
   * its number goes to another post.
   */
  readonly #waiting = new Map<string, Batch[]>();
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

  /** Remembers that nothing could be sent to the user. */
  noteGone(user: UserRef): void {
    this.#gone.set(nameOf(user), this.#parts.session.ports.clock.monotonic(), goneMs);
  }

  /** Sends posts, together with others that come before it is the user's turn. Never waits. */
  push(to: UserRef, batch: Batch): void {
    if (this.#parts.session.signal.aborted || this.isGone(to)) return;
    // The commit may fail before it is this batch's turn, while nothing else waits for it.
    batch.committed?.catch(() => {});
    const name = `${nameOf(to)} ${batch.author.username}`;
    const waiting = this.#waiting.get(name) ?? [];
    waiting.push({ ...batch, posts: batch.posts.slice(-waitingMax) });
    while (countOf(waiting) > waitingMax) waiting.shift();
    if (this.#waiting.has(name) || this.#waiting.size >= usersMax) return;
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
        const batch = await joined(waiting.splice(0));
        if (batch !== undefined) await this.#send(to, batch);
      } catch {
        // What was not committed is not sent; what could not be sent the user fetches.
      }
    }
    // In the same turn as the last look at the posts, or one that came in between would be forgotten.
    this.#waiting.delete(name);
  }

  async #send(to: UserRef, { author, posts, heads, committed }: Batch): Promise<void> {
    const { session: { self, ports: { clock, random }, signal }, messenger, onFuture } =
      this.#parts;
    const id = random.bytes(messageIdBytes);
    const body = { author, posts: posts.map((post) => post.signed), heads, relay: [] };
    messenger.onAck(id, (from, reason) => {
      if (reason === "future") onFuture(from);
    });
    // Of oneself every device is told: they are one's own.
    const devicesMax = to.username === self.username ? Infinity : pushedDevicesMax;
    const order = { kind: "posts" as const, to, body, id, committed, devicesMax };
    for (let tries = 1;; tries++) {
      const report = await messenger.send(order, signal);
      if (report.devices > 0 || signal.aborted) return;
      if (report.full === 0) return this.noteGone(to);
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
