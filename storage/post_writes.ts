/**
 * Committing posts: each commit carries the posts, their index entries, the feed states and the
 * counts, so that a kill leaves all of it or nothing.
 *
 * @module
 */

import type { AuthorQuota } from "../core/ports.ts";
import { feedOf, type FeedState, lastNumber, withNumbers } from "../core/model/feed.ts";
import type { Post } from "../core/model/post.ts";
import { conversationKeys, writePending } from "./conversation_layout.ts";
import { commitBytesMax } from "./database.ts";
import { settledByDeletes, takeBack } from "./deletes.ts";
import { bytesPerPost, type Collected, keys, setPost, writeState } from "./layout.ts";
import { judge, type Judgement } from "./post_judge.ts";
import type { CommittedPosts, PostMemory } from "./post_memory.ts";
import { setUsage } from "./quota.ts";

/**
 * Commits an own post, and that it is on its way to the users whom it mentions or answers.
 *
 * @throws {TypeError} if its number or id does not continue the feed: a programming error.
 */
export async function commitOwnPost(
  kv: Deno.Kv,
  memory: PostMemory,
  { post, mentioned }: { readonly post: Post; readonly mentioned: readonly string[] },
): Promise<void> {
  const { author, device, number, id } = post;
  const [before, totals] = await Promise.all([
    memory.states(kv, author),
    memory.totals(kv, author),
  ]);
  const state = feedOf(before, device);
  const next = lastNumber(state) + 1;
  if (number !== next) {
    throw new TypeError(`Cannot add the post: its number is ${number}, the feed's next is ${next}`);
  }
  const lastId = await memory.lastId(kv, post, number);
  if (lastId >= id) {
    throw new TypeError(`Cannot add the post: its id ${id} is not above the last, ${lastId}`);
  }
  const operation = kv.atomic();
  setOwnPost(operation, post);
  for (const to of mentioned) {
    operation.set(conversationKeys.mention(to, id), writePending({ number, holders: [] }));
  }
  const gone = await takeBack(kv, operation, [post]);
  const changed = settledByDeletes([post], before, [withNumbers(state, [number])]);
  await commitTaken(kv, operation, memory, {
    author,
    before,
    changed,
    totals,
    taken: [post],
    gone,
  });
}

function setOwnPost(operation: Deno.AtomicOperation, post: Post): void {
  setPost(operation, post);
  if (post.repostOf !== undefined) operation.set(keys.reposted(post.repostOf, post.id), true);
}

/**
 * Adds states and counts to a commit that carries the posts, makes it, and remembers what it changed.
 *
 * @param taking What the commit changes; its totals are those from before.
 */
async function commitTaken(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  memory: PostMemory,
  taking: CommittedPosts,
): Promise<void> {
  const { author, taken, changed, totals, gone } = taking;
  for (const state of changed) operation.set(keys.state(author, state.device), writeState(state));
  const after = {
    total: totals.total + taken.length - gone.length,
    count: totals.count + taken.length - gone.length,
    bytes: totals.bytes + bytesOf(taken) - bytesOf(gone),
    collected: lowered(totals.collected, taken),
  };
  operation.set(keys.total, after.total);
  setUsage(operation, author, after);
  if (after.collected !== undefined && after.collected !== totals.collected) {
    operation.set(keys.collected, [after.collected.keep, after.collected.id]);
  }
  try {
    await memory.log.commit(kv, operation, { added: taken, removed: gone });
  } catch (error) {
    // Only the disk knows whether it happened.
    memory.forget(author);
    throw error;
  }
  memory.committed({ ...taking, totals: after });
}

function bytesOf(posts: readonly Post[]): number {
  return posts.reduce((sum, { signed }) => sum + signed.length, 0);
}

/** What {@linkcode commitBatch} commits. */
export interface Batch {
  /** The author of all posts. */
  readonly author: string;
  /** Posts as {@linkcode batchesOf} cut them. */
  readonly batch: readonly Post[];
  /** Whether the author is the database's user. */
  readonly isOwn: boolean;
  /** What is kept of the author; all where there is no quota. */
  readonly quota: AuthorQuota | undefined;
}

/** What became of a batch. */
export interface BatchReport extends Pick<Judgement, "taken" | "forks"> {
  /** New posts not kept, because their hour has as many as it may have. */
  readonly dropped: number;
  /** Stored posts that deletes among those taken have removed. */
  readonly gone: readonly Post[];
}

/** Commits one batch of posts of one author. */
export async function commitBatch(
  kv: Deno.Kv,
  memory: PostMemory,
  { author, batch, quota, isOwn }: Batch,
): Promise<BatchReport> {
  const [before, marks] = await Promise.all([
    memory.states(kv, author),
    memory.marks(kv, author),
  ]);
  const [totals, judgements] = await Promise.all([
    memory.totals(kv, author),
    Promise.all(
      [...Map.groupBy(batch, (post) => post.device)]
        .map(([device, posts]) => judge(kv, memory, feedOf(before, device), posts, marks)),
    ),
  ]);
  const fresh = judgements.flatMap((judgement) => judgement.taken);
  const kept = quota && await memory.hours.within(kv, fresh, quota.postsAnHour);
  const operation = kv.atomic();
  const taken: Post[] = [];
  const forks: Post[] = [];
  const judged: FeedState[] = [];
  for (const judgement of judgements) {
    forks.push(...judgement.forks);
    const { device, floor, ranges } = judgement.state;
    const known = feedOf(before, device);
    if (floor === known.floor && sameRanges(ranges, known.ranges)) continue;
    for (const post of judgement.taken) {
      if (kept?.has(post) === false) continue;
      if (isOwn) setOwnPost(operation, post);
      else setPost(operation, post);
      taken.push(post);
    }
    judged.push(judgement.state);
  }
  const gone = await takeBack(kv, operation, taken);
  const changed = settledByDeletes(taken, before, judged);
  if (changed.length > 0) {
    await commitTaken(kv, operation, memory, { author, before, changed, totals, taken, gone });
  }
  return { taken, forks, gone, dropped: fresh.length - taken.length };
}

function sameRanges(
  a: readonly (readonly [number, number])[],
  b: readonly (readonly [number, number])[],
): boolean {
  return a.length === b.length &&
    a.every(([from, to], i) => from === b[i]?.[0] && to === b[i]?.[1]);
}

/** The collector must come back for posts older than where it has been. */
function lowered(
  collected: Collected | undefined,
  posts: readonly Post[],
): Collected | undefined {
  if (collected === undefined) return undefined;
  let lowest = collected.id;
  for (const { id } of posts) if (id < lowest) lowest = id;
  return lowest < collected.id ? { keep: collected.keep, id: lowest } : collected;
}

/**
 * Posts in one commit: 480 at most of the 1,000 mutations that Deno KV takes. More would store a long fetch up
 * to a fifth faster, but an own post waits for the commit that is under way: some 4 ms like this.
 */
const postsPerCommitMax = 120;

/** Feeds in one commit: their states may have 20,000 bytes each, which `commitBytesMax` leaves room for. */
const feedsPerCommitMax = 8;

/**
 * Posts by device and number, cut so that each batch fits into one commit. Deletes come last, in batches of
 * their own: what they name is stored by then, or never.
 */
export function batchesOf(posts: readonly Post[]): Post[][] {
  const { deletes = [], others = [] } = Object.groupBy(
    posts,
    (post) => post.deletes === undefined ? "others" : "deletes",
  );
  return [...cut(others), ...cut(deletes)];
}

function cut(posts: readonly Post[]): Post[][] {
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
