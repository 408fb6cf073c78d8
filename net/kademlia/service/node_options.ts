/**
 * What a node is built from, and what it counts.
 *
 * @module
 */
import type { Family } from "../../../lib/ip_address.ts";
import type { Exemption } from "../../../lib/networks.ts";
import type {
  Admission,
  Datagrams,
  DialBack,
  NodeStorage,
  OfferRelay,
  Random,
  Resolver,
  Time,
  ValuePolicy,
} from "../ports.ts";
import type { Traffic } from "../rpc/rpc.ts";

/** What a node is built from. Everything but clock, randomness, socket and policy has a default. */
export interface NodeOptions<T = Uint8Array> {
  /** Clock and timers. */
  readonly time: Time;
  /** Draws ids and message ids. */
  readonly random: Random;
  /** The socket; the node closes it. */
  readonly datagrams: Datagrams;
  /**
   * A second socket, from which contacts are asked before they enter the table: those that do not answer
   * there are at home, and others would not reach them. The node closes it. Default: every contact that
   * answers enters.
   */
  readonly outside?: Datagrams;
  /** Default: nothing survives. */
  readonly storage?: NodeStorage;
  /** What a value is; `storeAnything` takes any of at most 8,000 bytes, for a day. */
  readonly policy: ValuePolicy<T>;
  /** Default: every valid value is stored. */
  readonly admission?: Admission<T>;
  /**
   * The families of addresses by which this machine reaches others at present: a node is not joined through
   * an address of another, which could only cost time. Default: both.
   */
  readonly families?: () => readonly Family[];
  /** Default: host names cannot be resolved, addresses work. */
  readonly resolve?: Resolver;
  /**
   * What this node answers to `sample`: arrays, strings, integers, booleans, null and byte arrays of at most
   * 1,200 bytes in MessagePack. Default: no answer.
   */
  readonly sample?: () => unknown;
  /** Answers `dial_back`. Default: no answer. */
  readonly dialBack?: DialBack;
  /** What this node answers to `relay`. Default: no answer. */
  readonly relay?: OfferRelay;
  /** 20 bytes. Default: the stored one, else random. */
  readonly id?: Uint8Array;
  /** Told of failures that no caller waits for, such as a full disk. */
  readonly onError?: (error: Error) => void;
  /** Contacts a bucket and holders a value. Default 20; all nodes of a network should agree. */
  readonly k?: number;
  /** Queries of a lookup in flight. Default 3. */
  readonly alpha?: number;
  /**
   * Which addresses are exempt from the limits by network. Default: loopback and private ones, as long as
   * neither this node's own outer address nor one that answered it is public.
   */
  readonly exemption?: Exemption;
  /** Loopback addresses are exempt from the rate limits as long as that holds. Default true. */
  readonly exemptLoopbackFromRates?: boolean;
  /** Values stored at most. Default 20,000. */
  readonly storedValuesMax?: number;
  /** Bytes of stored values at most. Default 32 MiB. */
  readonly storedBytesMax?: number;
}

/** Counters of a node. */
export interface NodeStats extends Readonly<Traffic> {
  /** Contacts in the routing table. */
  readonly contacts: number;
  /** Those among them that answered their last request. */
  readonly liveContacts: number;
  /** Values stored. */
  readonly values: number;
  /** Their bytes, with what each costs beside its content. */
  readonly valueBytes: number;
  /** Requests in flight. */
  readonly openRequests: number;
}
