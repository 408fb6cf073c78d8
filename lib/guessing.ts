/**
 * How many guesses a password resists, as zxcvbn estimates it (Wheeler, USENIX Security 2016) in its
 * maintained TypeScript form, not by rules of thumb.
 *
 * @module
 */

/** What is estimated of a password. */
export interface Guessability {
  /** 0 to 4; each step is a hundredfold of guesses, and 4 means more than 10^10. */
  readonly score: number;
  /** Why it is easy to guess, and what would help; sentences. */
  readonly hints: readonly string[];
}

/** Estimates passwords. */
export interface Estimator {
  /** Loads what it estimates by, ahead of {@linkcode estimate}, while the user still types. */
  prepare(): Promise<void>;
  /**
   * Estimates a password.
   *
   * @param related Words that an attacker tries first.
   */
  estimate(password: string, related: readonly string[]): Promise<Guessability>;
}

/** The one method of zxcvbn that is used. */
interface Zxcvbn {
  check(password: string, inputs: string[]): {
    readonly score: number;
    readonly feedback: { readonly warning: string | null; readonly suggestions: readonly string[] };
  };
}

/**
 * Loads the dictionaries: 150 to 300 ms and some 60 MB, hence only where a password is chosen. The
 * surnames (89,000 words, a third of the time) are left out; common ones are among the passwords.
 */
async function load(): Promise<Zxcvbn> {
  // One after the other: in between, other work of this thread goes on.
  const core = await import("@zxcvbn-ts/core");
  const common = await import("@zxcvbn-ts/language-common");
  const english = await import("@zxcvbn-ts/language-en");
  const { "lastnames-en": _surnames, ...words } = english.dictionary;
  return new core.ZxcvbnFactory({
    translations: english.translations,
    graphs: common.adjacencyGraphs,
    dictionary: { ...common.dictionary, ...words },
  });
}

/** One for the whole program: a second one would take another 15 MB, and estimate no better. */
let loaded: Promise<Zxcvbn> | undefined;

/** Estimates in the thread that asks. */
export const localEstimator: Estimator = {
  async prepare() {
    await (loaded ??= load());
  },
  async estimate(password, related) {
    const { score, feedback } = (await (loaded ??= load())).check(password, [...related]);
    const hints = [feedback.warning, ...feedback.suggestions].filter((hint) => hint !== null);
    return { score, hints };
  },
};
