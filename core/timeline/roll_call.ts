/**
 * Which of several users is there: the first in order, without waiting long for what the network says of one
 * while a later one has been found. That a user is not announced takes the network longer to say than where
 * one is.
 *
 * @module
 */

import type { UserRef } from "../model/user.ts";
import type { Time } from "../../lib/time.ts";
import { settledWithin } from "../../lib/waiting.ts";

/** How long after a later user was found an earlier one is waited for. */
export const graceMs = 300;

/** How long a user is looked up before another is taken instead. */
const lookUpMsMax = 1_500;

/** Users looked up at once. */
const aheadMax = 4;

/** A user who is being looked up. */
interface Called {
  readonly user: UserRef;
  /** Undefined while it is not known. */
  isThere: boolean | undefined;
  readonly answered: Promise<void>;
}

/** See the module. */
export class RollCall {
  readonly #time: Pick<Time, "after">;
  readonly #lookUp: (user: UserRef) => Promise<boolean>;
  readonly #left: UserRef[];
  #called: Called[] = [];

  /** Nobody has been looked up; `users` are in the order in which they are wanted. */
  constructor(
    time: Pick<Time, "after">,
    users: readonly UserRef[],
    lookUp: (user: UserRef) => Promise<boolean>,
  ) {
    this.#time = time;
    this.#left = [...users];
    this.#lookUp = lookUp;
  }

  /** The next user who is there; undefined when no more are. */
  async next(): Promise<UserRef | undefined> {
    for (;;) {
      this.#called = this.#called.filter(({ isThere }) => isThere !== false);
      for (const user of this.#left.splice(0, aheadMax - this.#called.length)) this.#call(user);
      const [first] = this.#called;
      if (first === undefined) return undefined;
      const found = this.#called.find(({ isThere }) => isThere);
      if (found !== undefined && found !== first) {
        await settledWithin(this.#time, first.answered, graceMs);
        if (first.isThere === false) continue;
      } else if (found === undefined) {
        await Promise.race(this.#called.map(({ answered }) => answered));
        continue;
      }
      const taken = first.isThere ? first : found;
      this.#called = this.#called.filter((called) => called !== taken);
      return taken?.user;
    }
  }

  #call(user: UserRef): void {
    const looking = this.#lookUp(user).then((isThere) => {
      called.isThere ??= isThere;
    }, () => {});
    const answered = settledWithin(this.#time, looking, lookUpMsMax).then(() => {
      called.isThere ??= false;
    });
    const called: Called = { user, isThere: undefined, answered };
    this.#called.push(called);
  }
}
