/**
 * Taking posts out in bounded commits: by age, and with their author.
 *
 * @module
 */

import { emptyFeed, type FeedState, withFloor } from "../core/model/feed.ts";
import { postBytesMax } from "../core/model/post.ts";
import type { ChangeLog } from "./change_log.ts";
import { commit, commitBytesMax, getAll } from "./database.ts";
import { dropMarks } from "./deletes.ts";
import {
  bytesPerPost,
  deletePost,
  keys,
  type PostPlace,
  readCollected,
  readCount,
  readState,
  readStoredPost,
  writeState,
} from "./layout.ts";
import type { AuthorQuota } from "../core/ports.ts";
import { feedName } from "./post_memory.ts";
import { isBeyond, readUsages, setUsage } from "./quota.ts";
import { feedKeyOf, readPostPlace } from "./post_reads.ts";

/** Posts taken out in one commit: a commit of that size keeps the event loop busy for some 3 ms. */
const removedAtOnceMax = 100;

/** Places looked at in one go while skipping posts that stay. */
const scannedAtOnceMax = 500;

/** A scan that removed nothing is worth remembering from here on. */
const rememberedScanMin = 100;

/** What one step of the collector looks for. */
export interface CollectStep {
  /** Only posts with ids below this one. */
  readonly before: bigint;
  /** Whose posts stay. */
  readonly keep: string;
  /** At most this many posts. */
  readonly limit: number;
  /** Authors whose removal has begun: it has uncounted their posts, and takes them out. */
  readonly skip: ReadonlySet<string>;
}

/** One step of the collector: at most one commit. */
export async function collectStep(
  kv: Deno.Kv,
  log: ChangeLog,
  step: CollectStep,
): Promise<{ removed: number; done: boolean }> {
  const collected = readCollected((await kv.get(keys.collected)).value);
  const from = collected?.keep === step.keep ? collected.id : 0n;
  if (from >= step.before) return { removed: 0, done: true };
  const { leaving, scanned, reached } = await scan(kv, from, step);
  const operation = kv.atomic();
  const gone = await takeOut(kv, operation, leaving);
  const next = leaving[gone.length]?.id ?? reached ?? step.before;
  if (gone.length > 0 || scanned >= rememberedScanMin) {
    operation.set(keys.collected, [step.keep, next]);
    await log.commit(kv, operation, { removed: gone });
  }
  return { removed: gone.length, done: reached === undefined && gone.length === leaving.length };
}

/** What a scan found. */
interface Scan {
  /** Posts to be taken out, oldest first. */
  readonly leaving: readonly PostPlace[];
  /** Entries looked at. */
  readonly scanned: number;
  /** Where the next scan begins; undefined when this one came to the end. */
  readonly reached: bigint | undefined;
}

async function scan(kv: Deno.Kv, from: bigint, step: CollectStep): Promise<Scan> {
  const leavingMax = Math.min(step.limit, removedAtOnceMax);
  const leaving: PostPlace[] = [];
  let scanned = 0;
  const range = { start: ["timeline", from], end: ["timeline", step.before] };
  for await (const entry of kv.list(range, { batchSize: leavingMax + 1 })) {
    scanned++;
    const place = readPostPlace(entry);
    if (place === undefined) continue;
    // The next scan looks at the id where this one stops again: another author may have a post of that id.
    if (leaving.length >= leavingMax || (scanned > scannedAtOnceMax && place.id > from)) {
      return { leaving, scanned, reached: place.id };
    }
    if (place.author !== step.keep && !step.skip.has(place.author)) leaving.push(place);
  }
  return { leaving, scanned, reached: undefined };
}

/** Takes posts of any authors out, with their floors and proofs, as many as one commit may carry. */
async function takeOut(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  leaving: readonly PostPlace[],
): Promise<readonly PostPlace[]> {
  const states = await statesOf(kv, leaving);
  const gone = withinCommit(leaving, states);
  const newest = new Map<string, PostPlace>();
  for (const post of gone) {
    const feed = feedName(post);
    if (post.number > (newest.get(feed)?.number ?? 0)) newest.set(feed, post);
  }
  const [proofs, values] = await Promise.all([
    getAll(kv, [...newest.values()].map((post) => keys.proof(post.author, post.device))),
    getAll(kv, gone.map(feedKeyOf)),
  ]);
  const signedOf = new Map(gone.map((post, i) => [post, values[i]]));
  for (const [i, post] of [...newest.values()].entries()) {
    const proof = proofs[i];
    const signed = signedOf.get(post);
    const state = settledState(post.device, states.get(feedName(post)), post.number);
    operation.set(keys.state(post.author, post.device), writeState(state));
    if (signed !== undefined && post.number > (readStoredPost(proof)?.number ?? 0)) {
      operation.set(keys.proof(post.author, post.device), signed);
    }
  }
  for (const post of gone) deletePost(operation, post);
  const posts = [...signedOf.values()].map(readStoredPost).filter((post) => post !== undefined);
  await dropMarks(kv, operation, posts);
  await countDown(kv, operation, signedOf);
  return gone;
}

/** The stored states of the feeds that posts are of. */
async function statesOf(
  kv: Deno.Kv,
  posts: readonly PostPlace[],
): Promise<ReadonlyMap<string, unknown>> {
  const feeds = new Map(posts.map((post) => [feedName(post), post]));
  const values = await getAll(
    kv,
    [...feeds.values()].map((post) => keys.state(post.author, post.device)),
  );
  return new Map([...feeds.keys()].map((feed, i) => [feed, values[i]]));
}

/** The first posts whose feeds' states and proofs fit into one commit. */
function withinCommit(
  posts: readonly PostPlace[],
  states: ReadonlyMap<string, unknown>,
): readonly PostPlace[] {
  const seen = new Set<string>();
  let bytes = 0;
  for (const [i, post] of posts.entries()) {
    const feed = feedName(post);
    if (seen.has(feed)) continue;
    seen.add(feed);
    const state = states.get(feed);
    bytes += postBytesMax + bytesPerPost + (state instanceof Uint8Array ? state.length : 0);
    if (bytes > commitBytesMax) return posts.slice(0, i);
  }
  return posts;
}

async function countDown(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  gone: ReadonlyMap<PostPlace, unknown>,
): Promise<void> {
  if (gone.size === 0) return;
  const byAuthor = Map.groupBy(gone, ([post]) => post.author);
  const [total, usages] = await Promise.all([
    kv.get(keys.total),
    readUsages(kv, [...byAuthor.keys()]),
  ]);
  operation.set(keys.total, Math.max(0, readCount(total.value ?? undefined) - gone.size));
  for (const [i, [author, posts]] of [...byAuthor].entries()) {
    const { count, bytes } = usages[i] ?? { count: 0, bytes: 0 };
    const freed = posts.reduce((sum, [, value]) => sum + bytesOf(value), 0);
    setUsage(operation, author, {
      count: Math.max(0, count - posts.length),
      bytes: Math.max(0, bytes - freed),
    });
  }
}

function bytesOf(value: unknown): number {
  return value instanceof Uint8Array ? value.length : 0;
}

/**
 * One step in bringing an author down to the quota: at most one commit, which takes the oldest posts out.
 *
 * @returns The ids of the posts that are gone; none when the author is within the quota.
 */
export async function trimStep(
  kv: Deno.Kv,
  log: ChangeLog,
  { author, quota }: { readonly author: string; readonly quota: AuthorQuota },
): Promise<bigint[]> {
  const [usage = { count: 0, bytes: 0 }] = await readUsages(kv, [author]);
  if (!isBeyond(usage, quota)) return [];
  const limit = removedAtOnceMax;
  const oldest = (await Array.fromAsync(
    kv.list({ prefix: ["author", author] }, { limit, batchSize: limit }),
    readPostPlace,
  )).filter((place) => place !== undefined);
  const sizes = (await getAll(kv, oldest.map(feedKeyOf))).map(bytesOf);
  let { count, bytes } = usage;
  const leaving: PostPlace[] = [];
  for (const [i, place] of oldest.entries()) {
    if (!isBeyond({ count, bytes }, quota)) break;
    leaving.push(place);
    [count, bytes] = [count - 1, bytes - (sizes[i] ?? 0)];
  }
  const operation = kv.atomic();
  const gone = await takeOut(kv, operation, leaving);
  if (gone.length > 0) await log.commit(kv, operation, { removed: gone });
  return gone.map(({ id }) => id);
}

/**
 * Begins the removal of an author: from this commit on nothing of theirs counts, whatever is still in
 * the file. Resolves to the number of posts there were.
 */
export async function beginRemoval(kv: Deno.Kv, author: string): Promise<number> {
  const [total, value] = await getAll(kv, [keys.total, keys.count(author)]);
  const count = readCount(value);
  const operation = kv.atomic().set(keys.removing(author), true).delete(keys.count(author))
    .delete(keys.bytes(author));
  if (count > 0) operation.set(keys.total, Math.max(0, readCount(total) - count));
  await commit(operation);
  return count;
}

/** One step of a removal that has begun. Resolves to whether that was the last. */
export async function removalStep(
  kv: Deno.Kv,
  log: ChangeLog,
  author: string,
): Promise<boolean> {
  const operation = kv.atomic();
  const limit = removedAtOnceMax;
  const removed: PostPlace[] = [];
  let mutations = 0;
  for await (const entry of kv.list({ prefix: ["author", author] }, { limit, batchSize: limit })) {
    const place = readPostPlace(entry);
    if (place === undefined) operation.delete(entry.key);
    else {
      deletePost(operation, place);
      removed.push(place);
    }
    mutations++;
  }
  if (mutations === 0) {
    // Posts that a damaged index no longer names go with the rest of the author's feeds.
    for (const kind of ["state", "proof", "feed", "deleted"]) {
      const left = kv.list({ prefix: [kind, author] }, { limit, batchSize: limit });
      for await (const { key } of left) {
        operation.delete(key);
        mutations++;
      }
    }
  }
  const isLast = mutations === 0;
  if (isLast) operation.delete(keys.removing(author));
  await log.commit(kv, operation, { removed });
  return isLast;
}

/** Authors whose removal has begun and was interrupted. */
export async function pendingRemovals(kv: Deno.Kv): Promise<string[]> {
  return await Array.fromAsync(kv.list({ prefix: ["removing"] }), ({ key }) => String(key[1]));
}

/** The state of a feed with everything up to a number settled. */
export function settledState(device: number, value: unknown, number: number): FeedState {
  return withFloor(value === undefined ? emptyFeed(device) : readState(device, value), number);
}
