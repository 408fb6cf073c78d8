/**
 * Sentences that screens, page and commands say alike.
 *
 * @module
 */

import type { FollowView, ThreadView } from "../../core/api.ts";

/** So many of something: `1 post`, `2 posts`, `3 replies`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** So many posts are something. */
function countText(count: number, what: string): string {
  return `${count} ${count === 1 ? `post is ${what}` : `posts are ${what}`}`;
}

/** Says how many posts the user's mutes and blocks hide, at least one. */
export function hiddenText(hidden: number): string {
  return countText(hidden, "hidden by your mutes");
}

/** One line on what is not among the posts of a thread that are shown; empty where nothing is left out. */
export function leftOutText(
  { missing, hidden = 0 }: Pick<ThreadView, "missing" | "hidden">,
): string {
  const parts = [
    ...missing > 0 ? [countText(missing, "not here")] : [],
    ...hidden > 0 ? [hiddenText(hidden)] : [],
  ];
  return parts.join("; ");
}

/** Says what share of the posts a search knows while the index is being built. */
export function indexedText(indexed: number): string {
  return `The index is being built: the newest ${
    Math.floor(100 * indexed)
  } % of the posts were searched.`;
}

/** What became of a follow or unfollow; `name`: the username as it is to be shown. */
export function followText(view: FollowView, name: string = view.username): string {
  if (view.already && view.acknowledged) return `You follow ${name} already.`;
  if (view.refused) {
    return `You follow ${name}, who does not want that: what they post is not sent to you.`;
  }
  const what = view.following ? "You follow" : "You no longer follow";
  const notice = view.acknowledged
    ? "."
    : `. ${view.username} does not know yet: the request goes out again until it is acknowledged.`;
  return `${what} ${name}${notice}`;
}

/** What became of a delete of so many posts. */
export function deletedText(count: number): string {
  const what = count === 1 ? "The post is" : `${count} posts are`;
  return `${what} deleted. Peers that have it are asked to forget it; they cannot be made to.`;
}
