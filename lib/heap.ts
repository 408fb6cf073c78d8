/**
 * A binary heap: what comes first of many is at hand.
 *
 * @module
 */

/** Items, of which the first is known. */
export class Heap<T> {
  readonly #comesBefore: (a: T, b: T) => boolean;
  #items: T[] = [];

  /** Empty at first. `comesBefore` orders strictly. */
  constructor(comesBefore: (a: T, b: T) => boolean) {
    this.#comesBefore = comesBefore;
  }

  /** How many there are. */
  get size(): number {
    return this.#items.length;
  }

  /** An item that no other comes before; undefined if there is none. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item. */
  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = items[up] as T;
      if (!this.#comesBefore(item, parent)) break;
      items[at] = parent;
      at = up;
    }
    items[at] = item;
  }

  /** Takes the first item out. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) this.#sink(last);
    return first;
  }

  /** Takes out all items but those that the function accepts. */
  keep(accepts: (item: T) => boolean): void {
    const kept = this.#items.filter(accepts);
    this.#items = [];
    for (const item of kept) this.push(item);
  }

  /** Takes all items out. */
  clear(): void {
    this.#items = [];
  }

  /** Puts an item in the place of the first, and from there to where it belongs. */
  #sink(item: T): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      const right = down + 1;
      if (right < items.length && this.#comesBefore(items[right] as T, items[down] as T)) {
        down = right;
      }
      const child = items[down] as T;
      if (!this.#comesBefore(child, item)) break;
      items[at] = child;
      at = down;
    }
    items[at] = item;
  }
}
