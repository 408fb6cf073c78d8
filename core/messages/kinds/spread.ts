/**
 * `spread`: posts with the author's order to hand them on, for authors with more followers than one row of
 * relays can tell (docs/PROTOCOL.md, section 4.7).
 *
 * @module
 */

import { asArray, asBytes, asBytesUpTo, asInteger } from "../../../lib/msgpack.ts";
import { postBytesMax } from "../../model/post.ts";
import { type Head, readHeads, writeHeads } from "../../model/record_body.ts";
import { deviceMax } from "../../model/snowflake.ts";
import type { UserRef } from "../../model/user.ts";
import {
  type Branch,
  branchRelaysMax,
  digestBytes,
  limbDepth,
  warrantBytesMax,
  warrantDepthMax,
} from "../../model/warrant.ts";
import { type MessageKind, readUser, type Received, writeUser } from "./kind.ts";
import type { PostsParts } from "./posts.ts";

/** Posts in one order at most; those that do not fit are told by the next one. */
export const spreadPostsMax = 100;

/** What it says. */
export interface SpreadBody {
  /** Whose posts. */
  readonly author: UserRef;
  /** Signed posts, each in its own envelope. */
  readonly posts: readonly Uint8Array[];
  /** The heads of the author's feeds as the sender knows them. */
  readonly heads: readonly Head[];
  /** What the author has signed: see `core/model/warrant.ts`. */
  readonly warrant: Uint8Array;
  /** Which leaf of the author's tree the first branch is. */
  readonly at: number;
  /** Digests beside the way from these branches to the root. */
  readonly path: readonly Uint8Array[];
  /** One branch that the receiver is to tell, or several that it is to hand on. */
  readonly branches: readonly Branch[];
}

/** The part that carries orders out. */
export interface SpreadParts extends PostsParts {
  /** Checks the order, and does what it asks for. */
  readonly tree: {
    ordered(message: Received<"spread", SpreadBody>): void;
  };
}

/** What a `spread` says of the posts alone, as if they had been pushed. */
export function postsOf(
  { kind: _, body: { author, posts, heads }, ...rest }: Received<"spread", SpreadBody>,
): Received<"posts", Parameters<PostsParts["sync"]["received"]>[0]["body"]> {
  return { ...rest, kind: "posts", body: { author, posts, heads, relay: [] } };
}

/** Posts, and an order to hand them on. */
export const spread: MessageKind<"spread", SpreadBody, SpreadParts> = {
  kind: "spread",
  write: ({ author, posts, heads, warrant, at, path, branches }) => [
    writeUser(author),
    posts,
    writeHeads(heads),
    warrant,
    at,
    path,
    branches.map(({ from, to, relays }) => [from, to, relays.map(writeUser)]),
  ],
  read(value) {
    const [author, posts, heads, warrant, at, path, branches] = asArray(value, "spread", 7);
    return {
      author: readUser(author, "author"),
      posts: asArray(posts, "post list", 1, spreadPostsMax)
        .map((post) => asBytesUpTo(post, "post", postBytesMax)),
      heads: readHeads(heads),
      warrant: asBytesUpTo(warrant, "warrant", warrantBytesMax),
      at: asInteger(at, "leaf", 0, 2 ** warrantDepthMax - 1),
      path: asArray(path, "path", 0, warrantDepthMax)
        .map((digest) => asBytes(digest, "digest", digestBytes)),
      branches: asArray(branches, "branches", 1, 2 ** limbDepth).map((branch) => {
        const [from, to, relays] = asArray(branch, "branch", 3);
        return {
          from: asInteger(from, "first place"),
          to: asInteger(to, "last place"),
          relays: asArray(relays, "relays", 1, branchRelaysMax)
            .map((user) => readUser(user, "relay")),
        };
      }),
    };
  },
  // 100 posts, the heads of 1,024 devices and 64 branches of three users hold some 4,200 values.
  limits: { maxBytes: 1024 * 1024, maxArrayLength: deviceMax + 1, maxDepth: 5, maxValues: 8_192 },
  allowedFrom: "anyone",
  // As for posts: a relay that is not known brings the orders of a followed author.
  strangers: { rate: { perSecond: 200, burst: 1_000 }, units: ({ posts }) => posts.length },
  retry: "never",
  async handle(message, { sync, tree }) {
    await sync.received(postsOf(message));
    tree.ordered(message);
  },
};
