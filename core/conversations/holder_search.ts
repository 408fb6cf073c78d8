/**
 * Asking followers of a user who is offline to keep a mention for that user.
 *
 * @module
 */

import type { PeerMessenger } from "../messages/messenger.ts";
import type { Post } from "../model/post.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import { shuffled } from "../../lib/random.ts";
import { settledWithin } from "../../lib/waiting.ts";
import type { People, Person, Session } from "../session/interfaces.ts";

/** Followers who are to keep a mention. */
export const holdersWanted = 3;

/** Followers who are looked at for one mention: each may need a look-up of where it is. */
const triedMax = 12;

/** One who is there has answered by then. */
const answerMsMax = 2_000;

/** What the search needs. */
export interface HolderSearchParts {
  /** The session. */
  readonly session: Session;
  /** Knows who follows whom, and who is online. */
  readonly people: Pick<People, "lists" | "devices">;
  /** Asks. */
  readonly messenger: Pick<PeerMessenger, "send" | "onAck">;
}

/** A mention that is to be kept. */
export interface Sought {
  /** The user who is to have it. */
  readonly person: Person;
  /** The post. */
  readonly post: Post;
  /** Users who keep it already. */
  readonly known: readonly string[];
}

/** See the module. */
export class HolderSearch {
  readonly #parts: HolderSearchParts;

  /** The search of one session. */
  constructor(parts: HolderSearchParts) {
    this.#parts = parts;
  }

  /** Asks until three keep it or twelve were looked at; resolves to the names of those who keep it now too. */
  async ask(sought: Sought, signal: AbortSignal): Promise<string[]> {
    const candidates = await this.#candidates(sought, signal);
    const found: string[] = [];
    for (;;) {
      const wanted = holdersWanted - sought.known.length - found.length;
      const asked = candidates.splice(0, Math.max(wanted, 0));
      if (asked.length === 0 || signal.aborted) break;
      const answers = await Promise.all(
        asked.map(async (user) => await this.#keeps(user, sought, signal) ? [user.username] : []),
      );
      found.push(...answers.flat());
    }
    return found;
  }

  /** Followers of the user in an order drawn at random, so that no few keep everything. */
  async #candidates({ person, known }: Sought, signal: AbortSignal): Promise<UserRef[]> {
    const { session: { self, ports: { random } }, people } = this.#parts;
    const entries = await people.lists(person, signal);
    const no = new Set([...known, self.username, person.username]);
    const followers = entries
      .filter(({ list, username }) => list === "followers" && !no.has(username));
    return shuffled(followers, random).slice(0, triedMax).map(refOf);
  }

  /** Whether the user is online and says that it keeps the mention. */
  async #keeps(user: UserRef, { person, post }: Sought, signal: AbortSignal): Promise<boolean> {
    const { session: { ports: { clock, random } }, people, messenger } = this.#parts;
    if ((await people.devices(user, signal)).length === 0) return false;
    const answer = Promise.withResolvers<boolean>();
    const id = random.bytes(16);
    const stop = messenger.onAck(id, (from, reason) => {
      if (isSame(from, user)) answer.resolve(reason === undefined);
    });
    try {
      const body = { post: post.signed, for: person.username };
      const order = { kind: "mention" as const, to: user, body, id, devicesMax: 1 };
      const { devices } = await messenger.send(order, signal);
      if (devices === 0) return false;
      return await settledWithin(clock, answer.promise, answerMsMax) && await answer.promise;
    } finally {
      stop();
    }
  }
}
