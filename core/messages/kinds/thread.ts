/**
 * `thread`: the sender asks for the posts of a thread that it does not have yet.
 *
 * @module
 */

import {
  asArray,
  asBigInteger,
  asBytes,
  asBytesUpTo,
  asInteger,
  DecodeError,
} from "../../../lib/msgpack.ts";
import type { PostName } from "../../model/post.ts";
import { recordBytesMax } from "../../model/record.ts";
import { deviceMax } from "../../model/snowflake.ts";
import { threadPostsMax } from "../../model/thread.ts";
import { asUsername } from "../../model/username.ts";
import { type MessageKind, type Received, stepTokenBytes } from "./kind.ts";

/** Posts that a question says to have, at most: those of a thread, and deletes. */
export const threadHadMax: number = threadPostsMax + 100;

/** What it says. */
export interface ThreadBody {
  /** The first post of the thread. */
  readonly root: PostName;
  /** The key of that post's author, 32 bytes, where the sender knows it. */
  readonly key?: Uint8Array;
  /** The posts of the thread that the sender has, deletes included, at most {@linkcode threadHadMax}. */
  readonly had: readonly PostName[];
  /** Which of the sender's devices wants the answer. */
  readonly device: number;
  /** The sender's own signed `connections` record, so that the answer needs no look-up. */
  readonly connections?: Uint8Array;
  /** The token of the last step of an answer: the next step is wanted. Then only the root and the device count. */
  readonly token?: Uint8Array;
}

/** The part that deals with threads. */
export interface ThreadParts {
  /** Answers with `replies`. */
  readonly threads: { asked(message: Received<"thread", ThreadBody>): void };
}

/** The sender lacks posts of a thread. */
export const thread: MessageKind<"thread", ThreadBody, ThreadParts> = {
  kind: "thread",
  write: ({ root, key, had, device, connections, token }) => [
    [root.author, key ?? null],
    root.id,
    [...Map.groupBy(had, ({ author }) => author)]
      .map(([author, names]) => [author, names.map(({ id }) => id)]),
    device,
    connections ?? null,
    token ?? null,
  ],
  read(value) {
    const [user, id, had, device, connections, token] = asArray(value, "thread", 6);
    const [author, key] = asArray(user, "root", 2);
    const body = {
      root: { author: asUsername(author, "root author"), id: asBigInteger(id, "root id") },
      had: readHad(had),
      device: asInteger(device, "device", 0, deviceMax),
    };
    return {
      ...body,
      ...(key === null ? {} : { key: asBytes(key, "root key", 32) }),
      ...(connections === null
        ? {}
        : { connections: asBytesUpTo(connections, "connections", recordBytesMax) }),
      ...(token === null ? {} : { token: asBytes(token, "token", stepTokenBytes) }),
    };
  },
  // Each of the posts may have an author of its own.
  limits: {
    maxBytes: 36 * threadHadMax + recordBytesMax + 256,
    maxArrayLength: threadHadMax,
    maxDepth: 4,
    maxValues: 4 * threadHadMax + 32,
  },
  allowedFrom: "anyone",
  // Each may have a thousand posts read.
  strangers: { rate: { perSecond: 20, burst: 100 }, units: () => 1 },
  retry: "never",
  handle: (message, { threads }) => threads.asked(message),
};

function readHad(value: unknown): PostName[] {
  const names: PostName[] = [];
  for (const pair of asArray(value, "posts had", 0, threadHadMax)) {
    const [authorValue, ids] = asArray(pair, "posts of an author", 2);
    const author = asUsername(authorValue, "author");
    for (const id of asArray(ids, "ids", 1, threadHadMax)) {
      names.push({ author, id: asBigInteger(id, "id") });
    }
  }
  if (names.length > threadHadMax) throw new DecodeError("more posts than a thread has");
  return names;
}
