/**
 * What belongs to ids, found by them.
 *
 * @module
 */
import type { Id } from "./id.ts";

/** What is found by an id. */
export interface Indexed<T> {
  readonly id: Id;
  /** The next one whose id begins with the same word; the index sets it. */
  next: T | undefined;
}

/**
 * Finds things by id, without a text made of each id that is looked for. They are kept by the first word of
 * their ids, and those that share it are a chain: in honest networks of one, and many the same 32 bits cost an
 * attacker more than a walk along them costs a node.
 */
export class IdIndex<T extends Indexed<T>> {
  readonly #chains = new Map<number, T>();
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** All of them. Those that are taken out meanwhile may come all the same. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const first of this.#chains.values()) {
      for (let one: T | undefined = first; one !== undefined; one = one.next) yield one;
    }
  }

  /** That of `id`. */
  get(id: Id): T | undefined {
    let one = this.#chains.get(id.w0);
    while (one !== undefined && !one.id.equals(id)) one = one.next;
    return one;
  }

  /** Adds one, in the place of that of the same id, if there is one: it is returned. */
  set(one: T): T | undefined {
    const word = one.id.w0;
    const first = this.#chains.get(word);
    const same = this.get(one.id);
    one.next = same === undefined ? first : same.next;
    if (same === undefined) this.#size++;
    if (same === undefined || same === first) this.#chains.set(word, one);
    else this.#before(same, first).next = one;
    return same;
  }

  /** Takes one out; false where it is not there. */
  remove(one: T): boolean {
    const word = one.id.w0;
    const first = this.#chains.get(word);
    if (first === undefined || this.get(one.id) !== one) return false;
    if (first !== one) this.#before(one, first).next = one.next;
    else if (one.next === undefined) this.#chains.delete(word);
    else this.#chains.set(word, one.next);
    this.#size--;
    return true;
  }

  /** The one before `one` in the chain that begins with `first`. */
  #before(one: T, first: T | undefined): T {
    let before = first;
    while (before !== undefined && before.next !== one) before = before.next;
    if (before === undefined) {
      throw new Error("Cannot find an entry before: it is not in the chain");
    }
    return before;
  }
}
