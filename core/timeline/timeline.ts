/**
 * Reading the timeline, a page at a time, newest first.
 *
 * @module
 */

import type { PostView, TimelineRequest, TimelineView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { CamelliaError } from "../model/errors.ts";
import { readPostId } from "../model/snowflake.ts";
import type { PostName } from "../model/post.ts";
import { parseUsername } from "../model/username.ts";
import type { Store, TimelineQuery } from "../ports.ts";
import { postView } from "../session/views.ts";

/** Posts in one page at most: some 2 MB when all are as long as can be. */
export const pageLengthMax = 1000;

/**
 * Checks which page is asked for; `doing` is for the error message, a verb and its object.
 *
 * @throws {CamelliaError} `invalid_argument`.
 */
export function parsePage(
  doing: string,
  { limit, before, after }: Pick<TimelineRequest, "limit" | "before" | "after">,
): Pick<TimelineQuery, "limit" | "before" | "after"> {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageLengthMax)) {
    throw new CamelliaError(
      "invalid_argument",
      `Cannot ${doing}: the limit ${limit} is not a whole number from 1 to ${pageLengthMax}.`,
    );
  }
  if (before !== undefined && after !== undefined) {
    throw new CamelliaError(
      "invalid_argument",
      `Cannot ${doing}: posts are asked for before one and after one; only one of the two is possible.`,
    );
  }
  if (before !== undefined) return { limit, before: readPostId(before, doing) };
  return after === undefined ? { limit } : { limit, after: readPostId(after, doing) };
}

function parseRequest(request: TimelineRequest): TimelineQuery {
  const page = parsePage("show the timeline", request);
  const { author } = request;
  return author === undefined ? page : { ...page, author: parseUsername(author) };
}

/**
 * Posts read at once at least after the first read of a page or of what a search finds: where mutes hide much, it
 * must not be put together from hundreds of small reads.
 */
export const refillLength = 100;

/** Posts read at once after a page's first read; four times as many at each further one, up to the above. */
const firstRefillLength = 12;

/** What a page is to say of its posts. */
export interface TimelineLook {
  /** Whether the user does not want to see a post. */
  readonly hides?: (post: PostView) => boolean;
  /** A post as its reader may see it; undefined for one that is not shown for another reason. */
  readonly shown?: (post: PostView) => PostView | undefined;
  /** How many posts answer each of these. */
  readonly replyCounts?: (names: readonly PostName[]) => Promise<readonly number[]>;
}

/**
 * A page of the timeline.
 *
 * @throws {CamelliaError} `invalid_argument`, `invalid_username`, or what the database fails with.
 */
export async function readTimeline(
  store: Pick<Store, "timeline">,
  request: TimelineRequest,
  { hides = () => false, shown = (post) => post, replyCounts }: TimelineLook = {},
): Promise<TimelineView> {
  let query = parseRequest(request);
  const { limit } = query;
  const isUpwards = query.after !== undefined;
  const page: PostView[] = [];
  let refill = firstRefillLength;
  let hidden = 0;
  while (true) {
    const posts = await store.timeline(query);
    for (const post of isUpwards ? posts.toReversed() : posts) {
      if (page.length >= limit) break;
      const asRead = postView(post);
      if (hides(asRead)) {
        hidden++;
        continue;
      }
      const view = shown(asRead);
      if (view !== undefined) page.push(view);
    }
    const last = isUpwards ? posts[0] : posts.at(-1);
    if (page.length >= limit || posts.length < query.limit || last === undefined) break;
    const from = isUpwards ? { after: last.id } : { before: last.id };
    query = { ...query, ...from, limit: Math.max(limit - page.length, refill) };
    refill = Math.min(4 * refill, refillLength);
  }
  if (isUpwards) page.reverse();
  const names = page.map(({ author, id }) => ({ author, id: BigInt(id) }));
  const counts = await replyCounts?.(names) ?? [];
  const posts = page.map((post, i) => {
    const replies = counts[i] ?? 0;
    return replies > 0 ? { ...post, replies } : post;
  });
  return { posts, ...given({ hidden: hidden > 0 ? hidden : undefined }) };
}
