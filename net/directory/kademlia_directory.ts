/**
 * The DHT as the core knows it: records found and stored by the rules of design section 4.
 *
 * @module
 */

import { equalBytes, toHex } from "../../core/model/bytes.ts";
import { recordKey, type SignedRecord } from "../../core/model/record.ts";
import { compareRecords } from "../../core/model/record_policy.ts";
import { addKey, countVotes } from "../../core/model/vote.ts";
import type {
  Carriage,
  Directory,
  DirectoryAnswer,
  DirectoryQuery,
  DirectoryStatus,
  PopularUser,
  PutReport,
} from "../../core/ports.ts";
import type { Endpoint, Family } from "../../lib/ip_address.ts";
import type { HostPort } from "../../lib/host_port.ts";
import type { Exemption } from "../../lib/networks.ts";
import { abortable } from "../../lib/waiting.ts";
import type { GetOptions, GetResult, KademliaNode, RelayPlaces } from "../kademlia/mod.ts";
import type { Answer } from "../kademlia/ports.ts";
import { inOrderOfUse } from "./entrances.ts";
import { mergeSamples, readSample } from "./sample.ts";

/** Other keys named in one answer: one is enough to show a clash, forgers could name thousands. */
const otherKeysMax = 8;

/** What a {@linkcode KademliaDirectory} is built from. */
export interface KademliaDirectoryOptions {
  /** The node; its policy is the records' one. */
  readonly node: KademliaNode<SignedRecord>;
  /** Whether this is the network's first node, which counts as joined while alone. */
  readonly firstNode: boolean;
  /** Which addresses are exempt from the limits by network. */
  readonly exemption: Exemption;
  /** Resolves once the first attempt to join has ended: until then every caller waits. */
  readonly ready: Promise<void>;
  /** What is known of the way to other nodes; default: nothing. */
  readonly carriage?: () => Carriage;
  /** Joins through these nodes as well; resolves when that has ended, well or not. */
  readonly join: (nodes: readonly HostPort[]) => Promise<void>;
  /** Names this node's own sample. */
  readonly ownSample: () => readonly PopularUser[];
}

/** The directory over a node of the DHT. */
export class KademliaDirectory implements Directory {
  readonly #node: KademliaNode<SignedRecord>;
  readonly #options: KademliaDirectoryOptions;
  readonly #listeners = new Set<(status: DirectoryStatus) => void>();
  readonly #outerIps = new Map<Family, string>();
  /** Votes under way, by name. */
  readonly #votes = new Map<string, Promise<DirectoryAnswer>>();

  /** Use `createDirectory`. */
  constructor(options: KademliaDirectoryOptions) {
    this.#options = options;
    this.#node = options.node;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return abortable(this.#options.ready, signal);
  }

  async get(query: DirectoryQuery, signal?: AbortSignal): Promise<DirectoryAnswer> {
    const { username, namespace, pin } = query;
    if (pin !== undefined) return await this.#getPinned(query, pin, signal);
    if (namespace === "public") return await abortable(this.#vote(username), signal);
    // The record is looked for while the holders vote, and once more where others' records were met.
    const [answer, found] = await Promise.all([
      abortable(this.#votes.get(username) ?? this.#vote(username), signal),
      this.#find(recordKey(username, namespace), { repair: false }, signal),
    ]);
    if (answer.record === undefined) return answer;
    const { publicKey } = answer.record;
    const isUndisputed = found?.winner !== undefined &&
      found.answers.every(({ decoded }) => equalBytes(decoded.publicKey, publicKey));
    const other = isUndisputed
      ? this.#answerOf(found)
      : await this.#getPinned(query, publicKey, signal);
    return { ...other, otherKeys: answer.otherKeys };
  }

  async put(record: SignedRecord, signal?: AbortSignal): Promise<PutReport> {
    const key = recordKey(record.username, record.namespace);
    const nothing = { accepted: 0, refused: 0, asked: 0 };
    const result = await this.#run(
      () => this.#node.put(key, record.value, signalled(signal)),
      signal,
    );
    if (result === undefined) return nothing;
    const { accepted, refused, silent, open, missed, holders } = result;
    const own = holders.some(({ id }) => equalBytes(id, this.#node.id));
    const report = { accepted, refused, asked: accepted + refused + silent + open, missed, own };
    const { newer } = result;
    const wins = newer !== undefined && equalBytes(newer.publicKey, record.publicKey) &&
      compareRecords(newer, record) > 0;
    return wins ? { ...report, newer } : report;
  }

  async sample(signal?: AbortSignal): Promise<PopularUser[]> {
    const answers = await this.#run(() => this.#node.sampleNear(signalled(signal)), signal) ?? [];
    const samples = answers.flatMap((answer) => {
      const users = readSample(answer.sample);
      return users === undefined ? [] : [users];
    });
    return mergeSamples([...samples, this.#options.ownSample()]);
  }

  async publicAddress(family: Family, signal?: AbortSignal): Promise<string | undefined> {
    const ip = await this.#run(() => this.#node.publicAddress(family, signal), signal);
    if (ip !== undefined) {
      this.#outerIps.set(family, ip);
      this.#options.exemption.met(ip);
    }
    return ip;
  }

  isReachable(
    port: number,
    family: Family,
    signal?: AbortSignal,
  ): Promise<boolean | undefined> {
    return this.#run(() => this.#node.isReachable(port, family, signal), signal);
  }

  /** The places of nodes that relay for others and have room; none where the network does not answer. */
  async relays(signal?: AbortSignal): Promise<RelayPlaces[]> {
    return await this.#run(() => this.#node.relays(signal), signal) ?? [];
  }

  async join(nodes: readonly Endpoint[], signal?: AbortSignal): Promise<boolean> {
    const hosts = nodes.map(({ ip, port }) => ({ host: ip, port }));
    await abortable(this.#options.join(hosts), signal);
    return this.#node.joined;
  }

  entrances(): Endpoint[] {
    return inOrderOfUse(this.#node.contacts(), this.#options.exemption);
  }

  status(): DirectoryStatus {
    const { contacts, values } = this.#node.stats();
    const { ip, port } = this.#node.address;
    return {
      nodeId: toHex(this.#node.id),
      contacts,
      records: values,
      udp: { ip, port },
      outerIps: [...this.#outerIps.values()],
      joined: this.#node.joined || this.#options.firstNode,
      ...this.#options.carriage?.(),
    };
  }

  onChange(fn: (status: DirectoryStatus) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Tells the listeners; called when the node has found or lost the network, or the way to it. */
  changed(): void {
    const status = this.status();
    for (const listener of [...this.#listeners]) listener(status);
  }

  /**
   * The outcome of a call of the node, once the first attempt to join has ended; undefined if it failed for
   * another reason than the signal.
   */
  async #run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    try {
      await abortable(this.#options.ready, signal);
      return await call();
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  }

  /** Only values under the pin count; other owners' keys are noted. */
  async #getPinned(
    { username, namespace }: DirectoryQuery,
    pin: Uint8Array,
    signal?: AbortSignal,
  ): Promise<DirectoryAnswer> {
    const otherKeys: Uint8Array[] = [];
    const accept = ({ publicKey }: SignedRecord): boolean => {
      if (equalBytes(publicKey, pin)) return true;
      addKey(otherKeys, publicKey, otherKeysMax);
      return false;
    };
    const result = await this.#find(recordKey(username, namespace), { accept }, signal);
    return { ...this.#answerOf(result), otherKeys };
  }

  /**
   * {@linkcode #getByVote}. What comes of it counts for other records that are asked for meanwhile; a
   * question for `public` itself is always asked anew, since it may read back what was just written.
   */
  #vote(username: string): Promise<DirectoryAnswer> {
    const vote = this.#getByVote(username).finally(() => {
      if (this.#votes.get(username) === vote) this.#votes.delete(username);
    });
    this.#votes.set(username, vote);
    return vote;
  }

  /** All holders of `public` are asked; those that say since when they know the owner vote. */
  async #getByVote(username: string): Promise<DirectoryAnswer> {
    const choose = (answers: readonly Found[]) =>
      electedOf(username, answers, this.#options.exemption);
    const options = { quorum: "all", choose } as const;
    const result = await this.#find(recordKey(username, "public"), options);
    const otherKeys: Uint8Array[] = [];
    const elected = result?.winner?.decoded.publicKey;
    for (const { decoded: { publicKey } } of result?.answers ?? []) {
      if (elected && equalBytes(publicKey, elected)) continue;
      addKey(otherKeys, publicKey, otherKeysMax);
    }
    return { ...this.#answerOf(result), otherKeys };
  }

  /** What a reader learns of a get, clashes aside; of one that failed, that no holder answered. */
  #answerOf(result?: GetResult<SignedRecord>): Omit<DirectoryAnswer, "otherKeys"> {
    if (result === undefined) return { answered: 0, isAbsent: false };
    const { answered, winner } = result;
    if (winner !== undefined) return { answered, isAbsent: false, record: winner.decoded };
    // The network's first node speaks for the network while it knows no other.
    const isAlone = this.#options.firstNode && this.#node.stats().contacts === 0;
    return { answered, isAbsent: result.isAbsent || isAlone };
  }

  #find(
    key: Uint8Array,
    options: GetOptions<SignedRecord>,
    signal?: AbortSignal,
  ): Promise<GetResult<SignedRecord> | undefined> {
    return this.#run(() => this.#node.get(key, { ...options, ...signalled(signal) }), signal);
  }
}

type Found = Answer<SignedRecord>;

/** The newest record of the key that most voters name. */
function electedOf(
  username: string,
  answers: readonly Found[],
  exemption: Exemption,
): Found | undefined {
  const votes = answers.flatMap(({ decoded, since, contact }) =>
    since === undefined ? [] : [{
      key: decoded.publicKey,
      since,
      networks: exemption.networksOf(contact.ip) ?? [],
    }]
  );
  const [winner] = countVotes(username, votes);
  if (winner === undefined) return undefined;
  return answers.filter(({ decoded }) => equalBytes(decoded.publicKey, winner))
    .reduce((best, one) => compareRecords(one.decoded, best.decoded) > 0 ? one : best);
}

/** The signal as an option, where there is one. */
function signalled(signal?: AbortSignal): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
