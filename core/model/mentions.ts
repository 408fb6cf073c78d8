/**
 * Mentions: `@name` in the text of a post.
 *
 * @module
 */

import type { PostContent } from "./post.ts";
import { isUsername } from "./username.ts";

/** Users whom one post mentions at most: further names are only text. */
export const mentionsMax = 10;

/**
 * An `@` and the name after it. What stands before must be no part of a word, of an address or of a path:
 * `bob@example.org` and `https://example.org/@bob` mention no user.
 */
const pattern = /(?<![\p{L}\p{N}_@/.])@([A-Za-z][A-Za-z0-9_]*)(?![\p{L}\p{N}_@])/gu;

/** A name with `@` in a text. */
export interface FoundName {
  /** Where the `@` stands, in UTF-16 units. */
  readonly at: number;
  /** The `@` and the name as written. */
  readonly text: string;
  /** The name, folded to lower case. */
  readonly username: string;
}

/** The names with `@` in a text, in its order, each as often as it stands there. */
export function findNames(text: string): FoundName[] {
  const found: FoundName[] = [];
  for (const { 0: written, 1: name = "", index } of text.matchAll(pattern)) {
    const username = name.toLowerCase();
    if (isUsername(username)) found.push({ at: index, text: written, username });
  }
  return found;
}

/**
 * The users that a text names with `@`, each once, in the order of the text, folded to lower case.
 *
 * More than {@linkcode mentionsMax} may come back, so that the author can be told; only the first count.
 */
export function namedIn(text: string): string[] {
  return [...new Set(findNames(text).map(({ username }) => username))];
}

/** The users that a post by that author mentions: those named first, the author left out. */
export function mentionsOf({ author, text }: { author: string; text: string }): string[] {
  return namedIn(text).filter((name) => name !== author).slice(0, mentionsMax);
}

/** How a post speaks to a user. */
export type AddressKind = "reply" | "repost" | "mention";

/**
 * How a post speaks to a user who is not its author: it answers or reposts a post of that user, stands in a thread
 * that this user began, or mentions the user. Undefined where it does none of that. The user who began a thread
 * keeps the replies, and serves them to all who open it.
 */
export function addressOf(post: PostContent, username: string): AddressKind | undefined {
  if (post.author === username) return undefined;
  if (post.replyTo?.author === username || post.root?.author === username) return "reply";
  if (post.repostOf?.author === username) return "repost";
  return mentionsOf(post).includes(username) ? "mention" : undefined;
}

/** The users to whom a post speaks, each once: see {@linkcode addressOf}. */
export function addresseesOf(post: PostContent): string[] {
  const { author, replyTo, root, repostOf } = post;
  const names = new Set(mentionsOf(post));
  for (const other of [replyTo?.author, root?.author, repostOf?.author]) {
    if (other !== undefined && other !== author) names.add(other);
  }
  return [...names];
}
