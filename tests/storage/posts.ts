/**
 * Posts for the tests of stores, signed for real.
 *
 * @module
 */

import { given } from "../../core/model/arguments.ts";
import { type FeedPlace, type Post, type PostName, signPost } from "../../core/model/post.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import { identityOf } from "../sim/users.ts";

const identity = identityOf("author");

/** When the posts of {@linkcode postAt} begin. */
const startMs = Date.UTC(2026, 0, 1);

/** An id at a number of seconds after the start. */
export function idAt(second: number, device = 1): bigint {
  return composeSnowflake({ timeMs: startMs + 1000 * second, device, sequence: 0 });
}

/** What a post is to be. */
export interface PostShape {
  readonly author: string;
  readonly number: number;
  /** Seconds after the start; the number unless said otherwise. */
  readonly second?: number;
  readonly device?: number;
  readonly text?: string;
  readonly replyTo?: PostName;
  readonly root?: PostName;
  readonly repostOf?: Post;
  readonly deletes?: FeedPlace;
  /** Whose key signs it; the one that all these posts have, unless said otherwise. */
  readonly as?: string;
}

/** A signed post. */
export function postAt(shape: PostShape): Post {
  const { author, number, second = number, device = 1, replyTo, root, repostOf, deletes, as } =
    shape;
  const isText = repostOf === undefined && deletes === undefined;
  const { text = isText ? `${author} ${number}` : "" } = shape;
  return signPost({
    ...{ author, device, number, id: idAt(second, device), text },
    ...given({ replyTo, root, repostOf, deletes }),
  }, as === undefined ? identity : identityOf(as));
}

/** Posts of one feed with numbers from `from` to `to`. */
export function postsOf(author: string, from: number, to: number, device = 1): Post[] {
  return Array.from(
    { length: to - from + 1 },
    (_, i) => postAt({ author, number: from + i, device }),
  );
}

/** What a test compares: author and number of each post. */
export function names(posts: readonly Post[]): string[] {
  return posts.map((post) => `${post.author} ${post.number}`);
}
