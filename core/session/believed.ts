/**
 * What is said beside a post about who wrote it.
 *
 * @module
 */

import type { ClashView, PostView } from "../api.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";

/** Who is known to a user. */
export interface KnownKeys {
  /** The user. */
  readonly self: UserRef;
  /** Knows pins, and clashes over them. */
  readonly people: {
    pin(username: string): Uint8Array | undefined;
    clash(username: string): ClashView | undefined;
  };
}

/**
 * A post with the clash over its author's name if there is one, since a name is never shown without. Undefined for
 * a repost of what another key signed in the name of a known user.
 */
export function believed(post: PostView, known: KnownKeys): PostView | undefined {
  const clash = known.people.clash(post.author);
  const own = clash === undefined ? post : { ...post, clash };
  const original = post.repost_of;
  if (original === undefined) return own;
  const { self, people } = known;
  const key = original.author === self.username ? self.key : people.pin(original.author);
  const verified = key !== undefined && fingerprintOf(key) === original.fingerprint;
  if (key !== undefined && !verified) return undefined;
  return { ...own, repost_of: { ...original, ...believed(original, known), verified } };
}
