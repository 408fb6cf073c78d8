/**
 * A judge of passwords for simulations. It takes the passwords below without looking at them, and asks
 * the program's judge about all others: to load that one's dictionaries takes each file of tests 0.2 s, and
 * every registration some milliseconds more. password_judge_test.ts checks that both say the same.
 *
 * @module
 */

import { type PasswordJudge, zxcvbnJudge } from "../../core/accounts/password_strength.ts";

/** Passwords that the program's judge takes, for published keys as well. */
export const strongPasswords = [
  "correct horse battery staple 7",
  "quiet marble under the stairs",
  "seven green lanterns drift",
] as const;

const known: ReadonlySet<string> = new Set(strongPasswords);

/**
 * The judge. Where simulated time has to wait for its answer about another password, the test awaits
 * `zxcvbnJudge.prepare()` before: dictionaries are loaded in real time.
 */
export const simJudge: PasswordJudge = {
  prepare: () => Promise.resolve(),
  async judge(password, related, isPublished) {
    if (!known.has(password)) await zxcvbnJudge.judge(password, related, isPublished);
  },
};
