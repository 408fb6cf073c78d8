/**
 * Whether strangers are who they say: their names are looked up, so many in a second and no more.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { People, Session } from "../session/interfaces.ts";
import { pause } from "../../lib/waiting.ts";
import { Slots } from "../../lib/slots.ts";
import { isSame } from "../model/user.ts";

/**
 * Look-ups for strangers: half of the hundred a second that cost some 5 % of a core, at twenty nodes
 * asked each. The burst is one popular post's worth of new followers.
 */
const lookUps = { perSecond: 50, burst: 100 };

/** Look-ups under way at once. */
const lookUpsMax = 8;

/** Claims that wait for their look-up; further ones are dropped, and their senders repeat them. */
const waitingMax = 256;

/** Answers remembered. */
const answersMax = 2048;

/** How long a name that was confirmed is believed, and one that was not is refused, unasked. */
const confirmedMs = 600_000;
const deniedMs = 30_000;

/** Looks up who strangers say they are. */
export class SenderClaims {
  readonly #session: Session;
  readonly #people: Pick<People, "find">;
  readonly #bucket: TokenBucket;
  readonly #slots = new Slots(lookUpsMax);
  readonly #answers = new BoundedMap<string, { readonly holds: boolean; readonly until: number }>(
    answersMax,
  );
  #waiting = 0;

  /** Nothing is known at first. */
  constructor(session: Session, people: Pick<People, "find">) {
    this.#session = session;
    this.#people = people;
    this.#bucket = new TokenBucket(session.ports.clock, lookUps);
  }

  /** Claims that wait or are being looked up. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a look-up for a stranger out of what there is of them in a second; whether one was left. */
  takeLookUp(): boolean {
    return this.#bucket.take(1);
  }

  /** Whether the network agrees that the name is that key's. False also where there is no time to ask. */
  async check(user: UserRef): Promise<boolean> {
    const known = this.#known(user);
    if (known !== undefined) return known;
    if (this.#waiting >= waitingMax) return false;
    this.#waiting++;
    try {
      return await this.#slots.run(() => this.#lookUp(user));
    } finally {
      this.#waiting--;
    }
  }

  #known(user: UserRef): boolean | undefined {
    const answer = this.#answers.get(nameOf(user));
    const now = this.#session.ports.clock.monotonic();
    return answer !== undefined && answer.until > now ? answer.holds : undefined;
  }

  async #lookUp(user: UserRef): Promise<boolean> {
    const { ports: { clock }, signal } = this.#session;
    while (!signal.aborted) {
      const known = this.#known(user);
      if (known !== undefined) return known;
      if (this.#bucket.take(1)) break;
      await pause(clock, this.#bucket.waitMs(1), signal);
    }
    if (signal.aborted) return false;
    const person = await this.#people.find(user.username, signal);
    const holds = person !== undefined && isSame(person, user);
    const until = clock.monotonic() + (holds ? confirmedMs : deniedMs);
    this.#answers.set(nameOf(user), { holds, until });
    return holds;
  }
}

function nameOf(user: UserRef): string {
  return `${user.username}/${toHex(user.key)}`;
}
