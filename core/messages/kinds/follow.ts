/**
 * `follow` and `unfollow`: the sender follows the receiver from now on, or no longer does.
 *
 * @module
 */

import { asArray, asInteger } from "../../../lib/msgpack.ts";
import type { MessageKind, Received, Retry } from "./kind.ts";

/** What both say. */
export interface FollowBody {
  /** When the sender decided it: Unix time in milliseconds. Of two such messages the later counts. */
  readonly updatedAt: number;
}

/** The part that keeps the list of followers. */
export interface FollowParts {
  /** Changes the list and acknowledges the message. */
  readonly followers: {
    handle(message: Received<"follow" | "unfollow", FollowBody>): Promise<void>;
  };
}

/**
 * An acknowledgement on a good path takes well under a second; a user who was away is told within five
 * minutes.
 */
export const followRetry: Retry = { firstMs: 2_000, longestMs: 300_000 };

/** Both kinds differ in their name alone. */
function declare<K extends "follow" | "unfollow">(
  kind: K,
): MessageKind<K, FollowBody, FollowParts> {
  return {
    kind,
    write: ({ updatedAt }) => [updatedAt],
    read: (value) => ({ updatedAt: asInteger(asArray(value, kind, 1)[0], "time of the change") }),
    limits: { maxBytes: 16, maxArrayLength: 1, maxDepth: 1 },
    allowedFrom: "confirmed",
    retry: followRetry,
    handle: (message, { followers }) => followers.handle(message),
  };
}

/** The sender follows the receiver. */
export const follow: MessageKind<"follow", FollowBody, FollowParts> = declare("follow");

/** The sender no longer follows the receiver. */
export const unfollow: MessageKind<"unfollow", FollowBody, FollowParts> = declare("unfollow");
