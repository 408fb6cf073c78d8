/**
 * Posts on their way to single users, each user apart from the others: one who is slow or gone
 * delays nobody.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import type { Post } from "../model/post.ts";
import type { Head } from "../model/record_body.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Session } from "../session/interfaces.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { messageIdBytes } from "../messages/frame.ts";
import { pause } from "../../lib/waiting.ts";
import { Slots } from "../../lib/slots.ts";

/** Users being looked up or sent to at once; most look-ups are answered from the cache. */
const sendingMax = 128;

/** Posts that wait for one user, at most 150 KB: the oldest go, the heads tell the user to fetch them. */
const waitingMax = 64;

/** Users for whom posts wait, at most. */
const usersMax = 8192;

/** A user of whom no device was announced is not looked up again for so long, unless heard of. */
const goneMs = 30_000;

/** Tries, and the wait between them, while the queue to a user is full. */
const fullTriesMax = 4;
const fullPauseMs = 100;

/** What is to be pushed to whom. */
export interface Push {
  /** Whom to. To oneself means to one's other devices. */
  readonly to: UserRef;
  /** Whose posts. */
  readonly author: UserRef;
  /** The posts. */
  readonly posts: readonly Post[];
  /** The author's heads as they are known. */
  readonly heads: readonly Head[];
  /** Nothing is sent before this resolves, and nothing if it rejects. */
  readonly committed?: Promise<void> | undefined;
}

/** What the queue needs. */
export interface PushQueueParts {
  /** The session. */
  readonly session: Session;
  /** Sends. */
  readonly messenger: Pick<PeerMessenger, "send" | "heardAt" | "onAck">;
  /** Told when a user keeps own posts back because they are from the future. */
  readonly onFuture: (from: UserRef) => void;
}

/** Posts and their commit. Each has its own: where one fails, its number goes to another post. */
type Part = Pick<Push, "posts" | "heads" | "committed">;

/** What waits for one user, by one author. */
interface Waiting {
  readonly to: UserRef;
  readonly author: UserRef;
  readonly parts: Part[];
}

/** See the module. */
export class PushQueue {
  readonly #parts: PushQueueParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #slots = new Slots(sendingMax);
  /** Since when users are gone, on the monotonic clock. */
  readonly #gone = new BoundedMap<string, number>(usersMax);
  readonly #idle: (() => void)[] = [];

  /** Nothing waits at first. */
  constructor(parts: PushQueueParts) {
    this.#parts = parts;
  }

  /** Users for whom something waits or is being sent. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Whether the user had no device announced a moment ago and has not been heard since. */
  isGone(user: UserRef): boolean {
    const name = toHex(user.key);
    const goneAt = this.#gone.get(name);
    if (goneAt === undefined) return false;
    const heardAt = this.#parts.messenger.heardAt(user) ?? -Infinity;
    const now = this.#parts.session.ports.clock.monotonic();
    if (heardAt < goneAt && now - goneAt < goneMs) return true;
    this.#gone.delete(name);
    return false;
  }

  /** Remembers that nothing could be sent to the user. */
  noteGone(user: UserRef): void {
    this.#gone.set(toHex(user.key), this.#parts.session.ports.clock.monotonic());
  }

  /** Sends posts, together with others that come before it is the user's turn. Never waits. */
  push(push: Push): void {
    if (this.#parts.session.signal.aborted || this.isGone(push.to)) return;
    const name = `${toHex(push.to.key)}/${push.author.username}`;
    const known = this.#waiting.get(name);
    const { to, author, heads, committed } = push;
    // It may fail before it is this part's turn, and then somebody must have been waiting.
    committed?.catch(() => {});
    const part = { posts: push.posts.slice(-waitingMax), heads, committed };
    if (known !== undefined) {
      known.parts.push(part);
      while (countOf(known.parts) > waitingMax) known.parts.shift();
      return;
    }
    if (this.#waiting.size >= usersMax) return;
    const waiting = { to, author, parts: [part] };
    this.#waiting.set(name, waiting);
    this.#slots.run(() => this.#empty(name, waiting)).catch(() => {});
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #empty(name: string, waiting: Waiting): Promise<void> {
    try {
      while (waiting.parts.length > 0 && !this.#parts.session.signal.aborted) {
        // What was not committed is not sent; what could not be sent is fetched by whoever lacks it.
        await this.#sendParts(waiting, waiting.parts.splice(0)).catch(() => {});
      }
    } finally {
      // In the same turn as the last look at the posts, or one that came in between would be forgotten.
      this.#waiting.delete(name);
      if (this.#waiting.size === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
    }
  }

  async #sendParts(waiting: Waiting, parts: readonly Part[]): Promise<void> {
    const [part] = parts;
    // One alone is signed while it is committed.
    if (part !== undefined && parts.length === 1) return await this.#send(waiting, part);
    const commits = await Promise.allSettled(parts.map(({ committed }) => committed));
    const done = parts.filter((_, i) => commits[i]?.status === "fulfilled");
    const heads = done.at(-1)?.heads;
    if (heads === undefined) return;
    await this.#send(waiting, { posts: done.flatMap(({ posts }) => posts), heads });
  }

  async #send({ to, author }: Waiting, { posts, heads, committed }: Part): Promise<void> {
    const { session, messenger, onFuture } = this.#parts;
    const { ports: { clock, random }, signal } = session;
    const id = random.bytes(messageIdBytes);
    const body = { author, posts: posts.map((post) => post.signed), done: true, heads, relay: [] };
    messenger.onAck(id, (from, reason) => {
      if (reason === "future") onFuture(from);
    });
    for (let tries = 1;; tries++) {
      const report = await messenger.send({ kind: "posts", to, body, id, committed }, signal);
      if (report.devices > 0 || signal.aborted) return;
      if (report.full === 0) return this.noteGone(to);
      if (tries >= fullTriesMax) return;
      await pause(clock, fullPauseMs, signal);
    }
  }
}

function countOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { posts }) => sum + posts.length, 0);
}
