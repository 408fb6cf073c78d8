/**
 * The routing tables of a node: one for each family of addresses (BEP 32).
 *
 * A node with IPv4 and IPv6 is one node under one id, and takes part in two networks: nodes that have one
 * family alone know only what they can reach. So each table is as large, as limited, and as hard to take
 * over as if there were no other: where an id stands in one table proves nothing for the other.
 *
 * @module
 */
import type { Exemption, Network } from "../../../lib/networks.ts";
import type { Family } from "../../../lib/ip_address.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import { type Advice, RoutingTable, type TableOptions } from "./routing_table.ts";
import type { TableEntry } from "./table_entry.ts";

/** Both tables, as if they were one; each contact belongs to the one of its address. */
export class RoutingTables {
  readonly own: Id;
  readonly k: number;
  readonly #exemption: Exemption;
  readonly #four: RoutingTable;
  readonly #six: RoutingTable;

  constructor(own: Id, options: TableOptions) {
    this.own = own;
    this.k = options.k;
    this.#exemption = options.exemption;
    this.#four = new RoutingTable(own, options);
    this.#six = new RoutingTable(own, options);
  }

  /** The table of a family. */
  of(family: Family): RoutingTable {
    return family === 4 ? this.#four : this.#six;
  }

  /** The table of a contact's family. */
  #for({ family }: NodeContact): RoutingTable {
    return this.of(family);
  }

  /** The only table with contacts in it, if there is but one. */
  get #only(): RoutingTable | undefined {
    if (this.#six.size === 0) return this.#four;
    return this.#four.size === 0 ? this.#six : undefined;
  }

  /** Nodes in the tables; one that stands in both counts once. */
  get size(): number {
    return this.#only?.size ?? this.#count(() => true);
  }

  /** Those of them that have answered the last request they got. */
  get live(): number {
    return this.#only?.live ?? this.#count(({ failures }) => failures === 0);
  }

  /** See {@link RoutingTable.changes}. */
  get changes(): number {
    return this.#four.changes + this.#six.changes;
  }

  /** See {@link RoutingTable.mayBeAlive}. */
  get mayBeAlive(): boolean {
    return this.#four.mayBeAlive || this.#six.mayBeAlive;
  }

  /** Whether any contact has not. */
  get hasFailing(): boolean {
    return this.#four.live < this.#four.size || this.#six.live < this.#six.size;
  }

  #count(counts: (entry: TableEntry) => boolean): number {
    let count = 0;
    for (const entry of this.#four) if (counts(entry)) count++;
    for (const entry of this.#six) {
      const twin = this.#four.get(entry.contact.nodeId);
      if (counts(entry) && (twin === undefined || !counts(twin))) count++;
    }
    return count;
  }

  /** Buckets of the table that has more. */
  get bucketCount(): number {
    return Math.max(this.#four.bucketCount, this.#six.bucketCount);
  }

  /** All entries; a node that stands in both tables comes twice. */
  *[Symbol.iterator](): IterableIterator<TableEntry> {
    yield* this.#four;
    yield* this.#six;
  }

  /** Whether the id stands in the other table, too. */
  hasTwin(contact: NodeContact): boolean {
    return this.of(contact.family === 4 ? 6 : 4).get(contact.nodeId) !== undefined;
  }

  /** See {@link RoutingTable.find}. */
  find(contact: NodeContact): TableEntry | undefined {
    return (this.#only ?? this.#for(contact)).find(contact);
  }

  /** The bucket that a contact belongs to, in the table of its family. */
  bucketOf(contact: NodeContact): number {
    return this.#for(contact).bucketOf(contact.nodeId);
  }

  /** See {@link RoutingTable.roomIn}. */
  roomFor(contact: NodeContact): number {
    const table = this.#for(contact);
    return table.roomIn(table.bucketOf(contact.nodeId));
  }

  /** Whether a bucket of either table that has contacts takes more. */
  hasRoom(bucket: number): boolean {
    return [this.#four, this.#six].some((table) => table.size > 0 && table.roomIn(bucket) > 0);
  }

  /** See {@link RoutingTable.networksOf}. */
  networksOf(ip: string): readonly Network[] {
    return this.#exemption.networksOf(ip) ?? [];
  }

  /** See {@link RoutingTable.consider}. */
  consider(contact: NodeContact, answered: boolean, nowMs: number): Advice {
    return this.#for(contact).consider(contact, answered, nowMs);
  }

  /** See {@link RoutingTable.insert}. */
  insert(contact: NodeContact, nowMs: number): TableEntry | undefined {
    return this.#for(contact).insert(contact, nowMs);
  }

  /** See {@link RoutingTable.answered}. */
  answered(entry: TableEntry, nowMs: number): void {
    this.#for(entry.contact).answered(entry, nowMs);
  }

  /** See {@link RoutingTable.failed}. */
  failed(entry: TableEntry): void {
    this.#for(entry.contact).failed(entry);
  }

  /** See {@link RoutingTable.evict}. */
  evict(entry: TableEntry): NodeContact | undefined {
    return this.#for(entry.contact).evict(entry);
  }

  /** The next replacement for the bucket of a contact of this family while it has room. */
  nextReplacement(contact: NodeContact): NodeContact | undefined {
    return this.#for(contact).nextReplacement(contact.nodeId);
  }

  /** {@link RoutingTable.closest} of both tables; a node that stands in both comes once, by IPv4. */
  closest(target: Id, count: number, except?: Id, withFailing = false): NodeContact[] {
    const only = this.#only;
    if (only !== undefined) return only.closest(target, count, except, withFailing);
    const four = this.#four.closest(target, count, except, withFailing);
    const six = this.#six.closest(target, count, except, withFailing);
    const all = [...four, ...six.filter(({ nodeId }) => !isAmong(four, nodeId))];
    return all.sort((a, b) => compareDistance(target, a.nodeId, b.nodeId)).slice(0, count);
  }

  /**
   * What a lookup begins with: the `count` nearest of each table, nearest first. A node among both comes
   * twice.
   */
  seeds(target: Id, count: number): NodeContact[] {
    const only = this.#only;
    if (only !== undefined) return only.closest(target, count, undefined, true);
    const both = [this.#four, this.#six].flatMap((table) =>
      table.closest(target, count, undefined, true)
    );
    return both.sort((a, b) => compareDistance(target, a.nodeId, b.nodeId));
  }

  /** How many live nodes are nearer to `key` than the own id, counted up to `limit`. */
  countCloserThanOwn(key: Id, limit: number, except?: Id): number {
    const only = this.#only;
    if (only !== undefined) return only.countCloserThanOwn(key, limit, except);
    const closest = this.closest(key, limit, except);
    const farther = closest.findIndex(({ nodeId }) => compareDistance(key, nodeId, this.own) >= 0);
    return farther < 0 ? closest.length : farther;
  }

  /** See {@link RoutingTable.lookedUp}. */
  lookedUp(target: Id, nowMs: number): void {
    this.#four.lookedUp(target, nowMs);
    this.#six.lookedUp(target, nowMs);
  }

  /** The buckets, of either table that has contacts, into whose range no lookup went since `sinceMs`. */
  idleBuckets(sinceMs: number): number[] {
    const only = this.#only;
    if (only !== undefined) return only.idleBuckets(sinceMs);
    const idle = [...this.#four.idleBuckets(sinceMs), ...this.#six.idleBuckets(sinceMs)];
    return [...new Set(idle)].sort((a, b) => a - b);
  }
}

function isAmong(contacts: readonly NodeContact[], id: Id): boolean {
  return contacts.some(({ nodeId }) => nodeId.equals(id));
}
