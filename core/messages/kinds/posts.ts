/**
 * `posts`: posts of one author, as the answer to a `want` or pushed when they are new.
 *
 * @module
 */

import { asArray, asBytes, asBytesUpTo } from "../../../lib/msgpack.ts";
import { postBytesMax } from "../../model/post.ts";
import { type Head, readHeads, writeHeads } from "../../model/record_body.ts";
import { deviceMax } from "../../model/snowflake.ts";
import type { UserRef } from "../../model/user.ts";
import { type MessageKind, readUser, type Received, stepTokenBytes, writeUser } from "./kind.ts";

/** Posts in one message at most; {@linkcode batchBytesMax} bounds them as well. */
export const postsPerMessageMax = 500;

/**
 * Bytes of posts in one message, and so in one step of an answer: a quarter of what a message may have,
 * so that links take turns smoothly.
 */
export const batchBytesMax: number = 256 * 1024;

/** Users to whom one relay is asked to pass a post on, at most. */
export const relayShareMax = 256;

/** What it says. */
export interface PostsBody {
  /** Whose posts. */
  readonly author: UserRef;
  /** Signed posts, each in its own envelope; those of a feed ascend by number. */
  readonly posts: readonly Uint8Array[];
  /** The token with which the next step of the answer is asked for; absent in the last step and in a push. */
  readonly more?: Uint8Array;
  /** The id of the `want` that is answered, the first one of an answer in steps; absent for a push. */
  readonly inReplyTo?: Uint8Array;
  /** The heads of the author's feeds as the sender knows them. */
  readonly heads: readonly Head[];
  /** Followers to whom the receiver is asked to pass these posts on. */
  readonly relay: readonly UserRef[];
}

/** The part that keeps feeds complete. */
export interface PostsParts {
  /** Checks each post, stores what is new and passes it on where the author asks for that. */
  readonly sync: {
    received(message: Received<"posts", PostsBody>): Promise<void>;
  };
}

/** Posts of one author. */
export const posts: MessageKind<"posts", PostsBody, PostsParts> = {
  kind: "posts",
  write: ({ author, posts, more, inReplyTo, heads, relay }) => [
    writeUser(author),
    posts,
    more ?? null,
    inReplyTo ?? null,
    writeHeads(heads),
    relay.map(writeUser),
  ],
  read(value) {
    const [author, posts, more, inReplyTo, heads, relay] = asArray(value, "posts", 6);
    const body = {
      author: readUser(author, "author"),
      posts: asArray(posts, "post list", 0, postsPerMessageMax)
        .map((post) => asBytesUpTo(post, "post", postBytesMax)),
      heads: readHeads(heads),
      relay: asArray(relay, "relay", 0, relayShareMax).map((user) => readUser(user, "relay")),
    };
    return {
      ...body,
      ...(more === null ? {} : { more: asBytes(more, "token", stepTokenBytes) }),
      ...(inReplyTo === null ? {} : { inReplyTo: asBytes(inReplyTo, "id of the want", 16) }),
    };
  },
  // 500 posts, the heads of 1,024 devices and 256 users hold some 4,400 values. The bytes are bounded
  // by the frame alone.
  limits: { maxBytes: 1024 * 1024, maxArrayLength: deviceMax + 1, maxDepth: 3, maxValues: 8_192 },
  allowedFrom: "anyone",
  // Relays bring one post or a few. Each costs some 50 µs, whether it is new, known or forged.
  strangers: { rate: { perSecond: 1_000, burst: 5_000 }, units: ({ posts }) => posts.length },
  retry: "never",
  handle: (message, { sync }) => sync.received(message),
};
