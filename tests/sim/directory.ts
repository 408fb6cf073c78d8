/**
 * A DHT in memory for tests of the use cases: the rules of design section 4 without a network.
 *
 * All {@linkcode SimDirectory}s of a {@linkcode SimDirectoryNetwork} share one map of records. A
 * directory can be cut off, slowed down, or put on another side of a partition, which then has a map
 * of its own until the sides are healed.
 *
 * @module
 */

import { equalBytes, fromHex, toHex } from "../../core/model/bytes.ts";
import { peekRecord, recordKey, type SignedRecord } from "../../core/model/record.ts";
import type { PageBody } from "../../core/model/record_body.ts";
import { kindOfNamespace } from "../../core/model/record_body.ts";
import { clockToleranceMs, compareRecords, isWithdrawal } from "../../core/model/record_policy.ts";
import type {
  Clock,
  Directory,
  DirectoryAnswer,
  DirectoryQuery,
  DirectoryStatus,
  PopularUser,
  PutReport,
} from "../../core/ports.ts";
import { type Endpoint, type Family, familyOf } from "../../lib/ip_address.ts";
import { abortable } from "../../lib/waiting.ts";
import { RecordValuePolicy } from "../../net/directory/record_values.ts";

/** The part of the clock that is needed; a plain object will do. */
export type SimDirectoryClock = Pick<Clock, "now" | "after">;

/** Nodes that a record is stored on: the DHT's k. */
const holdersMax = 20;

/** Claims are this directory's own affair. */
const policy = new RecordValuePolicy({ owns: () => false });

/** Users that a sample names at most, as on the wire. */
const sampleMax = 20;

/** What the holders on one side of a partition have. */
class Side {
  /** Records by DHT key. */
  readonly records = new Map<string, SignedRecord>();
  /** Who holds a name: the key of the first `public` record. */
  readonly claims = new Map<string, { key: Uint8Array; since: number }>();

  copy(): Side {
    const side = new Side();
    for (const [key, record] of this.records) side.records.set(key, record);
    for (const [name, claim] of this.claims) side.claims.set(name, claim);
    return side;
  }
}

/** What {@linkcode SimDirectoryNetwork.put} says. */
type Outcome =
  | { readonly stored: true }
  | { readonly stored: false; readonly reason: string; readonly newer?: SignedRecord };

/** The records that all directories share. */
export class SimDirectoryNetwork {
  readonly #clock: SimDirectoryClock;
  readonly #directories: SimDirectory[] = [];
  readonly #clashes = new Map<string, Set<string>>();
  #main = new Side();

  /** A network without records. */
  constructor(clock: SimDirectoryClock) {
    this.#clock = clock;
  }

  /** A directory of this network; one a peer. */
  directory(): SimDirectory {
    const directory = new SimDirectory(this, this.#clock, this.#directories.length);
    directory.side = this.#main;
    this.#directories.push(directory);
    return directory;
  }

  /** How many directories are on a side, at most the k that hold a record. */
  holders(side: object): number {
    const here = this.#directories.filter((one) => one.reachable && one.side === side).length;
    return Math.min(here, holdersMax);
  }

  /** Splits the network: the named directories keep to themselves, with a copy of all records. */
  partition(apart: readonly SimDirectory[]): void {
    const side = this.#main.copy();
    for (const directory of apart) directory.side = side;
  }

  /** Ends every partition: what each side has is stored on the other by the rules. */
  heal(): void {
    for (const directory of this.#directories) {
      const side = directory.side as Side;
      if (side === this.#main) continue;
      directory.side = this.#main;
      const records = [...side.records.values()];
      records.sort((a, b) => Number(b.namespace === "public") - Number(a.namespace === "public"));
      for (const record of records) this.put(this.#main, record.value);
    }
  }

  /** Makes every reader of a name see another key that claims it. */
  addClash(username: string, key: Uint8Array): void {
    const keys = this.#clashes.get(username) ?? new Set();
    this.#clashes.set(username, keys.add(toHex(key)));
  }

  /** The keys named by {@linkcode addClash}. */
  clashes(username: string): Uint8Array[] {
    return [...this.#clashes.get(username) ?? []].flatMap((hex) => fromHex(hex) ?? []);
  }

  /** The record in force on the undivided network, or on a directory's side of it. */
  peek(username: string, namespace: string, on?: SimDirectory): SignedRecord | undefined {
    const side = on === undefined ? this.#main : on.side as Side;
    const name = toHex(recordKey(username, namespace));
    const record = side.records.get(name);
    if (record === undefined) return undefined;
    // Its signature was verified when it was stored.
    if (record.expiresAt + clockToleranceMs > this.#clock.now()) return record;
    side.records.delete(name);
    return undefined;
  }

  /** Loses a record, as if all of its holders had gone. */
  lose(username: string, namespace: string): void {
    this.#main.records.delete(toHex(recordKey(username, namespace)));
  }

  /** Every record held on a side. */
  *records(side: object): IterableIterator<SignedRecord> {
    yield* (side as Side).records.values();
  }

  /** Stores a value by the rules. */
  put(onSide: object, value: Uint8Array): Outcome {
    const side = onSide as Side;
    const now = this.#clock.now();
    // Whatever the caller believes of the record, holders look at nothing but the bytes.
    const seen = SimDirectoryNetwork.#parse(value, now);
    if (seen === undefined) return { stored: false, reason: "is not valid" };
    const claim = side.claims.get(seen.username);
    if (isWithdrawal(seen)) {
      const mine = claim !== undefined && equalBytes(claim.key, seen.publicKey);
      if (!mine) return { stored: false, reason: "takes back what nobody has" };
      side.claims.delete(seen.username);
      side.records.delete(toHex(recordKey(seen.username, "public")));
      return { stored: true };
    }
    if (claim === undefined && seen.namespace !== "public") {
      return { stored: false, reason: "has no claim" };
    }
    if (claim !== undefined && !equalBytes(claim.key, seen.publicKey)) {
      return { stored: false, reason: "is claimed by another key" };
    }
    if (claim === undefined) {
      side.claims.set(seen.username, { key: seen.publicKey, since: now });
    }
    const name = toHex(recordKey(seen.username, seen.namespace));
    const held = side.records.get(name);
    if (held !== undefined && compareRecords(held, seen) > 0) {
      return { stored: false, reason: "is older", newer: held };
    }
    side.records.set(name, seen);
    return { stored: true };
  }

  static #parse(value: Uint8Array, now: number): SignedRecord | undefined {
    const copy = new Uint8Array(value);
    const names = peekRecord(copy);
    if (names === undefined) return undefined;
    const verdict = policy.check(recordKey(names.username, names.namespace), copy, now);
    return verdict.ok ? verdict.decoded : undefined;
  }
}

/** One peer's view of the network in memory. */
export class SimDirectory implements Directory {
  readonly #network: SimDirectoryNetwork;
  readonly #clock: SimDirectoryClock;
  readonly #number: number;
  readonly #listeners = new Set<(status: DirectoryStatus) => void>();
  #reachable = true;
  /** Which records it sees; set by the network. */
  side: object = {};
  /** How long each operation takes, in milliseconds of the clock; 0 takes no time at all. */
  latencyMs = 0;
  /** How many `get`, `put` and `sample` have been called. */
  readonly calls = { get: 0, put: 0, sample: 0 };
  /** How many `isReachable` have been called. */
  dialBackCalls = 0;
  /** What {@linkcode isReachable} answers. */
  dialBack: boolean | undefined = true;
  /** What {@linkcode publicAddress} answers. */
  address: string | undefined = "127.0.0.1";
  /** Where the node listens. */
  listensAt = "127.0.0.1";
  /** The same of the other family, if it has one. */
  otherAddress: string | undefined;
  readonly #outerIps = new Map<Family, string>();

  /** Use {@linkcode SimDirectoryNetwork.directory}. */
  constructor(network: SimDirectoryNetwork, clock: SimDirectoryClock, number: number) {
    this.#network = network;
    this.#clock = clock;
    this.#number = number;
  }

  /** Whether this node has a network; without one nothing is found and nothing stored. */
  get reachable(): boolean {
    return this.#reachable;
  }

  set reachable(value: boolean) {
    if (value === this.#reachable) return;
    this.#reachable = value;
    for (const listener of [...this.#listeners]) listener(this.status());
  }

  /** What {@linkcode ready} waits for. */
  attempt: Promise<void> = Promise.resolve();

  ready(signal?: AbortSignal): Promise<void> {
    return abortable(this.attempt, signal);
  }

  async get(query: DirectoryQuery, signal?: AbortSignal): Promise<DirectoryAnswer> {
    this.calls.get++;
    await this.#pass(signal);
    if (!this.#reachable) return { answered: 0, isAbsent: false, otherKeys: [] };
    const answered = this.#network.holders(this.side);
    const record = this.#network.peek(query.username, query.namespace, this);
    const keys = this.#network.clashes(query.username);
    const { pin } = query;
    if (record === undefined) {
      return { answered, isAbsent: true, otherKeys: others(keys, pin) };
    }
    if (pin === undefined || equalBytes(record.publicKey, pin)) {
      return { record, answered, isAbsent: false, otherKeys: others(keys, record.publicKey) };
    }
    return { answered, isAbsent: true, otherKeys: others([record.publicKey, ...keys], pin) };
  }

  async put(record: SignedRecord, signal?: AbortSignal): Promise<PutReport> {
    this.calls.put++;
    await this.#pass(signal);
    if (!this.#reachable) return { accepted: 0, refused: 0, asked: 0 };
    const asked = this.#network.holders(this.side);
    const outcome = this.#network.put(this.side, record.value);
    if (outcome.stored) return { accepted: asked, refused: 0, asked };
    const report = { accepted: 0, refused: asked, asked };
    return outcome.newer === undefined ? report : { ...report, newer: outcome.newer };
  }

  /** Nodes that {@linkcode join} was called with. */
  readonly joinedThrough: Endpoint[] = [];
  /** What {@linkcode entrances} answers. */
  contacts: readonly Endpoint[] = [];

  async join(nodes: readonly Endpoint[], signal?: AbortSignal): Promise<boolean> {
    await this.#pass(signal);
    this.joinedThrough.push(...nodes);
    return this.#reachable;
  }

  entrances(): Endpoint[] {
    return [...this.contacts];
  }

  async sample(signal?: AbortSignal): Promise<PopularUser[]> {
    this.calls.sample++;
    await this.#pass(signal);
    if (!this.#reachable) return [];
    const owners = new Map<string, { user: Omit<PopularUser, "followers">; owners: Set<string> }>();
    for (const record of this.#network.records(this.side)) {
      if (kindOfNamespace(record.namespace) !== "page") continue;
      for (const { list, username, key, present } of (record.body as PageBody).entries) {
        if (list !== "following" || !present) continue;
        const name = `${username}/${toHex(key)}`;
        const entry = owners.get(name) ?? { user: { username, key }, owners: new Set() };
        entry.owners.add(record.username);
        owners.set(name, entry);
      }
    }
    return [...owners.values()]
      .map((entry) => ({ ...entry.user, followers: entry.owners.size }))
      .sort((a, b) => b.followers - a.followers || (a.username < b.username ? -1 : 1))
      .slice(0, sampleMax);
  }

  async publicAddress(family: Family, signal?: AbortSignal): Promise<string | undefined> {
    await this.#pass(signal);
    const own = [this.address, this.otherAddress];
    const ip = own.find((one) => one !== undefined && familyOf(one) === family);
    if (!this.#reachable || ip === undefined) return undefined;
    this.#outerIps.set(family, ip);
    return ip;
  }

  async isReachable(
    _port: number,
    _family: Family,
    signal?: AbortSignal,
  ): Promise<boolean | undefined> {
    this.dialBackCalls++;
    await this.#pass(signal);
    return this.#reachable ? this.dialBack : undefined;
  }

  status(): DirectoryStatus {
    return {
      nodeId: this.#number.toString(16).padStart(40, "0"),
      contacts: this.#reachable ? Math.max(this.#network.holders(this.side) - 1, 0) : 0,
      records: [...this.#network.records(this.side)].length,
      udp: { ip: this.listensAt, port: 8000 + this.#number },
      outerIps: [...this.#outerIps.values()],
      joined: this.#reachable,
    };
  }

  onChange(fn: (status: DirectoryStatus) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Lets the latency pass; rejects with the signal's reason alone. */
  async #pass(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.latencyMs <= 0) {
      await Promise.resolve();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const aborted = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.#clock.after(this.latencyMs, () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      });
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }
}

/** The keys that are not the believed one, each once. */
function others(keys: readonly Uint8Array[], believed: Uint8Array | undefined): Uint8Array[] {
  const hexes = new Set(keys.map(toHex));
  if (believed !== undefined) hexes.delete(toHex(believed));
  return [...hexes].flatMap((hex) => fromHex(hex) ?? []);
}
