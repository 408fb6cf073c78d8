/**
 * Posts kept outside the timeline, by their threads: what goes when there are too many of them, and what stays away
 * because its author has taken it back.
 *
 * @module
 */

import type { ConversationBounds, NewContext } from "../core/conversation_store.ts";
import { given } from "../core/model/arguments.ts";
import { equalBytes } from "../core/model/bytes.ts";
import { type Post, type PostName, postOrder, rootOf } from "../core/model/post.ts";
import { threadName } from "../core/model/thread.ts";
import {
  type ContextEntry,
  conversationKeys as keys,
  readContext,
  writeContext,
} from "./conversation_layout.ts";
import { getAll } from "./database.ts";
import { keys as postKeys } from "./layout.ts";

/** How much there is. */
export interface ContextTotals {
  /** Posts. */
  readonly count: number;
  /** Their bytes as they were signed. */
  readonly bytes: number;
}

/** A post comes, or one goes. */
export type ContextStep = { readonly add: Post } | { readonly drop: PostName };

/** Posts that one commit adds at most: each takes four of its mutations, and so does each that goes. */
export const contextAtOnceMax = 50;

/** Posts that one commit removes at most to make room. */
const removedAtOnceMax = 150;

/** Counts what is kept. */
export async function contextTotals(kv: Deno.Kv): Promise<ContextTotals> {
  let [count, bytes] = [0, 0];
  for await (const { value } of kv.list({ prefix: ["contexts"] }, { batchSize: 500 })) {
    count++;
    bytes += Number(value);
  }
  return { count, bytes };
}

/** What is kept of a thread, in the order of ids. */
export async function contextThread(kv: Deno.Kv, root: PostName): Promise<Post[]> {
  const names = await inThread(kv, root);
  const entries = (await getAll(kv, names.map(keys.context))).map(readContext);
  return entries.flatMap((entry) => entry === undefined ? [] : [entry.post]);
}

/** How many of the posts kept answer one directly. */
export async function contextReplies(kv: Deno.Kv, { author, id }: PostName): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: ["answer", author, id] }, { batchSize: 500 })) count++;
  return count;
}

/** Whether an author has taken a post back, as far as is known here. */
export async function isTakenBack(kv: Deno.Kv, post: Post): Promise<boolean> {
  const mark = await kv.get(postKeys.deleted(post.author, post.device, post.number));
  if (mark.versionstamp !== null && post.deletes === undefined) return true;
  return (await contextOf(kv, post.author)).some((other) => takesBack(other.post, post));
}

/** Whether the second post is one that the first takes back: the same key has signed both. */
export function takesBack({ author, authorKey, deletes }: Post, post: Post): boolean {
  return deletes !== undefined && post.deletes === undefined && author === post.author &&
    deletes.device === post.device && deletes.number === post.number &&
    equalBytes(authorKey, post.authorKey);
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

/** Names of what is kept of a thread, in the order of ids. */
async function inThread(kv: Deno.Kv, { author, id }: PostName): Promise<PostName[]> {
  const list = kv.list({ prefix: ["thread", author, id] }, { batchSize: 500 });
  return await Array.fromAsync(list, ({ key }): PostName => {
    const [, , , id, author] = key as ["thread", string, bigint, bigint, string];
    return { author, id };
  });
}

function threadOf({ post, thread }: Pick<ContextEntry, "post" | "thread">): PostName | undefined {
  return post.deletes === undefined ? rootOf(post) : thread;
}

function isNamed(name: PostName): (other: PostName) => boolean {
  return ({ author, id }) => id === name.id && author === name.author;
}

/** The changes that one commit makes. */
export class ContextChange {
  readonly #kv: Deno.Kv;
  readonly #operation: Deno.AtomicOperation;
  readonly #gone = new Set<string>();
  readonly #new = new Set<string>();
  readonly #steps: ContextStep[] = [];
  /** What there will be of the authors and threads that were looked at. */
  readonly #authors = new Map<string, ContextEntry[]>();
  readonly #threads = new Map<string, PostName[]>();
  #count: number;
  #bytes: number;

  /** No change so far to what there is. */
  constructor(kv: Deno.Kv, operation: Deno.AtomicOperation, { count, bytes }: ContextTotals) {
    this.#kv = kv;
    this.#operation = operation;
    this.#count = count;
    this.#bytes = bytes;
  }

  /** What the commit does, in its order. */
  get steps(): readonly ContextStep[] {
    return this.#steps;
  }

  /** What there is after the commit. */
  get totals(): ContextTotals {
    return { count: this.#count, bytes: this.#bytes };
  }

  /** How many posts are there after the commit that were not there before. */
  get added(): number {
    return this.#new.size;
  }

  /** Adds posts, at most {@linkcode contextAtOnceMax}, and removes those for which there is no room then. */
  async add(
    posts: readonly NewContext[],
    { at, bounds }: { readonly at: number; readonly bounds: ConversationBounds },
  ): Promise<void> {
    for (const one of posts) await this.#add(one, at, bounds);
    const oldest = this.#kv.list<number>({ prefix: ["contexts"] }, { batchSize: 100 });
    for await (const { key } of oldest) {
      const isOld = Number(key[1]) < at - bounds.contextMs;
      const isFull = this.#count > bounds.context || this.#bytes > bounds.contextBytes;
      if ((!isOld && !isFull) || this.#gone.size >= removedAtOnceMax) break;
      const [, , author, id] = key as ["contexts", number, string, bigint];
      await this.drop({ author, id });
    }
  }

  /** Removes a post. */
  async drop(name: PostName): Promise<void> {
    const entry = (await this.#ofAuthor(name.author)).find(({ post }) => isNamed(name)(post));
    if (entry !== undefined) await this.#remove(entry);
  }

  async #add({ post, isConfirmed, ...more }: NewContext, at: number, bounds: ConversationBounds) {
    const theirs = await this.#ofAuthor(post.author);
    const same = theirs.find((other) => isNamed(post)(other.post));
    if (same !== undefined) {
      if (!isConfirmed || equalBytes(same.post.authorKey, post.authorKey)) return;
      await this.#remove(same);
    }
    let { thread } = more;
    if (post.deletes === undefined) {
      const mark = postKeys.deleted(post.author, post.device, post.number);
      if ((await this.#kv.get(mark)).versionstamp !== null) return;
      if (theirs.some((other) => takesBack(other.post, post))) return;
    } else {
      for (const gone of theirs.filter((other) => takesBack(post, other.post))) {
        thread = rootOf(gone.post);
        await this.#remove(gone);
      }
      if (thread === undefined && more.onlyForThread === true) return;
    }
    await this.#put({ at, post, ...given({ thread }) }, bounds);
  }

  async #put(entry: ContextEntry, bounds: ConversationBounds): Promise<void> {
    const { at, post } = entry;
    const thread = threadOf(entry);
    if (thread !== undefined) {
      // The first post of a thread stays as long as there is room for any.
      const isReply = (name: PostName) => !isNamed(thread)(name);
      const replies = (await this.#ofThread(thread)).filter(isReply);
      const [lowest] = replies;
      if (lowest !== undefined && isReply(post) && replies.length >= bounds.contextOfThread) {
        if (post.id < lowest.id) return;
        await this.drop(lowest);
      }
      const others = await this.#ofThread(thread);
      others.push({ author: post.author, id: post.id });
      others.sort(postOrder);
      this.#operation.set(keys.thread(thread, post), true);
    }
    const theirs = await this.#ofAuthor(post.author);
    const [oldest] = theirs;
    if (oldest !== undefined && theirs.length >= bounds.contextOfOne) await this.#remove(oldest);
    theirs.push(entry);
    this.#new.add(threadName(post));
    this.#steps.push({ add: post });
    this.#operation.set(keys.context(post), writeContext(entry));
    this.#operation.set(keys.contextAt(at, post), post.signed.length);
    if (post.replyTo !== undefined) this.#operation.set(keys.answer(post.replyTo, post), true);
    this.#count++;
    this.#bytes += post.signed.length;
  }

  async #remove(entry: ContextEntry): Promise<void> {
    const { at, post } = entry;
    const theirs = await this.#ofAuthor(post.author);
    const place = theirs.indexOf(entry);
    if (place < 0) return;
    theirs.splice(place, 1);
    this.#gone.add(threadName(post));
    this.#new.delete(threadName(post));
    this.#steps.push({ drop: post });
    this.#operation.delete(keys.context(post)).delete(keys.contextAt(at, post));
    if (post.replyTo !== undefined) this.#operation.delete(keys.answer(post.replyTo, post));
    const thread = threadOf(entry);
    if (thread !== undefined) {
      this.#operation.delete(keys.thread(thread, post));
      const others = await this.#ofThread(thread);
      this.#threads.set(threadName(thread), others.filter((other) => !isNamed(post)(other)));
    }
    this.#count--;
    this.#bytes -= post.signed.length;
  }

  async #ofAuthor(author: string): Promise<ContextEntry[]> {
    const known = this.#authors.get(author);
    if (known !== undefined) return known;
    const entries = await contextOf(this.#kv, author);
    this.#authors.set(author, entries);
    return entries;
  }

  async #ofThread(root: PostName): Promise<PostName[]> {
    const known = this.#threads.get(threadName(root));
    if (known !== undefined) return known;
    const names = await inThread(this.#kv, root);
    this.#threads.set(threadName(root), names);
    return names;
  }
}
