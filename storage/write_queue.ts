/**
 * One write at a time, so that reading a state and committing what follows from it is one step.
 *
 * SQLite has one writer anyway. Long work is cut into short jobs by its caller, and every job queues
 * anew, so that a caller waits for one job of each other caller at most; urgent jobs go before all.
 *
 * @module
 */

import { CamelliaError } from "../core/model/errors.ts";

/** Jobs that wait at most: some 3 s of work at the 0.3 ms that the shortest commit takes. */
const waitingMax = 10_000;

/** The queue of one database. */
export class WriteQueue {
  readonly #urgent: (() => Promise<void>)[] = [];
  readonly #normal: (() => Promise<void>)[] = [];
  #running = false;

  /** Whether no job runs or waits. */
  get isIdle(): boolean {
    return !this.#running;
  }

  /**
   * Runs a job after those before it, and settles as it does.
   *
   * @throws {CamelliaError} `disk_failed` when too many jobs wait.
   */
  run<T>(job: () => Promise<T>, urgent = false): Promise<T> {
    if (this.#urgent.length + this.#normal.length >= waitingMax) {
      const message = `Cannot write: ${waitingMax} writes already wait for the disk`;
      return Promise.reject(new CamelliaError("disk_failed", message));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    (urgent ? this.#urgent : this.#normal).push(async () => {
      try {
        resolve(await job());
      } catch (error) {
        reject(error);
      }
    });
    if (!this.#running) void this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) await next();
    this.#running = false;
  }

  #next(): (() => Promise<void>) | undefined {
    return this.#urgent.shift() ?? this.#normal.shift();
  }
}
