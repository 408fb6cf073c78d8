/**
 * Reading the timeline, a page at a time, newest first.
 *
 * @module
 */

import type { PostView, TimelineRequest } from "../api.ts";
import { CamelliaError } from "../model/errors.ts";
import { parseSnowflakeText } from "../model/snowflake.ts";
import { parseUsername } from "../model/username.ts";
import type { Store, TimelineQuery } from "../ports.ts";
import { postView } from "../session/views.ts";

/** Posts in one page at most: some 2 MB when all are as long as can be. */
export const pageLengthMax = 1000;

function parseRequest(request: TimelineRequest): TimelineQuery {
  const { limit, before, author } = request;
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageLengthMax)) {
    throw new CamelliaError(
      "invalid_argument",
      `Cannot show the timeline: the limit ${limit} is not a whole number from 1 to ${pageLengthMax}.`,
    );
  }
  let query: TimelineQuery = { limit };
  if (author !== undefined) query = { ...query, author: parseUsername(author) };
  if (before === undefined) return query;
  const id = parseSnowflakeText(before);
  if (id === undefined) {
    throw new CamelliaError(
      "invalid_argument",
      `Cannot show the timeline: ${JSON.stringify(before.slice(0, 40))} is not the id of a post.`,
    );
  }
  return { ...query, before: id };
}

/**
 * A page of the timeline.
 *
 * @param shown A post as its reader may see it; undefined for one that is not shown.
 *
 * @throws {CamelliaError} `invalid_argument`, `invalid_username`, or what the database fails with.
 */
export async function readTimeline(
  store: Pick<Store, "timeline">,
  request: TimelineRequest,
  shown: (post: PostView) => PostView | undefined = (post) => post,
): Promise<PostView[]> {
  let query = parseRequest(request);
  const { limit } = query;
  const page: PostView[] = [];
  while (true) {
    const posts = await store.timeline(query);
    for (const post of posts) {
      const view = shown(postView(post));
      if (view !== undefined) page.push(view);
    }
    const last = posts.at(-1);
    if (page.length >= limit || posts.length < query.limit || last === undefined) return page;
    query = { ...query, before: last.id, limit: limit - page.length };
  }
}
