/**
 * How long a post may be. Apart from `post.ts`, which loads what signs posts: a screen counts characters before that.
 *
 * @module
 */

/** The most characters (Unicode code points) of a post's text. */
export const postLengthMax = 500;

/** The most characters (Unicode code points) of a content warning. */
export const warningLengthMax = 100;

/** Unicode code points of a text, which is what counts as its length. */
export function postLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
