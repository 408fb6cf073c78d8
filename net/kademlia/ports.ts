/**
 * What the DHT needs from outside. Clock, randomness, sockets, disk, and the meaning of a value reach
 * net/kademlia through these interfaces alone, so that the same code runs on a simulated network.
 *
 * @module
 */

import type { Endpoint } from "../../lib/ip_address.ts";
import type { Random } from "../../lib/random.ts";
import type { Time, Timer } from "../../lib/time.ts";

/**
 * A node as the paper's triple (section 2.1): id of 20 bytes, IP address (canonical, never a host name,
 * never `::ffff:`-mapped), UDP port.
 */
export interface Contact extends Endpoint {
  /** 20 bytes. */
  readonly id: Uint8Array;
}

export type { Random, Time, Timer };

/** Where a datagram came from. */
export interface Sender extends Endpoint {
  /**
   * Present where it came by a connection, not as UDP: then the address is no invention, an answer goes
   * back by that connection, and nothing else can be sent there.
   */
  readonly isProven?: true;
}

/**
 * One UDP socket, or what carries datagrams in its place.
 *
 * `send` returns at once and never throws; what cannot be sent is lost, as UDP may lose anything. The
 * caller does not touch `data` afterwards.
 */
export interface Datagrams {
  /** The address that the socket is bound to. */
  readonly address: Endpoint;
  /** Sends one datagram; an answer to where the request came from. */
  send(data: Uint8Array, to: Sender): void;
  /** Registers the one receiver. `data` is valid during the call only: copy what outlives it. */
  onReceive(fn: (data: Uint8Array, from: Sender) => void): void;
  /** Closes the socket; afterwards `send` does nothing and nothing is received. */
  close(): void;
}

/** A value with what a holder knows about it. */
export interface StoredValue {
  /** 20 bytes. */
  readonly key: Uint8Array;
  /** The content of the MessagePack `bin`; of a scalar the whole MessagePack encoding. */
  readonly value: Uint8Array;
  /**
   * Set when the value is no `bin` but a MessagePack string, number, boolean or nil, as Python nodes put
   * them; only stored under a policy that allows `scalars`.
   */
  readonly scalar?: boolean;
  /** Unix ms after which the value is gone. */
  readonly expiresAtMs: number;
  /** Unix ms since which this node has stored a value under the key. */
  readonly firstStoredAtMs: number;
  /** Unix ms of the last store for this key (section 2.5 skips replication within the hour). */
  readonly storedAtMs: number;
  /** IP address of the node that brought this value first; absent where it was this node itself. */
  readonly from?: string;
}

/** What a node finds in its storage at start. */
export interface Saved {
  /** Absent at a first start. */
  readonly id?: Uint8Array;
  /** Contacts of the last run. */
  readonly contacts: readonly Contact[];
  /** Values stored by the last run. */
  readonly values: readonly StoredValue[];
}

/**
 * Where a node keeps its id, contacts and stored values over a restart. The node calls one `save…` at a
 * time and never waits for it while it answers others; a rejected promise is reported, not fatal.
 */
export interface NodeStorage {
  /** Called once, first. */
  load(): Promise<Saved>;
  /** Keeps the id that a first start drew. */
  saveId(id: Uint8Array): Promise<void>;
  /** Replaces the kept contacts. */
  saveContacts(contacts: readonly Contact[]): Promise<void>;
  /** Keeps `put` (by key, replacing) and drops the keys in `deleted`: one batch, at most 500 entries. */
  saveValues(put: readonly StoredValue[], deleted: readonly Uint8Array[]): Promise<void>;
  /** Called once, last. */
  close(): Promise<void>;
}

/**
 * Connects to a TCP port of another node and tells whether a peer took the connection; undefined where this
 * machine could make none, or enough were made for others lately. Never rejects.
 */
export type DialBack = (to: Endpoint) => Promise<boolean | undefined> | undefined;

/** What a node that relays for others offers those that ask; undefined while it does not. */
export type OfferRelay = (asker: Endpoint) => {
  /** The TCP port at the address of the asker's family. */
  readonly port: number;
  /** How many more devices it takes. */
  readonly room: number;
  /** Where it takes connections by the other family of addresses, if it does. */
  readonly other?: Endpoint;
} | undefined;

/** The verdict over one value: until when it may live (Unix ms), and what its bytes say; or why not. */
export type Verdict<T = Uint8Array> =
  | { readonly ok: true; readonly decoded: T; readonly expiresAtMs: number }
  | { readonly ok: false; readonly reason: string };

/**
 * What a value is: applied alike to what is stored, fetched, replicated and read from disk. `T` is what
 * the policy makes of a value's bytes; by default the bytes themselves.
 *
 * Both methods are pure and synchronous and must not throw; `check` meets hostile input and does the
 * cheap checks first.
 */
export interface ValuePolicy<T = Uint8Array> {
  /** Whether strings, numbers, booleans and nil are stored beside `bin` (as Python nodes do). Default no. */
  readonly scalars?: boolean;
  /**
   * Whether `value` may live under `key`. Nothing changes the bytes afterwards, so that what is decoded
   * may contain views of them.
   */
  check(key: Uint8Array, value: Uint8Array, nowMs: number): Verdict<T>;
  /** Above 0 when `a` wins over `b`, below 0 when `b` wins, 0 when neither does (the later store wins). */
  compare(a: Uint8Array, b: Uint8Array): number;
}

/** One holder's answer to `find_value`, found valid by the policy. */
export interface Answer<T = Uint8Array> {
  /** The holder. */
  readonly contact: Contact;
  /** What it stores. */
  readonly value: Uint8Array;
  /** What the policy made of the value. */
  readonly decoded: T;
  /** Since when that holder has accepted the value's owner, in Unix ms, where it says so. */
  readonly since?: number;
  /** See {@link StoredValue.scalar}. */
  readonly scalar?: boolean;
}

/** A store that awaits {@link Admission}. */
export interface StoreRequest<T = Uint8Array> {
  /** 20 bytes. */
  readonly key: Uint8Array;
  /** Already found valid by the policy. */
  readonly value: Uint8Array;
  /** What the policy made of the value. */
  readonly decoded: T;
  /** The node that sent it. */
  readonly from: Contact;
  /** Whether `from` has answered a request of this node, so that its address is no invention. */
  readonly verifiedSender: boolean;
  /** Whether the store comes from this node's own `put`. */
  readonly own: boolean;
}

/**
 * Decides whether a valid value may be stored here. A node without one stores every valid value.
 */
export interface Admission<T = Uint8Array> {
  /**
   * True to store. `ask` queries the other closest known nodes for the key and resolves to the valid
   * values that they store; it is bounded in time (seconds) and never rejects. The sender is answered
   * when the promise settles; a rejection counts as false. Not called for a value stored already.
   */
  admit(
    request: StoreRequest<T>,
    ask: () => Promise<Answer<T>[]>,
  ): boolean | Promise<boolean>;
  /** The `since` member of a `find_value` answer with this value, in Unix ms. */
  since?(value: Uint8Array): number | undefined;
  /**
   * What a stored value is worth when a bound is hit: lower weights go first, among equals the farthest
   * from the own id; a newcomer never displaces a heavier one. Default 1 for values stored for a day,
   * else 0.
   */
  weight?(value: StoredValue): number;
  /** The group that a value belongs to for ever; one has at most half of the room when it is short. */
  group?(value: StoredValue): string | undefined;
  /** Told when a value has left this node, by expiry or at the bounds. */
  forget?(key: Uint8Array, value: Uint8Array): void;
}

/** Turns a host name into IP addresses; rejects when it cannot. */
export type Resolver = (host: string) => Promise<readonly string[]>;
