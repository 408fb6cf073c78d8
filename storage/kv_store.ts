/**
 * `Store` over Deno KV. See `layout.ts` for what is in it; what each method does is in the files imported here.
 *
 * @module
 */

import type { ConversationBounds } from "../core/conversation_store.ts";
import { given } from "../core/model/arguments.ts";
import type { FeedState } from "../core/model/feed.ts";
import type { Post, PostName } from "../core/model/post.ts";
import type { ListEntry, ListName } from "../core/model/record_body.ts";
import type { SearchQuery } from "../core/model/search_query.ts";
import type {
  AddReport,
  AuthorQuota,
  Found,
  PendingFollow,
  Store,
  ThreadQuery,
  TimelineQuery,
} from "../core/ports.ts";
import { AuthorRemovals } from "./author_removals.ts";
import { KvConversations } from "./conversations.ts";
import { commit, type Database, getAll } from "./database.ts";
import { keys, readCount, readStoredPost, writeState } from "./layout.ts";
import { countMarks } from "./deletes.ts";
import * as entries from "./entries.ts";
import { IndexUpkeep } from "./index_upkeep.ts";
import type { PostIndex } from "./post_index.ts";
import { KvUnwanted } from "./unwanted.ts";
import { PostMemory } from "./post_memory.ts";
import { countNewer, findPost, readFeedPosts, readReposts, readTimeline } from "./post_reads.ts";
import { batchesOf, commitBatch, commitOwnPost } from "./post_writes.ts";
import { isBeyond } from "./quota.ts";
import { readReplyCounts, readThread, search, type Searched } from "./search_reads.ts";
import { collectStep, settledState, trimStep } from "./removal.ts";

/** One user's database. */
export class KvStore implements Store {
  readonly #database: Database;
  readonly #memory = new PostMemory();
  readonly conversations: KvConversations;
  readonly unwanted: KvUnwanted;
  readonly #removals: AuthorRemovals;
  readonly #index: IndexUpkeep;
  readonly #username: string;
  readonly #quota: AuthorQuota | undefined;

  /** The store of an open database; {@linkcode startIndex} opens its index. */
  constructor(
    database: Database,
    { username, quota, conversations, indexPath, openIndex }: {
      readonly username: string;
      readonly quota: AuthorQuota | undefined;
      readonly conversations: ConversationBounds | undefined;
      readonly indexPath: string;
      readonly openIndex: () => PostIndex;
    },
  ) {
    this.#database = database;
    this.conversations = new KvConversations(database, conversations);
    this.unwanted = new KvUnwanted(database);
    this.#removals = new AuthorRemovals(database, this.#memory);
    this.#index = new IndexUpkeep({
      database,
      log: this.#memory.log,
      path: indexPath,
      open: openIndex,
      hidden: this.#removals.authors,
    });
    this.#username = username;
    this.#quota = quota;
  }

  /** Whether the disk is full, so that nothing can be written. */
  get isReadOnly(): boolean {
    return this.#database.isReadOnly;
  }

  /** Ends removals that were interrupted; resolves to how many there were. */
  endRemovals(): Promise<number> {
    return this.#removals.endInterrupted();
  }

  /** Opens the index of the posts, in the background. */
  startIndex(): void {
    this.#index.start();
  }

  addOwnPost(post: Post, mentioned: readonly string[] = []): Promise<void> {
    return this.#database.write(
      "store the post",
      (kv) => commitOwnPost(kv, this.#memory, { post, mentioned }),
      { urgent: true },
    );
  }

  async addPosts(author: string, posts: readonly Post[]): Promise<AddReport> {
    if (posts.some((post) => post.author !== author)) {
      throw new TypeError(`Cannot add the posts: not all of them are by ${author}`);
    }
    const quota = author === this.#username ? undefined : this.#quota;
    const taken = new Set<Post>();
    const forks: Post[] = [];
    const trimmed = new Set<bigint>();
    const deleted: Post[] = [];
    let rate = 0;
    for (const batch of batchesOf(posts)) {
      const report = await this.#removals.write(author, "store posts", async (kv) => {
        const report = await commitBatch(kv, this.#memory, {
          ...{ author, batch, quota },
          isOwn: author === this.#username,
        });
        const totals = quota && await this.#memory.totals(kv, author);
        return { ...report, isBeyond: totals && quota && isBeyond(totals, quota) };
      });
      for (const post of report.taken) taken.add(post);
      forks.push(...report.forks);
      deleted.push(...report.gone);
      rate += report.dropped;
      if (!quota || !report.isBeyond) continue;
      for (const id of await this.#trim(author, quota)) trimmed.add(id);
    }
    const gone = new Set(deleted.map(({ id }) => id));
    const known = deleted.filter(({ id }) =>
      !posts.some((post) => post.id === id && taken.has(post))
    );
    const added = posts.filter((post) => {
      return taken.delete(post) && !trimmed.has(post.id) && !gone.has(post.id);
    });
    const room = trimmed.size;
    return {
      added,
      forks,
      ...known.length === 0 ? {} : { deleted: known },
      ...rate + room === 0 ? {} : { beyond: { rate, room } },
    };
  }

  /** Removes an author's oldest posts until what is left is within the quota; resolves to their ids. */
  async #trim(author: string, quota: AuthorQuota): Promise<bigint[]> {
    const removed: bigint[] = [];
    while (!this.#database.isClosed) {
      const gone = await this.#removals.write(
        author,
        "keep to an author's quota",
        (kv) =>
          trimStep(kv, this.#memory.log, { author, quota }).finally(() =>
            this.#memory.forget(author)
          ),
      );
      if (gone.length === 0) break;
      removed.push(...gone);
    }
    return removed;
  }

  timeline(query: TimelineQuery): Promise<Post[]> {
    return this.#read("read the timeline", (kv) => readTimeline(kv, query, this.#removals.authors));
  }

  countNewer(query: { than: bigint; except: string; limit: number }): Promise<number> {
    return this.#read("count unread posts", (kv) => countNewer(kv, query, this.#removals.authors));
  }

  async findPost(name: PostName): Promise<Post | undefined> {
    if (this.#removals.authors.has(name.author)) return undefined;
    return await this.#read("read a post", (kv) => findPost(kv, name));
  }

  ownReposts(query: Parameters<Store["ownReposts"]>[0]): Promise<Post[]> {
    return this.#read("read reposts", (kv) => readReposts(kv, this.#username, query));
  }

  async feeds(author: string): Promise<FeedState[]> {
    if (this.#removals.authors.has(author)) return [];
    return await this.#read(
      "read the feeds",
      async (kv) => [...await this.#memory.states(kv, author)],
    );
  }

  async feedPosts(
    query: { author: string; device: number; from: number; to: number; limit: number },
  ): Promise<Post[]> {
    if (this.#removals.authors.has(query.author)) return [];
    return await this.#read("read posts", (kv) => readFeedPosts(kv, query));
  }

  async setFloor(proof: Post): Promise<void> {
    const { author, device, number } = proof;
    await this.#removals.write(author, "store a feed's floor", async (kv) => {
      const [state, known] = await getAll(kv, [
        keys.state(author, device),
        keys.proof(author, device),
      ]);
      const settled = settledState(device, state, number);
      const operation = kv.atomic().set(keys.state(author, device), writeState(settled));
      const isNewer = number > (readStoredPost(known)?.number ?? 0);
      if (isNewer) operation.set(keys.proof(author, device), proof.signed);
      await commit(operation).finally(() => this.#memory.forget(author));
    });
  }

  async floorProof(author: string, device: number): Promise<Post | undefined> {
    if (this.#removals.authors.has(author)) return undefined;
    return await this.#read(
      "read a feed's floor",
      async (kv) => readStoredPost((await kv.get(keys.proof(author, device))).value),
    );
  }

  removeAuthor(author: string): Promise<number> {
    return this.#removals.remove(author);
  }

  async collect(query: { before: bigint; keep: string; limit: number }): Promise<number> {
    let removed = 0;
    while (removed < query.limit && !this.#database.isClosed) {
      const step = { ...query, limit: query.limit - removed, skip: this.#removals.authors };
      const result = await this.#write(
        "remove old posts",
        (kv) => collectStep(kv, this.#memory.log, step).finally(() => this.#memory.forget()),
      );
      removed += result.removed;
      if (result.done) break;
    }
    return removed;
  }

  noteFork(post: Post): Promise<void> {
    return this.#write("store a fork", (kv) => entries.noteFork(kv, post));
  }

  forks(author: string): Promise<Post[]> {
    return this.#read("read forks", (kv) => entries.getForks(kv, author));
  }

  countPosts(author?: string): Promise<number> {
    const key = author === undefined ? keys.total : keys.count(author);
    return this.#read("count posts", async (kv) => readCount((await getAll(kv, [key]))[0]));
  }

  async countTakenBack(author: string): Promise<number> {
    if (this.#removals.authors.has(author)) return 0;
    return await this.#read("count deleted posts", (kv) => countMarks(kv, author));
  }

  listEntries(list: ListName): Promise<ListEntry[]> {
    return this.#read("read a list", (kv) => entries.getListEntries(kv, list));
  }

  putListEntries(changed: readonly ListEntry[]): Promise<void> {
    return this.#write("write a list", (kv) => entries.changeListEntries(kv, changed, "put"));
  }

  dropListEntries(dropped: readonly ListEntry[]): Promise<void> {
    return this.#write("write a list", (kv) => entries.changeListEntries(kv, dropped, "drop"));
  }

  pendingFollows(): Promise<PendingFollow[]> {
    return this.#read("read the pending follow requests", entries.getPendingFollows);
  }

  putPendingFollow(request: PendingFollow): Promise<void> {
    return this.#write("store a follow request", (kv) => entries.putPendingFollow(kv, request));
  }

  dropPendingFollow(username: string, updatedAt: number): Promise<void> {
    return this.#write(
      "remove a follow request",
      (kv) => entries.dropPendingFollow(kv, username, updatedAt),
    );
  }

  getNote(name: string): Promise<Uint8Array | undefined> {
    return this.#read("read a note", (kv) => entries.getNote(kv, name));
  }

  putNote(name: string, value: Uint8Array | undefined): Promise<void> {
    // A login notes times and its device. On a full disk it goes on without: nothing else is written either.
    if (this.isReadOnly) return Promise.resolve();
    return this.#write("store a note", (kv) => entries.putNote(kv, name, value));
  }

  search(query: SearchQuery, limit: number): Promise<Found> {
    return search(this.#searched, query, limit);
  }

  thread(query: ThreadQuery): Promise<Post[]> {
    return readThread(this.#searched, query);
  }

  replyCounts(names: readonly PostName[]): Promise<number[]> {
    return readReplyCounts(this.#searched, names);
  }

  get #searched(): Searched {
    return {
      database: this.#database,
      index: this.#index,
      outside: this.conversations,
      hidden: this.#removals.authors,
    };
  }

  async size(): Promise<{ posts: number; bytes: number; indexed?: number }> {
    const posts = await this.countPosts();
    const bytes = await this.#database.bytes();
    return { posts, bytes, ...given({ indexed: this.#index.indexed }) };
  }

  async close(): Promise<void> {
    await this.#index.close();
    await this.#database.close();
    this.conversations.close();
  }

  #read<T>(doing: string, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    return this.#database.read(doing, work);
  }

  #write<T>(doing: string, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    return this.#database.write(doing, work);
  }
}
