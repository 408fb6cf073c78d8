/**
 * A post by its name, wherever the database keeps it.
 *
 * @module
 */

import type { Post, PostName } from "../model/post.ts";
import type { Store } from "../ports.ts";

/** The post from its author's feed, or from outside the timeline; undefined where neither has it. */
export async function keptPost(
  store: Pick<Store, "findPost" | "conversations">,
  name: PostName,
): Promise<Post | undefined> {
  return await store.findPost(name) ?? await store.conversations.contextPost(name);
}
