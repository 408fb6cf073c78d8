/**
 * Reading one post by its name, wherever it is kept.
 *
 * @module
 */

import type { Post, PostName } from "../model/post.ts";
import type { Store } from "../ports.ts";

/** The post from its author's feed, or from outside the timeline; undefined where neither has it. */
export async function postNamed(
  store: Pick<Store, "findPost" | "conversations">,
  name: PostName,
): Promise<Post | undefined> {
  return await store.findPost(name) ?? await store.conversations.contextPost(name);
}
