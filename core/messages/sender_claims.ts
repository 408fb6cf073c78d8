/**
 * Whether strangers are who they say: their names are looked up, a bounded number in a second.
 *
 * @module
 */

import { isSame, nameOf, type UserRef } from "../model/user.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { People, Session } from "../session/interfaces.ts";
import { pause } from "../../lib/waiting.ts";
import { Slots } from "../../lib/slots.ts";

/**
 * Look-ups for strangers: half of the hundred a second that cost some 5 % of a core, at twenty nodes
 * asked each. The burst is one popular post's worth of new followers.
 */
const lookUps = { perSecond: 50, burst: 100 };

/** Look-ups under way at once. */
const lookUpsMax = 8;

/** Claims that wait for their look-up or are looked up; further ones are dropped, and their senders repeat them. */
const waitingMax = 256;

/** Answers remembered. */
const answersMax = 2048;

/** How long a name that was confirmed is believed, and one that is another key's is refused, unasked. */
const confirmedMs = 600_000;
const deniedMs = 30_000;

/**
 * The same of a name that nobody has registered: for a moment only, since a user may write to others in the
 * second after registering, while the holders of the record still come and go.
 */
const absentMs = 5_000;

/** Looks up who strangers say they are. */
export class SenderClaims {
  readonly #session: Session;
  readonly #people: Pick<People, "find" | "isAbsent">;
  readonly #bucket: TokenBucket;
  readonly #slots = new Slots(lookUpsMax);
  /** Whether a name was confirmed to be that key's. */
  readonly #answers: TimedCache<boolean>;

  /** Nothing is known at first. */
  constructor(session: Session, people: Pick<People, "find" | "isAbsent">) {
    this.#session = session;
    this.#people = people;
    this.#bucket = new TokenBucket(session.ports.clock, lookUps);
    this.#answers = new TimedCache(session.ports.clock, answersMax);
  }

  /** Takes a look-up for a stranger out of what there is of them in a second; whether one was left. */
  takeLookUp(): boolean {
    return this.#bucket.take(1);
  }

  /** What the network said lately; undefined where it was not asked or did not answer. */
  known(user: UserRef): boolean | undefined {
    return this.#answers.get(nameOf(user));
  }

  /** Whether the network agrees that the name is that key's. False also where there is no time to ask. */
  async check(user: UserRef): Promise<boolean> {
    const known = this.#answers.get(nameOf(user));
    if (known !== undefined) return known;
    return this.#slots.size < waitingMax && await this.#slots.run(() => this.#lookUp(user));
  }

  async #lookUp(user: UserRef): Promise<boolean> {
    const { ports: { clock }, signal } = this.#session;
    const name = nameOf(user);
    while (!signal.aborted) {
      const known = this.#answers.get(name);
      if (known !== undefined) return known;
      if (this.#bucket.take(1)) {
        const person = await this.#people.find(user.username, signal);
        const holds = person !== undefined && isSame(person, user);
        // Silence denies nothing: the next message asks again.
        const isAnswered = person !== undefined || this.#people.isAbsent(user.username);
        const answerMs = holds ? confirmedMs : person === undefined ? absentMs : deniedMs;
        if (isAnswered) this.#answers.set(name, holds, answerMs);
        return holds;
      }
      await pause(clock, this.#bucket.waitMs(1), signal);
    }
    return false;
  }
}
