/**
 * `follow` and `unfollow`: the sender follows the receiver from now on, or no longer does.
 *
 * @module
 */

import { asArray, asBytes, asInteger } from "../../../lib/msgpack.ts";
import { inviteTokenBytes } from "../../model/invite.ts";
import type { MessageKind, Received, Retry } from "./kind.ts";

/** What both say. */
export interface FollowBody {
  /** When the sender decided it: Unix time in milliseconds. Of two such messages the later counts. */
  readonly updatedAt: number;
  /** The one-time token of the receiver's invite, 16 bytes; only in a `follow`. */
  readonly token?: Uint8Array;
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

/** The sender follows the receiver. A token is the second element, and only there where there is one. */
export const follow: MessageKind<"follow", FollowBody, FollowParts> = {
  kind: "follow",
  write: ({ updatedAt, token }) => token === undefined ? [updatedAt] : [updatedAt, token],
  read(value) {
    const [updatedAt, token] = asArray(value, "follow", 1, 2);
    const body = { updatedAt: asInteger(updatedAt, "time of the change") };
    return token === undefined
      ? body
      : { ...body, token: asBytes(token, "token", inviteTokenBytes) };
  },
  limits: { maxBytes: 34, maxArrayLength: 2, maxDepth: 1 },
  allowedFrom: "confirmed",
  retry: followRetry,
  handle: (message, { followers }) => followers.handle(message),
};

/** The sender no longer follows the receiver. */
export const unfollow: MessageKind<"unfollow", FollowBody, FollowParts> = {
  kind: "unfollow",
  write: ({ updatedAt }) => [updatedAt],
  read: (value) => ({
    updatedAt: asInteger(asArray(value, "unfollow", 1)[0], "time of the change"),
  }),
  limits: { maxBytes: 16, maxArrayLength: 1, maxDepth: 1 },
  allowedFrom: "confirmed",
  retry: followRetry,
  handle: (message, { followers }) => followers.handle(message),
};
