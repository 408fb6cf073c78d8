/**
 * Work that is asked for more often than it can be done.
 *
 * @module
 */

/** Does one piece of work, one run at a time: those who ask during a run share the next one. */
export class Coalesced {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #isAsked = false;

  /** Nothing runs before {@linkcode run}. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /**
   * Runs the work, once more where it runs already; resolves when that run has ended. Rejects as the work does,
   * unless it has been asked for meanwhile: then the next run decides.
   */
  run(): Promise<void> {
    this.#isAsked = true;
    return this.#running ??= this.#runAll();
  }

  /** Resolves when nothing runs, whatever became of it. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  async #runAll(): Promise<void> {
    await null;
    let failure: { readonly error: unknown } | undefined;
    while (this.#isAsked) {
      this.#isAsked = false;
      failure = await this.#work().then(() => undefined, (error: unknown) => ({ error }));
    }
    this.#running = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
