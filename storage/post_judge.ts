/**
 * Which of the posts that arrived of one feed are new, which are here already, and which contradict those
 * that are here.
 *
 * Reads a bounded number of times: once for each ten posts whose number is settled already, and at most
 * twice for each gap that new posts fall into; usually not at all or once.
 *
 * @module
 */

import { equalBytes } from "../core/model/bytes.ts";
import { type FeedState, hasNumber, withNumbers } from "../core/model/feed.ts";
import { type Post, postPayload } from "../core/model/post.ts";
import { getAll } from "./database.ts";
import { isTakenBack, type Marks } from "./deletes.ts";
import { keys, readStoredPost, storedRangesMax } from "./layout.ts";
import type { PostMemory } from "./post_memory.ts";
import { readNeighbour } from "./post_reads.ts";

/** What {@linkcode judge} found. */
export interface Judgement {
  /** The feed with all that is settled now. */
  readonly state: FeedState;
  /** Posts to be kept. */
  readonly taken: readonly Post[];
  /** Posts that contradict one kept. */
  readonly forks: readonly Post[];
}

/**
 * Judges posts of one feed, ascending by number.
 *
 * @param marks What the author has taken back: such a post settles its number and is not kept.
 */
export async function judge(
  kv: Deno.Kv,
  memory: PostMemory,
  state: FeedState,
  posts: readonly Post[],
  marks: Marks = new Map(),
): Promise<Judgement> {
  const had: Post[] = [];
  const fresh: Post[] = [];
  const forks: Post[] = [];
  for (const post of posts) {
    const rival = fresh.at(-1);
    if (hasNumber(state, post.number)) had.push(post);
    else if (rival?.number !== post.number) fresh.push(post);
    else if (!sameContent(rival, post)) forks.push(post);
  }
  forks.push(...await contradicting(kv, had));
  const taken: Post[] = [];
  const { kept, after } = withinBound(state, fresh);
  const isSameGap = (a: Post, b: Post) => gapOf(state, a) === gapOf(state, b);
  /** The id of the last post taken: numbers settled without a post do not hide it from those after them. */
  let last = -1n;
  for (const run of grouped(kept, isSameGap)) {
    const limits = await idsAround(kv, memory, state, run);
    if (limits.above > last) last = limits.above;
    for (const post of run) {
      // Numbers and ids rise together. With a post that breaks this an author contradicts an earlier
      // one: the post is not kept, but its number is settled, or it would be asked for again for ever.
      if (isTakenBack(marks, post)) continue;
      if (post.id <= last || (limits.below !== undefined && post.id >= limits.below)) {
        forks.push(post);
      } else {
        taken.push(post);
        last = post.id;
      }
    }
  }
  return { state: after, taken, forks };
}

/** Which posts, all with settled numbers, say something else than the kept one of that number. */
async function contradicting(kv: Deno.Kv, posts: readonly Post[]): Promise<Post[]> {
  const kept = await getAll(
    kv,
    posts.map(({ author, device, number }) => keys.feed(author, device, number)),
  );
  return posts.filter((post, i) => {
    const value = kept[i];
    if (value instanceof Uint8Array && equalBytes(value, post.signed)) return false;
    const other = readStoredPost(value);
    return other !== undefined && !sameContent(other, post);
  });
}

/** Two signatures over the same content are no contradiction. */
function sameContent(a: Post, b: Post): boolean {
  return equalBytes(postPayload(a), postPayload(b));
}

/** The posts whose numbers fit into the bound on ranges, lowest first, and the state with them. */
function withinBound(
  state: FeedState,
  posts: readonly Post[],
): { kept: readonly Post[]; after: FeedState } {
  const all = withNumbers(state, posts.map((post) => post.number));
  if (all.ranges.length <= storedRangesMax) return { kept: posts, after: all };
  const kept: Post[] = [];
  let after = state;
  for (const run of grouped(posts, (post, previous) => post.number === previous.number + 1)) {
    const next = withNumbers(after, run.map((post) => post.number));
    if (next.ranges.length > storedRangesMax) continue;
    after = next;
    kept.push(...run);
  }
  return { kept, after };
}

/** The posts in runs: one that belongs with the post before it joins that one's. */
function grouped(
  posts: readonly Post[],
  belongs: (post: Post, previous: Post) => boolean,
): Post[][] {
  const groups: Post[][] = [];
  for (const post of posts) {
    const group = groups.at(-1);
    const previous = group?.at(-1);
    if (group !== undefined && previous !== undefined && belongs(post, previous)) group.push(post);
    else groups.push([post]);
  }
  return groups;
}

/** How many ranges lie below a new post: the number of its gap. */
function gapOf(state: FeedState, post: Post): number {
  const at = state.ranges.findIndex(([from]) => from > post.number);
  return at < 0 ? state.ranges.length : at;
}

/** The ids between which those of a run must lie. */
async function idsAround(
  kv: Deno.Kv,
  memory: PostMemory,
  state: FeedState,
  run: readonly Post[],
): Promise<{ above: bigint; below: bigint | undefined }> {
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined) return { above: -1n, below: undefined };
  const gap = gapOf(state, first);
  if (gap === state.ranges.length) {
    return { above: await memory.lastId(kv, first, first.number), below: undefined };
  }
  const isLowest = gap === 0 && state.floor === 0;
  const [previous, next] = await Promise.all([
    isLowest ? undefined : readNeighbour(kv, first, { below: first.number }),
    readNeighbour(kv, last, { above: last.number }),
  ]);
  return { above: previous?.id ?? -1n, below: next?.id };
}
