/**
 * A network of real nodes with real rules, on datagrams in memory and virtual time, for attacks.
 *
 * Addresses are whatever a test says, so that limits for a network of addresses can be tested.
 *
 * @module
 */

import { equalBytes, toHex } from "../../core/model/bytes.ts";
import type { Identity } from "../../core/model/identity.ts";
import { recordKey, type SignedRecord, signRecord } from "../../core/model/record.ts";
import type { Body, Namespace, PublicBody } from "../../core/model/record_body.ts";
import { expiryFor } from "../../core/model/record_policy.ts";
import type { Claim, ClaimLedger, ClaimStore } from "../../core/model/claims.ts";
import { Exemption, type ExemptPrivate } from "../../lib/networks.ts";
import { type CreatedDirectory, createDirectory } from "../../net/directory/directory.ts";
import { KademliaNode, storeAnything } from "../../net/kademlia/mod.ts";
import type { Admission, NodeStorage, ValuePolicy } from "../../net/kademlia/ports.ts";
import { VirtualClock } from "../sim/clock.ts";
import { DatagramNetwork, type SimulatedSocket } from "../sim/dht_network.ts";
import { SeededRandom } from "../sim/random.ts";

/** One way, in virtual milliseconds. */
const latencyMs = 5;

/** Claims in memory, for restarts. */
export class MemoryClaims implements ClaimStore {
  readonly claims = new Map<string, Claim>();

  load(): Promise<Claim[]> {
    return Promise.resolve([...this.claims.values()]);
  }

  put(claim: Claim): void {
    this.claims.set(claim.username, claim);
  }

  drop(username: string): void {
    this.claims.delete(username);
  }
}

/** How a peer of the network differs from others. */
export interface PeerOptions {
  readonly ip?: string;
  readonly id?: Uint8Array;
  readonly claims?: ClaimStore;
  readonly claimsMax?: number;
  readonly storedBytesMax?: number;
  /** Default: false, so that limits can be tested whatever addresses are used. */
  readonly exemptPrivate?: ExemptPrivate;
  readonly storage?: NodeStorage;
}

/** A body of `public` that says nothing. */
export const emptyPublic: PublicBody = {
  since: Date.UTC(2026, 0, 1),
  posts: 0,
  followers: 0,
  following: 0,
  heads: [],
  generation: 0,
  pages: 0,
};

/** What a record that a test signs says. */
export interface Draft {
  readonly namespace?: Namespace;
  readonly sequence?: number;
  readonly body?: Body;
  readonly expiresAt?: number;
}

/** A body that fits a namespace. */
function bodyFor(namespace: Namespace): Body {
  if (namespace === "public") return emptyPublic;
  if (namespace === "connections") return { devices: [] };
  if (namespace !== "private") return { entries: [] };
  const derivation = { memoryKiB: 8, passes: 1, lanes: 1, salt: new Uint8Array(16) };
  return { derivation, nonce: new Uint8Array(24), sealed: new Uint8Array(48) };
}

/** Nodes that can reach one another unless cut. */
export class AttackNetwork {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly peers: CreatedDirectory[] = [];
  readonly network: DatagramNetwork;
  readonly #sockets: SimulatedSocket[] = [];
  readonly #bare: KademliaNode[] = [];
  readonly #sides = new Map<string, number>();
  #port = 1_000;
  #attacker: KademliaNode | undefined;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.network = new DatagramNetwork({ clock: this.clock, random: this.random.fork("network") });
    this.network.fixedMs = latencyMs;
  }

  /** Puts addresses on a side of a partition; side 0 is where all of them start. */
  setSide(ip: string, side: number): void {
    this.#sides.set(ip, side);
    for (const socket of this.#sockets) if (socket.address.ip === ip) socket.island = side;
  }

  socket(ip: string): SimulatedSocket {
    const socket = this.network.open({ ip, port: this.#port++ });
    socket.island = this.#sides.get(ip) ?? 0;
    this.#sockets.push(socket);
    return socket;
  }

  /** A network address of its own for the n-th peer. */
  address(n: number): string {
    return `${11 + (n >> 8)}.${n & 255}.1.1`;
  }

  /** Adds a peer that joins through the first one. */
  async addPeer(options: PeerOptions = {}): Promise<CreatedDirectory> {
    const first = this.peers[0]?.node.address;
    const count = this.peers.length + this.#bare.length;
    const peer = await createDirectory({
      datagrams: this.socket(options.ip ?? this.address(count)),
      clock: this.clock,
      random: this.random.fork(`peer ${count}`),
      bootstrap: first === undefined ? [] : [{ host: first.ip, port: first.port }],
      firstNode: first === undefined,
      ...(options.id === undefined ? {} : { id: options.id }),
      ...(options.claims === undefined ? {} : { claims: options.claims }),
      ...(options.storage === undefined ? {} : { storage: options.storage }),
      limits: {
        exemption: new Exemption(options.exemptPrivate ?? false),
        ...(options.claimsMax === undefined ? {} : { claimsMax: options.claimsMax }),
        ...(options.storedBytesMax === undefined ? {} : { storedBytesMax: options.storedBytesMax }),
      },
    });
    this.peers.push(peer);
    await this.clock.drive(peer.firstAttempt);
    return peer;
  }

  /** The n-th peer. */
  peer(n: number): CreatedDirectory {
    const peer = this.peers.at(n);
    if (peer === undefined) throw new RangeError(`Cannot find a peer: there is no number ${n}`);
    return peer;
  }

  /** Adds peers. */
  async addPeers(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.addPeer();
  }

  /** Adds a node that stores anything, as Python's do, or follows rules of its own. */
  async addBare(
    options: { id?: Uint8Array; ip?: string; policy?: ValuePolicy; admission?: Admission } = {},
  ): Promise<KademliaNode> {
    const first = this.peers[0]?.node.address;
    const count = this.peers.length + this.#bare.length;
    const node = await KademliaNode.create({
      time: this.clock,
      random: this.random.fork(`bare ${count}`),
      datagrams: this.socket(options.ip ?? this.address(count)),
      policy: options.policy ?? storeAnything,
      exemption: new Exemption(false),
      ...(options.id === undefined ? {} : { id: options.id }),
      ...(options.admission === undefined ? {} : { admission: options.admission }),
    });
    this.#bare.push(node);
    if (first !== undefined) {
      await this.clock.drive(node.bootstrap([{ host: first.ip, port: first.port }]));
    }
    return node;
  }

  /** A record of a name, signed by somebody, with sound values for what is not said. */
  sign(username: string, owner: Identity, draft: Draft = {}): SignedRecord {
    const namespace = draft.namespace ?? "public";
    return signRecord({
      username,
      namespace,
      sequence: draft.sequence ?? Math.floor(this.clock.now()),
      expiresAt: draft.expiresAt ?? expiryFor(namespace, Math.floor(this.clock.now())),
      body: draft.body ?? bodyFor(namespace),
    }, owner);
  }

  /** Runs a promise on the virtual clock. */
  drive<T>(promise: Promise<T>): Promise<T> {
    return this.clock.drive(promise);
  }

  /** How many peers hold anything of that owner's under the name and namespace. */
  holding(username: string, namespace: string, owner: Identity): number {
    const key = toHex(recordKey(username, namespace));
    const owned = (value: Uint8Array) => toHex(value).includes(toHex(owner.publicKey));
    return this.peers.filter((peer) =>
      [...peer.node.values()].some((held) => toHex(held.key) === key && owned(held.value))
    ).length;
  }

  /** How many peers hold exactly these bytes. */
  holdingValue(value: Uint8Array): number {
    return this.peers.filter((peer) =>
      [...peer.node.values()].some((held) => equalBytes(held.value, value))
    ).length;
  }

  /** The attacker's node, which checks nothing itself. */
  async attacker(): Promise<KademliaNode> {
    this.#attacker ??= await this.addBare();
    return this.#attacker;
  }

  /** Has the attacker store a value wherever it goes; the number of peers that took it. */
  async inject(key: Uint8Array, value: Uint8Array): Promise<number> {
    const attacker = await this.attacker();
    try {
      await this.drive(attacker.put(key, value));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return this.holdingValue(value);
  }

  /** What a peer without a pin believes to be the key of a name. */
  async believed(username: string, peer = this.peers.at(-1)): Promise<Uint8Array | undefined> {
    const query = { username, namespace: "public" as const };
    if (peer === undefined) return undefined;
    return (await this.drive(peer.directory.get(query))).record?.publicKey;
  }

  /** Closes every node. */
  async close(): Promise<void> {
    for (const peer of this.peers) await peer.close();
    for (const node of this.#bare) await node.close();
  }
}

/** Runs a test on a network and closes it. */
export async function onNetwork(
  seed: number,
  test: (network: AttackNetwork) => Promise<void>,
): Promise<void> {
  const network = new AttackNetwork(seed);
  try {
    await test(network);
  } finally {
    await network.close();
  }
}

/** Whether a ledger has accepted the name as this key's. */
export function hasClaim(ledger: ClaimLedger, username: string, key: Uint8Array): boolean {
  const claim = ledger.get(username);
  return claim !== undefined && equalBytes(claim.key, key);
}
