/**
 * Maps of bounded size: the oldest entries make room for new ones.
 *
 * @module
 */

import type { Time } from "./time.ts";

/** How large a {@linkcode BoundedMap} may grow. */
export interface MapBounds<V> {
  /** Entries at most, 1 or more. */
  readonly entriesMax: number;
  /** What one value weighs, in a unit of the caller's choice such as bytes; by default nothing. */
  readonly weigh?: (value: V) => number;
  /** What all values may weigh together. */
  readonly weightMax?: number;
}

/** A value, and how many entries had been written or moved up to it. */
interface Slot<V> {
  value: V;
  order: number;
}

/**
 * A map of bounded size. The entry that was written (or {@linkcode BoundedMap.touch touched}) longest
 * ago makes room for a new one. While half of the map is free, and in the younger half, entries that are
 * written or touched keep their place: they would not be dropped soon.
 */
export class BoundedMap<K, V> {
  readonly #bounds: MapBounds<V>;
  readonly #slots = new Map<K, Slot<V>>();
  #weight = 0;
  #order = 0;

  /** The map is empty at first. `bounds` may be just how many entries it may have. */
  constructor(bounds: number | MapBounds<V>) {
    this.#bounds = typeof bounds === "number" ? { entriesMax: bounds } : bounds;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#slots.size;
  }

  /** The value under a key. */
  get(key: K): V | undefined {
    return this.#slots.get(key)?.value;
  }

  /** The value under a key; its entry becomes a young one, so that entries in use stay. */
  touch(key: K): V | undefined {
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#renew(key, slot);
    return slot?.value;
  }

  /** Whether there is an entry. */
  has(key: K): boolean {
    return this.#slots.has(key);
  }

  /** Writes an entry, which thereby becomes a young one. */
  set(key: K, value: V): void {
    const { entriesMax, weigh, weightMax = Infinity } = this.#bounds;
    const slot = this.#slots.get(key);
    if (weigh !== undefined) this.#weight += weigh(value) - (slot ? weigh(slot.value) : 0);
    if (slot === undefined) this.#slots.set(key, { value, order: ++this.#order });
    else {
      slot.value = value;
      this.#renew(key, slot);
    }
    while (this.#slots.size > entriesMax || this.#weight > weightMax) {
      const oldest = this.#slots.keys().next();
      if (oldest.done) return;
      this.delete(oldest.value);
    }
  }

  /** Removes an entry; whether there was one. */
  delete(key: K): boolean {
    const { weigh } = this.#bounds;
    if (weigh !== undefined) {
      const slot = this.#slots.get(key);
      if (slot !== undefined) this.#weight -= weigh(slot.value);
    }
    return this.#slots.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.#slots.clear();
    this.#weight = 0;
  }

  /** Keys and values, the oldest first. */
  *entries(): IterableIterator<[K, V]> {
    for (const [key, { value }] of this.#slots) yield [key, value];
  }

  /**
   * Moves an entry to the young end, unless it belongs to the younger half or the map is not half full yet.
   * Each move leaves a hole in the hash chain of its key: moved at every look, one entry of 4,000 would cost
   * 9 µs a look in place of 0.05.
   */
  #renew(key: K, slot: Slot<V>): void {
    const { entriesMax, weightMax = Infinity } = this.#bounds;
    if (2 * this.#slots.size < entriesMax && 2 * this.#weight < weightMax) return;
    if (this.#order - slot.order < this.#slots.size / 2) return;
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    slot.order = ++this.#order;
  }
}

/** A {@linkcode BoundedMap} whose entries end by themselves, each at its time. */
export class TimedCache<V> {
  readonly #entries: BoundedMap<string, { readonly value: V; readonly untilMs: number }>;
  readonly #time: Pick<Time, "monotonic">;

  /**
   * The cache is empty at first.
   *
   * @param entriesMax Entries at most; the one unused for the longest time makes room.
   */
  constructor(time: Pick<Time, "monotonic">, entriesMax: number) {
    this.#time = time;
    this.#entries = new BoundedMap(entriesMax);
  }

  /** How many values are kept, those whose time is over included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value, if its time is not over. */
  get(name: string): V | undefined {
    const entry = this.#entries.touch(name);
    if (entry === undefined || entry.untilMs > this.#time.monotonic()) return entry?.value;
    this.#entries.delete(name);
    return undefined;
  }

  /** Keeps a value for `ms` milliseconds. The oldest values whose time is over go. */
  set(name: string, value: V, ms: number): void {
    const now = this.#time.monotonic();
    for (const [oldest, { untilMs }] of this.#entries.entries()) {
      if (untilMs > now) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(name, { value, untilMs: now + ms });
  }

  /** Drops a value. */
  delete(name: string): void {
    this.#entries.delete(name);
  }
}

/** Lets callers who ask for the same thing at the same time share one answer. */
export class InFlight<V> {
  readonly #tasks = new Map<string, Promise<V>>();

  /** How many tasks are under way. */
  get size(): number {
    return this.#tasks.size;
  }

  /** The answer under way for the name, if there is one. */
  get(name: string): Promise<V> | undefined {
    return this.#tasks.get(name);
  }

  /** The answer under way for the name, or that of a task begun now. */
  run(name: string, task: () => Promise<V>): Promise<V> {
    let promise = this.#tasks.get(name);
    if (promise === undefined) {
      promise = task().finally(() => this.#tasks.delete(name));
      this.#tasks.set(name, promise);
    }
    return promise;
  }
}
