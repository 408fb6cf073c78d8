/**
 * The values that a node stores, within bounds.
 *
 * @module
 */
import { establishedMs, evictionShare, storedOverheadBytes } from "../constants.ts";
import type { Admission, StoredValue } from "../ports.ts";
import { compareDistance, type Id } from "../space/id.ts";

/** A value that is stored. */
export class StoredEntry implements StoredValue {
  readonly keyId: Id;
  readonly value: Uint8Array;
  readonly scalar: boolean;
  expiresAtMs: number;
  readonly firstStoredAtMs: number;
  storedAtMs: number;

  constructor(keyId: Id, stored: Omit<StoredValue, "key">) {
    this.keyId = keyId;
    this.value = stored.value;
    this.scalar = stored.scalar ?? false;
    this.expiresAtMs = stored.expiresAtMs;
    this.firstStoredAtMs = stored.firstStoredAtMs;
    this.storedAtMs = stored.storedAtMs;
  }

  /** A fresh copy. */
  get key(): Uint8Array {
    return this.keyId.toBytes();
  }

  /** What it counts for against the bound of bytes. */
  get cost(): number {
    return this.value.length + storedOverheadBytes;
  }

  /** The value as plain data. */
  plain(): StoredValue {
    const { key, value, scalar, expiresAtMs, firstStoredAtMs, storedAtMs } = this;
    const plain = { key, value, expiresAtMs, firstStoredAtMs, storedAtMs };
    return scalar ? { ...plain, scalar } : plain;
  }
}

/** What {@link StoredValues} are built from. */
export interface StoredValuesOptions {
  readonly own: Id;
  readonly valuesMax: number;
  readonly bytesMax: number;
  /** Says what is worth keeping when a bound is hit, and hears of values that went. */
  readonly admission?: Pick<Admission, "weight" | "forget"> | undefined;
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
 * Values by key. When a bound is hit the lightest go first, among equals the farthest from the own id,
 * be it the newcomer: a flood of fresh values cannot push out what has been stored for long.
 */
export class StoredValues {
  readonly #options: StoredValuesOptions;
  readonly #values = new Map<string, StoredEntry>();
  #bytes = 0;
  /** What went, or was refused, when a bound was hit last; unset once other values went. */
  #horizon: Ranked | undefined;

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
    return this.#values.values();
  }

  /** The value under `key`; one that has expired is gone. */
  get(key: Id, nowMs: number): StoredEntry | undefined {
    const entry = this.#values.get(keyText(key));
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry;
    this.#remove(entry);
    return undefined;
  }

  /**
   * Stores a value, whose bytes nothing changes afterwards, in place of what is under the key. False when
   * the bounds leave no room.
   */
  put(key: Id, value: Omit<StoredValue, "key">, nowMs: number): boolean {
    const text = keyText(key);
    const before = this.#values.get(text);
    const entry = new StoredEntry(key, value);
    if (before === undefined && !this.#makeRoom(entry, nowMs)) return false;
    this.#bytes += entry.cost - (before?.cost ?? 0);
    this.#values.set(text, entry);
    this.#options.onChange(key);
    if (this.#bytes > this.#options.bytesMax) this.#makeRoom(undefined, nowMs);
    return this.#values.get(text) === entry;
  }

  /** Notes another store of a value, which may now last longer. */
  touch(entry: StoredEntry, expiresAtMs: number, nowMs: number): void {
    entry.storedAtMs = nowMs;
    entry.expiresAtMs = expiresAtMs;
    this.#options.onChange(entry.keyId);
  }

  /** Removes what has expired. */
  sweep(nowMs: number): void {
    for (const entry of this.#values.values()) if (entry.expiresAtMs <= nowMs) this.#remove(entry);
  }

  #remove(entry: StoredEntry): void {
    if (!this.#values.delete(keyText(entry.keyId))) return;
    this.#bytes -= entry.cost;
    this.#horizon = undefined;
    this.#options.onChange(entry.keyId);
    this.#options.admission?.forget?.(entry.key, entry.value);
  }

  /** Evicts until `newcomer` fits; false when it is itself what would have to go. */
  #makeRoom(newcomer: StoredEntry | undefined, nowMs: number): boolean {
    const { bytesMax, valuesMax } = this.#options;
    const bytesAfter = this.#bytes + (newcomer?.cost ?? 0);
    const countAfter = this.#values.size + (newcomer ? 1 : 0);
    if (bytesAfter <= bytesMax && countAfter <= valuesMax) return true;
    if (newcomer && this.#beyondHorizon(newcomer, nowMs)) return false;
    const ranked = [...this.#values.values()].map((entry) => this.#rank(entry, nowMs));
    if (newcomer) ranked.push(this.#rank(newcomer, nowMs));
    ranked.sort((a, b) => this.#compare(a, b));
    // A little more than needed goes at once, so that this sort is rare; but no value has to go for a
    // newcomer that is itself among them.
    const bytesGoal = bytesMax * (1 - evictionShare);
    const countGoal = Math.floor(valuesMax * (1 - evictionShare));
    let bytes = bytesAfter;
    let count = countAfter;
    const going: Ranked[] = [];
    for (const rank of ranked) {
      if (bytes <= bytesGoal && count <= countGoal) break;
      bytes -= rank.entry.cost;
      count--;
      going.push(rank);
    }
    const refused = going.find((rank) => rank.entry === newcomer);
    if (!refused) { for (const rank of going) this.#remove(rank.entry); }
    this.#horizon = refused ?? going.at(-1);
    return !refused;
  }

  /**
   * Whether a newcomer would go before what went last time. As long as nothing else made room it is
   * refused without ranking everything again: a flood of far values costs no sort each.
   */
  #beyondHorizon(newcomer: StoredEntry, nowMs: number): boolean {
    const horizon = this.#horizon;
    return horizon !== undefined && this.#compare(this.#rank(newcomer, nowMs), horizon) <= 0;
  }

  #rank(entry: StoredEntry, nowMs: number): Ranked {
    const weight = this.#options.admission?.weight?.(entry);
    const isEstablished = nowMs - entry.firstStoredAtMs >= establishedMs;
    return { entry, weight: weight ?? Number(isEstablished) };
  }

  /** What goes first comes first. */
  #compare(a: Ranked, b: Ranked): number {
    return a.weight - b.weight || compareDistance(this.#options.own, b.entry.keyId, a.entry.keyId);
  }
}

interface Ranked {
  readonly entry: StoredEntry;
  readonly weight: number;
}
