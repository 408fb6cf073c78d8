/**
 * What is here under some numbers of a feed, as a digest: where those of two followers differ, their author
 * has signed two posts under one number, and each shows the other its own.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { seenFeedsMax, type SeenPosts, seenPostsMax } from "../messages/kinds/want.ts";
import { type FeedState, headsHad } from "../model/feed.ts";
import { type Post, postPayload } from "../model/post.ts";
import type { Random, Store } from "../ports.ts";
import { encode } from "../../lib/msgpack.ts";
import { fraction, shuffled } from "../../lib/random.ts";

/** Bytes of a digest: half of SHA-256 is more than enough to tell two posts apart. */
const digestBytes = 16;

/** Numbers of one feed. */
export type Numbers = Omit<SeenPosts, "digest">;

/** What is here under these numbers; undefined unless a post is stored under each of them. */
export async function seenPosts(
  store: Pick<Store, "feedPosts">,
  author: string,
  { device, from, to }: Numbers,
): Promise<SeenPosts | undefined> {
  const limit = to - from + 1;
  const posts = await store.feedPosts({ author, device, from, to, limit });
  return posts.length === limit ? { device, from, to, digest: digestOf(posts) } : undefined;
}

/** Of these, what is here and differs; what a noted fork has proven already is left out. */
export async function differing(
  store: Pick<Store, "feedPosts" | "forks">,
  author: string,
  theirs: readonly SeenPosts[],
): Promise<SeenPosts[]> {
  const forks = theirs.length > 0 ? await store.forks(author) : [];
  const differs: SeenPosts[] = [];
  for (const seen of theirs) {
    const here = isProven(forks, seen) ? undefined : await seenPosts(store, author, seen);
    if (here !== undefined && !sameDigest(here, seen)) differs.push(here);
  }
  return differs;
}

/** Whether two say the same. */
export function sameDigest(a: SeenPosts, b: SeenPosts): boolean {
  return a.digest.every((byte, i) => byte === b.digest[i]);
}

/**
 * What is compared of an author: of each feed, 16 at most, the last posts or, every other time, some of
 * those before.
 */
export async function sampleOf(
  store: Pick<Store, "feeds" | "feedPosts" | "forks">,
  random: Random,
  author: string,
): Promise<SeenPosts[]> {
  const forks = await store.forks(author);
  const feeds = shuffled(await store.feeds(author), random).slice(0, seenFeedsMax);
  const sample: SeenPosts[] = [];
  for (const numbers of draw(feeds, random)) {
    const { device, from, to } = numbers;
    const posts = lastRun(
      await store.feedPosts({ author, device, from, to, limit: to - from + 1 }),
    );
    const [first, last] = [posts[0], posts.at(-1)];
    if (first === undefined || last === undefined) continue;
    const run = { device, from: first.number, to: last.number };
    if (!isProven(forks, run)) sample.push({ ...run, digest: digestOf(posts) });
  }
  return sample;
}

/** The last of the posts with no number missing between them: what was taken back leaves gaps. */
function lastRun(posts: readonly Post[]): Post[] {
  const gap = posts.findLastIndex((post, i) => {
    const next = posts[i + 1];
    return next !== undefined && next.number !== post.number + 1;
  });
  return posts.slice(gap + 1);
}

function draw(feeds: readonly FeedState[], random: Random): Numbers[] {
  return headsHad(feeds).map(({ device, head }) => {
    const windows = Math.ceil(head / seenPostsMax);
    const drawn = Math.floor(fraction(random) * 2 * windows);
    const from = Math.min(drawn, windows - 1) * seenPostsMax + 1;
    return { device, from, to: Math.min(from + seenPostsMax - 1, head) };
  });
}

function isProven(forks: readonly Post[], { device, from, to }: Numbers): boolean {
  return forks.some((fork) => fork.device === device && fork.number >= from && fork.number <= to);
}

/** A digest of what the posts say: two signatures over the same are no contradiction. */
function digestOf(posts: readonly Post[]): Uint8Array {
  const hash = createHash("sha256");
  for (const post of posts) hash.update(encode(postPayload(post)));
  return new Uint8Array(hash.digest()).subarray(0, digestBytes);
}
