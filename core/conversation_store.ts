/**
 * What a user's database keeps of conversations: mentions on their way, mentions held for others, posts
 * of authors who are not followed, and notifications.
 *
 * @module
 */

import type { Post, PostName } from "./model/post.ts";

/** How much is kept of conversations; beyond, what came first goes. */
export interface ConversationBounds {
  /** Notifications. */
  readonly notifications: number;
  /** Requests, those put aside included. */
  readonly requests: number;
  /** Posts of authors who are not followed. */
  readonly context: number;
  /** Such posts of one author. */
  readonly contextOfOne: number;
  /** Such posts of one thread: beyond, those with the lowest ids go. */
  readonly contextOfThread: number;
  /** Bytes of such posts as they were signed. */
  readonly contextBytes: number;
  /** How long such a post is kept, in milliseconds. */
  readonly contextMs: number;
}

/**
 * What a peer keeps: five days of as many requests as strangers may bring, and of authors who are not followed
 * 4,000 of the longest posts, for 90 days. One thread takes at most a quarter of that.
 */
export const conversationBounds: ConversationBounds = {
  notifications: 5_000,
  requests: 1_000,
  context: 4_000,
  contextOfOne: 200,
  contextOfThread: 1_000,
  contextBytes: 12 * 1024 * 1024,
  contextMs: 90 * 86_400_000,
};

/** An own post on its way to a user whom it mentions or answers. */
export interface PendingMention {
  /** The user. */
  readonly to: string;
  /** Id of the own post, which tells the device. */
  readonly id: bigint;
  /** Its number in the feed of that device. */
  readonly number: number;
  /** Names of the users who keep it for that user. */
  readonly holders: readonly string[];
}

/** Which post is held for whom. */
export interface HeldPlace extends PostName {
  /** The user who is to have it. */
  readonly for: string;
}

/** A post of another author, kept until the user whom it mentions says hello. */
export interface HeldMention {
  /** The user who is to have it. */
  readonly for: string;
  /** The post. */
  readonly post: Post;
  /** Identity key of the user who asked for this, in hexadecimal. */
  readonly by: string;
  /** Unix time in milliseconds at which it came. */
  readonly at: number;
}

/** What a notification tells of. */
export type NotificationKind = "follow" | "mention" | "reply" | "repost" | "security";

/** Notifications, or what strangers say. */
export type NotificationList = "notifications" | "requests";

/** A notification that is to be kept. */
export interface NewNotification {
  /** Where it belongs. */
  readonly list: NotificationList;
  /** What it tells of. */
  readonly kind: NotificationKind;
  /** The user who did it, or of whom a security event tells. */
  readonly from: string;
  /** Unix time in milliseconds at which this peer learnt of it. */
  readonly at: number;
  /** The post, where it tells of one. */
  readonly post?: PostName;
  /** What a security event says. */
  readonly message?: string;
}

/** A notification as it is kept. */
export interface StoredNotification extends NewNotification {
  /** Its number: later ones have higher numbers. */
  readonly number: number;
}

/** Which notifications are wanted. */
export interface NotificationsQuery {
  /** Where they belong. */
  readonly list: NotificationList;
  /** Those with higher numbers alone. */
  readonly after?: number;
  /** So many at most. */
  readonly limit: number;
  /** The oldest first; by default the newest. */
  readonly oldestFirst?: boolean;
}

/** A post that is to be kept outside the timeline. */
export interface NewContext {
  /** The post, or a delete: that removes the post which it takes back, if its key has signed both, and keeps it out. */
  readonly post: Post;
  /** Whether the name is known to be the key's: then it takes the place of a post of that name by another key. */
  readonly isConfirmed: boolean;
  /** Of a delete: the first post of the thread of what it takes back, where the caller knows that. */
  readonly thread?: PostName;
  /** Whether a delete is kept only where the thread is known, or what it takes back is here. */
  readonly onlyForThread?: boolean;
}

/** What is committed together with a notification. */
export interface NotificationExtras {
  /** The post, where it is to be kept outside the timeline. */
  readonly context?: Post;
  /** A note of the core's. */
  readonly note?: { readonly name: string; readonly value: Uint8Array };
}

/** See the module. Every method that changes something resolves after the commit and is atomic. */
export interface ConversationStore {
  /** Own posts on their way, the oldest first. `Store.addOwnPost` adds them. */
  pendingMentions(): Promise<PendingMention[]>;
  /** Changes who keeps one of them; nothing happens where it is no longer pending. */
  putHolders(mention: PendingMention): Promise<void>;
  /** Removes one. */
  dropPendingMention(mention: Pick<PendingMention, "to" | "id">): Promise<void>;

  /** Keeps a post for a user. */
  hold(mention: HeldMention): Promise<void>;
  /** All that is held. */
  held(): Promise<HeldMention[]>;
  /** What is held for one user, the oldest first. */
  heldFor(username: string): Promise<HeldMention[]>;
  /** Holds a post no longer. */
  release(place: HeldPlace): Promise<void>;

  /** A post that is kept outside the timeline; no delete. */
  contextPost(name: PostName): Promise<Post | undefined>;
  /**
   * Keeps posts outside the timeline, since that Unix time in milliseconds. One kept already stays as it is, and one
   * that its author has taken back stays away. Where there are too many, others go. Resolves to how many are new.
   */
  addContext(posts: readonly NewContext[], at: number): Promise<number>;
  /** Removes posts from outside the timeline. */
  dropContext(names: readonly PostName[]): Promise<void>;
  /** What is kept outside the timeline of a thread, its first post and deletes included, in the order of ids. */
  contextThread(root: PostName): Promise<Post[]>;
  /** How many posts outside the timeline answer each of these directly. */
  contextReplies(names: readonly PostName[]): Promise<number[]>;
  /** Whether a post's author is known to have taken it back, in the feed or outside the timeline. */
  isTakenBack(post: Post): Promise<boolean>;

  /**
   * Keeps a notification; undefined where there is one of the same user and post, or of the same user, kind and
   * message. Beyond the bound of its list the oldest go.
   */
  notify(
    notification: NewNotification,
    extras?: NotificationExtras,
  ): Promise<StoredNotification | undefined>;
  /** Whether there is such a notification, put aside or not. */
  isNotified(notification: NewNotification): Promise<boolean>;
  /** Notifications of a list, but those put aside. */
  notifications(query: NotificationsQuery): Promise<StoredNotification[]>;
  /** Puts a user's entries of a list aside: they show no more, and do not come again. */
  putAside(list: NotificationList, from: string): Promise<void>;
}
