/**
 * What the core needs from outside: Directory (the DHT), Links (ZeroMQ), Store and Keys (disk),
 * Clock and Random. Adapters live in net/ and storage/; the simulation has its own.
 *
 * @module
 */

import type { Endpoint, Family } from "../lib/ip_address.ts";
import type { Random } from "../lib/random.ts";
import type { Time, Timer } from "../lib/time.ts";
import type { Hindrance } from "./model/hindrance.ts";
import type { SignedRecord } from "./model/record.ts";
import type { KeyDerivation, Namespace } from "./model/record_body.ts";
import type { UserRef } from "./model/user.ts";
import type { Stores } from "./store.ts";

export type { Endpoint, Random, Time, Timer };
export type * from "./store.ts";

/** How well the clock is set. */
export interface ClockStatus {
  /** Corrected time minus system time, in milliseconds. */
  readonly offsetMs: number;
  /** `ntp`, or `system` while no server has answered or NTP is turned off. */
  readonly source: "ntp" | "system";
  /** Corrected Unix time in milliseconds of the last synchronisation. */
  readonly syncedAt?: number;
  /** The offset that servers agree on and that is too large to be believed unasked, in milliseconds. */
  readonly doubtedMs?: number;
}

/** Time, corrected by NTP, and timers. */
export interface Clock extends Time {
  /** How well it is set. */
  status(): ClockStatus;
  /** Calls back when the offset changed or a synchronisation failed; returns how to stop that. */
  onChange(fn: (status: ClockStatus) => void): () => void;
}

/** What a reader asks the DHT for. */
export interface DirectoryQuery {
  /** The owner. */
  readonly username: string;
  /** Which record. */
  readonly namespace: Namespace;
  /**
   * The owner's key where the reader knows it: only values under it count. Without it `public` is
   * decided by the vote of the holders, and the other namespaces are not to be asked for.
   */
  readonly pin?: Uint8Array;
}

/** What the DHT answered. */
export interface DirectoryAnswer {
  /** The winner, checked by the rules of design section 4; left out when no node that answered had one. */
  readonly record?: SignedRecord;
  /** Nodes that answered, with a value or without. */
  readonly answered: number;
  /**
   * Whether the network says that there is no such record: enough of the nodes that ought to have it have
   * none. Without a record and with this false the network did not answer, which says nothing.
   */
  readonly isAbsent: boolean;
  /** Keys of other owners that holders named for this name: the clash to show. */
  readonly otherKeys: readonly Uint8Array[];
}

/** What became of a write. */
export interface PutReport {
  /** How many of the k closest accepted, one's own node counted. */
  readonly accepted: number;
  /** How many answered that they refuse. */
  readonly refused: number;
  /** How many were asked, one's own node counted. */
  readonly asked: number;
  /** How many ought to have been asked, but had not answered when the closest were looked for; default 0. */
  readonly missed?: number;
  /** Whether one's own node is among those that accepted. */
  readonly own?: boolean;
  /** A record of the same owner that wins over the one written, when one was met. */
  readonly newer?: SignedRecord;
}

/** A user as `sample` names one: how many distinct owners' lists name them as followed. */
export interface PopularUser extends UserRef {
  /** Distinct owners whose lists, as seen by the answering nodes, name the user as followed. */
  readonly followers: number;
}

/** What is known of the way to other nodes. */
export interface Carriage {
  /** What they answer by: TCP where the network lets no UDP out. Absent while that is not known. */
  readonly carrier?: "udp" | "tcp";
  /** Why none answers, where that is known. */
  readonly hindrance?: Hindrance;
}

/** The state of the node. */
export interface DirectoryStatus extends Carriage {
  /** 40 hex digits. */
  readonly nodeId: string;
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** Records stored for the network. */
  readonly records: number;
  /** Where the node's UDP socket is bound. */
  readonly udp: Endpoint;
  /**
   * The addresses that a majority of other nodes saw this one at, when they were last asked and agreed: one
   * a family at most.
   */
  readonly outerIps: readonly string[];
  /** Whether at least one contact is known to live, or this is the network's first node. */
  readonly joined: boolean;
}

/** The DHT, with the rules of records applied. */
export interface Directory {
  /** Resolves once the first attempt to join has ended, in some seconds. Rejects as `get` does. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Reads a record. Never rejects but with the signal's reason. */
  get(query: DirectoryQuery, signal?: AbortSignal): Promise<DirectoryAnswer>;
  /** Stores a record on the k closest nodes. Never rejects but with the signal's reason. */
  put(record: SignedRecord, signal?: AbortSignal): Promise<PutReport>;
  /** Asks some nodes nearby which users are most followed there. */
  sample(signal?: AbortSignal): Promise<PopularUser[]>;
  /** The address of a family that a majority of other nodes see this one at, if they agree on one. */
  publicAddress(family: Family, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Whether strangers reach a TCP port of this machine by a family of addresses: other nodes find out by
   * connecting to it. Undefined where none tells. Takes some seconds at most. Never rejects but with the
   * signal's reason.
   */
  isReachable(port: number, family: Family, signal?: AbortSignal): Promise<boolean | undefined>;
  /** Joins through these nodes too, now and later on; whether this node is in the network then. */
  join(nodes: readonly Endpoint[], signal?: AbortSignal): Promise<boolean>;
  /** Nodes that newcomers can join through: contacts that have answered, the best to name first. */
  entrances(): Endpoint[];
  /** The state of the node. */
  status(): DirectoryStatus;
  /** Calls back when the node joins or loses the network, or the way to it changes; returns how to stop that. */
  onChange(fn: (status: DirectoryStatus) => void): () => void;
}

/** A device as links reach it. */
export interface LinkTarget {
  /** CURVE public key, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** Addresses to try, the likeliest first. */
  readonly addresses: readonly string[];
  /** TCP port. */
  readonly port: number;
}

/**
 * What became of a frame handed to a link: `full` means that the queue to it is at its bound, `delayed`
 * that the frame was queued, though the device could not be connected to when that was tried last.
 */
export type SendResult = "queued" | "delayed" | "full" | "unreachable";

/** The state of the links. */
export interface LinksStatus {
  /** Where messages are taken; absent while none are. */
  readonly listening?: Endpoint;
  /** Where connections are taken, for messages or for other services of this peer. */
  readonly door?: Endpoint;
  /** Links open. */
  readonly open: number;
}

/** ZeroMQ links: one PULL socket for what comes in, a PUSH socket a destination. */
export interface Links {
  /**
   * Binds the PULL socket and hands every frame of at most 1 MiB to `onFrame`.
   *
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  open(secretKey: Uint8Array, onFrame: (frame: Uint8Array) => void): Promise<Endpoint>;
  /** Queues a frame; opens the link on demand. Never throws and never waits. */
  send(target: LinkTarget, frame: Uint8Array): SendResult;
  /**
   * Ends the wait before what is queued to a device is dialled for again, because the device was heard. Without
   * a device all links are made anew, because this machine has slept.
   */
  redial(target?: LinkTarget): void;
  /** Whether a program listens there: a plain TCP connect, on the first address that takes it. */
  probe(target: LinkTarget, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Waits until all that is queued has been handed to the network, `timeoutMs` at most. */
  flush(timeoutMs: number): Promise<void>;
  /** Where it listens, and how many links are open. */
  status(): LinksStatus;
  /** Closes the PULL socket and every link. {@linkcode open} may be called again. */
  close(): Promise<void>;
}

/** Where other nodes see this peer, by one family of addresses. */
export interface OuterPlace {
  /** The address. */
  readonly ip: string;
  /** The TCP port there, where the router has another than this machine. */
  readonly port?: number;
  /** The UDP port there, where the router was asked for it and granted another than this machine's. */
  readonly udpPort?: number;
  /** Whether others connect to this peer there; absent while none has tried. */
  readonly isReached?: boolean;
}

/**
 * How strangers reach this peer: `direct` when others connected to its front door, `mapped` when they did
 * after the home router was asked to let them in, `relayed` when they could not but relays pass on what
 * they send, `unreachable` when neither, `unknown` while none has tried.
 */
export interface ReachStatus {
  /** See {@linkcode ReachStatus}. */
  readonly state: "unknown" | "direct" | "mapped" | "relayed" | "unreachable";
  /** Relays that reach this peer. */
  readonly relays: number;
  /** Where others see this peer: one place a family at most, IPv4 first. */
  readonly places: readonly OuterPlace[];
}

/** How others reach this peer. */
export interface Reach {
  /** As far as it is known now. */
  status(): ReachStatus;
  /** Calls back when the status has changed; returns how to stop that. */
  onChange(fn: (status: ReachStatus) => void): () => void;
  /**
   * Addresses to announce, the likeliest first: the outer one, those in the home network, and relays.
   * Empty where none is known. Others are asked 2 s at most. Never rejects but with the signal's reason.
   */
  addresses(signal?: AbortSignal): Promise<string[]>;
  /** This machine's own addresses besides loopback, as far as they may be told to others at all. */
  local(): string[];
}

/** Sealed keys on disk, and the slow function that turns passwords into keys. */
export interface Keys {
  /** Users whose sealed keys are in the folder, by name. */
  list(): Promise<string[]>;
  /** The sealed bytes: the value of the user's `private` record. */
  read(username: string): Promise<Uint8Array | undefined>;
  /** Writes them: atomically, readable by the owner alone. */
  write(username: string, sealed: Uint8Array): Promise<void>;
  /** Removes them: a registration that failed leaves no trace. Harmless when there are none. */
  remove(username: string): Promise<void>;
  /** The user who logged in last in this folder. */
  lastUser(): Promise<string | undefined>;
  /** Remembers the user who logged in last. */
  setLastUser(username: string): Promise<void>;
  /** Argon2id (RFC 9106) off the event loop: 32 bytes. */
  derive(password: string, derivation: KeyDerivation): Promise<Uint8Array<ArrayBuffer>>;
  /** A key with a fresh salt that is being derived for this very password already; default: there is none. */
  prepared?(
    password: string,
    parameters: Omit<KeyDerivation, "salt">,
  ): { derivation: KeyDerivation; key: Promise<Uint8Array<ArrayBuffer>> } | undefined;
}

/** Everything from outside, as the composition root hands it to the core. */
export interface Ports {
  /** Time and timers. */
  readonly clock: Clock;
  /** Randomness. */
  readonly random: Random;
  /** The DHT. */
  readonly directory: Directory;
  /** Links between peers. */
  readonly links: Links;
  /** How others reach this peer. */
  readonly reach: Reach;
  /** Databases. */
  readonly stores: Stores;
  /** Sealed keys. */
  readonly keys: Keys;
}
