/**
 * One thing after another.
 *
 * @module
 */

/** Tasks that may wait at one mutex; more means that callers don't wait for what they ask for. */
const waitingMax = 10_000;

/** Runs asynchronous tasks one at a time, in the order in which they came. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks that run or wait. */
  get size(): number {
    return this.#waiting;
  }

  /**
   * Runs the task once all earlier ones have settled, whether well or not; settles as it does.
   *
   * @throws {RangeError} When 10,000 tasks wait already.
   */
  run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      return Promise.reject(new RangeError(`Cannot queue: ${waitingMax} tasks wait already`));
    }
    this.#waiting++;
    const result = this.#last.then(task).finally(() => this.#waiting--);
    this.#last = result.catch(() => {});
    return result;
  }
}
