/**
 * What a reader sees of a post: whether it is muted, whose it is, whether it has been read.
 *
 * @module
 */

import type { PeerEvent, PostView } from "./api.ts";
import { shownEvent } from "./conversations/notification_views.ts";
import type { PostName } from "./model/post.ts";
import { believed, type KnownKeys } from "./session/believed.ts";

/** What {@linkcode ShownPosts} ask. */
export interface ShownPostsParts extends KnownKeys {
  /** What the user does not want to see. */
  readonly mutes: { hides(post: PostView): boolean };
  /** How far the timeline was read. */
  readonly readMark: { has(name: PostName): boolean };
}

/** See the module. */
export class ShownPosts {
  readonly #parts: ShownPostsParts;

  /** The posts that one user reads. */
  constructor(parts: ShownPostsParts) {
    this.#parts = parts;
  }

  /** Whether a post is muted, or its author is blocked. */
  hides(post: PostView): boolean {
    return this.#parts.mutes.hides(post);
  }

  /**
   * A post that is not muted, with the clash over its author's name if there is one, since a name is never shown
   * without. Undefined for a repost of what another key signed in the name of a known user.
   */
  believed(post: PostView): PostView | undefined {
    return believed(post, this.#parts);
  }

  /** As {@linkcode believed}; undefined also for what is muted. */
  shown(post: PostView): PostView | undefined {
    return this.hides(post) ? undefined : this.believed(post);
  }

  /** An event with its posts as the user sees them; undefined for one that the user is not told. */
  event(event: PeerEvent): PeerEvent | undefined {
    return shownEvent(event, (post) => this.shown(post));
  }

  /** As {@linkcode believed}, and whether the timeline was read up to the post. */
  marked(post: PostView): PostView | undefined {
    const view = this.believed(post);
    const { author, id } = post;
    return view && { ...view, read: this.#parts.readMark.has({ author, id: BigInt(id) }) };
  }
}
