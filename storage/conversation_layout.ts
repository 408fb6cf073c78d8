/**
 * The keys and values of conversations in a user's database. docs/STORAGE.md shows them as a table.
 *
 *     ["mention", username, id]           bytes: number of the own post, names of the users who keep it for that user
 *     ["held", username, author, id]      bytes: who asked, when it came, the signed post
 *     ["context", author, id]             bytes: when it came, the signed post, of a delete the thread
 *     ["contexts", at, author, id]        number: bytes of that post; in the order in which they came
 *     ["thread", author, id, id, author]  true: the post (behind) is a context post of the thread (before)
 *     ["answer", author, id, author, id]  true: the post (behind) is a context post that answers another
 *     ["notification", list, number]      bytes: kind, from, at, post, message, whether put aside
 *     ["notified", username, what]        number: the notification of that user and post, or kind and message
 *
 * What must hold after every commit: `context` and `contexts` have the same posts; `thread` has them by their
 * threads, and `answer` those that are replies; `notified` has what `notification` has.
 *
 * @module
 */

import type {
  HeldMention,
  HeldPlace,
  NewNotification,
  NotificationKind,
  NotificationList,
  PendingMention,
  StoredNotification,
} from "../core/conversation_store.ts";
import { type Post, postBytesMax, type PostName } from "../core/model/post.ts";
import { asUsername } from "../core/model/username.ts";
import {
  asArray,
  asBigInteger,
  asBoolean,
  asBytes,
  asBytesUpTo,
  asInteger,
  asString,
  attempt,
  decode,
  DecodeError,
  encode,
} from "../lib/msgpack.ts";
import { readStoredPost } from "./layout.ts";

/** Holders of one mention that are remembered. */
export const holdersMax = 8;

/** UTF-16 units of a message. */
const messageLengthMax = 500;

/** UTF-16 units of what tells notifications of one user apart: a key has at most 2,048 bytes. */
const whatLengthMax = 400;

/** Keys by what is stored under them. */
export const conversationKeys = {
  /** An own post on its way to a user. */
  mention: (to: string, id: bigint): Deno.KvKey => ["mention", to, id],
  /** A post held for a user. */
  held: ({ for: user, author, id }: HeldPlace): Deno.KvKey => ["held", user, author, id],
  /** A post outside the timeline. */
  context: ({ author, id }: PostName): Deno.KvKey => ["context", author, id],
  /** Its place among these in the order in which they came. */
  contextAt: (at: number, { author, id }: PostName): Deno.KvKey => ["contexts", at, author, id],
  /** Its place in its thread. */
  thread: (root: PostName, { author, id }: PostName): Deno.KvKey => [
    "thread",
    root.author,
    root.id,
    id,
    author,
  ],
  /** What says that it answers another. */
  answer: (to: PostName, { author, id }: PostName): Deno.KvKey => [
    "answer",
    to.author,
    to.id,
    author,
    id,
  ],
  /** A notification. */
  notification: (list: NotificationList, number: number): Deno.KvKey => [
    "notification",
    list,
    number,
  ],
  /** What says that there is such a notification. */
  notified: (notification: NewNotification): Deno.KvKey => [
    "notified",
    notification.from,
    whatOf(notification),
  ],
} as const;

/** What tells the notifications of one user apart: each once. */
function whatOf({ kind, post, message = "" }: NewNotification): string {
  return (post === undefined ? `${kind} ${message}` : `${post.author}/${post.id}`)
    .slice(0, whatLengthMax);
}

function open(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) throw new DecodeError("a value is not bytes");
  return decode(value, { maxBytes: postBytesMax + 4_096, maxArrayLength: 16 });
}

function storedPost(value: unknown): Post {
  const post = readStoredPost(asBytesUpTo(value, "post", postBytesMax));
  if (post === undefined) throw new DecodeError("a post is damaged");
  return post;
}

/** The value of a pending mention. */
export function writePending(
  { number, holders }: Pick<PendingMention, "number" | "holders">,
): Uint8Array {
  return encode([number, holders.slice(-holdersMax)]);
}

/** A pending mention from its entry; undefined where it is damaged. */
export function readPendingMention(key: Deno.KvKey, value: unknown): PendingMention | undefined {
  return attempt(() => {
    const [number, holders] = asArray(open(value), "pending mention", 2);
    return {
      to: asUsername(key[1], "to"),
      id: asBigInteger(key[2], "id"),
      number: asInteger(number, "number", 1),
      holders: asArray(holders, "holders", 0, holdersMax)
        .map((name) => asUsername(name, "holder")),
    };
  });
}

/** The value of a held post. */
export function writeHeld({ by, at, post }: HeldMention): Uint8Array {
  return encode([Uint8Array.fromHex(by), at, post.signed]);
}

/** A held post from its entry; undefined where it is damaged. */
export function readHeld(key: Deno.KvKey, value: unknown): HeldMention | undefined {
  return attempt(() => {
    const [by, at, post] = asArray(open(value), "held post", 3);
    return {
      for: asUsername(key[1], "for"),
      by: asBytes(by, "by", 32).toHex(),
      at: asInteger(at, "at"),
      post: storedPost(post),
    };
  });
}

/** A post outside the timeline, and when it came. */
export interface ContextEntry {
  /** Unix time in milliseconds. */
  readonly at: number;
  /** The post. */
  readonly post: Post;
  /** Of a delete: the thread of what it takes back, if that is known. */
  readonly thread?: PostName;
}

/** The value of a post outside the timeline. */
export function writeContext({ at, post, thread }: ContextEntry): Uint8Array {
  return encode([at, post.signed, ...thread === undefined ? [] : [[thread.author, thread.id]]]);
}

/** A post outside the timeline from its value; undefined where it is damaged. */
export function readContext(value: unknown): ContextEntry | undefined {
  return attempt(() => {
    const [at, post, thread] = asArray(open(value), "context", 2, 3);
    const entry = { at: asInteger(at, "at"), post: storedPost(post) };
    if (thread === undefined) return entry;
    const [author, id] = asArray(thread, "thread", 2);
    return {
      ...entry,
      thread: { author: asUsername(author, "author"), id: asBigInteger(id, "id") },
    };
  });
}

/** A notification, and whether it was put aside. */
export interface NotificationEntry extends StoredNotification {
  /** Whether it shows no more. */
  readonly isAside: boolean;
}

/** The value of a notification. */
export function writeNotification(
  notification: NewNotification & { readonly isAside: boolean },
): Uint8Array {
  const { kind, from, at, post, message = null, isAside } = notification;
  const name = post === undefined ? null : [post.author, post.id];
  return encode([kind, from, at, name, message, isAside]);
}

const kinds: readonly string[] = ["follow", "mention", "reply", "repost", "security"];

/** A notification from its entry; undefined where it is damaged. */
export function readNotification(key: Deno.KvKey, value: unknown): NotificationEntry | undefined {
  return attempt(() => {
    const [kind, from, at, name, message, isAside] = asArray(open(value), "notification", 6);
    if (typeof kind !== "string" || !kinds.includes(kind)) throw new DecodeError("kind");
    const entry = {
      list: key[1] === "requests" ? "requests" as const : "notifications" as const,
      number: asInteger(key[2], "number"),
      kind: kind as NotificationKind,
      from: asUsername(from, "from"),
      at: asInteger(at, "at"),
      isAside: asBoolean(isAside, "aside"),
    };
    const told = message === null
      ? entry
      : { ...entry, message: asString(message, "message", messageLengthMax) };
    if (name === null) return told;
    const [author, id] = asArray(name, "post", 2);
    return {
      ...told,
      post: { author: asUsername(author, "author"), id: asBigInteger(id, "id") },
    };
  });
}
