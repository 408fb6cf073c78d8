/**
 * Tasks that go on in the background.
 *
 * @module
 */

/** Keeps count of tasks that their callers do not wait for. */
export class Tasks {
  readonly #tasks = new Set<Promise<void>>();
  readonly #onError: (error: unknown) => void;

  /** No task goes on at first. `onError` is told what a task rejects with. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Takes in a task; the promise returned resolves when it has ended, well or badly. */
  add(task: Promise<unknown>): Promise<void> {
    const contained = task.then(() => {}, this.#onError)
      .finally(() => this.#tasks.delete(contained));
    this.#tasks.add(contained);
    return contained;
  }

  /** Resolves when no task goes on, also none that began meanwhile. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }
}
