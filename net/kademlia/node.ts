/**
 * The Kademlia node.
 *
 * @module
 */
import type {
  Address,
  Admission,
  Answer,
  Contact,
  Datagrams,
  NodeStorage,
  Random,
  Resolver,
  StoredValue,
  Time,
  ValuePolicy,
} from "./ports.ts";

/** What a node is built from. Everything but clock, randomness and socket has a default. */
export interface NodeOptions {
  readonly time: Time;
  readonly random: Random;
  readonly datagrams: Datagrams;
  /** Default: nothing survives. */
  readonly storage?: NodeStorage;
  /** Default: any value of at most 8,000 bytes, for a day. */
  readonly policy?: ValuePolicy;
  readonly admission?: Admission;
  /** Default: host names cannot be resolved, addresses work. */
  readonly resolve?: Resolver;
  /** What this node answers to `sample`: at most 1,200 bytes of MessagePack. Default: no answer. */
  readonly sample?: () => unknown;
  /** 20 bytes. Default: the stored one, else random. */
  readonly id?: Uint8Array;
  /** Told of failures that nobody waits for, such as a full disk. */
  readonly onError?: (error: Error) => void;
  /** Loopback and private addresses are exempt from the address limits of the table. Default true. */
  readonly exemptPrivateAddresses?: boolean;
  /** Loopback addresses are exempt from the rate limits. Default true. */
  readonly exemptLoopbackFromRates?: boolean;
}

/** Options of {@link KademliaNode.get}. */
export interface GetOptions {
  /** Holders that must have answered (default 3, fewer where fewer exist); "all" asks all k closest. */
  readonly quorum?: number | "all";
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  /** Drops valid values that the caller does not believe, such as another owner's. */
  readonly accept?: (value: Uint8Array) => boolean;
  /** Chooses the winner. Default: the policy's `compare`, on a tie the value most holders sent. */
  readonly choose?: (answers: readonly Answer[]) => Answer | undefined;
  /** Whether the winner is stored where it lacked or was stale. Default true. */
  readonly repair?: boolean;
  readonly signal?: AbortSignal;
}

/** What a get found. */
export interface GetResult {
  /** The winner; absent when nobody holds an acceptable value. */
  readonly value?: Uint8Array;
  /** Every acceptable answer, the own node's included. */
  readonly answers: readonly Answer[];
  /** How many nodes were asked. */
  readonly asked: number;
}

/** Options of {@link KademliaNode.put}. */
export interface PutOptions {
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  readonly signal?: AbortSignal;
}

/** What a put achieved. */
export interface PutResult {
  /** Nodes that hold the value now, the own one included. */
  readonly accepted: number;
  /** Nodes that answered no. */
  readonly refused: number;
  /** Nodes that did not answer. */
  readonly silent: number;
  readonly holders: readonly Contact[];
  /** A value met on the way that wins over the one put. */
  readonly newer?: Uint8Array;
}

/** Counters of a node. */
export interface NodeStats {
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** Values held, and their bytes. */
  readonly values: number;
  readonly valueBytes: number;
  readonly datagramsIn: number;
  readonly datagramsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Datagrams dropped as malformed, unasked for, or beyond a rate. */
  readonly dropped: number;
  readonly openRequests: number;
}

/** One node's answer to `sample`. */
export interface SampleAnswer {
  readonly contact: Contact;
  /** Decoded MessagePack of at most 1,200 bytes; written by a stranger. */
  readonly sample: unknown;
}

/** A host (name or address) and UDP port of a node to join through. */
export interface BootstrapAddress {
  readonly host: string;
  readonly port: number;
}

/** A node of the DHT. */
export interface KademliaNode {
  /** 20 bytes. */
  readonly id: Uint8Array;
  /** Where the socket is bound. */
  readonly address: Address;
  /** Whether at least one contact is alive. */
  readonly joined: boolean;
  /** Joins through any of `addresses` or the contacts of an earlier run; resolves to `joined`. */
  bootstrap(addresses: readonly BootstrapAddress[], signal?: AbortSignal): Promise<boolean>;
  get(key: Uint8Array, options?: GetOptions): Promise<GetResult>;
  put(key: Uint8Array, value: Uint8Array, options?: PutOptions): Promise<PutResult>;
  /** The k closest live nodes, nearest first, without the own one. */
  lookup(
    target: Uint8Array,
    options?: { paths?: number; signal?: AbortSignal },
  ): Promise<Contact[]>;
  /** Asks one contact for its sample; undefined when it does not answer. */
  sample(contact: Contact, signal?: AbortSignal): Promise<unknown>;
  /** Asks `count` random contacts (default 8) at once. */
  sampleNear(options?: { count?: number; signal?: AbortSignal }): Promise<SampleAnswer[]>;
  /** The address that a majority of contacts sees us under. */
  publicAddress(signal?: AbortSignal): Promise<Address | undefined>;
  stats(): NodeStats;
  /** The held values. */
  values(): IterableIterator<StoredValue>;
  /** Saves, stops all timers, closes the socket. */
  close(): Promise<void>;
}

/** Builds nodes. */
export const KademliaNode: { create(options: NodeOptions): Promise<KademliaNode> } = {
  create(_options: NodeOptions): Promise<KademliaNode> {
    return Promise.reject(new Error("Cannot create a node: the code is being written"));
  },
};
