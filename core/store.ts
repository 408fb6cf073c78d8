/**
 * The port to users' databases: what the core asks of them. `ports.ts` names it among the others.
 *
 * @module
 */

import type { ConversationStore } from "./conversation_store.ts";
import type { FeedState } from "./model/feed.ts";
import type { Block, Mute } from "./model/mute.ts";
import type { FeedPlace, Post, PostName } from "./model/post.ts";
import type { ListEntry, ListName } from "./model/record_body.ts";
import type { SearchQuery } from "./model/search_query.ts";

/** A page of a timeline. */
export interface TimelineQuery {
  /** Only posts with a lower id. */
  readonly before?: bigint;
  /** Only posts with a higher id, and of those the nearest; never together with `before`. */
  readonly after?: bigint;
  /** Only this author's. */
  readonly author?: string;
  /** At most this many posts. */
  readonly limit: number;
}

/** What became of posts that were handed to the store. */
export interface AddReport {
  /** Posts that are new, in the order given. */
  readonly added: readonly Post[];
  /** Posts with a number already used and other content: the first is kept. */
  readonly forks: readonly Post[];
  /** Posts that were stored and that deletes among the new ones have removed; absent where there are none. */
  readonly deleted?: readonly Post[];
  /** What the author's quota cost; absent where it cost nothing. */
  readonly beyond?: {
    /** New posts not kept, because their hour has as many as it may have. Their numbers are settled. */
    readonly rate: number;
    /** Oldest posts removed, because the author has more than the quota allows. */
    readonly room: number;
  };
}

/** How much of one author is kept. Own posts have no quota. */
export interface AuthorQuota {
  /** Posts; beyond, the oldest go. */
  readonly posts: number;
  /** Bytes of these posts as they were signed; beyond, the oldest go. */
  readonly bytes: number;
  /** Posts dated within one hour of the clock; beyond, those that come later are not kept. */
  readonly postsAnHour: number;
}

/** A follow or unfollow request that its receiver has not acknowledged yet. */
export interface PendingFollow {
  /** The receiver; there is at most one request a user, the newest. */
  readonly username: string;
  /** That user's identity key, 32 bytes. */
  readonly key: Uint8Array;
  /** What it says. */
  readonly kind: "follow" | "unfollow";
  /** Unix time in milliseconds of the change. */
  readonly updatedAt: number;
  /** The token of the receiver's invite that it presents, 16 bytes. */
  readonly token?: Uint8Array;
}

/** What a user's database keeps of mutes and blocks. */
export interface UnwantedStore {
  /** What the user has muted, by kind and what; those that have ended included. */
  mutes(): Promise<Mute[]>;
  /** Writes a mute, in place of an earlier one of the same. */
  putMute(mute: Mute): Promise<void>;
  /** Removes a mute. Harmless when there is none. */
  dropMute(mute: Pick<Mute, "kind" | "what">): Promise<void>;
  /** Users who are blocked, by name. */
  blocks(): Promise<Block[]>;
  /** Writes a block, in place of an earlier one of the same user. */
  putBlock(block: Block): Promise<void>;
  /** Removes a block. Harmless when there is none. */
  dropBlock(username: string): Promise<void>;
}

/** Posts that a search found. */
export interface Found {
  /** The posts, in the order of the query. */
  readonly posts: readonly Post[];
  /** Those of them that are kept outside the timeline; absent where none is. */
  readonly outside?: ReadonlySet<Post>;
  /**
   * The share of all posts that was looked at, the newest, 0 to 1; absent where it was all of them. The index that
   * a search uses is built in the background where it is missing or damaged.
   */
  readonly indexed?: number;
}

/** A page of a thread. */
export interface ThreadQuery {
  /** Its first post. */
  readonly root: PostName;
  /** At most this many posts. */
  readonly limit: number;
  /** Only posts with a lower id. */
  readonly before?: bigint;
}

/**
 * One user's database. Every method that changes something resolves after the commit and is atomic.
 *
 * All may reject with {@linkcode CamelliaError} `disk_full`, `database_damaged` or `disk_failed`.
 */
export interface Store {
  /** Whether nothing can be written, because the disk was full when the database was opened. */
  readonly isReadOnly?: boolean;
  /** What is kept of conversations. */
  readonly conversations: ConversationStore;
  /** What is muted and blocked. */
  readonly unwanted: UnwantedStore;
  /**
   * Commits an own post and with it the head of the device's feed, and that it is on its way to the users named.
   * A delete removes the post that it names in the same commit, here and in {@linkcode addPosts}, and keeps it
   * out from then on.
   */
  addOwnPost(post: Post, mentioned?: readonly string[]): Promise<void>;
  /**
   * Commits posts of one author that have been verified, in bounded batches: each new one enters the
   * timeline and settles its number. Those already had change nothing. Where the author then has more
   * than its quota allows, the oldest posts go.
   */
  addPosts(author: string, posts: readonly Post[]): Promise<AddReport>;
  /** A page of the timeline, newest first: no deletes, and no reposts of what is known to be taken back. */
  timeline(query: TimelineQuery): Promise<Post[]>;
  /** How many entries the timeline has above an id, those of one author left out: `limit` at most. */
  countNewer(query: { than: bigint; except: string; limit: number }): Promise<number>;
  /** The post of that name, if it is stored; no delete. */
  findPost(name: PostName): Promise<Post | undefined>;
  /** Posts of the database's own user that pass on the post of that place, or any; at most `limit`. */
  ownReposts(
    query: { of?: FeedPlace & { readonly author: string }; limit: number },
  ): Promise<Post[]>;
  /** The posts that are found, also outside the timeline, at most `limit`. Never deletes, nor reposts of what its author has taken back. */
  search(query: SearchQuery, limit: number): Promise<Found>;
  /** The posts of a thread that are here, its first post included, newest first. */
  thread(query: ThreadQuery): Promise<Post[]>;
  /** How many posts here answer each of these directly. */
  replyCounts(names: readonly PostName[]): Promise<number[]>;
  /** What is had of each feed of an author. */
  feeds(author: string): Promise<FeedState[]>;
  /** Posts of one feed with numbers from `from` to `to`, ascending, at most `limit`. */
  feedPosts(
    query: { author: string; device: number; from: number; to: number; limit: number },
  ): Promise<Post[]>;
  /**
   * Settles every number of the feed up to this post's as too old, and keeps the post, outside the
   * timeline, as the proof to hand on. Posts stored below it stay until the collector takes them.
   */
  setFloor(proof: Post): Promise<void>;
  /** The proof kept by {@linkcode setFloor} or {@linkcode collect}. */
  floorProof(author: string, device: number): Promise<Post | undefined>;
  /** Removes everything of an author but forks noted: posts and feed states. Resolves to the number of posts. */
  removeAuthor(author: string): Promise<number>;
  /**
   * Removes posts of others with ids below `before`, at most `limit`, oldest first, keeping each
   * feed's newest removed post as proof of its floor. Resolves to the number removed.
   */
  collect(query: { before: bigint; keep: string; limit: number }): Promise<number>;
  /** Notes a fork, to be shown; bounded a feed. */
  noteFork(post: Post): Promise<void>;
  /** Forks noted of an author. */
  forks(author: string): Promise<Post[]>;
  /** Posts stored of one author, or of all. */
  countPosts(author?: string): Promise<number>;
  /** How many posts of an author deletes that are stored have taken back. */
  countTakenBack(author: string): Promise<number>;

  /** All entries of a list, present and taken out, by name. */
  listEntries(list: ListName): Promise<ListEntry[]>;
  /** Writes entries; the caller has merged them. */
  putListEntries(entries: readonly ListEntry[]): Promise<void>;
  /** Removes entries for good (taken out more than 90 days ago). */
  dropListEntries(entries: readonly ListEntry[]): Promise<void>;

  /** Follow requests that wait for their acknowledgement. */
  pendingFollows(): Promise<PendingFollow[]>;
  /** Adds a follow request, in place of an older one to the same user. */
  putPendingFollow(request: PendingFollow): Promise<void>;
  /** Removes the follow request to a user if it is still the one of that time. */
  dropPendingFollow(username: string, updatedAt: number): Promise<void>;

  /** A small value under a name of the caller's choice, at most 60,000 bytes. */
  getNote(name: string): Promise<Uint8Array | undefined>;
  /** Writes a small value; undefined removes it. */
  putNote(name: string, value: Uint8Array | undefined): Promise<void>;

  /** Posts kept, size of the file in bytes, and the share of posts that is indexed unless all are. */
  size(): Promise<{ readonly posts: number; readonly bytes: number; readonly indexed?: number }>;
  /** Closes the database. */
  close(): Promise<void>;
}

/** Databases by user. */
export interface Stores {
  /**
   * Opens a user's database, creating it if need be.
   *
   * @throws {CamelliaError} `database_damaged`, `folder_read_only`, `disk_full`.
   */
  open(username: string): Promise<Store>;
  /** Removes a user's database, which is not open. Harmless when there is none. */
  remove(username: string): Promise<void>;
}
