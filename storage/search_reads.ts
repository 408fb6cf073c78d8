/**
 * Searches in a user's database: the index says where the posts are, the database has them.
 *
 * Posts that the database no longer has, or has only until a removal ends, are passed over, whatever the index says.
 * Where there is no index, the newest posts are looked at one by one.
 *
 * @module
 */

import { given } from "../core/model/arguments.ts";
import { type Post, type PostName, postOrder, rootOf } from "../core/model/post.ts";
import { isFound, ranked, rankedMax, type SearchQuery } from "../core/model/search_query.ts";
import { threadName } from "../core/model/thread.ts";
import type { Found, ThreadQuery } from "../core/ports.ts";
import type { KvConversations } from "./conversations.ts";
import { type Database, getAll } from "./database.ts";
import type { IndexUpkeep } from "./index_upkeep.ts";
import { keys, type PostPlace, readCount, readStoredPost } from "./layout.ts";
import type { PostIndex } from "./post_index.ts";
import { feedKeyOf, readTimeline, shown } from "./post_reads.ts";

/** Posts read at once. */
const readAtOnceMax = 200;

/** Posts looked at one by one where there is no index: 50 ms. */
const scannedMax = 2_000;

/** What is searched. */
export interface Searched {
  /** The database that has the posts. */
  readonly database: Database;
  /** Its index. */
  readonly index: IndexUpkeep;
  /** Posts outside the timeline. */
  readonly outside: Pick<KvConversations, "search">;
  /** Authors of whom nothing is shown. */
  readonly hidden: ReadonlySet<string>;
}

/** Posts by their words; see `Store.search`. */
export async function search(
  searched: Searched,
  query: SearchQuery,
  limit: number,
): Promise<Found> {
  const [found, context] = await Promise.all([
    onTimeline(searched, query, limit),
    searched.outside.search(query, limit),
  ]);
  const known = new Set(found.posts.map(threadName));
  const outside = new Set(context.filter((post) => !known.has(threadName(post))));
  if (outside.size === 0) return { ...found, posts: inOrder(query, found.posts, limit) };
  const posts = inOrder(query, [...found.posts, ...outside].sort(newestFirst), limit);
  return { ...found, posts, outside: new Set(posts.filter((post) => outside.has(post))) };
}

function newestFirst(a: Post, b: Post): number {
  return postOrder(b, a);
}

/** As many posts as are wanted, newest first, or all that are to be ranked. */
async function onTimeline(searched: Searched, query: SearchQuery, limit: number): Promise<Found> {
  const wanted = query.sort === "rank" ? rankedMax : limit;
  const { index: upkeep } = searched;
  const found = await withIndex(searched, async (index) => {
    // As it is now: the index may be ready before the posts are read.
    const { indexed } = upkeep;
    const posts = await gather(
      searched,
      wanted,
      (last, count) =>
        index.search({ ...query, ...given({ before: last ?? query.before }) }, count),
    );
    return { posts, ...given({ indexed }) };
  });
  return found ?? await scanSearch(searched, query);
}

function inOrder(query: SearchQuery, posts: readonly Post[], limit: number): Post[] {
  return (query.sort === "rank" ? ranked(query, posts) : posts).slice(0, limit);
}

async function scanSearch(searched: Searched, query: SearchQuery): Promise<Found> {
  const { posts, total } = await newest(searched);
  const found = posts.filter((post) => isFound(query, post));
  const indexed = posts.length >= total ? undefined : posts.length / total;
  return { posts: found, ...given({ indexed }) };
}

/** A page of a thread; see `Store.thread`. */
export async function readThread(searched: Searched, query: ThreadQuery): Promise<Post[]> {
  const { root, limit, before } = query;
  const found = await withIndex(
    searched,
    (index) => gather(searched, limit, (last, count) => index.thread(root, last ?? before, count)),
  );
  if (found !== undefined) return found;
  const isSame = (a: PostName) => a.id === root.id && a.author === root.author;
  return (await newest(searched)).posts
    .filter((post) => isSame(post) || (post.replyTo !== undefined && isSame(rootOf(post))))
    .filter(({ id }) => before === undefined || id < before)
    .slice(0, limit);
}

/** How many posts answer others; see `Store.replyCounts`. */
export async function readReplyCounts(
  searched: Searched,
  names: readonly PostName[],
): Promise<number[]> {
  const counts = await withIndex(
    searched,
    (index) => Promise.resolve(names.map((name) => index.replyCount(name))),
  );
  if (counts !== undefined) return counts;
  const { posts } = await newest(searched);
  return names.map(({ author, id }) =>
    posts.filter(({ replyTo }) => replyTo?.id === id && replyTo.author === author).length
  );
}

/** Asks the index once it is up to date; undefined where there is none, or it fails. */
async function withIndex<T>(
  { index: upkeep, database }: Searched,
  ask: (index: PostIndex) => Promise<T>,
): Promise<T | undefined> {
  await upkeep.current();
  const { index } = upkeep;
  if (index === undefined) return undefined;
  try {
    return await ask(index);
  } catch (error) {
    if (database.isClosed) throw error;
    // Another search may have had the index made anew by now.
    if (upkeep.index === index) {
      upkeep.fail(error);
      upkeep.start();
    }
    return undefined;
  }
}

/**
 * Reads posts, a page of places after another, until there are as many as wanted.
 *
 * @param next Places beyond an id, or the first ones, in their order; at least so many, if there are.
 */
async function gather(
  { database, hidden }: Searched,
  wanted: number,
  next: (last: bigint | undefined, count: number) => readonly PostPlace[],
): Promise<Post[]> {
  const posts: Post[] = [];
  let last: bigint | undefined;
  while (posts.length < wanted) {
    const places = next(last, Math.min(wanted - posts.length, readAtOnceMax));
    const end = places.at(-1);
    if (end === undefined) break;
    last = end.id;
    const visible = places.filter(({ author }) => !hidden.has(author));
    posts.push(...await database.read("read posts", (kv) => readPlaces(kv, visible)));
  }
  return posts.slice(0, wanted);
}

async function readPlaces(kv: Deno.Kv, places: readonly PostPlace[]): Promise<readonly Post[]> {
  const values = await getAll(kv, places.map(feedKeyOf));
  const posts = values.map(readStoredPost);
  const there = posts.filter((post, i): post is Post => post?.id === places[i]?.id);
  return await shown(kv, there);
}

/** The newest posts, and how many there are in all. */
async function newest(
  { database, hidden }: Searched,
): Promise<{ posts: readonly Post[]; total: number }> {
  return await database.read("read the newest posts", async (kv) => ({
    posts: await readTimeline(kv, { limit: scannedMax }, hidden),
    total: readCount((await getAll(kv, [keys.total]))[0]),
  }));
}
