/**
 * A node of the DHT together with the rules of records.
 *
 * @module
 */

import type { Family } from "../../lib/ip_address.ts";
import type { HostPort } from "../../lib/host_port.ts";
import { Exemption } from "../../lib/networks.ts";
import { ClaimLedger, type ClaimStore } from "../../core/model/claims.ts";
import type { SignedRecord } from "../../core/model/record.ts";
import type { Carriage, Clock, Random } from "../../core/ports.ts";
import { Scheduler } from "../../lib/scheduler.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { KademliaNode } from "../kademlia/mod.ts";
import type { Datagrams, DialBack, NodeStorage, OfferRelay, Resolver } from "../kademlia/ports.ts";
import { ClaimAdmission } from "./admission.ts";
import { Membership } from "./membership.ts";
import { KademliaDirectory } from "./kademlia_directory.ts";
import { RecordValuePolicy } from "./record_values.ts";
import { Popularity } from "./popularity.ts";
import { writeSample } from "./sample.ts";

/** How often a sender that never answered us is asked: on a busy machine the first answers come too late. */
const verifyTries = 3;

/** How often claims and pages are looked over for what has lapsed. */
const sweepMs = 3_600_000;

/**
 * A put that most holders have accepted goes on in the background with the others: so long it may, when the
 * peer ends. Most need a round trip or two.
 */
const putsEndMsMax = 500;

/** What a directory is built from. */
export interface DirectoryOptions {
  /** The UDP socket; closed with the directory. */
  readonly datagrams: Datagrams;
  /** A second UDP socket, which keeps nodes at home out of the table; default: none. Closed with the directory. */
  readonly outside?: Datagrams;
  /** Time and timers. */
  readonly clock: Clock;
  /** Randomness. */
  readonly random: Random;
  /** Where the node keeps id, contacts and records; default: nowhere. Closed with the directory. */
  readonly storage?: NodeStorage;
  /** Where the claims of names are kept; default: nowhere. */
  readonly claims?: ClaimStore;
  /** Nodes to join through: names or addresses. */
  readonly bootstrap: readonly HostPort[];
  /** Whether this is the network's first node (`--init`): it counts as joined while alone. */
  readonly firstNode: boolean;
  /** Resolves host names of bootstrap nodes; default: only addresses work. */
  readonly resolve?: Resolver;
  /** The families of addresses by which this machine reaches others at present; default: both. */
  readonly families?: () => readonly Family[];
  /** Connects for nodes that ask whether strangers reach them; default: they get no answer. */
  readonly dialBack?: DialBack;
  /** What nodes are told that look for a relay; default: they get no answer. */
  readonly relay?: OfferRelay;
  /** What is known of the way to other nodes; default: nothing. */
  readonly carriage?: () => Carriage;
  /** Called with failures that no caller waits for, such as a full disk. */
  readonly onError?: (error: Error) => void;
  /** Bounds, where they are to differ from the defaults. */
  readonly limits?: {
    /** Which addresses are exempt from the limits by network; default: private ones, while all is local. */
    readonly exemption?: Exemption;
    /** Whether loopback addresses are exempt from the rates of requests as long as that holds; default true. */
    readonly exemptLoopbackFromRates?: boolean;
    /** Claims remembered. */
    readonly claimsMax?: number;
    /** Bytes of stored records at most. */
    readonly storedBytesMax?: number;
  };
  /** The node's id, 20 bytes; default: the stored one, else random. */
  readonly id?: Uint8Array;
}

/** What {@linkcode createDirectory} makes. */
export interface CreatedDirectory {
  /** The DHT as the core knows it. */
  readonly directory: KademliaDirectory;
  /** The node below it. */
  readonly node: KademliaNode<SignedRecord>;
  /** Whose names are whose, as far as this node knows. */
  readonly claims: ClaimLedger;
  /** Resolves once the first attempt to join has ended; `directory.status()` tells how. */
  readonly firstAttempt: Promise<void>;
  /** Stops trying to join, saves, closes node and socket. */
  close(): Promise<void>;
}

const nowhere: ClaimStore = { load: () => Promise.resolve([]), put() {}, drop() {} };

/**
 * Builds node and directory and starts joining, which goes on in the background until it succeeds. What is
 * asked of the directory waits for the first attempt.
 */
export async function createDirectory(options: DirectoryOptions): Promise<CreatedDirectory> {
  const { clock, random, limits } = options;
  const { exemption = new Exemption() } = limits ?? {};
  const claims = new ClaimLedger({
    store: options.claims ?? nowhere,
    now: () => clock.now(),
    ...(limits?.claimsMax === undefined ? {} : { claimsMax: limits.claimsMax }),
  });
  await claims.load();
  // The node needs the rules from its start, and the rules need the node once they ask the network.
  const late: { node?: KademliaNode<SignedRecord> } = {};
  const popularity = new Popularity({ clock, values: () => late.node?.values() ?? [] });
  const admission = new ClaimAdmission({
    ledger: claims,
    monotonic: () => clock.monotonic(),
    exemption,
    askNetwork: async (key, quorum) => {
      try {
        const found = await late.node?.get(key, { quorum, paths: 1, repair: false });
        return found?.answers ?? [];
      } catch {
        return [];
      }
    },
    verify: async (contact) => {
      try {
        for (let i = 0; i < verifyTries; i++) {
          if (await late.node?.sample(contact) !== undefined) return true;
        }
      } catch {
        // The node is closed.
      }
      return false;
    },
  });
  const node = await KademliaNode.create({
    time: clock,
    random,
    datagrams: options.datagrams,
    ...(options.outside === undefined ? {} : { outside: options.outside }),
    policy: new RecordValuePolicy(claims),
    admission,
    sample: () => writeSample(popularity.most()),
    exemption,
    exemptLoopbackFromRates: limits?.exemptLoopbackFromRates ?? true,
    ...(limits?.storedBytesMax === undefined ? {} : { storedBytesMax: limits.storedBytesMax }),
    ...(options.storage === undefined ? {} : { storage: options.storage }),
    ...(options.dialBack === undefined ? {} : { dialBack: options.dialBack }),
    ...(options.relay === undefined ? {} : { relay: options.relay }),
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    ...(options.families === undefined ? {} : { families: options.families }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(options.id === undefined ? {} : { id: options.id }),
  });
  late.node = node;
  admission.recount(node.values());
  const membership = new Membership({
    node,
    clock,
    random,
    bootstrap: options.bootstrap,
    onChange: () => directory.changed(),
  });
  const directory = new KademliaDirectory({
    node,
    firstNode: options.firstNode,
    exemption,
    ready: membership.firstAttempt,
    ...(options.carriage === undefined ? {} : { carriage: options.carriage }),
    join: (nodes) => membership.join(nodes),
    ownSample: () => popularity.most(),
  });
  const scheduler = new Scheduler(clock, options.onError ?? reportError);
  const sweeping = scheduler.job(() => {
    sweeping.dueIn(sweepMs);
    claims.sweep();
    admission.recount(node.values());
  });
  sweeping.dueIn(sweepMs);
  return {
    directory,
    node,
    claims,
    firstAttempt: membership.firstAttempt,
    async close(): Promise<void> {
      membership.stop();
      popularity.close();
      scheduler.close();
      await settledWithin(clock, node.putsEnded(), putsEndMsMax);
      await node.leave();
    },
  };
}
