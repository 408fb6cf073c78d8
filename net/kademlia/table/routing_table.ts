/**
 * The routing table (Kademlia, sections 2.2, 2.4 and 4.1). It does no I/O: it says what is worth a ping.
 *
 * @module
 */
import { type Exemption, type Network, NetworkCounts } from "../../../lib/networks.ts";
import { idBits, networkPerTableMax, replacementsMax, staleMs } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import { commonPrefixBits, compareDistance, type Id } from "../space/id.ts";
import { type Bucket, indexOfId, isCrowded } from "./bucket.ts";
import { IdIndex } from "../space/id_index.ts";
import { TableEntry } from "./table_entry.ts";

/** What to do about a contact that was heard of. */
export type Advice =
  /** It is in the table, or may not enter. */
  | { readonly kind: "nothing" }
  /** There is room: it enters once it answers a ping. */
  | { readonly kind: "verify" }
  /** No room; the entry has not been heard of for long, or moved: ping it, evict it if it fails. */
  | { readonly kind: "check"; readonly entry: TableEntry };

/** Options of a {@link RoutingTable}. */
export interface TableOptions {
  /** Contacts a bucket. */
  readonly k: number;
  /** Which addresses are exempt from the address limits. */
  readonly exemption: Exemption;
}

const nothing: Advice = { kind: "nothing" };
const verify: Advice = { kind: "verify" };

/**
 * Buckets that split around the own id. `buckets[i]` has the contacts that share exactly i leading bits
 * with it; the last one all that share more, and only it splits.
 */
export class RoutingTable {
  readonly own: Id;
  readonly k: number;
  readonly #exemption: Exemption;
  readonly #buckets: Bucket[] = [];
  readonly #index = new IdIndex<TableEntry>();
  #networks = new NetworkCounts(networkPerTableMax);
  #size = 0;
  #failing = 0;
  #changes = 0;

  constructor(own: Id, { k, exemption }: TableOptions) {
    this.own = own;
    this.k = k;
    this.#exemption = exemption;
    exemption.onEnd(() => this.#recount());
    this.#buckets.push({ entries: [], replacements: [], lookedUpMs: -Infinity });
  }

  /** Contacts in the table. */
  get size(): number {
    return this.#size;
  }

  /** It grows whenever another contact is in the table, or is alive in it. */
  get changes(): number {
    return this.#changes;
  }

  /** Contacts that have answered the last request they got. */
  get live(): number {
    return this.#size - this.#failing;
  }

  /**
   * Whether a contact is alive, or may be: one lost datagram says nothing as long as a ping is out. One that was
   * silent before is asked again and again, and may be only once it has answered.
   */
  get mayBeAlive(): boolean {
    if (this.live > 0) return true;
    for (const entry of this) if (entry.checking && !entry.isSilent) return true;
    return false;
  }

  /** How many buckets there are. */
  get bucketCount(): number {
    return this.#buckets.length;
  }

  /** The bucket that `id` belongs to. */
  bucketOf(id: Id): number {
    return Math.min(commonPrefixBits(this.own, id), this.#buckets.length - 1);
  }

  /** How many more contacts a bucket takes: at least k where it would split, none where there is none. */
  roomIn(index: number): number {
    const bucket = this.#buckets[index];
    if (bucket === undefined) return 0;
    return this.#splits(index) ? this.k : Math.max(0, this.k - bucket.entries.length);
  }

  /** The entry of `id`. */
  get(id: Id): TableEntry | undefined {
    return this.#index.get(id);
  }

  /** The entry of the contact, if it stands there under the same address. */
  find({ nodeId, ip, port }: NodeContact): TableEntry | undefined {
    const entry = this.get(nodeId);
    return entry?.contact.port === port && entry.contact.ip === ip ? entry : undefined;
  }

  /** All entries. */
  *[Symbol.iterator](): IterableIterator<TableEntry> {
    for (const bucket of this.#buckets) yield* bucket.entries;
  }

  /** The networks that the address limits count `ip` under; none where it is exempt. */
  networksOf(ip: string): readonly Network[] {
    return this.#exemption.networksOf(ip) ?? [];
  }

  /**
   * What to do about a contact just heard of. Without room it is remembered as a replacement; one that
   * has `answered` takes the place of the oldest replacement, one that merely asked fills room only.
   */
  consider(contact: NodeContact, answered: boolean, nowMs: number): Advice {
    const id = contact.nodeId;
    if (id.equals(this.own)) return nothing;
    const at = this.bucketOf(id);
    const bucket = this.#at(at);
    const known = this.get(id);
    if (known !== undefined) {
      const moved = known.contact.port !== contact.port || known.contact.ip !== contact.ip;
      if (!moved) return nothing;
      // An id that shows up elsewhere is a restart or a lie: the old address is asked which.
      this.#remember(bucket, contact, answered);
      return { kind: "check", entry: known };
    }
    if (!this.#fits(bucket, this.networksOf(contact.ip))) return nothing;
    if (bucket.entries.length < this.k || this.#splits(at)) return verify;
    this.#remember(bucket, contact, answered);
    let oldest = bucket.entries[0];
    for (const entry of bucket.entries) {
      if (oldest === undefined || entry.seenMs < oldest.seenMs) oldest = entry;
    }
    if (oldest === undefined || oldest.checking) return nothing;
    return nowMs - oldest.seenMs > staleMs ? { kind: "check", entry: oldest } : nothing;
  }

  /** Lets in a contact that has answered a ping; undefined where there is no room for it. */
  insert(contact: NodeContact, nowMs: number): TableEntry | undefined {
    this.#exemption.met(contact.ip);
    const id = contact.nodeId;
    if (id.equals(this.own) || this.get(id) !== undefined) return undefined;
    let at = this.bucketOf(id);
    while (this.#at(at).entries.length >= this.k) {
      if (!this.#splits(at)) return undefined;
      this.#split();
      at = this.bucketOf(id);
    }
    const bucket = this.#at(at);
    const networks = this.networksOf(contact.ip);
    if (!this.#fits(bucket, networks)) return undefined;
    const entry = new TableEntry(contact, networks, nowMs);
    bucket.entries.push(entry);
    this.#index.set(entry);
    this.#size++;
    this.#changes++;
    this.#networks.add(networks);
    const waiting = bucket.replacements.findIndex((other) => other.nodeId.equals(id));
    if (waiting >= 0) bucket.replacements.splice(waiting, 1);
    return entry;
  }

  /** Notes an answer of an entry. */
  answered(entry: TableEntry, nowMs: number): void {
    if (entry.failures > 0) this.#count(-1);
    entry.failures = 0;
    entry.isSilent = false;
    entry.seenMs = nowMs;
    entry.answeredMs = nowMs;
  }

  /** Notes a request that an entry left unanswered. It stays until a ping fails, too. */
  failed(entry: TableEntry): void {
    if (entry.failures === 0) this.#count(1);
    entry.failures++;
  }

  /** One more, or one less, has failed. */
  #count(change: number): void {
    this.#failing += change;
    this.#changes++;
  }

  /** Removes an entry whose ping failed, and returns the contact to verify in its place, if there is one. */
  evict(entry: TableEntry): NodeContact | undefined {
    const bucket = this.#at(this.bucketOf(entry.contact.nodeId));
    const at = bucket.entries.indexOf(entry);
    if (at < 0) return undefined;
    bucket.entries.splice(at, 1);
    this.#index.remove(entry);
    this.#size--;
    this.#count(entry.failures > 0 ? -1 : 0);
    this.#networks.remove(entry.networks);
    return bucket.replacements.pop();
  }

  /** The next replacement for the bucket of `id` while it has room. */
  nextReplacement(id: Id): NodeContact | undefined {
    const bucket = this.#at(this.bucketOf(id));
    return bucket.entries.length < this.k ? bucket.replacements.pop() : undefined;
  }

  /**
   * The `count` entries nearest to `target`, nearest first, without `except`; those that failed lately
   * only where `withFailing` and no better one is left.
   *
   * Buckets come in order of distance: with p bits shared by `target` and the own id, bucket p is
   * nearest, then all deeper ones together, then p - 1 down to 0. So only what is returned gets sorted.
   */
  closest(target: Id, count: number, except?: Id, withFailing = false): NodeContact[] {
    const result: NodeContact[] = [];
    const last = this.#buckets.length - 1;
    const shared = Math.min(commonPrefixBits(this.own, target), last);
    this.#gather(result, shared, shared, target, count, except);
    if (result.length < count && shared < last) {
      this.#gather(result, shared + 1, last, target, count, except);
    }
    for (let i = shared - 1; i >= 0 && result.length < count; i--) {
      this.#gather(result, i, i, target, count, except);
    }
    if (withFailing && result.length < count && this.#failing > 0) {
      const failing: NodeContact[] = [];
      for (const entry of this) if (entry.failures > 0) failing.push(entry.contact);
      failing.sort((a, b) => compareDistance(target, a.nodeId, b.nodeId));
      for (const contact of failing) if (result.length < count) result.push(contact);
    }
    return result;
  }

  #gather(
    result: NodeContact[],
    from: number,
    to: number,
    target: Id,
    count: number,
    except: Id | undefined,
  ): void {
    const start = result.length;
    for (let i = from; i <= to; i++) {
      for (const { failures, contact } of this.#at(i).entries) {
        if (failures > 0) continue;
        const id = contact.nodeId;
        if (except !== undefined && id.equals(except)) continue;
        const first = (id.w0 ^ target.w0) >>> 0;
        // Insertion into the sorted tail: it is short, and full of near misses to skip.
        let at = result.length;
        if (at >= count && isNearer(result, --at, target, first, id)) continue;
        for (; at > start && !isNearer(result, at - 1, target, first, id); at--) {
          result[at] = result[at - 1] as NodeContact;
          firstWords[at] = firstWords[at - 1] as number;
        }
        result[at] = contact;
        firstWords[at] = first;
      }
    }
  }

  /** How many live entries are nearer to `key` than the own id, counted up to `limit`. */
  countCloserThanOwn(key: Id, limit: number, except?: Id): number {
    let count = 0;
    for (let i = this.bucketOf(key); i < this.#buckets.length && count < limit; i++) {
      for (const entry of this.#at(i).entries) {
        if (entry.failures > 0) continue;
        const id = entry.contact.nodeId;
        if (except !== undefined && id.equals(except)) continue;
        if (compareDistance(key, id, this.own) < 0 && ++count >= limit) break;
      }
    }
    return count;
  }

  /** Notes a lookup for `target`, so that its bucket needs no refresh. */
  lookedUp(target: Id, nowMs: number): void {
    this.#at(this.bucketOf(target)).lookedUpMs = nowMs;
  }

  /** The buckets into whose range no lookup went since `sinceMs` (section 2.3). */
  idleBuckets(sinceMs: number): number[] {
    return this.#buckets.flatMap(({ lookedUpMs }, i) => lookedUpMs < sinceMs ? [i] : []);
  }

  /** Counts all entries anew, and drops those beyond the limits: private addresses are no longer exempt. */
  #recount(): void {
    const entries = [...this];
    for (const bucket of this.#buckets) bucket.entries.length = 0;
    this.#networks = new NetworkCounts(networkPerTableMax);
    this.#size = this.#failing = 0;
    this.#changes++;
    for (const entry of entries) {
      entry.networks = this.networksOf(entry.contact.ip);
      const bucket = this.#at(this.bucketOf(entry.contact.nodeId));
      if (!this.#fits(bucket, entry.networks)) {
        this.#index.remove(entry);
        continue;
      }
      bucket.entries.push(entry);
      this.#networks.add(entry.networks);
      this.#size++;
      if (entry.failures > 0) this.#failing++;
    }
  }

  #at(index: number): Bucket {
    const bucket = this.#buckets[index];
    if (bucket === undefined) throw new RangeError(`Cannot find bucket ${index}: it is not there`);
    return bucket;
  }

  #splits(at: number): boolean {
    return at === this.#buckets.length - 1 && this.#buckets.length < idBits;
  }

  #split(): void {
    const depth = this.#buckets.length - 1;
    const near = this.#at(depth);
    const deeper: Bucket = { entries: [], replacements: [], lookedUpMs: near.lookedUpMs };
    const staysHere = (id: Id): boolean => commonPrefixBits(this.own, id) === depth;
    const entries = near.entries.splice(0);
    for (const e of entries) (staysHere(e.contact.nodeId) ? near : deeper).entries.push(e);
    const waiting = near.replacements.splice(0);
    for (const c of waiting) (staysHere(c.nodeId) ? near : deeper).replacements.push(c);
    this.#buckets.push(deeper);
  }

  #remember(bucket: Bucket, contact: NodeContact, answered: boolean): void {
    const cache = bucket.replacements;
    const at = indexOfId(cache, contact.nodeId);
    if (at >= 0) {
      if (!answered) return;
      cache.splice(at, 1);
    } else if (cache.length >= replacementsMax) {
      if (!answered) return;
      cache.shift();
    }
    const networks = this.networksOf(contact.ip);
    if (isCrowded(networks, cache, (other) => this.networksOf(other.ip))) return;
    if (answered) cache.push(contact);
    else cache.unshift(contact);
  }

  #fits(bucket: Bucket, networks: readonly Network[]): boolean {
    if (networks.length === 0) return true;
    return this.#networks.has(networks) &&
      !isCrowded(networks, bucket.entries, (entry) => entry.networks);
  }
}

/** The first words of the distances of the contacts that are being gathered: they decide nearly always. */
const firstWords: number[] = [];

/** Whether contact `at` of those gathered is nearer to the target than `id`, whose distance begins with `first`. */
function isNearer(
  contacts: readonly NodeContact[],
  at: number,
  target: Id,
  first: number,
  id: Id,
): boolean {
  const word = firstWords[at] as number;
  if (word !== first) return word < first;
  const contact = contacts[at];
  return contact !== undefined && compareDistance(target, contact.nodeId, id) < 0;
}
