/**
 * `mention`: a post that mentions or answers the receiver, or that the receiver is asked to keep for
 * another user whom it mentions or answers.
 *
 * @module
 */

import { asArray, asBytesUpTo } from "../../../lib/msgpack.ts";
import { postBytesMax } from "../../model/post.ts";
import { asUsername } from "../../model/username.ts";
import type { MessageKind, Received, Retry } from "./kind.ts";

/** What it says. */
export interface MentionBody {
  /** The signed post; of any author. */
  readonly post: Uint8Array;
  /** The user for whom the receiver is asked to keep it; absent where the post is the receiver's own to have. */
  readonly for?: string;
}

/** The part that deals with mentions. */
export interface MentionParts {
  /** Checks the post, keeps it, and acknowledges it once it is kept. */
  readonly mentions: {
    received(message: Received<"mention", MentionBody>): void | Promise<void>;
  };
}

/** As for a `follow`: a user who was away has it within five minutes, unless a follower hands it over before. */
export const mentionRetry: Retry = { firstMs: 2_000, longestMs: 300_000 };

/** A post that mentions or answers the receiver, or another user. */
export const mention: MessageKind<"mention", MentionBody, MentionParts> = {
  kind: "mention",
  write: ({ post, for: user }) => [post, user ?? null],
  read(value) {
    const [post, user] = asArray(value, "mention", 2);
    const body = { post: asBytesUpTo(post, "post", postBytesMax) };
    return user === null ? body : { ...body, for: asUsername(user, "user") };
  },
  limits: { maxBytes: postBytesMax + 64, maxArrayLength: 2, maxDepth: 1 },
  // A holder hands over posts of others, and a stranger's name is only what the post says until it is looked up.
  allowedFrom: "anyone",
  // Each may cost two signatures and a look-up. Strangers bring 200 a day that are kept.
  strangers: { rate: { perSecond: 20, burst: 200 }, units: () => 1 },
  retry: mentionRetry,
  handle: (message, { mentions }) => mentions.received(message),
};
