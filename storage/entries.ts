/**
 * Everything in a user's database that is not posts: list entries, pending follow requests, notes, forks.
 *
 * @module
 */

import { equalBytes } from "../core/model/bytes.ts";
import type { Post } from "../core/model/post.ts";
import type { ListEntry, ListName } from "../core/model/record_body.ts";
import type { PendingFollow } from "../core/ports.ts";
import { commitEach } from "./database.ts";
import {
  keys,
  readListEntry,
  readPendingFollow,
  readStoredPost,
  writeListEntry,
  writePendingFollow,
} from "./layout.ts";

/** Forks stored of one feed: the first ones say enough. */
const forksPerFeedMax = 4;

/** Forks stored of one author, who may have 1,024 feeds. */
const forksPerAuthorMax = 64;

/** Bytes of one note: under KV's 65,536 with room. */
const noteBytesMax = 60_000;

/** Reads a list, by name. */
export async function getListEntries(kv: Deno.Kv, list: ListName): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for await (const { key, value } of kv.list({ prefix: ["list", list] }, { batchSize: 500 })) {
    entries.push(readListEntry(list, String(key[2]), value));
  }
  return entries;
}

/** Writes or removes entries, as many in one commit as Deno KV takes. */
export async function changeListEntries(
  kv: Deno.Kv,
  entries: readonly ListEntry[],
  change: "put" | "drop",
): Promise<void> {
  await commitEach(kv, entries, (operation, entry) => {
    const key = keys.list(entry.list, entry.username);
    if (change === "put") operation.set(key, writeListEntry(entry));
    else operation.delete(key);
  });
}

/** Reads all pending follow requests, by name. */
export async function getPendingFollows(kv: Deno.Kv): Promise<PendingFollow[]> {
  const pending: PendingFollow[] = [];
  for await (const { key, value } of kv.list({ prefix: ["notice"] }, { batchSize: 500 })) {
    pending.push(readPendingFollow(String(key[1]), value));
  }
  return pending;
}

/** Writes a follow request unless a newer one to the same user waits. */
export async function putPendingFollow(kv: Deno.Kv, request: PendingFollow): Promise<void> {
  const key = keys.pendingFollow(request.username);
  const { value, versionstamp } = await kv.get(key);
  if (
    versionstamp !== null &&
    readPendingFollow(request.username, value).updatedAt > request.updatedAt
  ) {
    return;
  }
  await kv.set(key, writePendingFollow(request));
}

/** Removes the follow request of that time. */
export async function dropPendingFollow(
  kv: Deno.Kv,
  username: string,
  updatedAt: number,
): Promise<void> {
  const key = keys.pendingFollow(username);
  const { value, versionstamp } = await kv.get(key);
  if (versionstamp !== null && readPendingFollow(username, value).updatedAt === updatedAt) {
    await kv.delete(key);
  }
}

/** Reads a note. */
export async function getNote(kv: Deno.Kv, name: string): Promise<Uint8Array | undefined> {
  const { value } = await kv.get(keys.note(name));
  return value instanceof Uint8Array ? value : undefined;
}

/**
 * Writes or removes a note.
 *
 * @throws {RangeError} if it is longer than 60,000 bytes.
 */
export async function putNote(
  kv: Deno.Kv,
  name: string,
  value: Uint8Array | undefined,
): Promise<void> {
  if (value === undefined) return await kv.delete(keys.note(name));
  if (value.length > noteBytesMax) {
    throw new RangeError(`Cannot keep the note ${name}: ${value.length} bytes are too many`);
  }
  await kv.set(keys.note(name), value);
}

/** Stores a fork, unless it is stored already or the feed has enough of them. */
export async function noteFork(kv: Deno.Kv, post: Post): Promise<void> {
  const stored = await getForks(kv, post.author);
  const ofFeed = stored.filter((fork) => fork.device === post.device);
  if (stored.length >= forksPerAuthorMax || ofFeed.length >= forksPerFeedMax) return;
  if (ofFeed.some((fork) => equalBytes(fork.signed, post.signed))) return;
  await kv.set(keys.fork(post.author, post.device, ofFeed.length), post.signed);
}

/** Forks of an author, by device and in the order in which they were stored. */
export async function getForks(kv: Deno.Kv, author: string): Promise<Post[]> {
  const forks: Post[] = [];
  for await (const { value } of kv.list({ prefix: ["fork", author] })) {
    const post = readStoredPost(value);
    if (post !== undefined) forks.push(post);
  }
  return forks;
}
