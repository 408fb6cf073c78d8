/**
 * Threads: the replies to a post, and the replies to those.
 *
 * All here goes from post to post in loops: a chain of 10,000 replies, or replies that name one another in a circle,
 * cost no more than as many others.
 *
 * @module
 */

import type { PostContent, PostName } from "./post.ts";

/** Posts of one thread that are kept, served and shown: the newest, and the first one. */
export const threadPostsMax = 1_000;

/** Steps to the right in which a reply may stand below what it answers. */
export const depthMax = 8;

/** A post and its place in the tree of its thread. */
export interface ThreadPlace<P> {
  /** The post. */
  readonly post: P;
  /** How many posts stand between it and the beginning of its branch, at most {@linkcode depthMax}. */
  readonly depth: number;
  /** The post that it answers, where that is not here: then a branch begins. */
  readonly missing?: string;
}

/** What a tree is made from. */
export interface ThreadLinks<P> {
  /** The name of a post, AUTHOR/ID. */
  name(post: P): string;
  /** The name of the post that it answers; undefined for the first of a thread. */
  parent(post: P): string | undefined;
}

/** A post's name as one word, AUTHOR/ID. */
export function threadName({ author, id }: { author: string; id: bigint | string }): string {
  return `${author}/${id}`;
}

/** The names of the posts that others of a thread answer, its first one included, and that are not among them. */
export function missingOf(
  root: PostName,
  posts: readonly Pick<PostContent, "author" | "id" | "replyTo">[],
): string[] {
  const here = new Set(posts.map(threadName));
  const named = new Set([threadName(root)]);
  for (const { replyTo } of posts) if (replyTo !== undefined) named.add(threadName(replyTo));
  return [...named].filter((name) => !here.has(name));
}

/**
 * Posts as a tree: each below the one that it answers, those that answer the same one in the order given. Posts
 * whose links go in a circle begin branches of their own.
 */
export function treeOf<P>(posts: readonly P[], { name, parent }: ThreadLinks<P>): ThreadPlace<P>[] {
  const here = new Map(posts.map((post) => [name(post), post]));
  const replies = Map.groupBy(posts, (post) => {
    const above = parent(post);
    return above !== undefined && here.has(above) ? above : undefined;
  });
  const places: ThreadPlace<P>[] = [];
  const placed = new Set<P>();
  const place = (begin: readonly P[]) => {
    const open = begin.toReversed().map((post) => ({ post, depth: 0 }));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { post, depth } = next;
      if (placed.has(post)) continue;
      placed.add(post);
      const above = parent(post);
      const isMissing = above !== undefined && !here.has(above);
      places.push({
        post,
        depth: Math.min(depth, depthMax),
        ...isMissing ? { missing: above } : {},
      });
      for (const reply of (replies.get(name(post)) ?? []).toReversed()) {
        open.push({ post: reply, depth: depth + 1 });
      }
    }
  };
  place(replies.get(undefined) ?? []);
  // What is left answers one another in a circle.
  for (const post of posts) place([post]);
  return places;
}
