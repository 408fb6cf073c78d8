/**
 * One answer to a `want`, read from the database in steps. Only what a step needs is read for it, so that
 * a question costs what its answer brings, however many feeds the author has.
 *
 * @module
 */

import {
  emptyFeed,
  type FeedState,
  headsOf,
  lastNumber,
  missingUpTo,
  type NumberRange,
} from "../model/feed.ts";
import type { Post } from "../model/post.ts";
import { type Head, highestHeads } from "../model/record_body.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import type { AnswerStep, StepBounds, SteppedAnswer } from "../messages/stepped_answer.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { SeenPosts } from "../messages/kinds/want.ts";
import type { Store } from "../ports.ts";
import { sameDigest, seenPosts } from "./seen_posts.ts";

/** Posts read from the database at once. */
const readAtOnceMax = 128;

/** The shortest post with its envelope, in bytes: tells how many are read where little room is left. */
const postBytesMin = 128;

/** What a post adds to its own bytes in a message, and the most that one head takes (MessagePack). */
const postHeaderBytes = 3;
const headBytesMax = 13;

/** Feeds looked at for one step: more than anyone's devices in use. Those of an author with more take turns. */
const feedsPerStepMax = 16;

/** Gaps that one answer fills; an asker with more asks again. */
const gapsMax = 256;

/** Reading 32 posts and making a digest of them takes as long as so many small reads. */
const readsPerDigest = 3;

/** What an answer is made from. */
export interface AnswerParts {
  /** Where the posts are. */
  readonly store: Pick<Store, "feeds" | "feedPosts" | "floorProof">;
  /** The `want`. */
  readonly want: MessageOf<"want">;
  /** Heads beyond what the database shows: one's own, as published. */
  readonly heads: readonly Head[];
  /** Whether posts of this author are kept here, under this key. */
  readonly isKept: boolean;
}

/** One step of an answer. */
export interface Step extends AnswerStep {
  /** How far the feeds reach; left out where they don't fit. */
  readonly heads: readonly Head[];
}

/** What a `want` asks for, as one word. */
export function aboutFeeds(author: UserRef): string {
  return `posts of ${nameOf(author)}`;
}

/** What the asker lacks of one feed. */
interface Lack {
  readonly device: number;
  /** The last number here. */
  readonly last: number;
  /** Numbers to be sent, ascending. */
  gaps: NumberRange[];
}

/** Reads an answer, one step at a time. */
export class Answer implements SteppedAnswer {
  /** Whose posts. */
  readonly author: UserRef;
  /** The id of the `want`. */
  readonly id: Uint8Array;
  readonly #store: AnswerParts["store"];
  readonly #since: number;
  #begin: (() => Promise<void>) | undefined;
  /** Feeds that have not been looked at, and the one that is being sent. */
  #lacks: Lack[] = [];
  #lack: Lack | undefined;
  /** Shows, in the feed that is being sent, which numbers are too old; comes first. */
  #proof: Post | undefined;
  #heads: readonly Head[] = [];
  #reads = 0;

  /** An answer of which nothing has been read yet. */
  constructor({ store, want, heads, isKept }: AnswerParts) {
    const { author, feeds, since, seen = [] } = want.body;
    this.author = author;
    this.id = want.id;
    this.#store = store;
    this.#since = since;
    if (isKept) this.#begin = () => this.#compare(feeds, heads, seen);
  }

  get about(): string {
    return aboutFeeds(this.author);
  }

  async next(bounds: StepBounds, token: () => Uint8Array): ReturnType<SteppedAnswer["next"]> {
    const step = await this.step(bounds);
    const { posts, heads, isLast } = step;
    const more = isLast ? {} : { more: token() };
    const { author, id: inReplyTo } = this;
    const body = { author, posts, ...more, inReplyTo, heads, relay: [] };
    return { step, message: { kind: "posts", body } };
  }

  /** The next step. */
  async step({ posts: most, bytes }: StepBounds): Promise<Step> {
    this.#reads = 0;
    await this.#begin?.();
    this.#begin = undefined;
    const heads = this.#heads.length * headBytesMax <= bytes ? this.#heads : [];
    const step = { posts: [] as Uint8Array[], left: bytes - heads.length * headBytesMax };
    const take = ({ signed }: Post): boolean => {
      const left = step.left - signed.length - postHeaderBytes;
      if (left < 0) return false;
      step.left = left;
      step.posts.push(signed);
      return true;
    };
    let looked = 0;
    for (;;) {
      const limit = Math.min(
        readAtOnceMax,
        most - step.posts.length,
        1 + Math.floor(step.left / postBytesMin),
      );
      if (limit <= 0) break;
      if (this.#proof !== undefined) {
        if (!take(this.#proof)) break;
        this.#proof = undefined;
      } else if (this.#lack !== undefined) {
        if (!await this.#takeFrom(this.#lack, limit, take)) break;
      } else if (++looked > feedsPerStepMax || !await this.#prepareNext()) break;
    }
    const isLast = this.#lacks.length === 0 && this.#lack === undefined &&
      this.#proof === undefined;
    return { posts: step.posts, heads, isLast, reads: this.#reads };
  }

  /** Takes posts from the first gap of a feed; whether all that were read fit. */
  async #takeFrom(lack: Lack, limit: number, take: (post: Post) => boolean): Promise<boolean> {
    const { device, gaps: [gap, ...others] } = lack;
    const [from, to] = gap ?? [1, 0];
    this.#reads++;
    const posts = await this.#store.feedPosts({
      author: this.author.username,
      device,
      from,
      to,
      limit,
    });
    const unfit = posts.find((post) => !take(post));
    const last = posts.at(-1)?.number ?? to;
    const next = unfit?.number ?? (posts.length < limit ? to : last) + 1;
    lack.gaps = next > to ? others : [[next, to], ...others];
    if (lack.gaps.length === 0) this.#lack = undefined;
    return unfit === undefined;
  }

  /** Finds out what the asker lacks, without a look at any post. */
  async #compare(
    feeds: readonly FeedState[],
    heads: readonly Head[],
    seen: readonly SeenPosts[],
  ): Promise<void> {
    // The asker has other posts under these numbers: those here prove it.
    for (const theirs of seen) {
      this.#reads += readsPerDigest;
      const here = await seenPosts(this.#store, this.author.username, theirs);
      if (here === undefined || sameDigest(here, theirs)) continue;
      const { device, from, to } = here;
      this.#lacks.push({ device, last: to, gaps: [[from, to]] });
    }
    this.#reads++;
    const here = await this.#store.feeds(this.author.username);
    this.#heads = highestHeads(heads, headsOf(here));
    const theirs = new Map(feeds.map((feed) => [feed.device, feed]));
    let count = 0;
    for (const feed of here) {
      const { device } = feed;
      const last = lastNumber(feed);
      const gaps = missingUpTo(theirs.get(device) ?? emptyFeed(device), last);
      if (gaps.length > 0) this.#lacks.push({ device, last, gaps });
      if ((count += gaps.length) >= gapsMax) return;
    }
  }

  /** Turns to the next feed; whether there is one. */
  async #prepareNext(): Promise<boolean> {
    const lack = this.#lacks.shift();
    if (lack === undefined) return false;
    const { device, last, gaps } = lack;
    this.#reads++;
    const collected = await this.#store.floorProof(this.author.username, device);
    const first = (collected?.number ?? 0) + 1;
    const { from: lowest, below } = this.#since > 0
      ? await this.#boundary({ device, first, last })
      : { from: first, below: undefined };
    const proof = below ?? collected;
    const number = proof?.number ?? 0;
    const lacksProof = gaps.some(([from, to]) => from <= number && number <= to);
    if (lacksProof) this.#proof = proof;
    lack.gaps = gaps.filter(([, to]) => to >= lowest)
      .map(([from, to]) => [Math.max(from, lowest), to]);
    if (lack.gaps.length > 0) this.#lack = lack;
    return true;
  }

  /**
   * The lowest number whose post is still wanted, and the newest post below it: with the author's own
   * signature it shows the asker that everything up to it is too old. Numbers and ids rise together,
   * so that halving finds it, in some twenty reads for a million posts.
   */
  async #boundary(
    { device, first, last }: { device: number; first: number; last: number },
  ): Promise<{ from: number; below: Post | undefined }> {
    const author = this.author.username;
    let below: Post | undefined;
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const query = { author, device, from: middle, to: high - 1, limit: 1 };
      this.#reads++;
      const [post] = await this.#store.feedPosts(query);
      if (post === undefined || snowflakeTimeMs(post.id) >= this.#since) high = middle;
      else {
        below = post;
        low = post.number + 1;
      }
    }
    return { from: low, below };
  }
}
