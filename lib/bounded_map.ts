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

/**
 * A map of bounded size. The entry that was written (or {@linkcode BoundedMap.touch touched}) longest
 * ago makes room for a new one.
 */
export class BoundedMap<K, V> {
  readonly #bounds: MapBounds<V>;
  readonly #entries = new Map<K, V>();
  #weight = 0;

  /**
   * The map is empty at first.
   *
   * @param bounds Its bounds, or just how many entries it may have.
   */
  constructor(bounds: number | MapBounds<V>) {
    this.#bounds = typeof bounds === "number" ? { entriesMax: bounds } : bounds;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value under a key. */
  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** The value under a key; its entry becomes the youngest, so that entries in use stay. */
  touch(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Whether there is an entry. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Writes an entry, which thereby is the youngest. */
  set(key: K, value: V): void {
    const { entriesMax, weigh, weightMax = Infinity } = this.#bounds;
    this.delete(key);
    this.#entries.set(key, value);
    if (weigh !== undefined) this.#weight += weigh(value);
    while (this.#entries.size > entriesMax || this.#weight > weightMax) {
      const oldest = this.#entries.keys().next();
      if (oldest.done) return;
      this.delete(oldest.value);
    }
  }

  /** Removes an entry; whether there was one. */
  delete(key: K): boolean {
    const { weigh } = this.#bounds;
    if (weigh !== undefined) {
      const value = this.#entries.get(key);
      if (value !== undefined) this.#weight -= weigh(value);
    }
    return this.#entries.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  /** Keys and values, those written longest ago first. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
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

  /** Keeps a value for `ms` milliseconds. */
  set(name: string, value: V, ms: number): void {
    this.#entries.set(name, { value, untilMs: this.#time.monotonic() + ms });
  }

  /** Drops a value. */
  delete(name: string): void {
    this.#entries.delete(name);
  }

  /** Drops all values. */
  clear(): void {
    this.#entries.clear();
  }
}

/** Lets callers who ask for the same thing at the same time share one answer. */
export class InFlight<V> {
  readonly #tasks = new Map<string, Promise<V>>();

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
