/**
 * Profiles: the user's own from the own lists, other users' from the network.
 *
 * @module
 */

import type { AboutView, FollowedView, ProfileView } from "../api.ts";
import { type About, type AboutPart, checkAbout } from "../model/about.ts";
import { given } from "../model/arguments.ts";
import { headsOf } from "../model/feed.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import { numbersIn, postsStanding, takenBackIn } from "../model/post_count.ts";
import type { DeviceEntry, ListEntry, ListName, PublicBody } from "../model/record_body.ts";
import { parseUsername } from "../model/username.ts";
import type { Lists, OwnRecords, People, Person, Session } from "../session/interfaces.ts";
import { wholePagesMax } from "./list_reader.ts";
import { accountClosed } from "../session/closed.ts";
import { unknownUser } from "../session/unknown_user.ts";
import { aboutView, userView } from "../session/views.ts";
import { mapBounded, within } from "../../lib/waiting.ts";

/** A device that takes no connection in this time counts as offline: three SYNs of 500 ms and a bit. */
const probeTimeoutMs = 1_500;

/** How long, of how many and of how many at once it is looked up who of a list is online. */
const lookUpsMs = 3_000;
const lookedUpMax = 500;
const lookUpsAtOnce = 16;

/** The parts of a session that profiles need. */
export interface ProfilesParts {
  /** The session. */
  readonly session: Session;
  /** Finds people. */
  readonly people: People & { forgetPerson(username: string): void };
  /** The own lists. */
  readonly lists: Pick<Lists, "present">;
  /** The own heads. */
  readonly records: Pick<OwnRecords, "heads" | "posts" | "about" | "setAbout">;
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

  /**
   * The own followers, or the users who are followed, by name. Who is online is looked up for 3 s at most, and
   * of {@linkcode lookedUpMax} users.
   */
  async people(
    { list }: { readonly list: ListName },
    signal?: AbortSignal,
  ): Promise<FollowedView[]> {
    const { session, lists, people } = this.#parts;
    const entries = lists.present(list).toSorted((a, b) => a.username < b.username ? -1 : 1);
    const online = new Set<string>();
    const namesShown = new Map<string, string>();
    const { clock } = session.ports;
    await within({ clock, ms: lookUpsMs }, async (limit) => {
      await mapBounded(entries.slice(0, lookedUpMax), lookUpsAtOnce, async (entry) => {
        if (await people.isPresent(entry, limit)) online.add(entry.username);
        const person = await people.find(entry.username, limit).catch(() => undefined);
        const name = person?.public?.about?.name;
        if (name !== undefined) namesShown.set(entry.username, name);
      });
    }, signal);
    signal?.throwIfAborted();
    return entries.map((entry) => ({
      ...userView(entry),
      online: online.has(entry.username),
      name: namesShown.get(entry.username) ?? null,
    }));
  }

  /**
   * Changes what the user says of themselves: the parts that are given; the empty text takes one back.
   *
   * @throws {CamelliaError} `invalid_argument`.
   */
  async setAbout(
    parts: Readonly<Partial<Record<AboutPart, string>>>,
    signal?: AbortSignal,
  ): Promise<AboutView> {
    const { records, session } = this.#parts;
    checkAbout(parts);
    if (Object.keys(parts).length > 0) {
      const isPublished = await records.setAbout({ ...records.about(), ...parts }, signal);
      if (!isPublished) {
        const message = "The network does not have your new profile yet: it is published later.";
        session.emit({ event: "warning", code: "not_joined", message });
      }
    }
    return aboutView(records.about());
  }

  async #own(signal: AbortSignal | undefined): Promise<ProfileView> {
    const { session, lists, records, people } = this.#parts;
    const { self, ports } = session;
    // Others may claim the user's own name; that is shown as well, if the network tells soon.
    const seen = await people.find(self.username, signal).catch(() => undefined);
    signal?.throwIfAborted();
    return {
      ...userView(self),
      ...saidBy(records.about()),
      followers: names(lists.present("followers")),
      following: names(lists.present("following")),
      posts: await this.#posts(self.username, {
        posts: await records.posts(),
        heads: records.heads(),
      }),
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
    const [entries, online, posts, warnings] = await Promise.all([
      person.public === undefined ? [] : people.lists(person, signal),
      this.#online(person, signal),
      this.#posts(username, person.public),
      this.#warnings(person),
    ]);
    return {
      ...userView(person),
      ...saidBy(person.public?.about),
      followers: names(entries.filter((entry) => entry.list === "followers")),
      following: names(entries.filter((entry) => entry.list === "following")),
      posts,
      online,
      ...(person.public === undefined ? { unreachable: true } : listedIn(person.public)),
      ...warnings,
    };
  }

  /** A user whose key is known here although the network does not answer. */
  #pinned(username: string): Person | undefined {
    const key = this.#parts.people.pin(username);
    return key === undefined ? undefined : { username, key, pinned: true, otherKeys: [] };
  }

  /** Posts of a user that stand: the public record tells, and the own database, which may be ahead of it. */
  async #posts(
    username: string,
    published: Pick<PublicBody, "posts" | "heads"> = { posts: 0, heads: [] },
  ): Promise<number> {
    const { store } = this.#parts.session;
    const known = headsOf(await store.feeds(username));
    const numbers = Math.max(numbersIn(known), numbersIn(published.heads), published.posts);
    const takenBack = Math.max(await store.countTakenBack(username), takenBackIn(published));
    return postsStanding(numbers, takenBack);
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
    if (!online) people.forgetDevices(user, devices);
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

/** How long the lists are, where only parts of them are read. */
function listedIn({ pages, followers, following }: PublicBody): Pick<ProfileView, "listed"> {
  return pages > wholePagesMax ? { listed: { followers, following } } : {};
}

function saidBy({ name, about, link }: Partial<About> = {}): Partial<Record<AboutPart, string>> {
  return given({ name: name || undefined, about: about || undefined, link: link || undefined });
}
