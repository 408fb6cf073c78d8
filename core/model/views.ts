/**
 * What a peer shows of posts, people and invites, in the very shape that `--json` prints. `status_view.ts` has
 * the state of the peer.
 *
 * @module
 */

import type { EndpointView, UserView } from "./status_view.ts";

/** A post. */
export interface PostView {
  /** Snowflake id, a decimal string. */
  readonly id: string;
  /** Username of the author. */
  readonly author: string;
  /** The text, unfiltered: the code that shows it on a terminal filters it. */
  readonly text: string;
  /** ISO 8601. */
  readonly created_at: string;
  /** The post replied to, or null. */
  readonly reply_to: PostNameView | null;
  /** The first post of the thread; present where the post replied to is itself a reply. */
  readonly root?: PostNameView;
  /** A content warning, to be shown in place of the text until the reader asks for that. */
  readonly warning?: string;
  /** The users whom the text mentions, 10 at most; absent where there are none. */
  readonly mentions?: readonly string[];
  /** What a repost passes on; its own text is empty. */
  readonly repost_of?: RepostedView;
  /** How many posts here answer this one directly; in pages of the timeline, absent where there are none. */
  readonly replies?: number;
  /**
   * Whether the author's name is known to be the key's that signed the post; in threads, and of what a search found
   * outside the timeline.
   */
  readonly verified?: boolean;
  /** Present where a search found it outside the timeline: it belongs to a thread, or speaks to the user. */
  readonly outside?: true;
  /** Present only where another key claims the author's name. */
  readonly clash?: ClashView;
  /** Whether the timeline was read up to here; in pages of the timeline alone. */
  readonly read?: boolean;
}

/** What a search found. */
export interface SearchView {
  /** The posts, the newest first unless the query says otherwise. */
  readonly posts: readonly PostView[];
  /** How long the search took, in milliseconds. */
  readonly took_ms: number;
  /** The share of the posts that was searched, 0 to 1, the newest; present only while the index is being built. */
  readonly indexed?: number;
  /** How many of the posts found the user's mutes and blocks hide, above the last one; absent where they hide none. */
  readonly hidden?: number;
}

/** A thread. */
export interface ThreadView {
  /** Its first post. */
  readonly root: PostNameView;
  /** The posts that are here and shown, oldest first: the newest 1,000, and the first. */
  readonly posts: readonly PostView[];
  /** How many posts are not here that are the first one or are answered by others. */
  readonly missing: number;
  /** How many posts the user's mutes hide; absent where they hide none. */
  readonly hidden?: number;
}

/** A page of the timeline. */
export interface TimelineView {
  /** The posts that are shown, newest first. */
  readonly posts: readonly PostView[];
  /**
   * How many posts the user's mutes and blocks hide above the last post of the page, or to the end where there is no
   * further page; absent where they hide none.
   */
  readonly hidden?: number;
}

/** A thread to be shown. */
export interface ThreadRequest extends PostNameView {
  /** Whether no other peer is asked. */
  readonly local?: boolean;
}

/** The name of a post. */
export interface PostNameView {
  /** Username of the author. */
  readonly author: string;
  /** Snowflake id, a decimal string. */
  readonly id: string;
}

/** The post that a repost passes on. */
export interface RepostedView extends PostView {
  /** The fingerprint of the key that signed it, 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** Whether the user of this peer trusts that key for the author's name: own posts, and those of pinned users. */
  readonly verified: boolean;
}

/** Something muted. */
export interface MuteView {
  /** What it is. */
  readonly kind: "user" | "word" | "thread";
  /** A username, a word or some words in a row, or the thread of a post, AUTHOR/ID. */
  readonly what: string;
  /** ISO 8601, or null for good. */
  readonly until: string | null;
}

/** Something to be muted or shown again. */
export interface MuteRequest {
  /** As typed: `@name`, a word, or AUTHOR/ID. */
  readonly what: string;
  /** What it is; absent: what it looks like, a word where it could be any. */
  readonly kind?: "user" | "word" | "thread";
  /** Milliseconds, from a minute to ten years; absent: for good. */
  readonly forMs?: number;
}

/** What became of a block. */
export interface BlockView {
  /** The user. */
  readonly username: string;
  /** Whether that user is blocked now. */
  readonly blocked: boolean;
}

/** What became of a follow or unfollow. */
export interface FollowView {
  /** The user who is followed or no longer followed. */
  readonly username: string;
  /** Whether the user of this peer follows now. */
  readonly following: boolean;
  /** Whether the other user has acknowledged the change; until then it is sent again. */
  readonly acknowledged: boolean;
  /** Present only where the user was followed already, so that nothing has changed. */
  readonly already?: true;
  /** Present only where the other user does not want to be followed by this one, and pushes nothing. */
  readonly refused?: true;
}

/** An invite to be made. */
export interface InviteRequest {
  /** Whether it has a one-time token, with which the inviter follows back the first user who uses it. */
  readonly once?: boolean;
  /** Milliseconds until it expires, a minute to a year; absent: a week with a token, and never without. */
  readonly expiresInMs?: number;
}

/** An invite. */
export interface InviteView {
  /** The string to give to a friend. */
  readonly invite: string;
  /** ISO 8601, or null where it does not expire. */
  readonly expires: string | null;
  /** How the friend's peer will reach this one; `none`: not at all, or no other node has told yet. */
  readonly reach: "direct" | "mapped" | "relayed" | "none";
}

/** What became of joining the network of an invite. */
export interface EntranceView {
  /** Whether the peer is in the network. */
  readonly joined: boolean;
  /** The invite's nodes that this peer may knock at. */
  readonly nodes: readonly EndpointView[];
}

/** Another key than the pinned one claims a name. */
export interface ClashView {
  /** The fingerprint that is believed: the pin's. */
  readonly pinned: string;
  /** The fingerprint that others claim. */
  readonly other: string;
}

/** A follower, or a user who is followed. */
export interface FollowedView extends UserView {
  /** Whether one of the user's devices is announced. */
  readonly online: boolean;
  /** The name that the user wants to be shown, where it is known; never proof of who it is. */
  readonly name: string | null;
}

/** What a user says of themselves. Never proof of who it is: the username is. */
export interface AboutView {
  /** The name to be shown, at most 50 characters, or null. */
  readonly name: string | null;
  /** At most 160 characters, or null. */
  readonly about: string | null;
  /** A link, at most 100 characters, or null. No program of this peer ever fetches it. */
  readonly link: string | null;
}

/** Something that the user is told of. */
export interface NotificationView {
  /** Its number, a decimal string: later ones have higher numbers. */
  readonly id: string;
  /** `reply` and `repost`: of a post of the user; `security`: a clash, a fork, a new device, a changed password. */
  readonly kind: "follow" | "mention" | "reply" | "repost" | "security";
  /** The user who did it, or of whom a security event tells. */
  readonly from: string;
  /** The post, where it tells of one that is still here. */
  readonly post: PostView | null;
  /** ISO 8601: when this peer learnt of it. */
  readonly at: string;
  /** Whether it has been read. */
  readonly read: boolean;
  /** What a security event says. */
  readonly message?: string;
}

/** Notifications, newest first. */
export interface NotificationsView {
  /** Those that were asked for. */
  readonly notifications: readonly NotificationView[];
  /** How many are unread in all. */
  readonly unread: number;
}

/** What strangers say, newest first. */
export interface RequestsView {
  /** Those that were asked for. */
  readonly requests: readonly NotificationView[];
  /** How many are unread in all. */
  readonly unread: number;
}

/** A user's profile. */
export interface ProfileView extends UserView {
  /** What the user says of themselves; see {@linkcode AboutView}. Each part is present only where it is said. */
  readonly name?: string;
  /** See there. */
  readonly about?: string;
  /** See there. */
  readonly link?: string;
  /** Names, sorted. */
  readonly followers: readonly string[];
  /** Names, sorted. */
  readonly following: readonly string[];
  /** How many posts the user has made. */
  readonly posts: number;
  /** Whether one of the user's devices is announced and takes a connection. */
  readonly online: boolean;
  /** Present only where another key claims the name. */
  readonly clash?: ClashView;
  /** Present only where the author published two posts under one number: how many of them. */
  readonly forks?: number;
  /** Present only where the lists are too long to be read whole: how many each has. Both are parts of them then. */
  readonly listed?: { readonly followers: number; readonly following: number };
  /** Present only where the network does not tell: both lists are empty because they are not known. */
  readonly unreachable?: true;
}

/** One of the user's own devices that are announced. */
export interface DeviceView {
  /** Its number. */
  readonly device: number;
  /** Whether it is the one that answers. */
  readonly this: boolean;
  /** Where it listens: HOST:PORT, or relay/HOST:PORT for a relay that passes on to it. */
  readonly addresses: readonly string[];
  /** ISO 8601: until when the announcement counts; a device that runs renews it. */
  readonly until: string;
}

/** A suggestion to follow a user. */
export interface SuggestionView {
  /** The suggested user. */
  readonly username: string;
  /** `know`: follows the same users; `interest`: is followed by users of similar taste; `popular`. */
  readonly kind: "know" | "interest" | "popular";
  /** A sentence that says why. */
  readonly reason: string;
}

/** A page of notifications or requests as asked for. */
export interface NotificationsRequest {
  /** At most this many, 1 to 1,000; absent: 100. */
  readonly limit?: number;
  /** Only those that have not been read. */
  readonly unread?: boolean;
}

/** What has been read. */
export interface ReadRequest {
  /** The timeline up to a post, or all that is in one of the lists. */
  readonly what: "timeline" | "notifications" | "requests";
  /** Of the timeline: the id of the newest post that was read (decimal). */
  readonly id?: string;
}

/** A page of the timeline as asked for. */
export interface TimelineRequest {
  /** At most this many posts, 1 to 1,000. */
  readonly limit: number;
  /** Only posts before this id (decimal). */
  readonly before?: string;
  /** Only posts after this id (decimal): the nearest of them. Never together with `before`. */
  readonly after?: string;
  /** Only this author's. */
  readonly author?: string;
}

/** What to search the own database for. */
export interface SearchRequest {
  /** Words, "phrases", beginnings (`wor*`), `#tags`, `@names`, `from:`, `since:`, `before:`, `sort:rank`. */
  readonly query: string;
  /** At most this many posts, 1 to 1,000. */
  readonly limit: number;
  /** Only posts before this id (decimal). */
  readonly before?: string;
}
