/**
 * What authors have taken back: a delete removes the post that it names, and leaves a mark, so that the post
 * is not stored when a slow peer brings it later.
 *
 * @module
 */

import { type FeedState, withNumbers } from "../core/model/feed.ts";
import type { FeedPlace, Post } from "../core/model/post.ts";
import { getAll } from "./database.ts";
import { deletePost, keys, readStoredPost, storedRangesMax } from "./layout.ts";

/** The numbers that an author has taken back, by device. */
export type Marks = ReadonlyMap<number, ReadonlySet<number>>;

/** Feeds besides those of its posts that one commit settles numbers of: their states may be large. */
const otherFeedsMax = 4;

/** The marks on an author's posts. */
export async function readMarks(kv: Deno.Kv, author: string): Promise<Marks> {
  const marks = new Map<number, Set<number>>();
  for await (const { key } of kv.list({ prefix: ["deleted", author] }, { batchSize: 500 })) {
    const [, , device, number] = key;
    if (typeof device !== "number" || typeof number !== "number") continue;
    const numbers = marks.get(device);
    if (numbers === undefined) marks.set(device, new Set([number]));
    else numbers.add(number);
  }
  return marks;
}

/** How many posts of an author have such a mark. */
export async function countMarks(kv: Deno.Kv, author: string): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: ["deleted", author] }, { batchSize: 500 })) count++;
  return count;
}

/** Whether a post has been taken back. A delete cannot be. */
export function isTakenBack(marks: Marks, { device, number, deletes }: Post): boolean {
  return deletes === undefined && marks.get(device)?.has(number) === true;
}

/**
 * Adds to a commit what the deletes among its posts do.
 *
 * @returns The stored posts that the commit removes.
 */
export async function takeBack(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  posts: readonly Post[],
): Promise<Post[]> {
  const targets = new Map<string, { author: string; target: FeedPlace; by: Post }>();
  for (const by of posts) {
    const { author, deletes: target } = by;
    if (target !== undefined) {
      targets.set(`${target.device} ${target.number}`, { author, target, by });
    }
  }
  if (targets.size === 0) return [];
  const all = [...targets.values()];
  const stored = await getAll(
    kv,
    all.map(({ author, target: { device, number } }) => keys.feed(author, device, number)),
  );
  const gone: Post[] = [];
  for (const [i, { author, target, by }] of all.entries()) {
    operation.set(keys.deleted(author, target.device, target.number), [by.device, by.number]);
    const post = readStoredPost(stored[i]);
    if (post === undefined || post.deletes !== undefined) continue;
    deletePost(operation, post);
    if (post.repostOf !== undefined) operation.delete(keys.reposted(post.repostOf, post.id));
    gone.push(post);
  }
  return gone;
}

/**
 * The feeds in which deletes settle numbers, as they are then. Numbers of a feed of which nothing was known stay
 * open, as do those that would cut a feed into too many ranges; their marks keep the posts out.
 *
 * @param before The author's feeds as they are stored.
 * @param changed Those that the commit changes anyway.
 */
export function settledByDeletes(
  posts: readonly Post[],
  before: readonly FeedState[],
  changed: readonly FeedState[],
): FeedState[] {
  const states = new Map(changed.map((state) => [state.device, state]));
  let others = 0;
  for (const { device: own, deletes } of posts) {
    if (deletes === undefined) continue;
    const { device, number } = deletes;
    const known = before.find((state) => state.device === device);
    const state = states.get(device) ?? known;
    if (state === undefined || (known === undefined && device !== own)) continue;
    if (!states.has(device) && ++others > otherFeedsMax) continue;
    const settled = withNumbers(state, [number]);
    if (settled.ranges.length <= storedRangesMax) states.set(device, settled);
  }
  return [...states.values()];
}

/** Adds to a commit that the marks of deletes go with these: a mark stays where another delete made it. */
export async function dropMarks(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  posts: readonly Post[],
): Promise<void> {
  const deletes = posts.filter((post) => post.deletes !== undefined);
  if (deletes.length === 0) return;
  const keysOf = deletes.map(({ author, deletes }) =>
    keys.deleted(author, deletes?.device ?? 0, deletes?.number ?? 0)
  );
  const marks = await getAll(kv, keysOf);
  for (const [i, { device, number }] of deletes.entries()) {
    const key = keysOf[i];
    const by = marks[i];
    if (key === undefined || !Array.isArray(by)) continue;
    if (by[0] === device && by[1] === number) operation.delete(key);
  }
}
