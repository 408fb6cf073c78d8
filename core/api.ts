/**
 * What a peer does for whoever sits in front of it: commands in, results and events out.
 *
 * The peer itself implements {@linkcode PeerApi} (`peer.ts`); so does the client of a peer that
 * already runs on the data folder. Results have the very shape that `--json` prints.
 *
 * @module
 */

import type { ErrorCode } from "./model/errors.ts";

/** A user. */
export interface UserView {
  /** Username. */
  readonly username: string;
  /** The first 16 hex digits of SHA-256 of the identity key. */
  readonly fingerprint: string;
}

/** A post. */
export interface PostView {
  /** Snowflake id, a decimal string. */
  readonly id: string;
  /** Username of the author. */
  readonly author: string;
  /** The text, unfiltered: whoever shows it on a terminal filters it. */
  readonly text: string;
  /** ISO 8601. */
  readonly created_at: string;
  /** The post replied to, or null. */
  readonly reply_to: { readonly author: string; readonly id: string } | null;
  /** Present only where somebody else claims the author's name. */
  readonly clash?: ClashView;
}

/** What became of a follow or unfollow. */
export interface FollowView {
  /** Whom. */
  readonly username: string;
  /** Whether one follows now. */
  readonly following: boolean;
  /** Whether the user has acknowledged the notice yet; if not it is sent again until then. */
  readonly acknowledged: boolean;
}

/** Another key than the pinned one claims a name. */
export interface ClashView {
  /** The fingerprint that is believed: the pin's. */
  readonly pinned: string;
  /** The fingerprint that others claim. */
  readonly other: string;
}

/** A user's profile. */
export interface ProfileView extends UserView {
  /** Names, sorted. */
  readonly followers: readonly string[];
  /** Names, sorted. */
  readonly following: readonly string[];
  /** How many posts the user has made. */
  readonly posts: number;
  /** Whether one of the user's devices is announced and takes a connection. */
  readonly online: boolean;
  /** Present only where somebody else claims the name. */
  readonly clash?: ClashView;
  /** Present only where the author published two posts under one number: how many of them. */
  readonly forks?: number;
  /** Present only where the network does not tell: both lists are empty because they are not known. */
  readonly unreachable?: true;
}

/** A suggestion of whom to follow. */
export interface SuggestionView {
  /** Whom. */
  readonly username: string;
  /** `know`: follows whom you follow; `interest`: followed by those who share your taste; `popular`. */
  readonly kind: "know" | "interest" | "popular";
  /** A sentence that says why. */
  readonly reason: string;
}

/** An address and port as shown. */
export interface EndpointView {
  /** IP address. */
  readonly ip: string;
  /** Port. */
  readonly port: number;
}

/** The state of a peer. */
export interface StatusView {
  /** The DHT node. */
  readonly node: {
    readonly id: string;
    readonly contacts: number;
    readonly records: number;
    readonly udp: EndpointView;
    readonly joined: boolean;
  };
  /** Who is logged in. */
  readonly user: UserView | null;
  /** Links between peers. */
  readonly links: { readonly open: number; readonly listening: EndpointView | null };
  /** The clock. */
  readonly clock: {
    readonly offset_ms: number;
    readonly source: "ntp" | "system";
    readonly synced_at: string | null;
  };
  /** The database of the user who is logged in; zeros with nobody logged in. */
  readonly store: { readonly posts: number; readonly bytes: number };
  /** Notices that are not acknowledged yet. */
  readonly pending: number;
  /** The process. */
  readonly process: { readonly version: string; readonly pid: number; readonly uptime_s: number };
}

/** What happens in a peer, as it happens. */
export type PeerEvent =
  | { readonly event: "post"; readonly post: PostView }
  | { readonly event: "follower"; readonly username: string; readonly following: boolean }
  | { readonly event: "network"; readonly joined: boolean; readonly contacts: number }
  | {
    readonly event: "clock";
    readonly source: "ntp" | "system";
    readonly offset_ms: number;
  }
  | ({ readonly event: "clash"; readonly username: string } & ClashView)
  | { readonly event: "fork"; readonly author: string; readonly number: number }
  | { readonly event: "login"; readonly user: UserView }
  | { readonly event: "logout"; readonly username: string }
  | { readonly event: "warning"; readonly code: ErrorCode; readonly message: string };

/** A page of the timeline as asked for. */
export interface TimelineRequest {
  /** At most this many posts, 1 to 1,000. */
  readonly limit: number;
  /** Only posts before this id (decimal). */
  readonly before?: string;
  /** Only this author's. */
  readonly author?: string;
}

/** A name and a password. */
export interface Credentials {
  /** As typed; folded to lower case. */
  readonly username: string;
  /** The password. */
  readonly password: string;
}

/**
 * The commands. Each rejects with a `CamelliaError` where something a user can meet went wrong, and
 * with the signal's reason when aborted; data stays intact either way.
 */
export interface PeerApi {
  /** Loads, while somebody still types, what a registration or change of password needs: some 200 ms. */
  prepare?(): Promise<void>;
  /**
   * Rejects with `name_taken` where the network knows the name, so that nobody invents a password for it
   * first. Where there is no network yet it says nothing: the registration will.
   */
  checkName?(username: string, signal?: AbortSignal): Promise<void>;
  /** Creates an account and logs in. */
  register(credentials: Credentials, signal?: AbortSignal): Promise<UserView>;
  /** Logs in, on any machine. */
  login(credentials: Credentials, signal?: AbortSignal): Promise<UserView>;
  /** Logs out: takes this device out of `connections` and forgets the keys. */
  logout(signal?: AbortSignal): Promise<void>;
  /** Who is logged in. */
  whoami(): Promise<UserView>;
  /** Users whose sealed keys are in the data folder, the one who logged in last first. */
  users(): Promise<string[]>;
  /** Changes the password; the old sealed bytes are superseded. */
  changePassword(
    change: { readonly old: string; readonly new: string },
    signal?: AbortSignal,
  ): Promise<void>;
  /** The account, sealed, for moving it by hand. */
  exportAccount(): Promise<Uint8Array>;
  /** Takes in what {@linkcode exportAccount} gave: afterwards the user can log in here. */
  importAccount(sealed: Uint8Array): Promise<UserView>;
  /** Posts: resolves after the commit; pushing goes on behind. */
  post(
    draft: {
      readonly text: string;
      readonly replyTo?: { readonly author: string; readonly id: string };
    },
  ): Promise<PostView>;
  /** A page of the timeline, newest first. */
  timeline(request: TimelineRequest): Promise<PostView[]>;
  /** Follows; with a fingerprint it may replace a pin. */
  follow(
    request: { readonly username: string; readonly fingerprint?: string },
    signal?: AbortSignal,
  ): Promise<FollowView>;
  /** Unfollows and removes the user's posts. */
  unfollow(request: { readonly username: string }, signal?: AbortSignal): Promise<FollowView>;
  /** A profile; one's own without a name. */
  profile(request: { readonly username?: string }, signal?: AbortSignal): Promise<ProfileView>;
  /** Whom one might follow. */
  suggest(signal?: AbortSignal): Promise<SuggestionView[]>;
  /** The state of the peer. */
  status(): Promise<StatusView>;
  /** Waits until all that is to be pushed has been handed over, `timeoutMs` at most. */
  drain(timeoutMs: number): Promise<void>;
  /** Calls back for every event from now on; returns how to stop that. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
}
