/**
 * What the use cases of one logged-in user are to one another.
 *
 * A {@linkcode Session} lasts from login to logout. Each part is built by its own module from the
 * session and the parts that it needs; `peer.ts` puts them together.
 *
 * @module
 */

import type { Scheduler } from "../../lib/scheduler.ts";
import type { PeerEvent } from "../api.ts";
import type { DeviceEntry, Head, ListEntry, ListName, PublicBody } from "../model/record_body.ts";
import type { Identity } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { SignedRecord } from "../model/record.ts";
import type { Ports, Store } from "../ports.ts";

/** What config.ini and flags decide for the core. */
export interface Settings {
  /** Posts of others older than this are collected; absent: nothing is. Milliseconds. */
  readonly lifespanMs?: number;
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
  /** The address to announce, where configured; otherwise what a majority of nodes sees. */
  readonly announcedAddress?: string;
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
  /** Aborted at logout: whatever goes on in the background ends then. */
  readonly signal: AbortSignal;
  /** Tells whoever listens. */
  emit(event: PeerEvent): void;
}

/** Somebody as the network knows them. */
export interface Person extends UserRef {
  /** Whether the key is the pinned one rather than the holders' majority's. */
  readonly pinned: boolean;
  /** The public record, when one was found. */
  readonly public?: PublicBody;
  /** Keys that others claim the name with; empty when nobody does. */
  readonly otherKeys: readonly Uint8Array[];
}

/** Looks people up: keys, public records, lists, devices. Caches are bounded. */
export interface People {
  /** By pin where there is one, else by vote; undefined when nobody has the name. */
  find(username: string, signal?: AbortSignal): Promise<Person | undefined>;
  /** The pinned key of a name: own, followed, followers' (in this order). */
  pin(username: string): Promise<Uint8Array | undefined>;
  /** Both lists of somebody, from the pages that the public record names; only present entries. */
  lists(person: Person, signal?: AbortSignal): Promise<ListEntry[]>;
  /** Devices announced and not expired; from the cache while it is good, else from the network. */
  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]>;
  /** Takes in a `connections` record that came in a message; false if it is not the user's own or not valid. */
  learn(user: UserRef, connections: Uint8Array): boolean;
  /** Asks the network anew about devices that do not answer, at most once in a while; whether that changed anything. */
  renewDevices(user: UserRef, signal?: AbortSignal): Promise<boolean>;
  /** Drops what the cache has of a user's devices: nothing can be sent to any of them. */
  forgetDevices(user: UserRef): void;
}

/** The user's own two lists: merged one by one, kept in the store, published in pages. */
export interface Lists {
  /** One entry, present or not. */
  get(list: ListName, username: string): ListEntry | undefined;
  /** Names and keys of all that are present. */
  present(list: ListName): readonly ListEntry[];
  /** Applies a change if it is newer than what is known; commits; publishes within a second. Whether it applied. */
  apply(entry: ListEntry): Promise<boolean>;
  /** Calls back after each applied change, whether made here or merged from another device. */
  onChange(fn: (entry: ListEntry) => void): () => void;
  /** Publishes what is pending now. */
  flush(signal?: AbortSignal): Promise<void>;
}

/** The user's own records on the network. */
export interface OwnRecords {
  /** A feed's head moved: published at once for the first, then at most every 30 s. */
  headMoved(head: Head): void;
  /** The own heads as far as known: from the own database and the public record. */
  heads(): readonly Head[];
  /** The own signed `connections` record in force, if announced. */
  connections(): SignedRecord | undefined;
  /** Reads the own records from the network and merges them (another device may have written). */
  pull(signal?: AbortSignal): Promise<void>;
  /** Publishes whatever is pending now. */
  flush(signal?: AbortSignal): Promise<void>;
}
