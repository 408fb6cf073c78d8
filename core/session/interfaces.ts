/**
 * The session of a logged-in user, and the interfaces through which its parts use one another: a room
 * of the core knows the others' parts by these interfaces alone.
 *
 * A {@linkcode Session} lasts from login to logout. `accounts/open_account.ts` builds it together with
 * the records and the people; `user_peer.ts` builds the other parts and connects them.
 *
 * @module
 */

import type { Scheduler } from "../../lib/scheduler.ts";
import type { PeerEvent, PostView } from "../api.ts";
import type { About } from "../model/about.ts";
import type { CamelliaError } from "../model/errors.ts";
import type { DeviceEntry, Head, ListEntry, ListName, PublicBody } from "../model/record_body.ts";
import type { Identity } from "../model/identity.ts";
import type { Layout } from "../model/list_pages.ts";
import type { UserRef } from "../model/user.ts";
import type { SignedRecord } from "../model/record.ts";
import type { Ports, Store } from "../ports.ts";

/** What config.ini and flags decide for the core. They may change while the peer runs: each is read where it is used. */
export interface Settings {
  /** Posts of others older than this are collected; absent: nothing is. Milliseconds. */
  readonly lifespanMs?: number | undefined;
  /** Argon2id parameters for newly sealed keys (RFC 9106, design section 4). */
  readonly derivation: {
    readonly memoryKiB: number;
    readonly passes: number;
    readonly lanes: number;
  };
  /** Whether the sealed private record goes to the network, so that login elsewhere works. */
  readonly publishPrivate: boolean;
  /** Whether a registration may succeed in a network of this node alone (`--init`). */
  readonly firstNode: boolean;
  /** Is told why something was not delivered, or not taken; absent: it is not told. */
  readonly trace?: (message: string) => void;
}

/** One user, logged in. */
export interface Session {
  /** Name and key. */
  readonly self: UserRef;
  /** The keys; wiped at logout. */
  readonly identity: Identity;
  /** This installation's device number; it can be drawn anew. */
  readonly device: number;
  /** The user's database. */
  readonly store: Store;
  /** Everything from outside. */
  readonly ports: Ports;
  /** See {@linkcode Settings}. */
  readonly settings: Settings;
  /** Work that is due later or again and again; nothing of it runs after logout. */
  readonly scheduler: Scheduler;
  /** Aborted at logout: what goes on in the background ends then. */
  readonly signal: AbortSignal;
  /** Tells the listeners of the peer's events. */
  emit(event: PeerEvent): void;
  /** Asks the peer to log out, because of what another device did; the first reason counts. */
  leave(why: CamelliaError): void;
}

/** A user as the network knows one. */
export interface Person extends UserRef {
  /** Whether the key is the pinned one rather than the holders' majority's. */
  readonly pinned: boolean;
  /** The public record, when one was found. */
  readonly public?: PublicBody;
  /** Keys that other users claim the name with. */
  readonly otherKeys: readonly Uint8Array[];
}

/** Looks people up: keys, public records, lists, devices. Caches are bounded. */
export interface People {
  /** By pin where there is one, else by vote; undefined when no user is found. */
  find(username: string, signal?: AbortSignal): Promise<Person | undefined>;
  /** Whether the network said within the last two seconds that no user has the name. */
  isAbsent(username: string): boolean;
  /** The pinned key of a name: own, followed, followers' (in this order). */
  pin(username: string): Uint8Array | undefined;
  /**
   * Both lists of a user, from the pages that the public record names; only present entries. Of more than 256
   * pages 32 drawn at random.
   */
  lists(person: Person, signal?: AbortSignal): Promise<readonly ListEntry[]>;
  /**
   * The followers on one page of a user's list, from a page read within the last five minutes, else from the
   * network; undefined where it cannot be read.
   */
  followersOn(
    user: UserRef,
    layout: Layout,
    page: number,
    signal?: AbortSignal,
  ): Promise<readonly ListEntry[] | undefined>;
  /** Devices announced and not expired; from the cache while it is good, else from the network. */
  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]>;
  /** Whether a device of the user is announced, as the network says it now or said it within the last 30 s. */
  isPresent(user: UserRef, signal?: AbortSignal): Promise<boolean>;
  /**
   * Takes in a `connections` record: checked already, or the bytes that came in a message. False if it
   * is not the user's own or not valid.
   */
  learn(user: UserRef, connections: SignedRecord | Uint8Array): boolean;
  /** Asks the network anew about devices that do not answer, at most every 5 s; whether that changed anything. */
  renewDevices(user: UserRef, signal?: AbortSignal): Promise<boolean>;
  /** Whether the network said within the last five seconds that no device of the user is announced. */
  isGone(user: UserRef): boolean;
  /**
   * Drops what the cache has of a user's devices: nothing can be sent to any of these, which it gave. What has been
   * learnt since then stays.
   */
  forgetDevices(user: UserRef, tried: readonly DeviceEntry[]): void;
  /**
   * This device has been announced: users without a device are looked up again. One who has come meanwhile could
   * not greet it; of two who come at the same time, the one who is announced last finds the other.
   */
  forgetAbsent(): void;
}

/** What the user does not want to see, and from whom nothing is taken. */
export interface Unwanted {
  /** Whether a post is not shown: of itself, or for the post that it passes on. Own posts always are. */
  hides(post: PostView): boolean;
  /** Whether what a user does is not shown. */
  hidesUser(username: string): boolean;
  /** Whether nothing is muted and no user is blocked. */
  readonly hidesNothing: boolean;
  /** Another number whenever what is hidden has changed. */
  readonly version: number;
  /** Whether nothing is taken from a user. */
  isBlocked(user: UserRef): boolean;
}

/** The user's own two lists: merged one by one, kept in the store, published in pages. */
export interface Lists {
  /** One entry, present or not. */
  get(list: ListName, username: string): ListEntry | undefined;
  /** Names and keys of all that are present. */
  present(list: ListName): readonly ListEntry[];
  /** Where a name stands on the line of all pages of a list of so many: see `core/model/list_pages.ts`. */
  placeOf(username: string, pages: number): number;
  /** Applies a change if it is newer than what is known; commits; publishes within a second. Whether it applied. */
  apply(entry: ListEntry): Promise<boolean>;
  /** Calls back after each applied change; `isMerged` tells that another device made it. */
  onChange(fn: (entry: ListEntry, isMerged: boolean) => void): void;
  /** Publishes what is pending now. */
  flush(signal?: AbortSignal): Promise<void>;
}

/** The user's own records on the network. */
export interface OwnRecords {
  /** A feed's head moved: published at once for the first, then at most every 30 s. */
  headMoved(head: Head): void;
  /** The own heads as far as known: from the own database and the public record. */
  heads(): readonly Head[];
  /** How many own posts stand, by those heads and what is known to be taken back. */
  posts(): Promise<number>;
  /** What the user says of themselves. */
  about(): About | undefined;
  /**
   * Changes what the user says of themselves; whether the network has it. Where it has not, it is published
   * later.
   */
  setAbout(parts: Omit<About, "updatedAt">, signal?: AbortSignal): Promise<boolean>;
  /** Which pages of the own lists are in force. */
  layout(): Layout;
  /** The own signed `connections` record in force, if announced. */
  connections(): SignedRecord | undefined;
  /** Reads the own records from the network and merges them (another device may have written). */
  pull(signal?: AbortSignal): Promise<void>;
  /** Draws another device number: another installation uses this one, or its last post is far ahead of the clock. */
  redraw(): Promise<void>;
  /** Publishes now what is pending. */
  flush(signal?: AbortSignal): Promise<void>;
}

/** The parts of a login that the use cases are built on. */
export interface Parts {
  /** The session. */
  readonly session: Session;
  /** Looks people up. */
  readonly people: People;
  /** The own two lists. */
  readonly lists: Lists;
  /** The own records. */
  readonly records: OwnRecords;
}
