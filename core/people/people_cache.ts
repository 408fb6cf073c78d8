/**
 * A small cache with a bound and a time to live.
 *
 * @module
 */

import type { Clock } from "../ports.ts";

/** What a cache holds one of. */
interface Cached<V> {
  readonly value: V;
  readonly until: number;
}

/** Values by name, each until its time; the one unused longest makes room. */
export class TimedCache<V> {
  readonly #entries = new Map<string, Cached<V>>();
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #max: number;

  /** A cache of at most `max` values. */
  constructor(clock: Pick<Clock, "monotonic">, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** How many values are held, those whose time is over included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value, if its time is not over. */
  get(name: string): V | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    if (entry.until <= this.#clock.monotonic()) return undefined;
    this.#entries.set(name, entry);
    return entry.value;
  }

  /** Holds a value for so many milliseconds. */
  set(name: string, value: V, ms: number): void {
    this.#entries.delete(name);
    if (this.#entries.size >= this.#max) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    this.#entries.set(name, { value, until: this.#clock.monotonic() + ms });
  }

  /** Drops a value. */
  delete(name: string): void {
    this.#entries.delete(name);
  }

  /** Drops all. */
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
