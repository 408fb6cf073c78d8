/**
 * How old and how early a post may be that is sent as a mention.
 *
 * @module
 */

import type { Post } from "../model/post.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";

/** A mention is sent, kept for others and taken in for 30 days, in milliseconds. */
export const mentionMsMax: number = 30 * 86_400_000;

/** How far ahead of the clock a post may be dated, as in its author's feed (design, section 5). */
const aheadMsMax = 120_000;

/** Whether a post is dated ahead: one of two clocks is wrong, and later the post may be taken. */
export function isEarly({ id }: Pick<Post, "id">, nowMs: number): boolean {
  return snowflakeTimeMs(id) - nowMs > aheadMsMax;
}

/** Whether a post is neither too old to be told of nor dated ahead. */
export function isTimely({ id }: Pick<Post, "id">, nowMs: number): boolean {
  return nowMs - snowflakeTimeMs(id) <= mentionMsMax && !isEarly({ id }, nowMs);
}
