/**
 * Profiles: the user's own from the own lists, other users' from the network.
 *
 * @module
 */

import type { ProfileView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { lastNumber } from "../model/feed.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { DeviceEntry, Head, ListEntry } from "../model/record_body.ts";
import { parseUsername } from "../model/username.ts";
import type { Lists, OwnRecords, People, Person, Session } from "../session/interfaces.ts";
import { accountClosed } from "../session/closed.ts";
import { unknownUser } from "../session/unknown_user.ts";
import { userView } from "../session/views.ts";

/** A device that takes no connection in this time counts as offline: three SYNs of 500 ms and a bit. */
const probeTimeoutMs = 1_500;

/** The parts of a session that profiles need. */
export interface ProfilesParts {
  /** The session. */
  readonly session: Session;
  /** Finds people. */
  readonly people: People & { forgetPerson(username: string): void };
  /** The own lists. */
  readonly lists: Pick<Lists, "present">;
  /** The own heads. */
  readonly records: Pick<OwnRecords, "heads">;
}

/** Shows profiles. */
export class Profiles {
  readonly #parts: ProfilesParts;

  /** The profiles as one session sees them. */
  constructor(parts: ProfilesParts) {
    this.#parts = parts;
  }

  /**
   * The profile of a user; the own one without a name.
   *
   * @throws {CamelliaError} `invalid_username`, `unknown_user`, `not_joined`, `no_answer`.
   */
  async profile(
    request: { readonly username?: string },
    signal?: AbortSignal,
  ): Promise<ProfileView> {
    const { self } = this.#parts.session;
    const username = request.username === undefined
      ? self.username
      : parseUsername(request.username);
    return username === self.username
      ? await this.#own(signal)
      : await this.#other(username, signal);
  }

  async #own(signal: AbortSignal | undefined): Promise<ProfileView> {
    const { session, lists, records, people } = this.#parts;
    const { self, ports } = session;
    // Others may claim the user's own name; that is shown as well, if the network tells soon.
    const seen = await people.find(self.username, signal).catch(() => undefined);
    signal?.throwIfAborted();
    return {
      ...userView(self),
      followers: names(lists.present("followers")),
      following: names(lists.present("following")),
      posts: Math.max(total(records.heads()), await this.#postsKnown(self.username)),
      online: ports.links.status().listening !== undefined,
      ...await this.#warnings({ ...self, otherKeys: seen?.otherKeys ?? [] }),
    };
  }

  async #other(username: string, signal: AbortSignal | undefined): Promise<ProfileView> {
    const { people } = this.#parts;
    people.forgetPerson(username); // Lists and counts as they are now.
    const person = await people.find(username, signal) ?? this.#pinned(username);
    signal?.throwIfAborted();
    if (person === undefined) {
      throw unknownUser("show", username, people.isAbsent(username), this.#parts.session);
    }
    if (person.public?.isClosed) throw accountClosed("show", username);
    const [entries, online, known, warnings] = await Promise.all([
      person.public === undefined ? [] : people.lists(person, signal),
      this.#online(person, signal),
      this.#postsKnown(username),
      this.#warnings(person),
    ]);
    const published = Math.max(person.public?.posts ?? 0, total(person.public?.heads ?? []));
    return {
      ...userView(person),
      followers: names(entries.filter((entry) => entry.list === "followers")),
      following: names(entries.filter((entry) => entry.list === "following")),
      posts: Math.max(published, known),
      online,
      ...(person.public === undefined ? { unreachable: true } : {}),
      ...warnings,
    };
  }

  /** A user whose key is known here although the network does not answer. */
  #pinned(username: string): Person | undefined {
    const key = this.#parts.people.pin(username);
    return key === undefined ? undefined : { username, key, pinned: true, otherKeys: [] };
  }

  /** Posts that the own database knows of: it may be ahead of the public record. */
  async #postsKnown(username: string): Promise<number> {
    const feeds = await this.#parts.session.store.feeds(username);
    return feeds.reduce((sum, feed) => sum + lastNumber(feed), 0);
  }

  /** Whether one of the user's devices takes a connection. */
  async #online(user: UserRef, signal: AbortSignal | undefined): Promise<boolean> {
    const { people, session: { ports } } = this.#parts;
    const devices = await people.devices(user, signal);
    if (devices.length === 0) return false;
    // The first device that answers decides; the others are not waited for.
    const done = new AbortController();
    const until = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
    const probe = async (device: DeviceEntry): Promise<void> => {
      const taken = await ports.links.probe(device, probeTimeoutMs, until).catch(() => false);
      if (!taken) throw new Error("no peer listens there");
    };
    const online = await Promise.any(devices.map(probe)).then(() => true, () => false);
    done.abort();
    signal?.throwIfAborted();
    if (!online) people.forgetDevices(user);
    return online;
  }

  async #warnings(
    user: UserRef & { readonly otherKeys: readonly Uint8Array[] },
  ): Promise<Pick<ProfileView, "clash" | "forks">> {
    const [other] = user.otherKeys;
    const forks = await this.#parts.session.store.forks(user.username);
    return given({
      clash: other && { pinned: fingerprintOf(user.key), other: fingerprintOf(other) },
      forks: forks.length || undefined,
    });
  }
}

function names(entries: readonly ListEntry[]): string[] {
  return entries.map((entry) => entry.username).sort();
}

function total(heads: readonly Head[]): number {
  return heads.reduce((sum, { head }) => sum + head, 0);
}
