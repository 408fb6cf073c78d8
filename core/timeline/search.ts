/**
 * Searching the own database.
 *
 * @module
 */

import type { PostView, SearchRequest, SearchView } from "../api.ts";
import { given } from "../model/arguments.ts";
import type { Post } from "../model/post.ts";
import { parseSearch } from "../model/search_query.ts";
import type { Clock, Store } from "../ports.ts";
import { postView } from "../session/views.ts";
import { parsePage, refillLength } from "./timeline.ts";

/** What a search needs. */
export interface SearchParts {
  /** The database. */
  readonly store: Pick<Store, "search">;
  /** Measures how long it takes. */
  readonly clock: Pick<Clock, "monotonic">;
  /** Whether the user does not want to see a post. */
  readonly hides?: (post: PostView) => boolean;
  /** A post of the timeline as its reader may see it; undefined for one that is not shown for another reason. */
  readonly shown?: (post: PostView) => PostView | undefined;
  /** The same for a post that is kept outside the timeline. */
  readonly shownOutside?: (post: Post) => PostView | undefined;
}

/**
 * The posts that are found.
 *
 * @throws {CamelliaError} `invalid_argument`, `invalid_username`, or what the database fails with.
 */
export async function searchPosts(
  { store, clock, hides = () => false, shown = (post) => post, shownOutside = postView }:
    SearchParts,
  request: SearchRequest,
): Promise<SearchView> {
  const startMs = clock.monotonic();
  const { limit, before } = parsePage("search", request);
  let query = parseSearch(request.query);
  if (before !== undefined && (query.before ?? before) >= before) {
    query = { ...query, before };
  }
  const posts: PostView[] = [];
  let wanted = limit;
  let hidden = 0;
  let indexed: number | undefined;
  while (true) {
    const found = await store.search(query, wanted);
    for (const post of found.posts) {
      if (posts.length >= limit) break;
      const asRead = postView(post);
      if (hides(asRead)) {
        hidden++;
        continue;
      }
      if (found.outside?.has(post)) {
        const view = shownOutside(post);
        if (view !== undefined) posts.push({ ...view, outside: true });
      } else {
        const view = shown(asRead);
        if (view !== undefined) posts.push(view);
      }
    }
    indexed = found.indexed;
    const last = found.posts.at(-1);
    // What fits best is in no order that could go on.
    const isAll = posts.length >= limit || last === undefined || query.sort === "rank";
    if (isAll) break;
    query = { ...query, before: last.id };
    wanted = Math.max(limit - posts.length, refillLength);
  }
  const tookMs = Math.round(10 * (clock.monotonic() - startMs)) / 10;
  const more = { indexed, hidden: hidden > 0 ? hidden : undefined };
  return { posts, took_ms: tookMs, ...given(more) };
}
