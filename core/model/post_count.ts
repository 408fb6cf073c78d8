/**
 * How many posts of a user stand. A feed is numbered without gaps, so its heads tell how many posts there ever were;
 * a delete uses up two numbers, its own and that of the post which it takes back.
 *
 * @module
 */

import type { Head } from "./record_body.ts";

/** How many numbers a user's feeds have used. */
export function numbersIn(heads: readonly Head[]): number {
  return heads.reduce((sum, { head }) => sum + head, 0);
}

/** How many posts a `public` record says that its user has taken back. */
export function takenBackIn(
  { posts, heads }: { readonly posts: number; readonly heads: readonly Head[] },
): number {
  return Math.max(Math.floor((numbersIn(heads) - posts) / 2), 0);
}

/** The posts that stand. */
export function postsStanding(numbers: number, takenBack: number): number {
  return Math.max(numbers - 2 * takenBack, 0);
}
