/**
 * A map that forgets.
 *
 * @module
 */

/** A map of at most so many entries: writing beyond that forgets the entry written longest ago. */
export class BoundedMap<K, V> {
  readonly #max: number;
  readonly #entries = new Map<K, V>();

  /**
   * Empty.
   *
   * @param max Entries at most, 1 or more.
   */
  constructor(max: number) {
    this.#max = max;
  }

  /** Entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value under a key. */
  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Whether there is an entry. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Writes an entry, which thereby is the youngest. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.#dropOldest();
  }

  /** Removes an entry; whether there was one. */
  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.#entries.clear();
  }

  /** Keys and values, those written longest ago first. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  #dropOldest(): void {
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}
