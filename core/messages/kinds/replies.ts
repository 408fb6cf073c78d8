/**
 * `replies`: posts of a thread, by any authors, as a step of the answer to a `thread`.
 *
 * @module
 */

import { asArray, asBigInteger, asBytes, asBytesUpTo } from "../../../lib/msgpack.ts";
import { postBytesMax, type PostName } from "../../model/post.ts";
import { asUsername } from "../../model/username.ts";
import { type MessageKind, type Received, stepTokenBytes } from "./kind.ts";
import { batchBytesMax, postsPerMessageMax } from "./posts.ts";

/** What it says. */
export interface RepliesBody {
  /** The id of the `thread` that is answered, the first one of an answer in steps. */
  readonly inReplyTo: Uint8Array;
  /** The first post of the thread. */
  readonly root: PostName;
  /** Signed posts, each in its own envelope, in any order; deletes in place of what was taken back. */
  readonly posts: readonly Uint8Array[];
  /** The token with which the next step of the answer is asked for; absent in the last step. */
  readonly more?: Uint8Array;
}

/** The part that deals with threads. */
export interface RepliesParts {
  /** Checks each post, and keeps what is new. */
  readonly threads: { answered(message: Received<"replies", RepliesBody>): Promise<void> };
}

/** Posts of a thread. */
export const replies: MessageKind<"replies", RepliesBody, RepliesParts> = {
  kind: "replies",
  write: ({ inReplyTo, root, posts, more }) => [
    inReplyTo,
    [root.author, root.id],
    posts,
    more ?? null,
  ],
  read(value) {
    const [inReplyTo, root, posts, more] = asArray(value, "replies", 4);
    const [author, id] = asArray(root, "root", 2);
    const body = {
      inReplyTo: asBytes(inReplyTo, "id of the question", 16),
      root: { author: asUsername(author, "root author"), id: asBigInteger(id, "root id") },
      posts: asArray(posts, "post list", 0, postsPerMessageMax)
        .map((post) => asBytesUpTo(post, "post", postBytesMax)),
    };
    return more === null ? body : { ...body, more: asBytes(more, "token", stepTokenBytes) };
  },
  limits: {
    maxBytes: 2 * batchBytesMax,
    maxArrayLength: postsPerMessageMax,
    maxDepth: 2,
    maxValues: postsPerMessageMax + 16,
  },
  // Who was not asked is not listened to.
  allowedFrom: "anyone",
  retry: "never",
  handle: (message, { threads }) => threads.answered(message),
};
