/**
 * The values that a node stores, within bounds.
 *
 * @module
 */
import type { Network } from "../../../lib/networks.ts";
import {
  establishedMs,
  evictionShare,
  groupShareMax,
  networkShareMax,
  storedOverheadBytes,
} from "../constants.ts";
import type { Admission, StoredValue } from "../ports.ts";
import { compareDistance, type Id } from "../space/id.ts";
import { IdIndex, type Indexed } from "../space/id_index.ts";

/** What a value belongs to that has a share of the room when it is short: a network, or a group. */
interface Share {
  readonly name: string;
  /** 0 to 1. */
  readonly share: number;
}

/** A value that is stored. */
export class StoredEntry implements StoredValue, Indexed<StoredEntry> {
  /** The key. */
  readonly id: Id;
  next: StoredEntry | undefined;
  readonly shares: Share[] = [];
  readonly value: Uint8Array;
  readonly scalar: boolean;
  expiresAtMs: number;
  readonly firstStoredAtMs: number;
  storedAtMs: number;
  readonly from?: string;

  constructor(id: Id, stored: Omit<StoredValue, "key">) {
    this.id = id;
    this.value = stored.value;
    this.scalar = stored.scalar ?? false;
    this.expiresAtMs = stored.expiresAtMs;
    this.firstStoredAtMs = stored.firstStoredAtMs;
    this.storedAtMs = stored.storedAtMs;
    if (stored.from !== undefined) this.from = stored.from;
  }

  /** A fresh copy. */
  get key(): Uint8Array {
    return this.id.toBytes();
  }

  /** What it counts for against the bound of bytes. */
  get cost(): number {
    return this.value.length + storedOverheadBytes;
  }

  /** The value as plain data. */
  plain(): StoredValue {
    const { key, value, scalar, expiresAtMs, firstStoredAtMs, storedAtMs, from } = this;
    const plain = { key, value, expiresAtMs, firstStoredAtMs, storedAtMs };
    return { ...plain, ...(scalar && { scalar }), ...(from !== undefined && { from }) };
  }
}

/** What {@link StoredValues} are built from. */
export interface StoredValuesOptions {
  readonly own: Id;
  readonly valuesMax: number;
  readonly bytesMax: number;
  /** Says what is worth keeping when a bound is hit, and hears of values that went. */
  readonly admission?: Pick<Admission, "weight" | "group" | "forget"> | undefined;
  /** The networks that limits count an address under; none where it is exempt. */
  readonly networksOf: (ip: string) => readonly Network[];
  /** Told of keys whose value changed or went. */
  readonly onChange: (key: Id) => void;
}

/** A key of 20 bytes as text of 20 characters. */
export function keyText(id: Id): string {
  return String.fromCharCode(
    id.w0 >>> 16,
    id.w0 & 0xffff,
    id.w1 >>> 16,
    id.w1 & 0xffff,
    id.w2 >>> 16,
    id.w2 & 0xffff,
    id.w3 >>> 16,
    id.w3 & 0xffff,
    id.w4 >>> 16,
    id.w4 & 0xffff,
  );
}

/**
 * Values by key. When a bound is hit, first goes what exceeds the share of its network or group, then the
 * lightest, among equals the farthest from the own id, be it the newcomer: a flood of fresh values cannot
 * push out what has been stored for long. A newcomer that would be among the next to go is refused.
 */
export class StoredValues {
  readonly #options: StoredValuesOptions;
  readonly #values = new IdIndex<StoredEntry>();
  #bytes = 0;
  /** The best of what went, or is next to go, since room is short; unset while there is room. */
  #horizon: Ranked | undefined;
  /** The same for networks and groups that have their share: what is no better exceeds it. */
  readonly #fullShares = new Map<string, Ranked>();

  constructor(options: StoredValuesOptions) {
    this.#options = options;
  }

  /** How many values there are. */
  get count(): number {
    return this.#values.size;
  }

  /** Their bytes, with what a value costs beside its content. */
  get bytes(): number {
    return this.#bytes;
  }

  [Symbol.iterator](): IterableIterator<StoredEntry> {
    return this.#values[Symbol.iterator]();
  }

  /** The value under `key`; one that has expired is gone. */
  get(key: Id, nowMs: number): StoredEntry | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry;
    this.#remove(entry);
    return undefined;
  }

  /**
   * Stores a value, whose bytes nothing changes afterwards, in place of what is under the key. False when
   * the bounds leave no room.
   */
  put(key: Id, value: Omit<StoredValue, "key">, nowMs: number): boolean {
    const before = this.#values.get(key);
    const entry = new StoredEntry(key, value);
    entry.shares.push(...this.#sharesOf(entry));
    if (before === undefined && !this.#makeRoom(entry, nowMs)) return false;
    this.#bytes += entry.cost - (before?.cost ?? 0);
    this.#values.set(entry);
    this.#options.onChange(key);
    if (this.#bytes > this.#options.bytesMax) this.#makeRoom(undefined, nowMs);
    return this.#values.get(key) === entry;
  }

  /** Notes another store of a value, which may now last longer. */
  touch(entry: StoredEntry, expiresAtMs: number, nowMs: number): void {
    entry.storedAtMs = nowMs;
    entry.expiresAtMs = expiresAtMs;
    this.#options.onChange(entry.id);
  }

  /** Removes what has expired. */
  sweep(nowMs: number): void {
    for (const entry of this.#values) if (entry.expiresAtMs <= nowMs) this.#remove(entry);
  }

  #remove(entry: StoredEntry): void {
    if (!this.#values.remove(entry)) return;
    this.#bytes -= entry.cost;
    if (this.#hasRoom(this.#bytes, this.#values.size)) this.#horizon = undefined;
    this.#options.onChange(entry.id);
    this.#options.admission?.forget?.(entry.key, entry.value);
  }

  /** A little less than the bounds, so that what is ranked when they are hit is enough for a while. */
  #hasRoom(bytes: number, count: number): boolean {
    const { bytesMax, valuesMax } = this.#options;
    return bytes <= bytesMax * (1 - evictionShare) &&
      count <= Math.ceil(valuesMax * (1 - evictionShare));
  }

  /** Evicts until `newcomer` fits; false when it is itself what would have to go, now or next. */
  #makeRoom(newcomer: StoredEntry | undefined, nowMs: number): boolean {
    const { bytesMax, valuesMax } = this.#options;
    let bytes = this.#bytes + (newcomer?.cost ?? 0);
    let count = this.#values.size + (newcomer ? 1 : 0);
    if (this.#hasRoom(bytes, count)) return true;
    const fits = bytes <= bytesMax && count <= valuesMax;
    if (newcomer && this.#horizon !== undefined) {
      // A flood costs no ranking of everything for each newcomer.
      if (this.#compare(this.#rankNewcomer(newcomer, nowMs), this.#horizon) <= 0) return false;
      if (fits) return true;
    }
    const going: Ranked[] = [];
    for (const rank of this.#rankAll(newcomer, nowMs)) {
      if (this.#hasRoom(bytes, count)) break;
      bytes -= rank.entry.cost;
      count--;
      going.push(rank);
    }
    const isRefused = going.some(({ entry }) => entry === newcomer);
    if (!isRefused && !fits) { for (const { entry } of going) this.#remove(entry); }
    this.#horizon = going.at(-1);
    return !isRefused;
  }

  #sharesOf(entry: StoredEntry): Share[] {
    const { admission, networksOf } = this.#options;
    const networks = entry.from === undefined ? [] : networksOf(entry.from);
    const shares = networks.map(({ name, depth }) => ({ name, share: networkShareMax[depth] }));
    const group = admission?.group?.(entry);
    return group === undefined ? shares : [...shares, { name: group, share: groupShareMax }];
  }

  #rank(entry: StoredEntry, nowMs: number): Ranked {
    const weight = this.#options.admission?.weight?.(entry);
    const isEstablished = nowMs - entry.firstStoredAtMs >= establishedMs;
    return { entry, weight: weight ?? Number(isEstablished), isBeyond: false };
  }

  #rankNewcomer(newcomer: StoredEntry, nowMs: number): Ranked {
    const rank = this.#rank(newcomer, nowMs);
    rank.isBeyond = newcomer.shares.some(({ name }) => {
      const full = this.#fullShares.get(name);
      return full !== undefined && this.#compareWorth(rank, full) <= 0;
    });
    return rank;
  }

  /** All entries, with what goes first first. The best ones of a network or group are within its share. */
  #rankAll(newcomer: StoredEntry | undefined, nowMs: number): Ranked[] {
    const { bytesMax, valuesMax } = this.#options;
    const ranked = [...this.#values, ...(newcomer ? [newcomer] : [])]
      .map((entry) => this.#rank(entry, nowMs)).sort((a, b) => this.#compareWorth(b, a));
    const sums = new Map<string, { bytes: number; count: number }>();
    this.#fullShares.clear();
    for (const rank of ranked) {
      const { shares, cost } = rank.entry;
      for (const { name, share } of shares) {
        const { bytes, count } = sums.get(name) ?? { bytes: 0, count: 0 };
        if (bytes + cost <= bytesMax * share && count + 1 <= valuesMax * share) continue;
        rank.isBeyond = true;
        if (!this.#fullShares.has(name)) this.#fullShares.set(name, rank);
      }
      if (rank.isBeyond) continue;
      for (const { name } of shares) {
        const { bytes, count } = sums.get(name) ?? { bytes: 0, count: 0 };
        sums.set(name, { bytes: bytes + cost, count: count + 1 });
      }
    }
    return ranked.sort((a, b) => this.#compare(a, b));
  }

  /** What goes first comes first. */
  #compare(a: Ranked, b: Ranked): number {
    return Number(b.isBeyond) - Number(a.isBeyond) || this.#compareWorth(a, b);
  }

  #compareWorth(a: Ranked, b: Ranked): number {
    return a.weight - b.weight || compareDistance(this.#options.own, b.entry.id, a.entry.id);
  }
}

interface Ranked {
  readonly entry: StoredEntry;
  readonly weight: number;
  /** Whether it exceeds the share of its network or group. */
  isBeyond: boolean;
}
