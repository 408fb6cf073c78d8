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
export function getListEntries(kv: Deno.Kv, list: ListName): Promise<ListEntry[]> {
  return Array.fromAsync(
    kv.list({ prefix: ["list", list] }, { batchSize: 500 }),
    ({ key, value }) => readListEntry(list, String(key[2]), value),
  );
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
export function getPendingFollows(kv: Deno.Kv): Promise<PendingFollow[]> {
  return Array.fromAsync(
    kv.list({ prefix: ["notice"] }, { batchSize: 500 }),
    ({ key, value }) => readPendingFollow(String(key[1]), value),
  );
}

/** When the follow request that waits for a user was made; undefined when none waits. */
async function pendingSince(kv: Deno.Kv, username: string): Promise<number | undefined> {
  const { value, versionstamp } = await kv.get(keys.pendingFollow(username));
  return versionstamp === null ? undefined : readPendingFollow(username, value).updatedAt;
}

/** Writes a follow request unless a newer one to the same user waits. */
export async function putPendingFollow(kv: Deno.Kv, request: PendingFollow): Promise<void> {
  const { username, updatedAt } = request;
  if ((await pendingSince(kv, username) ?? 0) > updatedAt) return;
  await kv.set(keys.pendingFollow(username), writePendingFollow(request));
}

/** Removes the follow request of that time. */
export async function dropPendingFollow(
  kv: Deno.Kv,
  username: string,
  updatedAt: number,
): Promise<void> {
  if (await pendingSince(kv, username) === updatedAt) {
    await kv.delete(keys.pendingFollow(username));
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
  const forks = kv.list({ prefix: ["fork", author] });
  return (await Array.fromAsync(forks, ({ value }) => readStoredPost(value)))
    .filter((post) => post !== undefined);
}
