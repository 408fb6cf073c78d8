/**
 * One thing that a part of a screen loads from the peer: a later load supersedes an earlier one.
 *
 * @module
 */

import { type Desk, problemOf } from "./desk.ts";

/** How a load stands. */
export interface LoadView {
  /** Whether something is being loaded. */
  readonly isLoading: boolean;
  /** Why the last load failed, in a sentence; null where it did not. */
  readonly problem: string | null;
}

/** What loads for one part. */
export class Load {
  readonly #desk: Pick<Desk, "changed" | "isClosed">;
  #running: AbortController | undefined;
  #problem: string | null = null;

  /** Nothing is loaded yet. */
  constructor(desk: Pick<Desk, "changed" | "isClosed">) {
    this.#desk = desk;
  }

  /** How it stands. */
  view(): LoadView {
    return { isLoading: this.#running !== undefined, problem: this.#problem };
  }

  /** Whether something is being loaded. */
  get isLoading(): boolean {
    return this.#running !== undefined;
  }

  /** Asks, and takes the answer unless another question was asked meanwhile. Resolves once that is settled. */
  async run<T>(ask: (signal: AbortSignal) => Promise<T>, take: (answer: T) => void): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#desk.changed();
    try {
      const answer = await ask(running.signal);
      if (this.#running !== running) return;
      this.#problem = null;
      take(answer);
    } catch (error) {
      if (this.#running !== running) return;
      this.#problem = problemOf(error);
    } finally {
      if (this.#running === running) this.#running = undefined;
      this.#desk.changed();
    }
  }

  /** What is loaded is no longer wanted. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }
}
