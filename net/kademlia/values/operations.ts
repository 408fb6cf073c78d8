/**
 * Operations under way, so that closing a node or an abort ends them.
 *
 * @module
 */

/** Stops an operation's work. */
type Stop = () => void;

/** The operations of one node. */
export class Operations {
  readonly #running = new Set<(reason: unknown) => void>();
  #closed = false;

  /** Whether {@link Operations.close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * A promise for work that reports by callback. `start` gets the way to resolve and returns the way to
   * stop; it is stopped when `signal` aborts or the node closes, and the promise rejects.
   */
  run<T>(signal: AbortSignal | undefined, start: (done: (value: T) => void) => Stop): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      const end = (reason: unknown): void => {
        forget();
        stop();
        reject(reason);
      };
      const aborted = (): void => end(signal?.reason);
      const forget = (): void => {
        this.#running.delete(end);
        signal?.removeEventListener("abort", aborted);
      };
      this.#running.add(end);
      signal?.addEventListener("abort", aborted);
      const stop: Stop = start((value) => {
        forget();
        resolve(value);
      });
    });
  }

  /** Ends all operations: their promises reject. */
  close(): void {
    this.#closed = true;
    for (const end of [...this.#running]) end(closedError());
  }
}

function closedError(): Error {
  return new Error("Cannot finish the operation: the node is closed");
}
