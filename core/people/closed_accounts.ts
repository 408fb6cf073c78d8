/**
 * Noticing that a followed user has closed the account (design, section 4).
 *
 * Closing tells the network, and those whom the user followed. Other followers learn of it from the public
 * record: where they fetch posts, and here, where one followed user after another is looked up.
 *
 * @module
 */

import type { Lists } from "../session/interfaces.ts";
import type { UserSession } from "../session/session.ts";
import { fraction } from "../../lib/random.ts";
import type { UserPeople } from "./people.ts";

/** What {@linkcode ClosedAccounts} are made of. */
export interface ClosedAccountsParts {
  /** The session. */
  readonly session: Pick<UserSession, "onEvent" | "ports" | "signal">;
  /** Looks users up. */
  readonly people: Pick<UserPeople, "find" | "forgetPerson" | "onClosed">;
  /** Whom the user follows. */
  readonly lists: Pick<Lists, "get" | "present">;
}

/** Looks at followed users, and tells of each that has closed the account. */
export class ClosedAccounts {
  readonly #parts: ClosedAccountsParts;

  /**
   * The followed users of one session.
   *
   * @param tell Called with the name whenever a look shows a followed user's account closed.
   */
  constructor(parts: ClosedAccountsParts, tell: (username: string) => void) {
    this.#parts = parts;
    const { session, people, lists } = parts;
    people.onClosed = (username) => {
      if (lists.get("following", username)?.present) tell(username);
    };
    session.onEvent((event) => {
      // A user who closes an account unfollows all, once the network knows that it is closed.
      if (event.event === "follower" && !event.following) void this.#look(event.username);
    });
  }

  /** Looks up one of the followed users, at random. To be called now and then. */
  async lookAtOne(): Promise<void> {
    const { session, lists } = this.#parts;
    const followed = lists.present("following");
    const one = followed[Math.floor(fraction(session.ports.random) * followed.length)];
    if (one !== undefined) await this.#look(one.username);
  }

  async #look(username: string): Promise<void> {
    const { session, people, lists } = this.#parts;
    if (!lists.get("following", username)?.present) return;
    people.forgetPerson(username);
    await people.find(username, session.signal).catch(() => {}); // Another look comes.
  }
}
