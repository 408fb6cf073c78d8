/**
 * How far a timeline was read that is shown page by page.
 *
 * @module
 */

import type { PostView } from "../../core/api.ts";

/** A reader who begins at the newest posts and goes down. */
export class PageReader {
  readonly #self: string;
  #newest: string | undefined;

  /** Nothing was shown yet. */
  constructor(self: string) {
    this.#self = self;
  }

  /**
   * A page was shown; `isFirst`: that of the newest posts, `isLast`: no post lies below it. Returns the id up to which
   * all was read then, undefined where unread posts may lie below the page.
   */
  shown(
    posts: readonly PostView[],
    { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
  ): string | undefined {
    if (isFirst) this.#newest = posts[0]?.id;
    // Own posts are read wherever they lie.
    const hasRead = posts.some(({ author, read }) => read !== false && author !== this.#self);
    return hasRead || isLast ? this.#newest : undefined;
  }
}
