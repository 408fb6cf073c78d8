/**
 * Reading a thread from the own database: posts of followed authors, and those kept outside the timeline.
 *
 * @module
 */

import { type Post, type PostName, postOrder } from "../model/post.ts";
import { threadName, threadPostsMax } from "../model/thread.ts";
import type { Store } from "../ports.ts";

/** What is here of a thread. */
export interface ThreadPosts {
  /** The first post, if it is here, and the newest others, at most {@linkcode threadPostsMax}, in the order of ids. */
  readonly posts: readonly Post[];
  /** Deletes of posts that were in it. */
  readonly deletes: readonly Post[];
}

/** Reads what is here of a thread; `root` is the name of its first post. */
export async function readThread(
  store: Pick<Store, "thread" | "conversations">,
  root: PostName,
): Promise<ThreadPosts> {
  const [context, feeds] = await Promise.all([
    store.conversations.contextThread(root),
    store.thread({ root, limit: threadPostsMax }),
  ]);
  const first = await store.conversations.contextPost(root);
  const posts = new Map<string, Post>();
  for (const post of [...first === undefined ? [] : [first], ...context, ...feeds]) {
    if (post.deletes === undefined) posts.set(threadName(post), post);
  }
  const begin = posts.get(threadName(root));
  if (begin !== undefined) posts.delete(threadName(root));
  const replies = [...posts.values()].sort(postOrder).slice(-(threadPostsMax - 1));
  return {
    posts: (begin === undefined ? replies : [begin, ...replies]).sort(postOrder),
    deletes: context.filter((post) => post.deletes !== undefined),
  };
}
