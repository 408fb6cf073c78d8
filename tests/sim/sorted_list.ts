/**
 * An array kept in order, for the stores of the simulation.
 *
 * @module
 */

/** Items in the order of `compare`; no two are equal. */
export class SortedList<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number, items: Iterable<T> = []) {
    this.#compare = compare;
    for (const item of items) this.add(item);
  }

  get length(): number {
    return this.#items.length;
  }

  /** How many items come before a place: `isBefore` is true for those and false for the rest. */
  countBefore(isBefore: (item: T) => boolean): number {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.#items[middle] as T)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(index: number): T | undefined {
    return index < 0 ? undefined : this.#items[index];
  }

  add(item: T): void {
    const index = this.countBefore((other) => this.#compare(other, item) < 0);
    this.#items.splice(index, 0, item);
  }

  delete(item: T): void {
    const index = this.countBefore((other) => this.#compare(other, item) < 0);
    if (this.#items[index] === item) this.#items.splice(index, 1);
  }

  slice(from: number, to?: number): T[] {
    return this.#items.slice(from, to);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }
}
