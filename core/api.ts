/**
 * What a peer does for the person or script in front of it: commands in, results and events out.
 *
 * {@linkcode PeerApi} is implemented by the peer itself (`peer.ts`). The table {@linkcode methods} says
 * how each method crosses a connection; the loopback server, its client and the tests' double are made
 * from it. Results have the very shape that `--json` prints.
 *
 * @module
 */

import type { Hindrance } from "./model/hindrance.ts";
import type { ReachView, StatusView, UserView } from "./model/status_view.ts";
import type {
  AboutView,
  BlockView,
  ClashView,
  DeviceView,
  EntranceView,
  FollowedView,
  FollowView,
  InviteRequest,
  InviteView,
  MuteRequest,
  MuteView,
  NotificationsRequest,
  NotificationsView,
  NotificationView,
  PostNameView,
  PostView,
  ProfileView,
  ReadRequest,
  RequestsView,
  SearchRequest,
  SearchView,
  SuggestionView,
  ThreadRequest,
  ThreadView,
  TimelineRequest,
  TimelineView,
} from "./model/views.ts";
import {
  bytes,
  fields,
  flag,
  integer,
  listOf,
  nothing,
  oneOf,
  optional,
  type Reader,
  text,
} from "./model/arguments.ts";
import { muteKinds } from "./model/mute.ts";
import type { ErrorCode } from "./model/errors.ts";

export type {
  EndpointView,
  ReachView,
  StatusView,
  UnreadView,
  UserView,
} from "./model/status_view.ts";
export type * from "./model/views.ts";

/** What happens in a peer, as it happens. */
export type PeerEvent =
  | { readonly event: "post"; readonly post: PostView }
  | { readonly event: "deleted"; readonly author: string; readonly id: string }
  | { readonly event: "thread"; readonly root: PostNameView }
  | { readonly event: "notification"; readonly notification: NotificationView }
  | { readonly event: "request"; readonly request: NotificationView }
  | { readonly event: "follower"; readonly username: string; readonly following: boolean }
  | { readonly event: "invited"; readonly username: string }
  | {
    readonly event: "network";
    readonly joined: boolean;
    readonly contacts: number;
    readonly carrier?: "udp" | "tcp";
    readonly hindrance?: Hindrance;
  }
  | ({ readonly event: "reach" } & ReachView)
  | {
    readonly event: "clock";
    readonly source: "ntp" | "system";
    readonly offset_ms: number;
  }
  | ({ readonly event: "clash"; readonly username: string } & ClashView)
  | { readonly event: "fork"; readonly author: string; readonly number: number }
  | { readonly event: "login"; readonly user: UserView }
  | {
    readonly event: "logout";
    readonly username: string;
    /** Present where the user did not ask for it: what another device did. */
    readonly why?: { readonly code: ErrorCode; readonly message: string };
    /** Present where the peer runs on, although it would end with a logout. */
    readonly stay?: true;
  }
  | { readonly event: "warning"; readonly code: ErrorCode; readonly message: string };

/** A name and a password. */
export interface Credentials {
  /** As typed; folded to lower case. */
  readonly username: string;
  /** The password. */
  readonly password: string;
}

/** Credentials to log in with. */
export interface Entry extends Credentials {
  /**
   * Whether the peer ends right afterwards: then the device is not announced, and nothing is fetched for it.
   * Absent: it does not.
   */
  readonly isBrief?: boolean;
}

/** An account to be created. */
export interface Registration extends Entry {
  /** Whether the sealed keys stay in the data folder: no stranger can guess at them. Absent: they do not. */
  readonly localKeys?: boolean;
}

/** An account to be opened with its recovery words, and sealed under a new password. */
export interface Recovery extends Credentials {
  /** The 24 words as typed; see `core/model/recovery_words.ts` for what makes no difference. */
  readonly words: string;
}

/** A post to be written. */
export interface PostDraft {
  /** 1 to 500 characters. */
  readonly text: string;
  /** The post that it replies to. */
  readonly replyTo?: PostNameView;
  /** Whether it may reply to a post that is not here. Absent: it may not. */
  readonly force?: boolean;
  /** A content warning, 1 to 100 characters. */
  readonly warning?: string;
}

/**
 * The methods. Each rejects with a `CamelliaError` for what a user can meet, and with the signal's reason
 * when aborted; data stays intact either way.
 */
export interface PeerApi {
  /** Loads what a registration or a change of password needs, some 200 ms, while the person still types. */
  prepare(): Promise<void>;
  /**
   * Rejects with `name_taken` where the network knows the name, so that the person does not invent a
   * password for it first, and with `not_joined` where there is no network to register in.
   */
  checkName(username: string, signal?: AbortSignal): Promise<void>;
  /** Creates an account and logs in. */
  register(account: Registration, signal?: AbortSignal): Promise<UserView>;
  /** Logs in, on any machine. */
  login(credentials: Entry, signal?: AbortSignal): Promise<UserView>;
  /**
   * Logs out: takes this device out of `connections` and forgets the keys. Resolves to who was logged in.
   * A peer that would end with it runs on where it is asked to `stay`.
   */
  logout(request?: { readonly stay?: boolean }, signal?: AbortSignal): Promise<UserView>;
  /** The user who is logged in. */
  whoami(): Promise<UserView>;
  /** Users whose sealed keys are in the data folder, the one who logged in last first. */
  users(): Promise<string[]>;
  /** Rejects with `wrong_password` where it is not the one of the user who is logged in. */
  checkPassword(password: string): Promise<void>;
  /** Changes the password; the old sealed bytes are superseded. */
  changePassword(
    change: { readonly old: string; readonly new: string },
    signal?: AbortSignal,
  ): Promise<void>;
  /** The 24 recovery words of an account of the data folder, for the person who knows its password. */
  recoveryWords(credentials: Credentials): Promise<string[]>;
  /** Seals an account's keys under a new password, with its recovery words in place of the old one, and logs in. */
  recover(recovery: Recovery, signal?: AbortSignal): Promise<UserView>;
  /** The user's own devices that are announced, by number. */
  devices(signal?: AbortSignal): Promise<DeviceView[]>;
  /** Sends another device of the user away: it logs out when it sees that. Resolves to those that are left. */
  removeDevice(request: { readonly device: number }, signal?: AbortSignal): Promise<DeviceView[]>;
  /**
   * Closes the account of the user who is logged in, whose name is to be given: the network learns that it is
   * closed, its lists and sealed keys are taken back, and what the data folder has of it is removed.
   */
  closeAccount(request: { readonly username: string }, signal?: AbortSignal): Promise<UserView>;
  /** The account, sealed, for moving it by hand. */
  exportAccount(): Promise<Uint8Array>;
  /** Takes in what {@linkcode exportAccount} gave: afterwards the user can log in here. */
  importAccount(sealed: Uint8Array): Promise<UserView>;
  /** Posts: resolves after the commit; pushing goes on in the background. */
  post(draft: PostDraft): Promise<PostView>;
  /** Passes a post on to one's own followers, as its author signed it; of a repost the post in it. */
  repost(request: PostNameView): Promise<PostView>;
  /** Takes own posts back, all of them or none; resolves to their ids. Others are asked to forget them. */
  deletePosts(request: { readonly ids: readonly string[] }): Promise<string[]>;
  /** A page of the timeline. */
  timeline(request: TimelineRequest): Promise<TimelineView>;
  /** The thread of a post, after asking others for what they have of it, two seconds at most. */
  thread(request: ThreadRequest): Promise<ThreadView>;
  /** Those of some posts, 100 at most, that are here and shown; asks no other peer. */
  postsNamed(request: { readonly names: readonly PostNameView[] }): Promise<PostView[]>;
  /** Posts of the own database by their words; asks no other peer. */
  search(request: SearchRequest): Promise<SearchView>;
  /** Follows; with a fingerprint it may replace a pin. */
  follow(
    request: { readonly username: string; readonly fingerprint?: string },
    signal?: AbortSignal,
  ): Promise<FollowView>;
  /** Makes an invite to the network and to the user who is logged in; takes some seconds at most. */
  invite(request: InviteRequest, signal?: AbortSignal): Promise<InviteView>;
  /** Joins the network through the nodes of an invite. */
  enter(request: { readonly invite: string }, signal?: AbortSignal): Promise<EntranceView>;
  /** Follows the inviter under the key of the invite, and presents its token. */
  accept(request: { readonly invite: string }, signal?: AbortSignal): Promise<FollowView>;
  /** Unfollows and removes the user's posts. */
  unfollow(request: { readonly username: string }, signal?: AbortSignal): Promise<FollowView>;
  /** Hides a user, a word or a thread, for a while or for good; it stays on this device. */
  mute(request: MuteRequest): Promise<MuteView>;
  /** Shows again what was muted. */
  unmute(request: MuteRequest): Promise<MuteView>;
  /** What is muted. */
  mutes(): Promise<MuteView[]>;
  /** Takes nothing from a user any more, unfollows, and takes the user out of the followers. */
  block(request: { readonly username: string }): Promise<BlockView>;
  /** Takes what a user sends again. */
  unblock(request: { readonly username: string }): Promise<BlockView>;
  /** Names of the blocked users, sorted. */
  blocks(): Promise<string[]>;
  /** Takes a user out of the followers, without a block. */
  removeFollower(request: { readonly username: string }): Promise<{ username: string }>;
  /** The own followers, or the users who are followed, by name; takes some seconds at most. */
  people(
    request: { readonly list: "followers" | "following" },
    signal?: AbortSignal,
  ): Promise<FollowedView[]>;
  /** The names of the users who are followed, sorted; asks no other peer, so it answers at once. */
  followed(): Promise<string[]>;
  /** A profile; without a name, that of the user who is logged in. */
  profile(request: { readonly username?: string }, signal?: AbortSignal): Promise<ProfileView>;
  /** Changes what the user says of themselves: the parts that are given, the empty text takes one back. */
  about(
    request: { readonly name?: string; readonly about?: string; readonly link?: string },
    signal?: AbortSignal,
  ): Promise<AboutView>;
  /** Users to follow, each with a reason. */
  suggest(signal?: AbortSignal): Promise<SuggestionView[]>;
  /** What the user is told of, newest first. */
  notifications(request: NotificationsRequest): Promise<NotificationsView>;
  /** What strangers say, newest first. */
  requests(request: NotificationsRequest): Promise<RequestsView>;
  /** Puts all requests of a stranger aside. */
  dismiss(request: { readonly username: string }): Promise<void>;
  /** The notifications or requests that are here have been read, or the timeline up to a post (decimal id). */
  markRead(request: ReadRequest): Promise<void>;
  /** The state of the peer. */
  status(): Promise<StatusView>;
  /** Takes over what config.ini says now, as far as a running peer can; the rest comes with its next start. */
  reload(): Promise<void>;
  /** Waits until all that is to be pushed has been handed over, `timeoutMs` at most. */
  drain(timeoutMs: number): Promise<void>;
  /** Calls back for every event from now on; returns how to stop that. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
}

/** The methods that answer once. */
export type PeerCalls = Omit<PeerApi, "subscribe">;

/** How a method crosses a connection, as its signature demands it. */
export type Method<Call> = Call extends (...passed: infer Passed) => Promise<infer Result> ? {
    /** Checks its argument, if it has one. Throws a `CamelliaError` with the code `invalid_argument`. */
    readonly takes: Reader<Passed extends [(AbortSignal | undefined)?] ? void : Passed[0]>;
    /** Whether it takes a signal that ends it. */
    readonly abortable: Required<Passed> extends [...unknown[], AbortSignal] ? true : false;
    /** What its result is; bytes travel in base64. */
    readonly gives: Result extends Uint8Array ? "bytes" : "json";
  }
  : { readonly gives: "events" };

/** A name, an id or a fingerprint: longer than any valid one, so that the peer itself says what is wrong. */
const word = text(1000);

/** A text or a password: as much as one request holds. */
const longText = text(65_536);

const postName = fields<PostNameView>({ author: word, id: word });

const notificationsRequest = fields<NotificationsRequest>({
  limit: optional(integer(1, 1000)),
  unread: optional(flag),
});

const readable = oneOf("timeline", "notifications", "requests");

const nameAndPassword = { username: word, password: longText };

const credentials = fields<Credentials>(nameAndPassword);

const entry = { ...nameAndPassword, isBrief: optional(flag) };

const user = fields<{ readonly username: string }>({ username: word });

const muting = fields<MuteRequest>({
  what: longText,
  kind: optional(oneOf(...muteKinds)),
  forMs: optional(integer(60_000, 3_660 * 86_400_000)),
});

/** A method that runs to its end. */
function call<T>(takes: Reader<T>) {
  return { takes, abortable: false, gives: "json" } as const;
}

/** A method that a signal ends. */
function abortable<T>(takes: Reader<T>) {
  return { takes, abortable: true, gives: "json" } as const;
}

/** How each method of {@linkcode PeerApi} crosses a connection. */
export const methods: { readonly [Name in keyof PeerApi]: Method<PeerApi[Name]> } = {
  prepare: call(nothing),
  checkName: abortable(word),
  register: abortable(
    fields<Registration>({ ...entry, localKeys: optional(flag) }),
  ),
  login: abortable(fields<Entry>(entry)),
  logout: abortable(optional(fields({ stay: optional(flag) }))),
  whoami: call(nothing),
  users: call(nothing),
  checkPassword: call(longText),
  changePassword: abortable(fields({ old: longText, new: longText })),
  recoveryWords: call(credentials),
  recover: abortable(
    fields<Recovery>({ ...nameAndPassword, words: longText }),
  ),
  devices: abortable(nothing),
  removeDevice: abortable(fields({ device: integer(0, 1023) })),
  closeAccount: abortable(fields({ username: word })),
  exportAccount: { ...call(nothing), gives: "bytes" },
  importAccount: call(bytes),
  post: call(
    fields<PostDraft>({
      text: longText,
      replyTo: optional(postName),
      force: optional(flag),
      warning: optional(longText),
    }),
  ),
  repost: call(postName),
  deletePosts: call(fields({ ids: listOf(word, 1000) })),
  timeline: call(
    fields<TimelineRequest>({
      limit: integer(1, 1000),
      before: optional(word),
      after: optional(word),
      author: optional(word),
    }),
  ),
  postsNamed: call(fields({ names: listOf(postName, 100) })),
  search: call(
    fields<SearchRequest>({ query: longText, limit: integer(1, 1000), before: optional(word) }),
  ),
  thread: call(fields<ThreadRequest>({ author: word, id: word, local: optional(flag) })),
  follow: abortable(fields({ username: word, fingerprint: optional(word) })),
  invite: abortable(
    fields<InviteRequest>({
      once: optional(flag),
      expiresInMs: optional(integer(60_000, 366 * 86_400_000)),
    }),
  ),
  enter: abortable(fields({ invite: longText })),
  accept: abortable(fields({ invite: longText })),
  unfollow: abortable(fields({ username: word })),
  mute: call(muting),
  unmute: call(muting),
  mutes: call(nothing),
  block: call(user),
  unblock: call(user),
  blocks: call(nothing),
  removeFollower: call(user),
  people: abortable(fields({ list: oneOf("followers", "following") })),
  followed: call(nothing),
  about: abortable(
    fields<{ readonly name?: string; readonly about?: string; readonly link?: string }>({
      name: optional(word),
      about: optional(word),
      link: optional(word),
    }),
  ),
  profile: abortable(fields({ username: optional(word) })),
  suggest: abortable(nothing),
  notifications: call(notificationsRequest),
  requests: call(notificationsRequest),
  dismiss: call(fields({ username: word })),
  markRead: call(fields<ReadRequest>({ what: readable, id: optional(word) })),
  status: call(nothing),
  reload: call(nothing),
  drain: call(integer(0, 60_000)),
  subscribe: { gives: "events" },
};
