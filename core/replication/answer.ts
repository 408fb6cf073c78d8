/**
 * One answer to a `want`, read from the database and cut into messages.
 *
 * @module
 */

import {
  feedOf,
  type FeedState,
  hasNumber,
  headsOf,
  lastNumber,
  missingUpTo,
} from "../model/feed.ts";
import { batchBytesMax, postsPerMessageMax } from "../messages/kinds/posts.ts";
import type { MessageBodyOf, MessageOf } from "../messages/kinds/mod.ts";
import type { Post } from "../model/post.ts";
import { type Head, highestHeads } from "../model/record_body.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import type { Store } from "../ports.ts";

/** Posts read from the database at once. */
const readAtOnceMax = 128;

/** Numbers of one feed that are to be sent. */
interface Piece {
  readonly device: number;
  from: number;
  readonly to: number;
}

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

/** Reads an answer, one message at a time. */
export class Answer {
  readonly #parts: AnswerParts;
  readonly #pieces: Piece[] = [];
  /** Posts that come first: the proofs of where feeds become too old. */
  readonly #ready: Post[] = [];
  #heads: Head[] = [];
  #isPrepared = false;

  /** An answer of which nothing has been read yet. */
  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** The next message's body; the last one says `done`. */
  async next(): Promise<MessageBodyOf["posts"]> {
    if (!this.#isPrepared) await this.#prepare();
    const posts: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const post = await this.#take();
      if (post === undefined) break;
      if (posts.length >= postsPerMessageMax || bytes + post.signed.length > batchBytesMax) {
        this.#ready.unshift(post);
        break;
      }
      posts.push(post.signed);
      bytes += post.signed.length;
    }
    const { want } = this.#parts;
    const done = this.#ready.length === 0 && this.#pieces.length === 0;
    const { author } = want.body;
    return { author, posts, done, inReplyTo: want.id, heads: this.#heads, relay: [] };
  }

  async #take(): Promise<Post | undefined> {
    while (this.#ready.length === 0) {
      const piece = this.#pieces[0];
      if (piece === undefined) return undefined;
      const { author } = this.#parts.want.body;
      const { device, from, to } = piece;
      const limit = Math.min(readAtOnceMax, to - from + 1);
      const query = { author: author.username, device, from, to, limit };
      const posts = await this.#parts.store.feedPosts(query);
      this.#ready.push(...posts);
      const last = posts.at(-1);
      if (last === undefined || posts.length < limit || last.number >= to) this.#pieces.shift();
      else piece.from = last.number + 1;
    }
    return this.#ready.shift();
  }

  async #prepare(): Promise<void> {
    this.#isPrepared = true;
    const { store, want, isKept } = this.#parts;
    if (!isKept) return;
    const feeds = await store.feeds(want.body.author.username);
    this.#heads = highestHeads(this.#parts.heads, headsOf(feeds));
    for (const feed of feeds) await this.#prepareFeed(feed);
  }

  async #prepareFeed(feed: FeedState): Promise<void> {
    const { store, want: { body } } = this.#parts;
    const { device } = feed;
    const author = body.author.username;
    const theirs = feedOf(body.feeds, device);
    const missing = missingUpTo(theirs, lastNumber(feed));
    if (missing.length === 0) return;
    const collected = await store.floorProof(author, device);
    const first = (collected?.number ?? 0) + 1;
    const boundary = body.since > 0
      ? await this.#boundary({ device, first, last: lastNumber(feed) }, body.since)
      : { from: first, below: undefined };
    const proof = boundary.below ?? collected;
    if (proof !== undefined && !hasNumber(theirs, proof.number)) this.#ready.push(proof);
    const lowest = boundary.from;
    for (const [from, to] of missing) {
      if (to >= lowest) this.#pieces.push({ device, from: Math.max(from, lowest), to });
    }
  }

  /**
   * The lowest number whose post is still wanted, and the newest post below it: with the author's own
   * signature it shows the asker that everything up to it is too old. Numbers and ids rise together,
   * so that halving finds it, in some twenty reads for a million posts.
   */
  async #boundary(
    { device, first, last }: { device: number; first: number; last: number },
    since: number,
  ): Promise<{ from: number; below: Post | undefined }> {
    const { store, want: { body: { author: { username: author } } } } = this.#parts;
    let below: Post | undefined;
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const query = { author, device, from: middle, to: high - 1, limit: 1 };
      const [post] = await store.feedPosts(query);
      if (post === undefined || snowflakeTimeMs(post.id) >= since) high = middle;
      else {
        below = post;
        low = post.number + 1;
      }
    }
    return { from: low, below };
  }
}
