/**
 * How well a password resists guessing, judged by zxcvbn (Wheeler, USENIX Security 2016) in its
 * maintained TypeScript form, not by rules of thumb.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";

/**
 * The score asked for where strangers have the sealed keys and can guess for years: 4 of 4 means more than
 * 10^10 guesses. docs/SECURITY.md has what they cost.
 */
const publishedScoreMin = 4;

/** Where only a thief of the data folder has them: more than 10^8 guesses. */
const localScoreMin = 3;

/** Characters that count; a longer password is as strong as its beginning. Bounds the estimator's time. */
const judgedLengthMax = 100;

/** Passwords beyond this are a pasted file rather than a password. */
const passwordLengthMax = 1024;

/** Decides which passwords may seal keys. */
export interface PasswordJudge {
  /** Loads what it judges by, ahead of {@linkcode judge}, while the user still types. */
  prepare(): Promise<void>;
  /**
   * Accepts or refuses a password.
   *
   * @param password As typed.
   * @param related Words that an attacker tries first: the username.
   * @param isPublished Whether the keys that it seals go to the network, where anyone may guess at it.
   * @throws {CamelliaError} `weak_password`, with the reason and what would help.
   */
  judge(password: string, related: readonly string[], isPublished: boolean): Promise<void>;
}

/** The one method of the estimator that is used. */
interface Estimator {
  check(password: string, inputs: string[]): {
    readonly score: number;
    readonly feedback: { readonly warning: string | null; readonly suggestions: readonly string[] };
  };
}

/**
 * Loads the dictionaries: 150 to 300 ms and some 60 MB, hence only where a password is chosen. The
 * surnames (89,000 words, a third of the time) are left out; common ones are among the passwords.
 */
async function loadEstimator(): Promise<Estimator> {
  // One after the other: in between, what the network has answered meanwhile is dealt with.
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

/** One for the whole program: a second one would take another 15 MB, and judge no better. */
let estimator: Promise<Estimator> | undefined;

/** The program's judge. */
export const zxcvbnJudge: PasswordJudge = {
  async prepare() {
    await (estimator ??= loadEstimator());
  },
  judge: judgePassword,
};

async function judgePassword(
  password: string,
  related: readonly string[],
  isPublished: boolean,
): Promise<void> {
  if (password.length === 0) throw weak("it is empty");
  if (password.length > passwordLengthMax) {
    throw weak(`it is longer than ${passwordLengthMax} characters`);
  }
  const { score, feedback } = (await (estimator ??= loadEstimator())).check(
    password.slice(0, judgedLengthMax),
    ["camellia", ...related],
  );
  if (score >= (isPublished ? publishedScoreMin : localScoreMin)) return;
  const hints = [feedback.warning, ...feedback.suggestions].filter((hint) => hint !== null);
  throw weak("it is too easy to guess", hints);
}

function weak(why: string, hints: readonly string[] = []): CamelliaError {
  const advice = hints.length > 0
    ? hints.join(" ")
    : "Several words that don't belong together make a good one.";
  return new CamelliaError("weak_password", `Cannot use this password: ${why}. ${advice}`);
}
