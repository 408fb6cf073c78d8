/**
 * The Kademlia node.
 *
 * @module
 */
import { Acceptance } from "../values/acceptance.ts";
import { type HostPort, unicastAddress } from "../../../lib/ip_address.ts";
import { Scheduler } from "../../../lib/scheduler.ts";
import { Asking } from "./sample_client.ts";
import { alphaDefault, bucketSize, idBytes, pathsMax, sampleContacts } from "../constants.ts";
import { NodeContact } from "../space/contact.ts";
import { HeldValues } from "../values/stored_values.ts";
import { Id } from "../space/id.ts";
import { Joining } from "./bootstrap.ts";
import { RateLimits } from "../rpc/rate_limits.ts";
import { MemoryStorage } from "../values/memory_storage.ts";
import { Neighbours } from "../table/neighbours.ts";
import { Operations } from "../values/operations.ts";
import { Persistence, plain } from "../values/persistence.ts";
import type { LookupCallOptions, NodeOptions, NodeStats, SampleAnswer } from "./node_options.ts";
import type { Address, Contact, Saved, StoredValue } from "../ports.ts";
import { type GetOptions, type GetResult, Reading } from "../values/reading.ts";
import { Reach } from "../lookup/density.ts";
import { Responder } from "./responder.ts";
import { RoutingTable } from "../table/routing_table.ts";
import { Rpc } from "../rpc/rpc.ts";
import type { Network } from "../lookup/search.ts";
import { Transfers } from "../values/transfers.ts";
import { Upkeep } from "./upkeep.ts";
import { type PutOptions, type PutResult, Writing } from "../values/writing.ts";

/**
 * A node of the DHT. `T` is what its policy makes of values: readers get them back so.
 *
 * @example Two nodes make a network.
 * ```ts
 * import { KademliaNode } from "./kademlia_node.ts";
 * import { storeAnything } from "../values/policy.ts";
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
<<<<<<< HEAD
 * const create = () => {
 *   const datagrams = openDatagrams({ hostname: "127.0.0.1", port: 0 });
 *   return KademliaNode.create({ time, random, datagrams, policy: storeAnything });
 * };
 * const first = await create();
 * const second = await create();
=======
 * const open = () => openDatagrams({ ip: "127.0.0.1", port: 0 });
 * const first = await KademliaNode.create({ time, random, datagrams: open() });
 * const second = await KademliaNode.create({ time, random, datagrams: open() });
>>>>>>> 68aab57 (wip3)
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
  readonly #id: Id;
  readonly #options: NodeOptions<T>;
  readonly #scheduler: Scheduler;
  readonly #operations = new Operations();
  readonly #rpc: Rpc;
  readonly #network: Network;
  readonly #held: HeldValues;
  readonly #persistence: Persistence;
  readonly #reading: Reading<T>;
  readonly #writing: Writing<T>;
  readonly #asking: Asking;
  readonly #joining: Joining;
  readonly #upkeep: Upkeep;

  private constructor(options: NodeOptions<T>, id: Id, saved: Saved) {
    this.#options = options;
    this.#id = id;
    const { time, random, datagrams, admission } = options;
    const onError = options.onError ?? (() => {});
    const scheduler = this.#scheduler = new Scheduler(time, onError);
    const limits = new RateLimits(options.exemptLoopbackFromRates ?? true);
    const rpc = this.#rpc = new Rpc({ time, random, datagrams, scheduler, limits, onError });
    const k = options.k ?? bucketSize;
    const table = new RoutingTable(id, {
      k,
      exemptPrivate: options.exemptPrivateAddresses ?? true,
    });
    const neighbours = new Neighbours({
      table,
      rpc,
      limits,
      onEntered: (contact) => this.#upkeep.entered(contact),
    });
    const network = this.#network = {
      own: id,
      k,
      alpha: options.alpha ?? alphaDefault,
      rpc,
      scheduler,
      table,
      neighbours,
      reach: new Reach(table),
      plausible: (contact, from) => this.#plausible(contact, from),
    };
    const storage = options.storage ?? new MemoryStorage();
    const persistence = this.#persistence = new Persistence({ storage, scheduler, time, onError });
    const held = this.#held = new HeldValues({
      own: id,
      onChange: (key) => options.storage && persistence.changed(key),
      onGone: (value) => admission?.forget?.(value.key, value.value),
      ...(options.heldValuesMax === undefined ? {} : { valuesMax: options.heldValuesMax }),
      ...(options.heldBytesMax === undefined ? {} : { bytesMax: options.heldBytesMax }),
      ...(admission?.weight === undefined
        ? {}
        : { weight: (value, nowMs) => admission.weight?.(value, nowMs) ?? 0 }),
    });
    persistence.attach(held);
    const acceptance = new Acceptance({
      time,
      scheduler,
      table,
      held,
      policy: options.policy,
      admission,
      onError,
      ask: (key) => this.#reading.ask(key),
    });
    const self = (): NodeContact => this.#self();
    const operations = this.#operations;
    const parts = { network, operations, time, held, acceptance, self };
    this.#reading = new Reading({ ...parts, admission });
    const writing = this.#writing = new Writing({ ...parts, reading: this.#reading });
    this.#asking = new Asking({ network, operations, random });
    const transfers = new Transfers(network, held, time);
    const upkeep = {
      network,
      scheduler,
      time,
      random,
      held,
      reading: this.#reading,
      writing,
      transfers,
      persistence,
      onError,
    };
    this.#upkeep = new Upkeep(upkeep);
    const contacts = saved.contacts.map((c) => NodeContact.parse(c)).filter((c) => c !== undefined);
    const { resolve } = options;
    this.#joining = new Joining({
      network,
      operations,
      writing,
      random,
      resolve,
      onError,
      saved: contacts,
    });
    this.#restore(saved.values, acceptance);
    const { sample } = options;
    const parts2 = { network, time, limits, held, acceptance, admission, sample };
    const responder = new Responder(parts2);
    rpc.attach(neighbours, (data, from, nowMs) => responder.handle(data, from, nowMs));
    this.#upkeep.start();
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
    if (given === undefined && options.storage) node.#persistence.saveId(id);
    return node;
  }

  /** 20 bytes, a copy. */
  get id(): Uint8Array {
    return this.#id.toBytes();
  }

  /** Where the socket is bound. */
  get address(): Address {
    return this.#options.datagrams.address;
  }

  /** Whether at least one contact is alive. */
  get joined(): boolean {
    return this.#network.table.live > 0;
  }

  /**
   * Joins through any of `addresses`, or through the contacts of an earlier run, and looks around.
   * May be called again at any time.
   *
   * @returns whether at least one contact is alive.
   */
  bootstrap(addresses: readonly HostPort[], signal?: AbortSignal): Promise<boolean> {
    return this.#joining.join(addresses, signal);
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
   * Stores `value` on the k closest nodes to `key`.
   *
   * @throws {RangeError} if `key` has not 20 bytes, `value` is over 8,000, or an option is out of range.
   * @throws {TypeError} if the policy finds the value invalid.
   */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async put(key: Uint8Array, value: Uint8Array, options: PutOptions = {}): Promise<PutResult<T>> {
    checkPaths(options.paths);
    return this.#writing.put(checkedId(key, "put"), { value, scalar: false }, options);
  }

  /** The k closest live nodes to `target`, nearest first, without the own one. */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async lookup(target: Uint8Array, options: LookupCallOptions = {}): Promise<Contact[]> {
    checkPaths(options.paths);
    return this.#writing.closest(checkedId(target, "look up"), options.paths ?? 1, options.signal);
  }

  /** Asks one contact for its sample; undefined when it does not answer. */
  async sample(contact: Contact, signal?: AbortSignal): Promise<unknown> {
    const known = NodeContact.parse(contact);
    if (known === undefined) return undefined;
    const [answer] = await this.#asking.sample([known], signal);
    return answer?.sample;
  }

  /** Asks `count` random contacts (default 8) at once. */
  sampleNear(
    { count = sampleContacts, signal }: { count?: number; signal?: AbortSignal } = {},
  ): Promise<SampleAnswer[]> {
    return this.#asking.sample(this.#asking.randomContacts(count), signal);
  }

  /**
   * The address that a majority of up to 8 random contacts sees us under; undefined without one.
   */
  publicAddress(signal?: AbortSignal): Promise<Address | undefined> {
    return this.#asking.publicAddress(signal);
  }

  /** Counters, as of now. */
  stats(): NodeStats {
    const { table } = this.#network;
    return {
      contacts: table.size,
      liveContacts: table.live,
      values: this.#held.count,
      valueBytes: this.#held.bytes,
      ...this.#rpc.traffic,
      openRequests: this.#rpc.openRequests,
    };
  }

  /** The contacts in the routing table. */
  contacts(): Contact[] {
    return [...this.#network.table].map((entry) => entry.contact);
  }

  /** The held values. */
  *values(): IterableIterator<StoredValue> {
    for (const held of this.#held) yield plain(held);
  }

  /** Ends what is under way (its promises reject), saves, stops all timers and closes the socket. */
  async close(): Promise<void> {
    if (this.#operations.closed) return;
    this.#upkeep.stop();
    this.#operations.close();
    this.#rpc.close();
    this.#scheduler.close();
    this.#options.datagrams.close();
    if (this.#network.table.size > 0) this.#persistence.saveContacts(this.contacts());
    await this.#persistence.close();
  }

  #self(): NodeContact {
    const { ip, port } = this.address;
    return new NodeContact(this.#id, ip, port);
  }

  /** Not ourselves, and of a kind that whoever told of it can reach, too: no loopback from outside. */
  #plausible(contact: NodeContact, from: NodeContact): boolean {
    if (contact.nodeId.equals(this.#id)) return false;
    const { ip, port } = this.address;
    if (contact.port === port && contact.ip === ip) return false;
    const kind = unicastAddress(contact.ip)?.kind;
    if (kind === "public") return true;
    const reach = unicastAddress(from.ip)?.kind;
    return kind === "loopback" ? reach === "loopback" : reach !== "public";
  }

  #restore(values: readonly StoredValue[], acceptance: Acceptance<T>): void {
    const nowMs = this.#options.time.now();
    for (const stored of values) {
      if (!(stored.key instanceof Uint8Array) || stored.key.length !== idBytes) continue;
      const value = { value: stored.value, scalar: stored.scalar ?? false };
      // What lies on disk is judged like what comes by wire.
      const verdict = acceptance.judge(Id.from(stored.key), value);
      if (!verdict.ok || stored.expiresAtMs <= nowMs) continue;
      this.#held.put({ ...stored, ...value }, nowMs);
    }
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
