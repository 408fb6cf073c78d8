/**
 * Mentions: `@name` in the text of a post.
 *
 * @module
 */

import { isUsername } from "./username.ts";

/** Users whom one post mentions at most: further names are only text. */
export const mentionsMax = 10;

/**
 * An `@` and the name after it. What stands before must be no part of a word, of an address or of a path:
 * `bob@example.org` and `https://example.org/@bob` mention no user.
 */
const pattern = /(?<![\p{L}\p{N}_@/.])@([A-Za-z][A-Za-z0-9_]*)(?![\p{L}\p{N}_@])/gu;

/**
 * The users that a text names with `@`, each once, in the order of the text, folded to lower case.
 *
 * More than {@linkcode mentionsMax} may come back, so that the author can be told; only the first count.
 */
export function namedIn(text: string): string[] {
  const names = new Set<string>();
  for (const [, name = ""] of text.matchAll(pattern)) {
    const folded = name.toLowerCase();
    if (isUsername(folded)) names.add(folded);
  }
  return [...names];
}

/** The users that a post by that author mentions: those named first, the author left out. */
export function mentionsOf({ author, text }: { author: string; text: string }): string[] {
  return namedIn(text).filter((name) => name !== author).slice(0, mentionsMax);
}
