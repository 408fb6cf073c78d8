/**
 * Reading one post by its name, wherever it is kept.
 *
 * @module
 */

import type { Post, PostName } from "../model/post.ts";
import type { Store } from "../ports.ts";
import { keptPost } from "../session/kept_post.ts";

/**
 * The post from its author's feed, or from outside the timeline. Undefined where neither has it, and for a repost of
 * what its author has taken back: a deleted text does not come back by it.
 */
export async function postNamed(
  store: Pick<Store, "findPost" | "conversations">,
  name: PostName,
): Promise<Post | undefined> {
  const post = await keptPost(store, name);
  const original = post?.repostOf;
  const isGone = original !== undefined && await store.conversations.isTakenBack(original);
  return isGone ? undefined : post;
}
