/**
 * The Kademlia node: built out of its parts, and what it offers.
 *
 * @module
 */
import type { Endpoint, Family } from "../../../lib/ip_address.ts";
import type { HostPort } from "../../../lib/host_port.ts";
import { Exemption } from "../../../lib/networks.ts";
import { Scheduler } from "../../../lib/scheduler.ts";
import {
  alphaDefault,
  bucketSize,
  idBytes,
  pathsMax,
  sampleContacts,
  storedBytesMax,
  storedValuesMax,
  toldMax,
} from "../constants.ts";
import { DensityEstimate } from "../lookup/density.ts";
import { type Network, Operations } from "../lookup/network.ts";
import { findClosest } from "../lookup/search.ts";
import type { Contact, Datagrams, Saved, StoredValue } from "../ports.ts";
import { RateLimits } from "../rpc/rate_limits.ts";
import { Rpc } from "../rpc/rpc.ts";
import { NodeContact } from "../space/contact.ts";
import { leave } from "../rpc/methods/leave.ts";
import { Id } from "../space/id.ts";
import { Neighbours } from "../table/neighbours.ts";
import { RoutingTables } from "../table/routing_tables.ts";
import { Acceptance } from "../values/acceptance.ts";
import { Persistence } from "../values/persistence.ts";
import { type GetOptions, type GetResult, Reading } from "../values/reading.ts";
import { StoredValues } from "../values/stored_values.ts";
import { type PutOptions, type PutResult, Writing } from "../values/writing.ts";
import { Bootstrap } from "./bootstrap.ts";
import { HandOver } from "./hand_over.ts";
import type { NodeOptions, NodeStats } from "./node_options.ts";
import { Responder } from "./responder.ts";
import { type RelayPlaces, type SampleAnswer, SampleClient } from "./sample_client.ts";
import { Upkeep } from "./upkeep.ts";

/** Options of {@link KademliaNode.lookup}. */
export interface LookupCallOptions {
  /** Disjoint paths, 1 to 8. Default 1. */
  readonly paths?: number;
  /** Ends the lookup early. */
  readonly signal?: AbortSignal;
}

/**
 * A node of the DHT. `T` is what its policy makes of values: readers get them back so.
 *
 * @example Two nodes make a network.
 * ```ts
 * import { KademliaNode, storeAnything } from "../mod.ts";
 * import { openDatagrams } from "../../system/datagrams.ts";
 *
 * const time = {
 *   now: () => Date.now(),
 *   monotonic: () => performance.now(),
 *   after(ms: number, fn: () => void) {
 *     const timer = setTimeout(fn, ms);
 *     return { cancel: () => clearTimeout(timer) };
 *   },
 * };
 * const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
 * const create = () => {
 *   const datagrams = openDatagrams({ hostname: "127.0.0.1", port: 0 });
 *   return KademliaNode.create({ time, random, datagrams, policy: storeAnything });
 * };
 * const first = await create();
 * const second = await create();
 * const { ip: host, port } = first.address;
 * console.assert(await second.bootstrap([{ host, port }]));
 *
 * const key = random.bytes(20);
 * const { accepted } = await second.put(key, new TextEncoder().encode("hello"));
 * console.assert(accepted === 2);
 * const { value } = await first.get(key);
 * console.assert(new TextDecoder().decode(value) === "hello");
 * await first.close();
 * await second.close();
 * ```
 */
export class KademliaNode<T = Uint8Array> {
  readonly #datagrams: Datagrams;
  readonly #outside: Datagrams | undefined;
  readonly #network: Network;
  readonly #stored: StoredValues;
  readonly #persistence: Persistence;
  readonly #reading: Reading<T>;
  readonly #writing: Writing<T>;
  readonly #sampleClient: SampleClient;
  readonly #bootstrap: Bootstrap;

  private constructor(options: NodeOptions<T>, own: Id, saved: Saved) {
    const {
      time,
      random,
      datagrams,
      outside,
      policy,
      admission,
      storage,
      resolve,
      families,
      sample,
      dialBack,
      relay,
    } = options;
    const { k = bucketSize, alpha = alphaDefault, exemption = new Exemption() } = options;
    const onError = (error: unknown): void =>
      options.onError?.(error instanceof Error ? error : new Error(String(error)));
    const { ip, port } = datagrams.address;
    const scheduler = new Scheduler(time, onError);
    const limits = new RateLimits(exemption, options.exemptLoopbackFromRates ?? true);
    const second = outside === undefined ? {} : { outside };
    const rpc = new Rpc({ time, random, datagrams, ...second, scheduler, limits, onError });
    const table = new RoutingTables(own, { k, exemption });
    const onEntered = (contact: NodeContact): void => handOver.entered(contact);
    const neighbours = new Neighbours({ table, rpc, limits, onEntered });
    const network: Network = {
      self: new NodeContact(own, ip, port),
      own,
      k,
      alpha,
      time,
      scheduler,
      rpc,
      table,
      neighbours,
      density: new DensityEstimate(table),
      operations: new Operations(),
    };
    const stored = new StoredValues({
      own,
      valuesMax: options.storedValuesMax ?? storedValuesMax,
      bytesMax: options.storedBytesMax ?? storedBytesMax,
      admission,
      networksOf: (ip) => table.networksOf(ip),
      onChange: (key) => persistence.changed(key),
    });
    const persistence = new Persistence({ storage, stored, scheduler, time, onError });
    const ask = (key: Id): ReturnType<Reading<T>["ask"]> => reading.ask(key);
    const acceptance = new Acceptance({ network, stored, policy, admission, onError, ask });
    const reading = new Reading({ network, stored, acceptance, admission });
    const writing = new Writing({ network, stored, acceptance, reading, onError });
    const handOver = new HandOver(network, stored);
    restore(saved.values, { stored, acceptance, nowMs: time.now() });
    const contacts = saved.contacts.map((c) => NodeContact.parse(c)).filter((c) => c !== undefined);
    this.#datagrams = datagrams;
    this.#outside = outside;
    this.#network = network;
    this.#stored = stored;
    this.#persistence = persistence;
    this.#reading = reading;
    this.#writing = writing;
    this.#sampleClient = new SampleClient(network, random);
    this.#bootstrap = new Bootstrap({
      network,
      random,
      resolve,
      families,
      onError,
      saved: contacts,
    });
    const parts = {
      network,
      limits,
      stored,
      acceptance,
      admission,
      sample,
      dialBack,
      relay,
      onError,
    };
    const responder = new Responder(parts);
    rpc.attach(neighbours, (data, from, nowMs) => responder.handle(data, from, nowMs));
    new Upkeep({ network, random, stored, reading, writing, persistence, onError });
  }

  /**
   * Loads what an earlier run saved and answers requests from then on.
   *
   * @throws {RangeError} if `options.id` has not 20 bytes.
   * @throws whatever the storage's `load` throws.
   */
  static async create<T>(options: NodeOptions<T>): Promise<KademliaNode<T>> {
    const saved = await options.storage?.load() ?? { contacts: [], values: [] };
    const given = options.id ?? saved.id;
    const id = given ?? options.random.bytes(idBytes);
    if (id.length !== idBytes) {
      throw new RangeError(
        `Cannot create a node: an id of ${id.length} bytes is not 160 bits long`,
      );
    }
    const node = new KademliaNode(options, Id.from(id), saved);
    if (given === undefined) node.#persistence.saveId(id);
    return node;
  }

  /** 20 bytes, a copy. */
  get id(): Uint8Array {
    return this.#network.self.id;
  }

  /** Where the socket is bound. */
  get address(): Endpoint {
    return this.#datagrams.address;
  }

  /** Whether at least one contact is alive, or a node that others do not reach. */
  get joined(): boolean {
    const { table, neighbours, time } = this.#network;
    return table.mayBeAlive || neighbours.acquaintances.live(time.monotonic()).length > 0;
  }

  /**
   * Joins through any of `addresses`, or through the contacts of an earlier run, and looks around.
   * May be called again at any time.
   *
   * @param onNear Called when the neighbourhood is known: from then on lookups find their way, while the rest
   * of the table is being filled.
   * @returns whether at least one contact is alive.
   */
  bootstrap(
    addresses: readonly HostPort[],
    signal?: AbortSignal,
    onNear?: () => void,
  ): Promise<boolean> {
    return this.#bootstrap.join(addresses, signal, onNear);
  }

  /**
   * Reads the value under `key` from a quorum of holders, and repairs holders that lack it or are stale.
   *
   * @throws {RangeError} if `key` has not 20 bytes or an option is out of range.
   */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async get(key: Uint8Array, options: GetOptions<T> = {}): Promise<GetResult<T>> {
    checkPaths(options.paths);
    const { quorum = 1 } = options;
    if (quorum !== "all" && !(Number.isInteger(quorum) && quorum > 0)) {
      throw new RangeError(`Cannot get: a quorum of ${quorum} is no count of holders`);
    }
    return this.#reading.get(checkedId(key, "get"), options);
  }

  /**
   * Stores `value` on the k closest nodes to `key`. Resolves once most of them have accepted it, and goes
   * on with the others in the background, unless the options say otherwise.
   *
   * @throws {RangeError} if `key` has not 20 bytes, `value` is over 8,000, or an option is out of range.
   * @throws {TypeError} if the policy finds the value invalid.
   */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async put(key: Uint8Array, value: Uint8Array, options: PutOptions = {}): Promise<PutResult<T>> {
    checkPaths(options.paths);
    return this.#writing.put(checkedId(key, "put"), { value }, options);
  }

  /** Resolves when no put goes on in the background. */
  putsEnded(): Promise<void> {
    return this.#writing.ended();
  }

  /**
   * The k closest live nodes to `target`, nearest first, without the own one.
   *
   * @throws {RangeError} if `target` has not 20 bytes or an option is out of range.
   */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async lookup(target: Uint8Array, options: LookupCallOptions = {}): Promise<Contact[]> {
    const { paths = 1, signal } = options;
    checkPaths(paths);
    const search = { target: checkedId(target, "look up"), paths, isHurried: true };
    return findClosest(this.#network, search, signal);
  }

  /** Asks one contact for its sample; undefined when it does not answer. */
  async sample(contact: Contact, signal?: AbortSignal): Promise<unknown> {
    const known = NodeContact.parse(contact);
    if (known === undefined) return undefined;
    const [answer] = await this.#sampleClient.sample([known], signal);
    return answer?.sample;
  }

  /** Asks `count` random contacts (default 8) at once. */
  sampleNear(
    { count = sampleContacts, signal }: { count?: number; signal?: AbortSignal } = {},
  ): Promise<SampleAnswer[]> {
    return this.#sampleClient.sample(this.#sampleClient.randomContacts(count), signal);
  }

  /**
   * The IP address of a family that a majority of up to 8 random contacts sees this node under, if there is
   * one.
   */
  publicAddress(family: Family, signal?: AbortSignal): Promise<string | undefined> {
    return this.#sampleClient.publicAddress(family, signal);
  }

  /**
   * Whether strangers reach a TCP port of this machine by a family of addresses, as the nodes that answer
   * first find out by connecting to it; undefined where none answers. Takes some seconds at most.
   */
  isReachable(port: number, family: Family, signal?: AbortSignal): Promise<boolean | undefined> {
    return this.#sampleClient.isReachable(port, family, signal);
  }

  /** The places of nodes that relay for others and have room, in the order of their answers. */
  relays(signal?: AbortSignal): Promise<RelayPlaces[]> {
    return this.#sampleClient.relays(signal);
  }

  /** Counters, as of now. */
  stats(): NodeStats {
    const { table, rpc } = this.#network;
    return {
      contacts: table.size,
      liveContacts: table.live,
      values: this.#stored.count,
      valueBytes: this.#stored.bytes,
      ...rpc.traffic,
      openRequests: rpc.openRequests,
    };
  }

  /** The contacts in the routing table. */
  contacts(): Contact[] {
    return [...this.#network.table].map((entry) => entry.contact);
  }

  /** The stored values. */
  *values(): IterableIterator<StoredValue> {
    for (const entry of this.#stored) yield entry.plain();
  }

  /**
   * Tells the nearest contacts that this node ends, and closes it: they find out at once that it is gone, and
   * nobody waits for its answers.
   */
  async leave(): Promise<void> {
    const { operations, own, rpc, table } = this.#network;
    if (operations.closed) return;
    for (const contact of table.closest(own, toldMax)) rpc.tell(contact, leave, { sender: own });
    await this.close();
  }

  /**
   * Ends what is under way (its promises reject), saves, stops all timers and closes the socket, without a
   * word to others.
   */
  async close(): Promise<void> {
    const { operations, rpc, scheduler, table } = this.#network;
    if (operations.closed) return;
    operations.close();
    rpc.close();
    scheduler.close();
    this.#datagrams.close();
    this.#outside?.close();
    if (table.size > 0) this.#persistence.saveContacts(this.contacts());
    await this.#persistence.close();
  }
}

/** Stores what an earlier run saved: what lies on disk is judged like what comes by wire. */
function restore<T>(
  values: readonly StoredValue[],
  { stored, acceptance, nowMs }: {
    readonly stored: StoredValues;
    readonly acceptance: Acceptance<T>;
    readonly nowMs: number;
  },
): void {
  for (const value of values) {
    if (!(value.key instanceof Uint8Array) || value.key.length !== idBytes) continue;
    const key = Id.from(value.key);
    if (!acceptance.judge(key, value).ok || value.expiresAtMs <= nowMs) continue;
    stored.put(key, value, nowMs);
  }
}

function checkedId(bytes: Uint8Array, what: string): Id {
  if (bytes.length !== idBytes) {
    throw new RangeError(`Cannot ${what}: a key of ${bytes.length} bytes is not 160 bits long`);
  }
  return Id.from(bytes);
}

function checkPaths(paths: number | undefined): void {
  if (paths === undefined) return;
  if (!Number.isInteger(paths) || paths < 1 || paths > pathsMax) {
    throw new RangeError(`Cannot look up over ${paths} paths: it is not 1 to ${pathsMax}`);
  }
}
