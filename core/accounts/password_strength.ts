/**
 * Which passwords may seal keys, by how well they resist guessing.
 *
 * @module
 */

import { type Estimator, localEstimator } from "../../lib/guessing.ts";
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

/** Judges by an estimator. */
export function judgeBy(estimator: Estimator): PasswordJudge {
  return {
    prepare: () => estimator.prepare(),
    async judge(password, related, isPublished) {
      if (password.length === 0) throw weak("it is empty");
      if (password.length > passwordLengthMax) {
        throw weak(`it is longer than ${passwordLengthMax} characters`);
      }
      const { score, hints } = await estimator.estimate(
        password.slice(0, judgedLengthMax),
        ["camellia", ...related],
      );
      if (score >= (isPublished ? publishedScoreMin : localScoreMin)) return;
      throw weak("it is too easy to guess", hints);
    },
  };
}

/** A judge that estimates in the thread that asks. */
export const zxcvbnJudge: PasswordJudge = judgeBy(localEstimator);

function weak(why: string, hints: readonly string[] = []): CamelliaError {
  const advice = hints.length > 0
    ? hints.join(" ")
    : "Several words that don't belong together make a good one.";
  return new CamelliaError("weak_password", `Cannot use this password: ${why}. ${advice}`);
}
