/**
 * A node of the DHT together with the rules of records.
 *
 * @module
 */

import type { HostPort } from "../../lib/ip_address.ts";
import { ClaimLedger, type ClaimStore } from "../../core/model/claims.ts";
import { RecordCache } from "../../core/model/record_cache.ts";
import type { Clock, Random, Timer } from "../../core/ports.ts";
import { KademliaNode } from "../kademlia/mod.ts";
import type { Datagrams, NodeStorage, Resolver } from "../kademlia/ports.ts";
import { ClaimAdmission } from "./admission.ts";
import { Joining } from "./membership.ts";
import { KademliaDirectory } from "./kademlia_directory.ts";
import { RecordValuePolicy } from "./record_values.ts";
import { Popularity } from "./popularity.ts";
import { writeSample } from "./sample.ts";

export { KademliaDirectory };

/** Questions to a sender that never answered us: on a busy machine the first answers come too late. */
const verifyTries = 3;

/** Claims and pages are looked over this often for what has lapsed. */
const sweepMs = 3_600_000;

/** What a directory is built from. */
export interface DirectoryOptions {
  /** The UDP socket; closed with the directory. */
  readonly datagrams: Datagrams;
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
  /** Told of failures that nobody waits for, such as a full disk. */
  readonly onError?: (error: Error) => void;
  /** Bounds, where they are to differ from the defaults. */
  readonly limits?: {
    /** Whether loopback and private addresses are exempt from the limits a network; default true. */
    readonly exemptPrivateAddresses?: boolean;
    /** Whether loopback addresses are exempt from the rates of requests; default true. */
    readonly exemptLoopbackFromRates?: boolean;
    /** Claims remembered. */
    readonly claimsMax?: number;
  };
  /** The node's id, 20 bytes; default: the stored one, else random. */
  readonly id?: Uint8Array;
}

/** What {@linkcode createDirectory} makes. */
export interface CreatedDirectory {
  /** The DHT as the core knows it. */
  readonly directory: KademliaDirectory;
  /** The node below it. */
  readonly node: KademliaNode;
  /** Whose names are whose, as far as this node knows. */
  readonly claims: ClaimLedger;
  /** Resolves once the first attempt to join has ended; `directory.status()` tells how. */
  readonly firstAttempt: Promise<void>;
  /** Stops trying to join, saves, closes node and socket. */
  close(): Promise<void>;
}

const nowhere: ClaimStore = { load: () => Promise.resolve([]), put() {}, drop() {} };

/**
 * Builds node and directory and starts joining, which goes on behind until it succeeds. What is asked
 * of the directory waits for the first attempt.
 */
export async function createDirectory(options: DirectoryOptions): Promise<CreatedDirectory> {
  const { clock, random, limits } = options;
  const exemptPrivate = limits?.exemptPrivateAddresses ?? true;
  const cache = new RecordCache();
  const claims = new ClaimLedger({
    store: options.claims ?? nowhere,
    now: () => clock.now(),
    ...(limits?.claimsMax === undefined ? {} : { claimsMax: limits.claimsMax }),
  });
  await claims.load();
  // The node needs the rules from its start, and the rules the node once somebody asks.
  const late: { node?: KademliaNode } = {};
  const popularity = new Popularity({ clock, values: () => late.node?.values() ?? [] });
  const admission = new ClaimAdmission({
    ledger: claims,
    cache,
    monotonic: () => clock.monotonic(),
    exemptPrivate,
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
    policy: new RecordValuePolicy(cache, claims),
    admission,
    sample: () => writeSample(popularity.most()),
    exemptPrivateAddresses: exemptPrivate,
    exemptLoopbackFromRates: limits?.exemptLoopbackFromRates ?? true,
    ...(options.storage === undefined ? {} : { storage: options.storage }),
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(options.id === undefined ? {} : { id: options.id }),
  });
  late.node = node;
  admission.recount(node.values());
  const joining = new Joining({
    node,
    clock,
    random,
    bootstrap: options.bootstrap,
    onChange: () => directory.changed(),
  });
  const directory = new KademliaDirectory({
    node,
    cache,
    firstNode: options.firstNode,
    ready: joining.firstAttempt,
    ownSample: () => popularity.most(),
  });
  const stopSweeping = everyHour(clock, () => {
    claims.sweep();
    admission.recount(node.values());
  });
  return {
    directory,
    node,
    claims,
    firstAttempt: joining.firstAttempt,
    async close(): Promise<void> {
      joining.stop();
      popularity.close();
      stopSweeping();
      await node.close();
    },
  };
}

function everyHour(clock: Clock, work: () => void): () => void {
  let timer: Timer;
  const next = (): void => {
    timer = clock.after(sweepMs, () => {
      work();
      next();
    });
  };
  next();
  return () => timer.cancel();
}
