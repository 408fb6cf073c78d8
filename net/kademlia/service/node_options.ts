/**
 * What a node is built from, and what it tells of itself.
 *
 * @module
 */
import type {
  Admission,
  Contact,
  Datagrams,
  NodeStorage,
  Random,
  Resolver,
  Time,
  ValuePolicy,
} from "../ports.ts";

/** What a node is built from. Everything but clock, randomness, socket and policy has a default. */
export interface NodeOptions<T = Uint8Array> {
  /** Clock and timers. */
  readonly time: Time;
  /** Draws ids and message ids. */
  readonly random: Random;
  /** The socket; the node closes it. */
  readonly datagrams: Datagrams;
  /** Default: nothing survives. */
  readonly storage?: NodeStorage;
  /** What a value is; {@link storeAnything} takes any of at most 8,000 bytes, for a day. */
  readonly policy: ValuePolicy<T>;
  /** Default: every valid value is stored. */
  readonly admission?: Admission<T>;
  /** Default: host names cannot be resolved, addresses work. */
  readonly resolve?: Resolver;
  /**
   * What this node answers to `sample`: arrays, strings, integers, booleans, null and byte arrays of at most
   * 1,200 bytes in MessagePack. Default: no answer.
   */
  readonly sample?: () => unknown;
  /** 20 bytes. Default: the stored one, else random. */
  readonly id?: Uint8Array;
  /** Told of failures that nobody waits for, such as a full disk. */
  readonly onError?: (error: Error) => void;
  /** Contacts a bucket and holders a value. Default 20; all nodes of a network should agree. */
  readonly k?: number;
  /** Queries of a lookup in flight. Default 3. */
  readonly alpha?: number;
  /** Loopback and private addresses are exempt from the address limits of the table. Default true. */
  readonly exemptPrivateAddresses?: boolean;
  /** Loopback addresses are exempt from the rate limits. Default true. */
  readonly exemptLoopbackFromRates?: boolean;
  /** Values held at most. Default 20,000. */
  readonly heldValuesMax?: number;
  /** Bytes of values held at most. Default 32 MiB. */
  readonly heldBytesMax?: number;
}

/** Counters of a node. */
export interface NodeStats {
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** Those among them that answered their last request. */
  readonly liveContacts: number;
  /** Values held. */
  readonly values: number;
  /** Their bytes, with what each costs beside its content. */
  readonly valueBytes: number;
  /** Datagrams received. */
  readonly datagramsIn: number;
  /** Datagrams sent. */
  readonly datagramsOut: number;
  /** Their bytes. */
  readonly bytesIn: number;
  /** Their bytes. */
  readonly bytesOut: number;
  /** Datagrams dropped as malformed, unasked for, or beyond a rate. */
  readonly dropped: number;
  /** Requests in flight. */
  readonly openRequests: number;
}

/** One node's answer to `sample`. */
export interface SampleAnswer {
  /** Who answered. */
  readonly contact: Contact;
  /** Decoded MessagePack of at most 1,200 bytes; written by a stranger. */
  readonly sample: unknown;
}

/** Options of {@link KademliaNode.lookup}. */
export interface LookupCallOptions {
  /** Disjoint paths, 1 to 8. Default 1. */
  readonly paths?: number;
  /** Ends the lookup early. */
  readonly signal?: AbortSignal;
}
