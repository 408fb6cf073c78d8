/**
 * Reading posts, always by range: the cost depends on what is returned, never on what is kept.
 *
 * @module
 */

import type { FeedState } from "../core/model/feed.ts";
import type { FeedPlace, Post, PostName } from "../core/model/post.ts";
import { deviceMax, parseSnowflake } from "../core/model/snowflake.ts";
import type { TimelineQuery } from "../core/ports.ts";
import { contextOf, takesBack } from "./context_posts.ts";
import { getAll } from "./database.ts";
import { keys, type PostPlace, readState, readStoredPost } from "./layout.ts";

/** Entries taken from the database at once: some 2 ms of decoding between two turns of the event loop. */
const readAtOnceMax = 200;

/** The post that an entry of one of the two indexes by time names; undefined when it makes no sense. */
export function readPostPlace(entry: Deno.KvEntry<unknown>): PostPlace | undefined {
  const [index, a, b] = entry.key;
  const [id, author] = index === "timeline" ? [a, b] : [b, a];
  if (typeof id !== "bigint" || typeof author !== "string") return undefined;
  if (typeof entry.value !== "number") return undefined;
  return { author, id, device: parseSnowflake(id).device, number: entry.value };
}

/** The key of a signed post. */
export function feedKeyOf({ author, device, number }: PostPlace): Deno.KvKey {
  return keys.feed(author, device, number);
}

/** A page of the timeline, newest first, without the authors that are `hidden`; see `Store.timeline`. */
export async function readTimeline(
  kv: Deno.Kv,
  query: TimelineQuery,
  hidden: ReadonlySet<string>,
): Promise<Post[]> {
  const { before, after, author, limit } = query;
  const prefix = author === undefined ? ["timeline"] : ["author", author];
  const isUpwards = after !== undefined;
  const page: Post[] = [];
  let range: { start: Deno.KvKey } | { end: Deno.KvKey } | undefined;
  if (isUpwards) range = { start: [...prefix, after + 1n] };
  else if (before !== undefined) range = { end: [...prefix, before] };
  while (page.length < limit) {
    const wanted = Math.min(limit - page.length, readAtOnceMax);
    const entries = await Array.fromAsync(
      kv.list({ prefix, ...range }, { reverse: !isUpwards, limit: wanted, batchSize: wanted }),
    );
    const places = entries.map(readPostPlace)
      .filter((place) => place !== undefined && !hidden.has(place.author)) as PostPlace[];
    const posts = (await getAll(kv, places.map(feedKeyOf))).map(readStoredPost)
      .filter((post) => post !== undefined);
    page.push(...await shown(kv, posts));
    const last = entries.at(-1);
    if (last === undefined || entries.length < wanted) break;
    // A longer key stands right behind the one that it begins with.
    range = isUpwards ? { start: [...last.key, new Uint8Array()] } : { end: last.key };
  }
  return isUpwards ? page.reverse() : page;
}

/**
 * Those of the posts that are shown: no deletes, and no reposts of what its author has taken back, as far as the
 * feeds or deletes kept outside the timeline tell.
 */
export async function shown(
  kv: Deno.Kv,
  posts: readonly Post[],
): Promise<readonly Post[]> {
  const reposted = posts.map(({ repostOf }) => repostOf).filter((post) => post !== undefined);
  const marks = await getAll(
    kv,
    reposted.map(({ author, device, number }) => keys.deleted(author, device, number)),
  );
  const takenBack = new Set(reposted.filter((_, i) => marks[i] !== undefined));
  // Outside the timeline little is kept of one author, and of all of them not much.
  for (const [author, theirs] of Map.groupBy(reposted, ({ author }) => author)) {
    const others = await contextOf(kv, author);
    for (const post of theirs) {
      if (others.some((other) => takesBack(other.post, post))) takenBack.add(post);
    }
  }
  return posts.filter(({ deletes, repostOf }) =>
    deletes === undefined && (repostOf === undefined || !takenBack.has(repostOf))
  );
}

/** The post of that name, if it is here; no delete. */
export async function findPost(
  kv: Deno.Kv,
  { author, id }: PostName,
): Promise<Post | undefined> {
  const { value: number } = await kv.get(keys.author(author, id));
  if (typeof number !== "number") return undefined;
  const { device } = parseSnowflake(id);
  const post = readStoredPost((await kv.get(keys.feed(author, device, number))).value);
  return post?.deletes === undefined ? post : undefined;
}

/** Posts of the database's user that pass on one, or any; see `Store.ownReposts`. */
export async function readReposts(
  kv: Deno.Kv,
  user: string,
  { of, limit }: { of?: FeedPlace & { readonly author: string }; limit: number },
): Promise<Post[]> {
  const place = of === undefined ? [] : [of.author, of.device, of.number];
  const found: Post[] = [];
  for await (const { key } of kv.list({ prefix: ["reposted", ...place] }, { limit })) {
    const id = key[4];
    const post = typeof id === "bigint" ? await findPost(kv, { author: user, id }) : undefined;
    if (post?.repostOf !== undefined) found.push(post);
  }
  return found;
}

/** How many entries of the timeline lie above an id, without those of one author and of the `hidden`. */
export async function countNewer(
  kv: Deno.Kv,
  { than, except, limit }: { than: bigint; except: string; limit: number },
  hidden: ReadonlySet<string>,
): Promise<number> {
  let count = 0;
  // Entries are small; a person's own posts are a small part of them, or the reader has few others.
  const range = { prefix: ["timeline"], start: ["timeline", than + 1n] };
  for await (const { key } of kv.list(range, { reverse: true, limit: 4 * limit, batchSize: 500 })) {
    const author = key[2];
    if (author === except || typeof author !== "string" || hidden.has(author)) continue;
    if (++count >= limit) break;
  }
  return count;
}

/** The states of all feeds of an author. */
export function readFeedStates(kv: Deno.Kv, author: string): Promise<FeedState[]> {
  return Array.fromAsync(
    kv.list({ prefix: ["state", author] }, { limit: deviceMax + 1 }),
    ({ key, value }) => readState(Number(key[2]), value),
  );
}

/** Posts of one feed, ascending by number. */
export async function readFeedPosts(
  kv: Deno.Kv,
  query: { author: string; device: number; from: number; to: number; limit: number },
): Promise<Post[]> {
  const { author, device, from, to, limit } = query;
  if (from > to || limit < 1) return [];
  const selector = {
    start: keys.feed(author, device, from),
    end: keys.feed(author, device, to + 1),
  };
  const stored = kv.list(selector, { limit, batchSize: Math.min(limit, readAtOnceMax) });
  return (await Array.fromAsync(stored, ({ value }) => readStoredPost(value)))
    .filter((post) => post !== undefined);
}

/** The nearest kept post of a feed below or above a number. */
export async function readNeighbour(
  kv: Deno.Kv,
  feed: { author: string; device: number },
  where: { below: number } | { above: number },
): Promise<Post | undefined> {
  const { author, device } = feed;
  const reverse = "below" in where;
  const selector = reverse
    ? { start: keys.feed(author, device, 0), end: keys.feed(author, device, where.below) }
    : {
      start: keys.feed(author, device, where.above + 1),
      end: keys.feed(author, device, Number.MAX_VALUE),
    };
  for await (const { value } of kv.list(selector, { reverse, limit: 1, batchSize: 1 })) {
    return readStoredPost(value);
  }
  return undefined;
}
