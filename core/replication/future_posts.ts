/**
 * Posts from the future: kept back until their time comes (docs/DESIGN.md).
 *
 * @module
 */

import { feedOf, type FeedState, withRanges } from "../model/feed.ts";
import type { Post } from "../model/post.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import type { UserRef } from "../model/user.ts";
import type { Session } from "../session/interfaces.ts";
import type { Job } from "../../lib/scheduler.ts";

/** Posts dated further ahead than this are kept back. */
const futureMsMax = 120_000;

/** Posts kept back of one author and of all: 2 MB at most. Those beyond are fetched when it is time. */
const postsOfAuthorMax = 64;
const postsMax = 1024;

/** Feeds with posts from the future, at most. */
const feedsMax = 4096;

/** The clock may be set meanwhile, and timers take no month: it is looked at every minute. */
const lookMsMax = 60_000;

/** A feed that reaches into the future. */
interface FutureFeed {
  readonly author: UserRef;
  readonly device: number;
  readonly posts: Map<number, Post>;
  /** The lowest number from the future; ids rise with numbers, so all above lie there as well. */
  from: number;
  /** When the first is acceptable: Unix ms. */
  dueAt: number;
}

/** Keeps posts back. */
export class FuturePosts {
  readonly #session: Session;
  readonly #feeds = new Map<string, FutureFeed>();
  readonly #job: Job;
  /** Takes in posts whose time has come; there may be more of that author that were not kept. */
  onDue: (author: UserRef, posts: readonly Post[]) => void = () => {};

  /** Keeps none at first. */
  constructor(session: Session) {
    this.#session = session;
    this.#job = session.scheduler.job(() => this.#look());
  }

  /** Whether a post is too far ahead of the clock to be taken in. */
  isFuture(post: Post): boolean {
    return dueAt(post) > this.#session.ports.clock.now();
  }

  /** Keeps a verified post back. */
  add(post: Post): void {
    const { author: username, authorKey: key, device, number } = post;
    const name = `${username}/${device}`;
    const feed = this.#feeds.get(name) ?? {
      author: { username, key },
      device,
      posts: new Map<number, Post>(),
      from: number,
      dueAt: dueAt(post),
    };
    if (!this.#feeds.has(name) && this.#feeds.size >= feedsMax) return;
    this.#feeds.set(name, feed);
    if (number <= feed.from) {
      feed.from = number;
      feed.dueAt = dueAt(post);
    }
    const isFull = this.#count() >= postsMax || this.#count(username) >= postsOfAuthorMax;
    if (!isFull && !feed.posts.has(number)) feed.posts.set(number, post);
    this.#arm();
  }

  /** An author's feeds with all that lies in the future counted as had. */
  countedAsHad(author: string, feeds: readonly FeedState[]): FeedState[] {
    const result = new Map(feeds.map((feed) => [feed.device, feed]));
    for (const { author: { username }, device, from } of this.#feeds.values()) {
      if (username !== author) continue;
      result.set(device, withRanges(feedOf(feeds, device), [[from, Number.MAX_SAFE_INTEGER]]));
    }
    return [...result.values()];
  }

  /** Forgets an author who is no longer followed. */
  forget(author: string): void {
    for (const [name, feed] of this.#feeds) {
      if (feed.author.username === author) this.#feeds.delete(name);
    }
  }

  /** Posts kept back, of one author or of all. */
  #count(author?: string): number {
    let count = 0;
    for (const feed of this.#feeds.values()) {
      if (author === undefined || feed.author.username === author) count += feed.posts.size;
    }
    return count;
  }

  #arm(): void {
    let first = Infinity;
    for (const feed of this.#feeds.values()) first = Math.min(first, feed.dueAt);
    if (first === Infinity) return;
    this.#job.dueIn(Math.min(first - this.#session.ports.clock.now(), lookMsMax));
  }

  /** Lets go of whole feeds: what of them still lies ahead comes back here. */
  #look(): void {
    const now = this.#session.ports.clock.now();
    const due = [...this.#feeds].filter(([, feed]) => feed.dueAt <= now);
    for (const [name] of due) this.#feeds.delete(name);
    this.#arm();
    for (const [, feed] of due) {
      this.onDue(feed.author, [...feed.posts.values()].sort((a, b) => a.number - b.number));
    }
  }
}

/** From when on a post is acceptable: Unix ms. */
function dueAt(post: Post): number {
  return snowflakeTimeMs(post.id) - futureMsMax;
}
