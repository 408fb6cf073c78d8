/**
 * The posts of a list that are held at once: a window over a timeline of any length.
 *
 * Pure. Posts are in the order of the timeline, the newest first, and none is in it twice. Where one end grows
 * beyond the bound, posts at the other end go; the one that is read never goes.
 *
 * @module
 */

import type { PostNameView, PostView } from "../../core/api.ts";
import { keyOf } from "./post_row.ts";

/** Posts in one page: more than two screens have. */
export const pageLength = 50;

/** Posts held at once: four pages. */
export const windowMax = 200;

/** Posts kept around the one that is read when others go: more than a screen has. */
const keptAround = 60;

/** Posts held, and whether there are more. */
export interface PostWindow {
  /** The newest first. */
  readonly posts: readonly PostView[];
  /** Whether newer ones were here, or are known to be there, that a page above would have. */
  readonly hasNewer: boolean;
  /** Whether a page below would have more. */
  readonly hasOlder: boolean;
}

/** Nothing is held yet. */
export const emptyWindow: PostWindow = { posts: [], hasNewer: false, hasOlder: true };

/** The order of ids: below 0 where the first is the older one. */
export function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of a timeline: below 0 where the first stands above. Posts of one id go by their authors' names. */
export function compareNames(a: PostNameView, b: PostNameView): number {
  const byId = compareIds(b.id, a.id);
  if (byId !== 0) return byId;
  return a.author > b.author ? -1 : a.author < b.author ? 1 : 0;
}

/** Some posts in the order of a timeline, each once; of two of one name the later given. */
function ordered(posts: readonly PostView[]): PostView[] {
  return [...new Map(posts.map((post) => [keyOf(post), post])).values()].sort(compareNames);
}

/** Which end has grown. */
type End = "above" | "below";

/** The window within its bound: what goes is first at the end that has not grown, then at the other. */
function bounded(window: PostWindow, grown: End, anchor: string | undefined): PostWindow {
  const { posts } = window;
  const surplus = posts.length - windowMax;
  if (surplus <= 0) return window;
  const found = anchor === undefined ? -1 : posts.findIndex((post) => keyOf(post) === anchor);
  const read = found >= 0 ? found : grown === "above" ? 0 : posts.length - 1;
  const spareAbove = Math.max(0, read - keptAround);
  const spareBelow = Math.max(0, posts.length - 1 - read - keptAround);
  let above = grown === "below"
    ? Math.min(surplus, spareAbove)
    : surplus - Math.min(surplus, spareBelow);
  above = Math.min(above, read);
  const kept = posts.slice(above, above + windowMax);
  return {
    posts: kept,
    hasNewer: window.hasNewer || above > 0,
    hasOlder: window.hasOlder || above + windowMax < posts.length,
  };
}

/** A first page in place of all that was held. */
export function firstPage(page: readonly PostView[], isLast: boolean): PostWindow {
  return { posts: ordered(page), hasNewer: false, hasOlder: !isLast };
}

/** With a page of older posts below; `isLast`: there are no more. */
export function withOlder(
  window: PostWindow,
  page: readonly PostView[],
  { isLast, anchor }: { readonly isLast: boolean; readonly anchor?: string | undefined },
): PostWindow {
  const posts = ordered([...page, ...window.posts]);
  return bounded({ ...window, posts, hasOlder: !isLast }, "below", anchor);
}

/** With a page of newer posts above; `isLast`: there are no more. */
export function withNewer(
  window: PostWindow,
  page: readonly PostView[],
  { isLast, anchor }: { readonly isLast: boolean; readonly anchor?: string | undefined },
): PostWindow {
  const posts = ordered([...page, ...window.posts]);
  return bounded({ ...window, posts, hasNewer: !isLast }, "above", anchor);
}

/** Whether a post stands above the last one held, so that no page below would have it. */
export function isWithin({ posts, hasOlder }: PostWindow, post: PostNameView): boolean {
  const last = posts.at(-1);
  return !hasOlder || last === undefined || compareNames(post, last) < 0;
}

/** With posts that have just come, in their places; those below the last one held are left to its pages. */
export function withArrivals(
  window: PostWindow,
  arrivals: readonly PostView[],
  anchor?: string,
): PostWindow {
  const here = arrivals.filter((post) => isWithin(window, post));
  if (here.length === 0) return window;
  return bounded(
    { ...window, posts: ordered([...here, ...window.posts]) },
    "above",
    anchor,
  );
}
