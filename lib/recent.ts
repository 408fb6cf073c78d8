/**
 * What was read a moment ago, for callers who ask again and again.
 *
 * @module
 */

import type { Time } from "./time.ts";

/** How a {@linkcode Recent} reads, and for how long that is good. */
export interface RecentOptions<T> {
  /** The clock. */
  readonly time: Pick<Time, "monotonic">;
  /** How long what was read is good, in milliseconds. */
  readonly ms: number;
  /** Reads it. */
  readonly read: () => Promise<T>;
  /** What else it depends on: with another version than the last time it is read anew. */
  readonly version?: () => number;
}

interface Known<T> {
  readonly value: Promise<T>;
  readonly at: number;
  readonly version: number | undefined;
  isSettled: boolean;
}

/** A value that is read at most once in a while, however often it is asked for. */
export class Recent<T> {
  readonly #options: RecentOptions<T>;
  #known: Known<T> | undefined;

  /** Nothing has been read yet. */
  constructor(options: RecentOptions<T>) {
    this.#options = options;
  }

  /** The value, read now or a moment ago. Rejects as the reading does; then it is read anew the next time. */
  get(): Promise<T> {
    const { time, ms, read, version } = this.#options;
    const now = time.monotonic();
    const known = this.#known;
    if (known !== undefined && now - known.at < ms && known.version === version?.()) {
      return known.value;
    }
    return this.#keep(read(), now);
  }

  /** The value is another one now: it is read anew the next time. */
  forget(): void {
    this.#known = undefined;
  }

  /** The value has changed in a way that the caller knows; what is being read may know of it, or not. */
  change(change: (value: T) => T): void {
    if (this.#known === undefined) return;
    const { isSettled, value, at } = this.#known;
    if (isSettled) this.#keep(value.then(change), at);
    else this.forget();
  }

  #keep(value: Promise<T>, at: number): Promise<T> {
    const known: Known<T> = { value, at, version: this.#options.version?.(), isSettled: false };
    this.#known = known;
    value.then(() => known.isSettled = true, () => {
      if (this.#known === known) this.forget();
    });
    return value;
  }
}
