/**
 * `want`: the sender asks for the posts of an author that it does not have yet.
 *
 * @module
 */

import { type FeedState, rangesTotalMax, readFeeds, writeFeeds } from "../../model/feed.ts";
import { asArray, asBytes, asBytesUpTo, asInteger } from "../../../lib/msgpack.ts";
import { recordBytesMax } from "../../model/record.ts";
import { deviceMax } from "../../model/snowflake.ts";
import type { UserRef } from "../../model/user.ts";
import { type MessageKind, readUser, type Received, stepTokenBytes, writeUser } from "./kind.ts";

/** Feeds of which one message has a digest, at most. */
export const seenFeedsMax = 16;

/** Posts in one digest at most. */
export const seenPostsMax = 32;

/** What the sender has under some numbers of a feed, a post under each. */
export interface SeenPosts {
  /** Which device's feed. */
  readonly device: number;
  /** The first number. */
  readonly from: number;
  /** The last number. */
  readonly to: number;
  /** Tells other posts apart from these; 16 bytes. */
  readonly digest: Uint8Array;
}

/** What it says. */
export interface WantBody {
  /** Whose posts. */
  readonly author: UserRef;
  /** What the sender has of each feed that it knows of. */
  readonly feeds: readonly FeedState[];
  /** Unix time in milliseconds: older posts are not wanted any more; 0 for all. */
  readonly since: number;
  /** Which of the sender's devices wants the answer. */
  readonly device: number;
  /** The sender's own signed `connections` record, so that the answer needs no look-up. */
  readonly connections?: Uint8Array;
  /** The token of the last step of an answer: the next step is wanted. Then only the author and the device count. */
  readonly token?: Uint8Array;
  /** What the sender has under some numbers: who has other posts there sends them. */
  readonly seen?: readonly SeenPosts[];
}

/** The part that keeps feeds complete. */
export interface WantParts {
  /** Answers with `posts`. */
  readonly sync: {
    wanted(message: Received<"want", WantBody>): Promise<void>;
  };
}

/** The sender lacks posts. */
export const want: MessageKind<"want", WantBody, WantParts> = {
  kind: "want",
  write: ({ author, feeds, since, device, connections, token, seen = [] }) => [
    writeUser(author),
    writeFeeds(feeds),
    since,
    device,
    connections ?? null,
    token ?? null,
    seen.map(({ device, from, to, digest }) => [device, from, to, digest]),
  ],
  read(value) {
    const [author, feeds, since, device, connections, token, seen] = asArray(value, "want", 7);
    const body = {
      author: readUser(author, "author"),
      feeds: readFeeds(feeds),
      since: asInteger(since, "since"),
      device: asInteger(device, "device", 0, deviceMax),
    };
    const seenPosts = asArray(seen, "digests", 0, seenFeedsMax).map(readSeen);
    return {
      ...body,
      ...(seenPosts.length === 0 ? {} : { seen: seenPosts }),
      ...(connections === null
        ? {}
        : { connections: asBytesUpTo(connections, "connections", recordBytesMax) }),
      ...(token === null ? {} : { token: asBytes(token, "token", stepTokenBytes) }),
    };
  },
  // 1,024 feeds and 4,096 ranges hold some 17,500 values. The deepest is body, feeds, feed, ranges, range.
  limits: {
    maxBytes: 24 * (deviceMax + 1 + rangesTotalMax) + 48 * seenFeedsMax + recordBytesMax + 128,
    maxArrayLength: deviceMax + 1,
    maxDepth: 5,
    maxValues: 32_768,
  },
  allowedFrom: "anyone",
  retry: "never",
  handle: (message, { sync }) => sync.wanted(message),
};

function readSeen(value: unknown): SeenPosts {
  const [deviceValue, fromValue, toValue, digest] = asArray(value, "digest", 4);
  const from = asInteger(fromValue, "first number", 1);
  return {
    device: asInteger(deviceValue, "device", 0, deviceMax),
    from,
    to: asInteger(toValue, "last number", from, from + seenPostsMax - 1),
    digest: asBytes(digest, "digest", 16),
  };
}
