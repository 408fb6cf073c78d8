/**
 * So many things at once, and no more.
 *
 * @module
 */

/** Tasks that may wait for a place. */
const waitingMax = 100_000;

/** Runs asynchronous tasks, a fixed number at a time, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * All free.
   *
   * @param places How many tasks run at once, 1 or more.
   */
  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Runs the task once there is a place for it; settles as it does.
   *
   * @throws {RangeError} When 100,000 tasks wait already.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      if (this.#waiting.length >= waitingMax) {
        throw new RangeError(`Cannot queue: ${waitingMax} tasks wait already`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
