/**
 * Committing posts: each commit carries the posts, their index entries, the feed states and the
 * counts, so that a kill leaves all of it or nothing.
 *
 * @module
 */

import { emptyFeed, feedOf, type FeedState, lastNumber, withNumbers } from "../core/model/feed.ts";
import type { Post } from "../core/model/post.ts";
import { commit, commitBytesMax, getAll } from "./database.ts";
import type { FeedCache } from "./feed_cache.ts";
import {
  bytesPerPost,
  keys,
  readCollected,
  readCount,
  readState,
  readStoredPost,
  setPost,
  writeState,
} from "./layout.ts";
import { judge } from "./post_judge.ts";

/**
 * Commits an own post.
 *
 * @throws {TypeError} if its number or id does not continue the feed: a programming error.
 */
export async function commitOwnPost(kv: Deno.Kv, post: Post): Promise<void> {
  const { author, device, number, id } = post;
  const [stateValue, previousValue, total, count, collected] = await getAll(kv, [
    keys.state(author, device),
    keys.feed(author, device, number - 1),
    keys.total,
    keys.count(author),
    keys.collected,
  ]);
  const state = stateValue === undefined ? emptyFeed(device) : readState(device, stateValue);
  const next = lastNumber(state) + 1;
  if (number !== next) {
    throw new TypeError(`Cannot add the post: its number is ${number}, the feed's next is ${next}`);
  }
  const previous = readStoredPost(previousValue);
  if (previous !== undefined && previous.id >= id) {
    throw new TypeError(`Cannot add the post: its id ${id} is not above the last, ${previous.id}`);
  }
  const operation = kv.atomic();
  setPost(operation, post);
  operation.set(keys.state(author, device), writeState(withNumbers(state, [number])));
  operation.set(keys.total, readCount(total) + 1);
  operation.set(keys.count(author), readCount(count) + 1);
  lowerCollected(operation, collected, [post]);
  await commit(operation);
}

/** What became of a batch. */
export interface BatchReport {
  /** Posts that are new. */
  readonly taken: readonly Post[];
  /** Posts that contradict one kept. */
  readonly forks: readonly Post[];
}

/**
 * Commits one batch of posts of one author, as {@linkcode batchesOf} cut it.
 *
 * @param feeds Knows the states of feeds, and learns of those that change.
 */
export async function commitBatch(
  kv: Deno.Kv,
  { author, batch, feeds }: {
    readonly author: string;
    readonly batch: readonly Post[];
    readonly feeds: FeedCache;
  },
): Promise<BatchReport> {
  const before = await feeds.read(kv, author);
  const [[total, count, collected], judgements] = await Promise.all([
    getAll(kv, [keys.total, keys.count(author), keys.collected]),
    Promise.all(
      [...Map.groupBy(batch, (post) => post.device)]
        .map(([device, posts]) => judge(kv, feedOf(before, device), posts)),
    ),
  ]);
  const operation = kv.atomic();
  const taken: Post[] = [];
  const forks: Post[] = [];
  const changed: FeedState[] = [];
  for (const judgement of judgements) {
    forks.push(...judgement.forks);
    const { device, floor, ranges } = judgement.state;
    const known = feedOf(before, device);
    if (floor === known.floor && sameRanges(ranges, known.ranges)) continue;
    for (const post of judgement.taken) setPost(operation, post);
    taken.push(...judgement.taken);
    operation.set(keys.state(author, device), writeState(judgement.state));
    changed.push(judgement.state);
  }
  if (changed.length > 0) {
    operation.set(keys.total, readCount(total) + taken.length);
    operation.set(keys.count(author), readCount(count) + taken.length);
    lowerCollected(operation, collected, taken);
    try {
      await commit(operation);
      feeds.update(author, before, changed);
    } catch (error) {
      // Only the disk knows whether it happened.
      feeds.forget(author);
      throw error;
    }
  }
  return { taken, forks };
}

function sameRanges(
  a: readonly (readonly [number, number])[],
  b: readonly (readonly [number, number])[],
): boolean {
  return a.length === b.length &&
    a.every(([from, to], i) => from === b[i]?.[0] && to === b[i]?.[1]);
}

/** The collector must come back for posts older than where it has been. */
function lowerCollected(
  operation: Deno.AtomicOperation,
  value: unknown,
  posts: readonly Post[],
): void {
  const collected = readCollected(value);
  if (collected === undefined) return;
  let lowest = collected.id;
  for (const { id } of posts) if (id < lowest) lowest = id;
  if (lowest < collected.id) operation.set(keys.collected, [collected.keep, lowest]);
}

/**
 * Posts in one commit: 360 of the 1,000 mutations that Deno KV takes. More would store a long fetch up
 * to a fifth faster, but an own post waits for the commit that is under way: some 4 ms like this.
 */
const postsPerCommitMax = 120;

/** Feeds in one commit: their states may have 20,000 bytes each, which `commitBytesMax` leaves room for. */
const feedsPerCommitMax = 8;

/** Posts by device and number, cut so that each batch fits into one commit. */
export function batchesOf(posts: readonly Post[]): Post[][] {
  const sorted = [...posts].sort((a, b) => a.device - b.device || a.number - b.number);
  const batches: Post[][] = [];
  let batch: Post[] = [];
  let feeds = 0;
  let bytes = 0;
  for (const post of sorted) {
    const size = post.signed.length + bytesPerPost;
    const isNewFeed = batch.at(-1)?.device !== post.device;
    const isFull = batch.length >= postsPerCommitMax || bytes + size > commitBytesMax ||
      (isNewFeed && feeds >= feedsPerCommitMax);
    if (isFull) {
      batches.push(batch);
      [batch, feeds, bytes] = [[], 0, 0];
    }
    if (isFull || isNewFeed) feeds++;
    batch.push(post);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
