/**
 * The state of a peer, in the very shape that `--json` prints.
 *
 * @module
 */

import type { Hindrance } from "./hindrance.ts";

/** A user. */
export interface UserView {
  /** Username. */
  readonly username: string;
  /** The first 16 hex digits of SHA-256 of the identity key. */
  readonly fingerprint: string;
}

/** An address and port as shown. */
export interface EndpointView {
  /** IP address. */
  readonly ip: string;
  /** Port. */
  readonly port: number;
}

/** How strangers reach this peer. */
export interface ReachView {
  /**
   * `direct`: others connected to this peer; `mapped`: they did once the home router was asked to let
   * them in; `relayed`: they could not, but relays pass on what they send; `unreachable`: none of these;
   * `unknown`: none has tried yet.
   */
  readonly state: "unknown" | "direct" | "mapped" | "relayed" | "unreachable";
  /** Relays that pass on to this peer. */
  readonly relays: number;
  /** The address that others see this peer at, the IPv4 one if there are two, or null. */
  readonly outer_ip: string | null;
  /**
   * All of them, one a family at most; whether others connect to this peer there, or null while none has
   * tried.
   */
  readonly addresses: readonly { readonly ip: string; readonly reached: boolean | null }[];
}

/** How much has not been read. */
export interface UnreadView {
  /** Posts of others on the timeline; 1,000 stand for more. */
  readonly posts: number;
  /** Notifications. */
  readonly notifications: number;
  /** What strangers say. */
  readonly requests: number;
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
    /** What nodes answer by: `tcp` where the network lets no UDP out; absent while that is not known. */
    readonly carrier?: "udp" | "tcp";
    /** Why no node answers; absent where one does, and while that is not known. */
    readonly hindrance?: Hindrance;
  };
  /** The user who is logged in, or null. */
  readonly user: UserView | null;
  /** Links between peers. */
  readonly links: { readonly open: number; readonly listening: EndpointView | null };
  /** How strangers reach this peer. */
  readonly reach: ReachView;
  /** The clock. */
  readonly clock: {
    readonly offset_ms: number;
    readonly source: "ntp" | "system";
    readonly synced_at: string | null;
  };
  /** The database of the user who is logged in; zeros when no user is. */
  readonly store: {
    readonly posts: number;
    readonly bytes: number;
    /** The share of the posts that searches know, 0 to 1; present only while the index is being built. */
    readonly indexed?: number;
  };
  /** Follows and unfollows that are not acknowledged yet. */
  readonly pending: number;
  /** What has not been read; zeros when no user is logged in. */
  readonly unread: UnreadView;
  /** The process. */
  readonly process: { readonly version: string; readonly pid: number; readonly uptime_s: number };
}
