/**
 * Posts from the future, kept back until their time comes (design, section 5).
 *
 * @module
 */

import { feedOf, type FeedState, type NumberRange, withRanges } from "../model/feed.ts";
import type { Post } from "../model/post.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import type { Clock, Timer } from "../ports.ts";

/** Posts dated further ahead than this are kept back. */
export const futureMsMax = 120_000;

/** Posts kept back of one author and of all: 2 MB at most. Those beyond are fetched when it is time. */
const heldOfAuthorMax = 64;
const heldMax = 1024;

/** Feeds with posts from the future, at most. */
const feedsMax = 4096;

/** The clock may be set meanwhile, and timers take no month: it is looked at every minute. */
const lookMsMax = 60_000;

/** A feed that reaches into the future. */
interface HeldFeed {
  readonly author: string;
  readonly device: number;
  readonly posts: Map<number, Post>;
  /** The lowest number from the future; ids rise with numbers, so all above lie there as well. */
  from: number;
  /** When the first is acceptable: Unix ms. */
  dueAt: number;
}

/** What {@linkcode HeldPosts} needs. */
export interface HeldPostsParts {
  /** Time. */
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Takes posts in whose time has come; there may be more of that author that were not kept. */
  readonly release: (author: string, posts: readonly Post[]) => void;
}

/** Keeps posts back. */
export class HeldPosts {
  readonly #parts: HeldPostsParts;
  readonly #feeds = new Map<string, HeldFeed>();
  #count = 0;
  #timer: Timer | undefined;

  /** Keeps none at first. */
  constructor(parts: HeldPostsParts) {
    this.#parts = parts;
    parts.signal.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
  }

  /** Posts kept back. */
  get size(): number {
    return this.#count;
  }

  /** Whether a post is too far ahead of the clock to be taken in. */
  isFuture(post: Post): boolean {
    return dueAt(post) > this.#parts.clock.now();
  }

  /** Keeps a verified post back. */
  hold(post: Post): void {
    const name = `${post.author}/${post.device}`;
    const feed = this.#feeds.get(name) ?? {
      author: post.author,
      device: post.device,
      posts: new Map<number, Post>(),
      from: post.number,
      dueAt: dueAt(post),
    };
    if (!this.#feeds.has(name) && this.#feeds.size >= feedsMax) return;
    this.#feeds.set(name, feed);
    if (post.number <= feed.from) {
      feed.from = post.number;
      feed.dueAt = dueAt(post);
    }
    const isFull = this.#count >= heldMax || this.#heldOf(post.author) >= heldOfAuthorMax;
    if (!isFull && !feed.posts.has(post.number)) {
      feed.posts.set(post.number, post);
      this.#count++;
    }
    this.#arm();
  }

  /** An author's feeds with all that lies in the future counted as had: it is not wanted now. */
  without(author: string, feeds: readonly FeedState[]): FeedState[] {
    const result = new Map(feeds.map((feed) => [feed.device, feed]));
    for (const held of this.#feeds.values()) {
      if (held.author !== author) continue;
      const future: NumberRange = [held.from, Number.MAX_SAFE_INTEGER];
      const feed = feedOf(feeds, held.device);
      // What is settled already, a device says; a future post below it would contradict.
      result.set(held.device, withRanges(feed, [future]));
    }
    return [...result.values()];
  }

  /** Forgets an author who is no longer followed. */
  forget(author: string): void {
    for (const [name, feed] of this.#feeds) {
      if (feed.author === author) this.#drop(name, feed);
    }
  }

  #heldOf(author: string): number {
    let count = 0;
    for (const feed of this.#feeds.values()) if (feed.author === author) count += feed.posts.size;
    return count;
  }

  #drop(name: string, feed: HeldFeed): void {
    this.#feeds.delete(name);
    this.#count -= feed.posts.size;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#feeds.size === 0 || this.#parts.signal.aborted) return;
    let first = Infinity;
    for (const feed of this.#feeds.values()) first = Math.min(first, feed.dueAt);
    const waitMs = Math.min(Math.max(first - this.#parts.clock.now(), 0), lookMsMax);
    this.#timer = this.#parts.clock.after(waitMs, () => this.#look());
  }

  /** Lets go of whole feeds: what of them still lies ahead comes back here. */
  #look(): void {
    const now = this.#parts.clock.now();
    const due: HeldFeed[] = [];
    for (const [name, feed] of [...this.#feeds]) {
      if (feed.dueAt > now) continue;
      this.#drop(name, feed);
      due.push(feed);
    }
    this.#arm();
    for (const feed of due) {
      const posts = [...feed.posts.values()].sort((a, b) => a.number - b.number);
      this.#parts.release(feed.author, posts);
    }
  }
}

/** From when on a post is acceptable: Unix ms. */
function dueAt(post: Post): number {
  return snowflakeTimeMs(post.id) - futureMsMax;
}
