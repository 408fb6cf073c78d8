/**
 * The keys and values of a user's database. docs/STORAGE.md shows them as a table.
 *
 *     ["version"]                         number: see `schema.ts`
 *     ["feed", author, device, number]    bytes: the signed post, kept here once
 *     ["timeline", id, author]            number in its feed: all authors in Snowflake order
 *     ["author", author, id]              number in its feed: one author in Snowflake order
 *     ["state", author, device]           bytes: floor and ranges of the feed
 *     ["proof", author, device]           bytes: the signed post that proves the floor
 *     ["deleted", author, device, number] [device, number] of the delete that takes this post back
 *     ["reposted", author, device, number, id]  true: the own post of that id passes this one on
 *     ["fork", author, device, n]         bytes: a signed post that contradicts one kept
 *     ["total"], ["count", author]        number: posts kept
 *     ["bytes", author]                   number: bytes of the posts kept
 *     ["removing", author]                true: what is left of this author is being removed
 *     ["collected"]                       [keep, id]: below id there is nothing but posts of keep
 *     ["list", list, username]            bytes: key, updatedAt, present
 *     ["notice", username]                bytes: key, follow or not, updatedAt, token if any
 *     ["mute", kind, what]                number: until when; 0 for good
 *     ["block", username]                 bytes: the user's key, or true where it is not known
 *     ["note", name]                      bytes
 *
 * What must hold after every commit: a post under `feed` has its entries under `timeline` and
 * `author`, and the other way round, unless its author is under `removing`; its number is settled in
 * `state`; numbers and ids of one feed rise together; the counts are right; no post under `deleted` is
 * stored, unless it is a delete itself, and each of these marks has its delete; `reposted` has the own
 * reposts and no other post.
 *
 * @module
 */

import { type FeedState, type NumberRange, withFloor } from "../core/model/feed.ts";
import {
  asArray,
  asBoolean,
  asBytes,
  asInteger,
  attempt,
  decode,
  DecodeError,
  encode,
} from "../lib/msgpack.ts";
import { inviteTokenBytes } from "../core/model/invite.ts";
import { type Post, postBytesMax, type PostContent, readPost } from "../core/model/post.ts";
import type { ListEntry, ListName } from "../core/model/record_body.ts";
import type { PendingFollow } from "../core/ports.ts";
import type { Schema } from "./schema.ts";

/** Schema of users' databases. Version 1 is the first; migrations to later ones go here. */
export const userSchema: Schema = { version: 1, migrations: new Map() };

/**
 * Ranges kept of one feed: at most 19 bytes each, so that a state stays well under KV's 65,536 bytes.
 * A feed with more gaps than that comes from an author who leaves them on purpose; its posts beyond
 * are not kept until gaps close.
 */
export const storedRangesMax = 1_024;

/** Keys by what is stored under them. */
export const keys = {
  /** A signed post. */
  feed: (author: string, device: number, number: number): Deno.KvKey => [
    "feed",
    author,
    device,
    number,
  ],
  /** A post's place on the timeline. */
  timeline: (id: bigint, author: string): Deno.KvKey => ["timeline", id, author],
  /** A post's place among its author's. */
  author: (author: string, id: bigint): Deno.KvKey => ["author", author, id],
  /** The state of a feed. */
  state: (author: string, device: number): Deno.KvKey => ["state", author, device],
  /** The proof of a floor. */
  proof: (author: string, device: number): Deno.KvKey => ["proof", author, device],
  /** A fork noted. */
  fork: (author: string, device: number, n: number): Deno.KvKey => ["fork", author, device, n],
  /** The mark on a number that its author has taken back. */
  deleted: (author: string, device: number, number: number): Deno.KvKey => [
    "deleted",
    author,
    device,
    number,
  ],
  /** What says that an own post passes on another. */
  reposted: ({ author, device, number }: Omit<PostPlace, "id">, id: bigint): Deno.KvKey => [
    "reposted",
    author,
    device,
    number,
    id,
  ],
  /** Posts of all authors. */
  total: ["total"] as Deno.KvKey,
  /** Posts of one author. */
  count: (author: string): Deno.KvKey => ["count", author],
  /** Bytes of the posts of one author. */
  bytes: (author: string): Deno.KvKey => ["bytes", author],
  /** The mark on an author whose removal has begun. */
  removing: (author: string): Deno.KvKey => ["removing", author],
  /** How far the collector has been. */
  collected: ["collected"] as Deno.KvKey,
  /** An entry of a list. */
  list: (list: ListName, username: string): Deno.KvKey => ["list", list, username],
  /** A pending follow request. */
  pendingFollow: (username: string): Deno.KvKey => ["notice", username],
  /** Something muted. */
  mute: (kind: string, what: string): Deno.KvKey => ["mute", kind, what],
  /** A user who is blocked. */
  block: (username: string): Deno.KvKey => ["block", username],
  /** A note. */
  note: (name: string): Deno.KvKey => ["note", name],
  /** The number of the last change of posts. */
  changes: ["changes"] as Deno.KvKey,
  /** A change that the index may not have yet. */
  change: (number: number): Deno.KvKey => ["change", number],
} as const;

/** What the keys of a post are made of. */
export type PostPlace = Pick<PostContent, "author" | "id" | "device" | "number">;

/** All keys of one post: what {@linkcode deletePost} removes and {@linkcode setPost} writes. */
function postKeys({ author, id, device, number }: PostPlace): Deno.KvKey[] {
  return [keys.feed(author, device, number), keys.timeline(id, author), keys.author(author, id)];
}

/** Bytes of a post's keys and numbers at most, besides the post itself: measured 160. */
export const bytesPerPost = 250;

/** Adds a post to a commit. */
export function setPost(operation: Deno.AtomicOperation, post: Post): void {
  const [feed, ...indexes] = postKeys(post);
  if (feed !== undefined) operation.set(feed, post.signed);
  for (const key of indexes) operation.set(key, post.number);
}

/** Takes a post out in a commit. */
export function deletePost(operation: Deno.AtomicOperation, place: PostPlace): void {
  for (const key of postKeys(place)) operation.delete(key);
}

/** The value of a feed state. */
export function writeState(state: FeedState): Uint8Array {
  return encode([state.floor, state.ranges]);
}

/**
 * A feed state from its value.
 *
 * @throws {DecodeError} if it is damaged: what is had of a feed must not be guessed.
 */
export function readState(device: number, value: unknown): FeedState {
  const [floor, ranges] = asArray(decodeStored(value), "feed state", 2);
  let last = asInteger(floor, "floor");
  const state: FeedState = {
    device,
    floor: last,
    ranges: asArray(ranges, "ranges", 0, storedRangesMax).map((range): NumberRange => {
      const [from, to] = asArray(range, "range", 2);
      const start = asInteger(from, "range start", last + 1);
      last = asInteger(to, "range end", start);
      return [start, last];
    }),
  };
  return withFloor(state, 0);
}

/** A stored post; undefined when the disk has damaged it, so that its neighbours can still be read. */
export function readStoredPost(value: unknown): Post | undefined {
  if (!(value instanceof Uint8Array) || value.length > postBytesMax) return undefined;
  return attempt(() => readPost(value).post);
}

/** A counter; absent is 0. */
export function readCount(value: unknown): number {
  return value === undefined ? 0 : asInteger(value, "count");
}

/** How far the collector has been, and whose posts it kept. */
export interface Collected {
  /** Whose posts it kept. */
  readonly keep: string;
  /** Below this id there is nothing else. */
  readonly id: bigint;
}

/** Reads {@linkcode keys.collected}; when it makes no sense the collector starts from the beginning. */
export function readCollected(value: unknown): Collected | undefined {
  if (!Array.isArray(value)) return undefined;
  const [keep, id] = value as unknown[];
  return typeof keep === "string" && typeof id === "bigint" ? { keep, id } : undefined;
}

/** The value of a list entry. */
export function writeListEntry(entry: ListEntry): Uint8Array {
  return encode([entry.key, entry.updatedAt, entry.present]);
}

/** A list entry from its value; a pin must not be guessed, so damage throws {@linkcode DecodeError}. */
export function readListEntry(list: ListName, username: string, value: unknown): ListEntry {
  const [key, updatedAt, present] = asArray(decodeStored(value), "list entry", 3);
  return {
    list,
    username,
    key: asBytes(key, "key", 32),
    updatedAt: asInteger(updatedAt, "when"),
    present: asBoolean(present, "present"),
  };
}

/** The value of a pending follow request. */
export function writePendingFollow(request: PendingFollow): Uint8Array {
  const { key, kind, updatedAt, token } = request;
  return encode([key, kind === "follow", updatedAt, ...token === undefined ? [] : [token]]);
}

/** A pending follow request from its value; damage throws {@linkcode DecodeError}. */
export function readPendingFollow(username: string, value: unknown): PendingFollow {
  const [key, follow, updatedAt, token] = asArray(decodeStored(value), "follow request", 3, 4);
  return {
    username,
    key: asBytes(key, "key", 32),
    kind: asBoolean(follow, "kind") ? "follow" : "unfollow",
    updatedAt: asInteger(updatedAt, "when"),
    ...(token === undefined ? {} : { token: asBytes(token, "token", inviteTokenBytes) }),
  };
}

/** KV's largest value. */
const valueBytesMax = 65_536;

function decodeStored(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) throw new DecodeError("a value is not bytes");
  return decode(value, { maxBytes: valueBytesMax, maxArrayLength: storedRangesMax });
}
