/**
 * Posts kept outside the timeline: what goes when there are too many of them.
 *
 * @module
 */

import type { ConversationBounds } from "../core/conversation_store.ts";
import type { FeedPlace } from "../core/model/post.ts";
import {
  type ContextEntry,
  conversationKeys as keys,
  readContext,
  writeContext,
} from "./conversation_layout.ts";

/** How much there is. */
export interface ContextTotals {
  /** Posts. */
  readonly count: number;
  /** Their bytes as they were signed. */
  readonly bytes: number;
}

/** Posts removed in one commit at most: each takes two of its mutations. */
const removedAtOnceMax = 200;

/** Counts what is kept. */
export async function contextTotals(kv: Deno.Kv): Promise<ContextTotals> {
  let [count, bytes] = [0, 0];
  for await (const { value } of kv.list({ prefix: ["contexts"] }, { batchSize: 500 })) {
    count++;
    bytes += Number(value);
  }
  return { count, bytes };
}

/** Adds a post to a commit, and the removal of those for which there is no room then; the totals after it. */
export async function contextChange(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  { totals, post, at, bounds }: ContextEntry & {
    readonly totals: ContextTotals;
    readonly bounds: ConversationBounds;
  },
): Promise<ContextTotals> {
  if ((await kv.get(keys.context(post))).versionstamp !== null) return totals;
  const size = post.signed.length;
  let count = totals.count + 1;
  let bytes = totals.bytes + size;
  const gone = new Set<string>();
  const remove = (key: Deno.KvKey, length: number) => {
    const [, , author, id] = key as ["contexts", number, string, bigint];
    const name = `${author}/${id}`;
    if (gone.has(name)) return;
    gone.add(name);
    count--;
    bytes -= length;
    operation.delete(key).delete(keys.context({ author, id }));
  };
  const ofOne = await contextOf(kv, post.author);
  for (const it of ofOne.slice(0, Math.max(ofOne.length + 1 - bounds.contextOfOne, 0))) {
    remove(keys.contextAt(it.at, it.post), it.post.signed.length);
  }
  const oldest = kv.list<number>({ prefix: ["contexts"] }, { batchSize: 100 });
  for await (const { key, value } of oldest) {
    const isOld = Number(key[1]) < at - bounds.contextMs;
    const isFull = count > bounds.context || bytes > bounds.contextBytes;
    if ((!isOld && !isFull) || gone.size >= removedAtOnceMax) break;
    remove(key, value);
  }
  operation.set(keys.context(post), writeContext({ at, post }));
  operation.set(keys.contextAt(at, post), size);
  return { count, bytes };
}

/** Adds the removal of a post to a commit; the totals after it. */
export async function dropContext(
  kv: Deno.Kv,
  operation: Deno.AtomicOperation,
  { totals, author, place }: {
    readonly totals: ContextTotals;
    readonly author: string;
    readonly place: FeedPlace;
  },
): Promise<ContextTotals> {
  let { count, bytes } = totals;
  for (const { at, post } of await contextOf(kv, author)) {
    const isIt = post.device === place.device && post.number === place.number;
    // A delete cannot be taken back.
    if (!isIt || post.deletes !== undefined) continue;
    operation.delete(keys.context(post)).delete(keys.contextAt(at, post));
    count--;
    bytes -= post.signed.length;
  }
  return { count, bytes };
}

/** What is kept of one author, in the order in which it came; deletes too. */
export async function contextOf(kv: Deno.Kv, author: string): Promise<ContextEntry[]> {
  const found: ContextEntry[] = [];
  for await (const { value } of kv.list({ prefix: ["context", author] }, { batchSize: 100 })) {
    const entry = readContext(value);
    if (entry !== undefined) found.push(entry);
  }
  return found.sort((a, b) => a.at - b.at);
}
