/**
 * `ConversationStore` over Deno KV. See `conversation_layout.ts` for what is in it.
 *
 * @module
 */

import {
  type ConversationBounds,
  conversationBounds,
  type ConversationStore,
  type HeldMention,
  type HeldPlace,
  type NewContext,
  type NewNotification,
  type NotificationExtras,
  type NotificationList,
  type NotificationsQuery,
  type PendingMention,
  type StoredNotification,
} from "../core/conversation_store.ts";
import type { Post, PostName } from "../core/model/post.ts";
import type { SearchQuery } from "../core/model/search_query.ts";
import {
  contextAtOnceMax,
  ContextChange,
  contextReplies,
  type ContextStep,
  contextThread,
  type ContextTotals,
  contextTotals,
  isTakenBack,
} from "./context_posts.ts";
import {
  conversationKeys as keys,
  type NotificationEntry,
  readContext,
  readHeld,
  readNotification,
  readPendingMention,
  writeHeld,
  writeNotification,
  writePending,
} from "./conversation_layout.ts";
import { ContextIndex } from "./context_index.ts";
import { commit, commitEach, type Database } from "./database.ts";
import { keys as otherKeys } from "./layout.ts";

/** What is kept in memory, so that adding need not count. */
interface Totals {
  /** The number of the notification that comes next. */
  next: number;
  /** Notifications by list. */
  readonly lists: Record<NotificationList, number>;
  /** Posts outside the timeline. */
  context: ContextTotals;
}

/** Entries removed in one commit at most. */
const removedAtOnceMax = 200;

/** See the module. */
export class KvConversations implements ConversationStore {
  readonly #database: Database;
  readonly #bounds: ConversationBounds;
  readonly #index: ContextIndex;
  /** Unknown before the first change, and after a commit that failed. */
  #totals: Totals | undefined;

  /** The conversations in a user's database. */
  constructor(database: Database, bounds: ConversationBounds = conversationBounds) {
    this.#database = database;
    this.#bounds = bounds;
    this.#index = new ContextIndex(database);
  }

  /** Posts outside the timeline by their words; as many as {@linkcode ContextIndex.search} gives. */
  search(query: SearchQuery, limit: number): Promise<Post[]> {
    return this.#index.search(query, limit);
  }

  /** Gives back what is in memory. */
  close(): void {
    this.#index.close();
  }

  pendingMentions(): Promise<PendingMention[]> {
    return this.#database.read("read the pending mentions", async (kv) => {
      const all = await listed(kv, { prefix: ["mention"] }, readPendingMention);
      return all.sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : a.to < b.to ? -1 : 1);
    });
  }

  putHolders({ to, id, ...pending }: PendingMention): Promise<void> {
    const key = keys.mention(to, id);
    return this.#database.write("store who keeps a mention", async (kv) => {
      if ((await kv.get(key)).versionstamp !== null) await kv.set(key, writePending(pending));
    });
  }

  dropPendingMention({ to, id }: Pick<PendingMention, "to" | "id">): Promise<void> {
    return this.#database.write(
      "remove a pending mention",
      (kv) => kv.delete(keys.mention(to, id)),
    );
  }

  hold(mention: HeldMention): Promise<void> {
    const key = keys.held({ ...mention.post, for: mention.for });
    return this.#database.write("keep a post for a user", async (kv) => {
      await kv.set(key, writeHeld(mention));
    });
  }

  held(): Promise<HeldMention[]> {
    return this.#database.read(
      "read the posts kept for others",
      (kv) => listed(kv, { prefix: ["held"] }, readHeld),
    );
  }

  heldFor(username: string): Promise<HeldMention[]> {
    return this.#database.read("read the posts kept for a user", async (kv) => {
      const all = await listed(kv, { prefix: ["held", username] }, readHeld);
      return all.sort((a, b) => a.at - b.at);
    });
  }

  release(place: HeldPlace): Promise<void> {
    return this.#database.write("release a post", (kv) => kv.delete(keys.held(place)));
  }

  contextPost(name: PostName): Promise<Post | undefined> {
    return this.#database.read("read a post", async (kv) => {
      const post = readContext((await kv.get(keys.context(name))).value)?.post;
      return post?.deletes === undefined ? post : undefined;
    });
  }

  async addContext(posts: readonly NewContext[], at: number): Promise<number> {
    const atOnce = Math.min(contextAtOnceMax, this.#bounds.context);
    let added = 0;
    for (let i = 0; i < posts.length; i += atOnce) {
      const some = posts.slice(i, i + atOnce);
      added += await this.#changeContext(
        "store posts",
        (change) => change.add(some, { at, bounds: this.#bounds }),
      );
    }
    return added;
  }

  async dropContext(names: readonly PostName[]): Promise<void> {
    for (let i = 0; i < names.length; i += removedAtOnceMax) {
      await this.#changeContext("remove posts", async (change) => {
        for (const name of names.slice(i, i + removedAtOnceMax)) await change.drop(name);
      });
    }
  }

  contextThread(root: PostName): Promise<Post[]> {
    return this.#database.read("read a thread", (kv) => contextThread(kv, root));
  }

  contextReplies(names: readonly PostName[]): Promise<number[]> {
    return this.#database.read(
      "count replies",
      (kv) => Promise.all(names.map((name) => contextReplies(kv, name))),
    );
  }

  isTakenBack(post: Post): Promise<boolean> {
    return this.#database.read("look for a delete", (kv) => isTakenBack(kv, post));
  }

  async notify(
    notification: NewNotification,
    { context, note }: NotificationExtras = {},
  ): Promise<StoredNotification | undefined> {
    // What is here already, as most of what a start looks at, costs no commit.
    if (await this.isNotified(notification)) return undefined;
    return await this.#change("store a notification", async (kv, operation, totals, steps) => {
      const mark = keys.notified(notification);
      if ((await kv.get(mark)).versionstamp !== null) return undefined;
      const { list, at } = notification;
      const number = totals.next++;
      totals.lists[list] += 1 - await this.#trim(kv, operation, { list, totals });
      operation.set(keys.notification(list, number), asValue(notification)).set(mark, number);
      if (note !== undefined) operation.set(otherKeys.note(note.name), note.value);
      if (context !== undefined) {
        const change = new ContextChange(kv, operation, totals.context);
        await change.add([{ post: context, isConfirmed: true }], { at, bounds: this.#bounds });
        totals.context = change.totals;
        steps.push(...change.steps);
      }
      return { ...notification, number };
    });
  }

  isNotified(notification: NewNotification): Promise<boolean> {
    return this.#database.read(
      "look for a notification",
      async (kv) => (await kv.get(keys.notified(notification))).versionstamp !== null,
    );
  }

  notifications(
    { list, after = -1, limit, oldestFirst = false }: NotificationsQuery,
  ): Promise<StoredNotification[]> {
    return this.#database.read("read the notifications", async (kv) => {
      const found: StoredNotification[] = [];
      const range = { start: keys.notification(list, after + 1), prefix: ["notification", list] };
      for await (
        const { key, value } of kv.list(range, { reverse: !oldestFirst, batchSize: 100 })
      ) {
        if (found.length >= limit) break;
        const entry = readNotification(key, value);
        if (entry !== undefined && !entry.isAside) found.push(shown(entry));
      }
      return found;
    });
  }

  putAside(list: NotificationList, from: string): Promise<void> {
    return this.#database.write("put notifications aside", async (kv) => {
      const all = await listed(kv, { prefix: ["notification", list] }, readNotification);
      const theirs = all.filter((entry) => entry.from === from && !entry.isAside);
      await commitEach(kv, theirs, (operation, entry) => {
        const key = keys.notification(list, entry.number);
        operation.set(key, writeNotification({ ...entry, isAside: true }));
      });
    });
  }

  /** Removes the oldest entries of a list, so that there is room for one more; resolves to how many. */
  async #trim(
    kv: Deno.Kv,
    operation: Deno.AtomicOperation,
    { list, totals }: { list: NotificationList; totals: Totals },
  ): Promise<number> {
    const limit = Math.min(totals.lists[list] + 1 - this.#bounds[list], removedAtOnceMax);
    if (limit <= 0) return 0;
    const entries = await Array.fromAsync(kv.list({ prefix: ["notification", list] }, { limit }));
    for (const { key, value } of entries) {
      operation.delete(key);
      const entry = readNotification(key, value);
      if (entry !== undefined) operation.delete(keys.notified(entry));
    }
    return entries.length;
  }

  /** Resolves to how many posts are new. */
  #changeContext(doing: string, make: (change: ContextChange) => Promise<void>): Promise<number> {
    return this.#change(doing, async (kv, operation, totals, steps) => {
      const change = new ContextChange(kv, operation, totals.context);
      await make(change);
      totals.context = change.totals;
      steps.push(...change.steps);
      return change.added;
    });
  }

  /** Makes one commit of a change that keeps the totals right, and says what it does to posts. */
  #change<T>(
    doing: string,
    change: (
      kv: Deno.Kv,
      operation: Deno.AtomicOperation,
      totals: Totals,
      steps: ContextStep[],
    ) => Promise<T>,
  ): Promise<T> {
    return this.#database.write(doing, async (kv) => {
      const totals = this.#totals ?? await readTotals(kv);
      // Should this fail, only the disk knows what is so.
      this.#totals = undefined;
      const operation = kv.atomic();
      const steps: ContextStep[] = [];
      const result = await change(kv, operation, totals, steps);
      try {
        await commit(operation);
      } catch (error) {
        this.#index.close();
        throw error;
      }
      this.#index.changed(steps);
      this.#totals = totals;
      return result;
    });
  }
}

async function listed<T>(
  kv: Deno.Kv,
  selector: Deno.KvListSelector,
  read: (key: Deno.KvKey, value: unknown) => T | undefined,
): Promise<T[]> {
  const found: T[] = [];
  for await (const { key, value } of kv.list(selector, { batchSize: 100 })) {
    const entry = read(key, value);
    if (entry !== undefined) found.push(entry);
  }
  return found;
}

function asValue(notification: NewNotification): Uint8Array {
  return writeNotification({ ...notification, isAside: false });
}

function shown({ isAside: _, ...entry }: NotificationEntry): StoredNotification {
  return entry;
}

async function readTotals(kv: Deno.Kv): Promise<Totals> {
  const lists = { notifications: 0, requests: 0 };
  let next = 1;
  for (const list of ["notifications", "requests"] as const) {
    for await (const { key } of kv.list({ prefix: ["notification", list] }, { batchSize: 500 })) {
      lists[list]++;
      next = Math.max(next, Number(key[2]) + 1);
    }
  }
  return { next, lists, context: await contextTotals(kv) };
}
