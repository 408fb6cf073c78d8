/**
 * `Stores` in memory, for the simulation: a disk on which every commit is atomic and durable at once,
 * and which can be full, be copied, or have its peer killed at any commit.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { equalBytes } from "../../core/model/bytes.ts";
import type { FeedState } from "../../core/model/feed.ts";
import type { Block, Mute } from "../../core/model/mute.ts";
import type { Post, PostName } from "../../core/model/post.ts";
import type { ListEntry, ListName } from "../../core/model/record_body.ts";
import type { SearchQuery } from "../../core/model/search_query.ts";
import type {
  AddReport,
  Found,
  PendingFollow,
  Store,
  Stores,
  ThreadQuery,
  TimelineQuery,
  UnwantedStore,
} from "../../core/ports.ts";
import type { ConversationBounds, ConversationStore } from "../../core/conversation_store.ts";
import { MemoryConversations } from "./memory_conversations.ts";
import { MemoryPosts } from "./memory_posts.ts";

/** What happens at a commit: `crash-before` loses it, `crash-after` keeps it but tells nobody. */
export type CommitFault = "crash-before" | "crash-after" | "disk-full";

/** Called before each commit; a promise delays it, as a disk does. */
export type CommitHook = (
  commit: {
    readonly username: string;
    readonly what: keyof Store | keyof ConversationStore | keyof UnwantedStore;
  },
) => CommitFault | undefined | Promise<CommitFault | undefined>;

/** What {@linkcode MemoryStores} can be told. */
export interface MemoryStoresOptions {
  /** Decides about each commit. */
  readonly onCommit?: CommitHook;
  /** Called when a fault killed the peer, after all its stores went silent. */
  readonly onCrash?: () => void;
  /** What is kept of conversations. */
  readonly conversations?: ConversationBounds;
}

/** Posts in one commit of `addPosts` and `collect`, so that crashes fall between the parts. */
const postsPerCommit = 100;

/** What one user's database holds. */
class Data {
  posts = new MemoryPosts((post) => this.conversations.isTakenBack(post));
  conversations: MemoryConversations;
  readonly forks = new Map<string, Post[]>();
  readonly lists = new Map<string, ListEntry>();
  readonly notices = new Map<string, PendingFollow>();
  readonly notes = new Map<string, Uint8Array>();
  readonly mutes = new Map<string, Mute>();
  readonly blocks = new Map<string, Block>();

  constructor(bounds?: ConversationBounds) {
    this.conversations = new MemoryConversations(bounds);
  }

  copy(): Data {
    const copy = new Data();
    copy.posts = this.posts.copy((post) => copy.conversations.isTakenBack(post));
    copy.conversations = this.conversations.copy();
    for (const [key, value] of this.forks) copy.forks.set(key, value);
    for (const [key, value] of this.lists) copy.lists.set(key, value);
    for (const [key, value] of this.notices) copy.notices.set(key, value);
    for (const [key, value] of this.notes) copy.notes.set(key, value);
    for (const [key, value] of this.mutes) copy.mutes.set(key, value);
    for (const [key, value] of this.blocks) copy.blocks.set(key, value);
    return copy;
  }
}

/** The simulated disk of one peer. It outlives the peer: open it again after a crash. */
export class MemoryStores implements Stores {
  readonly #disk = new Map<string, Data>();
  readonly #options: MemoryStoresOptions;
  #life = new AbortController();

  constructor(options: MemoryStoresOptions = {}) {
    this.#options = options;
  }

  open(username: string): Promise<Store> {
    let data = this.#disk.get(username);
    if (data === undefined) {
      this.#disk.set(username, data = new Data(this.#options.conversations));
    }
    const { onCommit } = this.#options;
    const store = new MemoryStore(data, {
      username,
      life: this.#life.signal,
      crash: () => this.crash(),
      ...(onCommit === undefined ? {} : { onCommit }),
    });
    return Promise.resolve(store);
  }

  remove(username: string): Promise<void> {
    this.#disk.delete(username);
    return Promise.resolve();
  }

  /** Takes the place of what is here: as if another disk, or an older backup, were copied onto this one. */
  copyFrom(other: MemoryStores): void {
    this.#disk.clear();
    for (const [username, data] of other.#disk) this.#disk.set(username, data.copy());
  }

  /** Kills the peer: calls on stores that are open now never settle again. The data stays. */
  crash(): void {
    this.#life.abort();
    this.#life = new AbortController();
    this.#options.onCrash?.();
  }
}

interface Surroundings {
  readonly username: string;
  /** Aborted when the peer is killed. */
  readonly life: AbortSignal;
  readonly crash: () => void;
  readonly onCommit?: CommitHook;
}

class MemoryStore implements Store {
  readonly #data: Data;
  readonly #around: Surroundings;
  #closed = false;

  constructor(data: Data, around: Surroundings) {
    this.#data = data;
    this.#around = around;
  }

  async #read<T>(read: (data: Data) => T): Promise<T> {
    this.#assertOpen();
    await this.#alive();
    return read(this.#data);
  }

  async #commit<T>(
    what: keyof Store | keyof ConversationStore | keyof UnwantedStore,
    change: (data: Data) => T,
  ): Promise<T> {
    this.#assertOpen();
    const { username, onCommit, crash } = this.#around;
    const fault = await onCommit?.({ username, what });
    await this.#alive();
    if (fault === "disk-full") {
      throw new CamelliaError("disk_full", `Cannot ${what}: the simulated disk is full`);
    }
    if (fault === "crash-before") crash();
    else {
      const result = change(this.#data);
      if (fault === undefined) return result;
      crash();
    }
    return await forEver();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new CamelliaError("interrupted", "Cannot use the simulated database: it was closed");
  }

  /** Who was killed is never answered. */
  async #alive(): Promise<void> {
    if (this.#around.life.aborted) await forEver();
  }

  addOwnPost(post: Post, mentioned: readonly string[] = []): Promise<void> {
    return this.#commit("addOwnPost", ({ posts, conversations }) => {
      posts.addOwn(post);
      conversations.addPending(post, mentioned);
    });
  }

  get conversations(): ConversationStore {
    const read = <T>(fn: (it: MemoryConversations) => T) =>
      this.#read(({ conversations }) => fn(conversations));
    const change = <T>(what: keyof ConversationStore, fn: (it: MemoryConversations) => T) =>
      this.#commit(what, ({ conversations }) => fn(conversations));
    return {
      pendingMentions: () => read(({ pending }) => [...pending]),
      putHolders: (mention) => change("putHolders", (it) => it.putHolders(mention)),
      dropPendingMention: (mention) =>
        change("dropPendingMention", (it) => it.dropPending(mention)),
      hold: (mention) => change("hold", (it) => it.hold(mention)),
      held: () => read(({ held }) => [...held]),
      heldFor: (username) => read(({ held }) => held.filter((it) => it.for === username)),
      release: (place) => change("release", (it) => it.release(place)),
      contextPost: (name) => read((it) => it.contextPost(name)),
      addContext: (added, at) =>
        this.#commit(
          "addContext",
          ({ conversations, posts }) =>
            conversations.addContext(added, at, (post) => posts.isDeleted(post)),
        ),
      dropContext: (names) => change("dropContext", (it) => it.dropContext(names)),
      contextThread: (root) => read((it) => it.contextThread(root)),
      contextReplies: (names) => read((it) => it.contextReplies(names)),
      isTakenBack: (post) =>
        this.#read(({ conversations, posts }) =>
          posts.isDeleted(post) || conversations.isTakenBack(post)
        ),
      notify: (notification, { context, note } = {}) =>
        this.#commit("notify", ({ conversations, notes, posts }) => {
          const stored = conversations.notify(notification);
          if (stored === undefined) return undefined;
          if (context !== undefined) {
            const one = { post: context, isConfirmed: true };
            conversations.addContext([one], notification.at, (post) => posts.isDeleted(post));
          }
          if (note !== undefined) notes.set(note.name, note.value);
          return stored;
        }),
      isNotified: (notification) => read((it) => it.isNotified(notification)),
      notifications: (query) => read((it) => it.listed(query)),
      putAside: (list, from) => change("putAside", (it) => it.putAside(list, from)),
    };
  }

  async addPosts(author: string, posts: readonly Post[]): Promise<AddReport> {
    if (posts.some((post) => post.author !== author)) {
      throw new TypeError(`Cannot add the posts: not all of them are by ${author}`);
    }
    const isDelete = ({ deletes }: Post): number => deletes === undefined ? 0 : 1;
    const sorted = [...posts].sort((a, b) =>
      isDelete(a) - isDelete(b) || a.device - b.device || a.number - b.number
    );
    const texts = sorted.filter((post) => isDelete(post) === 0).length;
    const taken = new Set<Post>();
    const forks: Post[] = [];
    const deleted: Post[] = [];
    for (let at = 0, end = 0; at < sorted.length; at = end) {
      end = Math.min(at + postsPerCommit, at < texts ? texts : sorted.length);
      await this.#commit("addPosts", (data) => {
        const known = data.posts.devices(author);
        for (const post of sorted.slice(at, end)) {
          const verdict = data.posts.add(post);
          if (verdict === "fork") forks.push(post);
          else if (verdict === "new") taken.add(post);
        }
        for (const post of sorted.slice(at, end)) {
          const gone = taken.has(post) ? data.posts.takeBack(post, known) : undefined;
          if (gone !== undefined) deleted.push(gone);
        }
      });
    }
    const gone = new Set(deleted.map(({ id }) => id));
    const known = deleted.filter((post) => !taken.has(post));
    const added = posts.filter((post) => taken.delete(post) && !gone.has(post.id));
    return known.length === 0 ? { added, forks } : { added, forks, deleted: known };
  }

  countNewer({ than, except, limit }: { than: bigint; except: string; limit: number }) {
    return this.#read(({ posts }) => posts.countNewer(than, except, limit));
  }

  findPost(name: PostName): Promise<Post | undefined> {
    return this.#read(({ posts }) => posts.find(name));
  }

  timeline(query: TimelineQuery): Promise<Post[]> {
    return this.#read(({ posts }) => posts.timeline(query));
  }

  search(query: SearchQuery, limit: number): Promise<Found> {
    return this.#read(({ posts, conversations }) =>
      posts.search(
        query,
        limit,
        conversations.context.map(({ post }) => post),
      )
    );
  }

  thread(query: ThreadQuery): Promise<Post[]> {
    return this.#read(({ posts }) => posts.thread(query));
  }

  replyCounts(names: readonly PostName[]): Promise<number[]> {
    return this.#read(({ posts }) => names.map((name) => posts.replyCount(name)));
  }

  ownReposts({ of, limit }: Parameters<Store["ownReposts"]>[0]): Promise<Post[]> {
    const { username: author } = this.#around;
    return this.#read(({ posts }) =>
      posts.reposts(author)
        .filter(({ repostOf }) => {
          if (of === undefined) return repostOf !== undefined;
          const { device, number } = repostOf ?? {};
          return repostOf?.author === of.author && device === of.device && number === of.number;
        }).slice(0, limit)
    );
  }

  feeds(author: string): Promise<FeedState[]> {
    return this.#read(({ posts }) => posts.feeds(author));
  }

  feedPosts(
    query: { author: string; device: number; from: number; to: number; limit: number },
  ): Promise<Post[]> {
    return this.#read(({ posts }) => posts.feedPosts(query));
  }

  setFloor(proof: Post): Promise<void> {
    return this.#commit("setFloor", ({ posts }) => posts.setFloor(proof));
  }

  floorProof(author: string, device: number): Promise<Post | undefined> {
    return this.#read(({ posts }) => posts.floorProof(author, device));
  }

  removeAuthor(author: string): Promise<number> {
    return this.#commit("removeAuthor", ({ posts }) => posts.removeAuthor(author));
  }

  async collect(query: { before: bigint; keep: string; limit: number }): Promise<number> {
    let removed = 0;
    while (removed < query.limit) {
      const limit = Math.min(postsPerCommit, query.limit - removed);
      const more = await this.#commit("collect", ({ posts }) => posts.collect({ ...query, limit }));
      removed += more;
      if (more < limit) break;
    }
    return removed;
  }

  noteFork(post: Post): Promise<void> {
    return this.#commit("noteFork", ({ forks }) => {
      const noted = forks.get(post.author) ?? [];
      const ofFeed = noted.filter((fork) => fork.device === post.device);
      if (noted.length >= 64 || ofFeed.length >= 4) return;
      if (ofFeed.some((fork) => equalBytes(fork.signed, post.signed))) return;
      forks.set(post.author, [...noted, post].sort((a, b) => a.device - b.device));
    });
  }

  forks(author: string): Promise<Post[]> {
    return this.#read(({ forks }) => [...forks.get(author) ?? []]);
  }

  countPosts(author?: string): Promise<number> {
    return this.#read(({ posts }) => posts.count(author));
  }

  countTakenBack(author: string): Promise<number> {
    return this.#read(({ posts }) => posts.countMarks(author));
  }

  listEntries(list: ListName): Promise<ListEntry[]> {
    return this.#read(({ lists }) =>
      [...lists.values()].filter((entry) => entry.list === list)
        .sort((a, b) => a.username < b.username ? -1 : 1)
    );
  }

  putListEntries(entries: readonly ListEntry[]): Promise<void> {
    return this.#commit("putListEntries", ({ lists }) => {
      for (const entry of entries) lists.set(`${entry.list} ${entry.username}`, entry);
    });
  }

  dropListEntries(entries: readonly ListEntry[]): Promise<void> {
    return this.#commit("dropListEntries", ({ lists }) => {
      for (const entry of entries) lists.delete(`${entry.list} ${entry.username}`);
    });
  }

  pendingFollows(): Promise<PendingFollow[]> {
    return this.#read(({ notices }) =>
      [...notices.values()].sort((a, b) => a.username < b.username ? -1 : 1)
    );
  }

  putPendingFollow(notice: PendingFollow): Promise<void> {
    return this.#commit("putPendingFollow", ({ notices }) => {
      const known = notices.get(notice.username);
      if (known === undefined || known.updatedAt <= notice.updatedAt) {
        notices.set(notice.username, notice);
      }
    });
  }

  dropPendingFollow(username: string, updatedAt: number): Promise<void> {
    return this.#commit("dropPendingFollow", ({ notices }) => {
      if (notices.get(username)?.updatedAt === updatedAt) notices.delete(username);
    });
  }

  get unwanted(): UnwantedStore {
    const sorted = <T>(map: ReadonlyMap<string, T>): T[] =>
      [...map].sort(([a], [b]) => a < b ? -1 : 1).map(([, value]) => value);
    return {
      mutes: () => this.#read(({ mutes }) => sorted(mutes)),
      putMute: (mute) =>
        this.#commit("putMute", ({ mutes }) => {
          mutes.set(`${mute.kind} ${mute.what}`, { ...mute });
        }),
      dropMute: ({ kind, what }) =>
        this.#commit("dropMute", ({ mutes }) => void mutes.delete(`${kind} ${what}`)),
      blocks: () => this.#read(({ blocks }) => sorted(blocks)),
      putBlock: (block) =>
        this.#commit("putBlock", ({ blocks }) => void blocks.set(block.username, block)),
      dropBlock: (name) => this.#commit("dropBlock", ({ blocks }) => void blocks.delete(name)),
    };
  }

  getNote(name: string): Promise<Uint8Array | undefined> {
    return this.#read(({ notes }) => notes.get(name));
  }

  putNote(name: string, value: Uint8Array | undefined): Promise<void> {
    return this.#commit("putNote", ({ notes }) => {
      if (value === undefined) notes.delete(name);
      else if (value.length > 60_000) throw new RangeError(`Cannot keep the note ${name}`);
      else notes.set(name, new Uint8Array(value));
    });
  }

  size(): Promise<{ posts: number; bytes: number }> {
    return this.#read(({ posts }) => ({ posts: posts.count(), bytes: 400 * posts.count() }));
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

/** Never settles. */
function forEver(): Promise<never> {
  return new Promise(() => {});
}
