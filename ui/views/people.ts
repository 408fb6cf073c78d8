/**
 * People: the users who are followed, the followers, and users to follow.
 *
 * @module
 */

import type { FollowedView, PeerEvent, SuggestionView } from "../../core/api.ts";
import { type AuthorRow, authorRow } from "./authors.ts";
import type { Desk } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";
import type { Offer, RelationView } from "./relations.ts";

/** The lists of people. */
export type PeopleList = "following" | "followers" | "suggestions";

/** A user in a list. */
export interface PersonRow {
  /** The username: no other row has it. */
  readonly key: string;
  /** Who it is. */
  readonly author: AuthorRow;
  /** Whether one of the user's devices is announced; null while that is not known. */
  readonly isOnline: boolean | null;
  /** The fingerprint of the key, or null while it is not known. */
  readonly fingerprint: string | null;
  /** Why the user is suggested, in a sentence; null in the other lists. */
  readonly reason: string | null;
  /** How the user of this peer stands to them. */
  readonly relation: RelationView;
  /** What can be done. */
  readonly offers: readonly Offer[];
}

/** One list as it is shown. */
export interface PeopleListView extends LoadView {
  /** By name; suggestions the best first. */
  readonly rows: readonly PersonRow[];
  /** What the reader filters by. */
  readonly filter: string;
  /** How many there are without the filter. */
  readonly total: number;
  /** What to say where there are none; empty where there are, or it is not known yet. */
  readonly emptyText: string;
}

/** What to say where a list is empty. */
export const peopleEmptyTexts: Readonly<Record<PeopleList, string>> = {
  following: "You follow no users yet.",
  followers: "No user follows you yet.",
  suggestions: "No suggestions yet: they come with the users that you and others follow.",
};

/** What is known of a user of a list. */
interface Person {
  readonly username: string;
  readonly fingerprint: string | null;
  readonly online: boolean | null;
  readonly reason: string | null;
}

function followed({ username, fingerprint, online }: FollowedView): Person {
  return { username, fingerprint, online, reason: null };
}

function suggested({ username, reason }: SuggestionView): Person {
  return { username, fingerprint: null, online: null, reason };
}

function named(username: string): Person {
  return { username, fingerprint: null, online: null, reason: null };
}

/** One list of people. */
class People {
  readonly #desk: Desk;
  readonly #list: PeopleList;
  readonly #load: Load;
  #people: readonly Person[] | undefined;
  #filter = "";

  constructor(desk: Desk, list: PeopleList) {
    this.#desk = desk;
    this.#list = list;
    this.#load = new Load(desk);
  }

  get isOpen(): boolean {
    return this.#people !== undefined || this.#load.isLoading;
  }

  get isLoading(): boolean {
    return this.#load.isLoading;
  }

  async read(): Promise<void> {
    const { relations } = this.#desk;
    await relations.read(this.#desk.api);
    // Names are on this machine; who is online takes some seconds.
    if (this.#list === "following") {
      const known = new Map(this.#people?.map((person) => [person.username, person]));
      this.#people = [...relations.followed].map((name) => known.get(name) ?? named(name));
    }
    await this.#load.run((signal) => this.#ask(signal), (people) => {
      this.#people = people;
    });
  }

  async #ask(signal: AbortSignal): Promise<readonly Person[]> {
    const { api, relations } = this.#desk;
    if (this.#list === "suggestions") return (await api.suggest(signal)).map(suggested);
    const users = await api.people({ list: this.#list }, signal);
    for (const { username, name } of users) {
      // Null stands also for a name that was not asked for.
      if (name !== null) this.#desk.learnName(username, name);
    }
    if (this.#list === "followers") {
      relations.learnFollowers(users.map(({ username }) => username));
    }
    return users.map(followed);
  }

  /** A user belongs to the list now, or no longer. */
  learn(username: string, isThere: boolean): void {
    const others = this.#people?.filter((person) => person.username !== username);
    if (others === undefined) return;
    const all = isThere ? [...others, named(username)] : others;
    this.#people = all.sort((a, b) => a.username < b.username ? -1 : 1);
  }

  view(): PeopleListView {
    const known = this.#desk.known();
    const { relations } = this.#desk;
    const people = this.#people ?? [];
    const rows = people.map((person): PersonRow => {
      const { username } = person;
      return {
        key: username,
        author: authorRow(username, known),
        isOnline: person.online,
        fingerprint: person.fingerprint,
        reason: person.reason,
        relation: relations.of(username),
        offers: relations.offers(username),
      };
    });
    const filter = this.#filter.toLowerCase().replace(/^@/, "");
    const fits = ({ author: { username, shown } }: PersonRow) =>
      username.includes(filter) || shown?.toLowerCase().includes(filter) === true;
    const load = this.#load.view();
    const isEmpty = people.length === 0 && this.#people !== undefined && !load.isLoading;
    return {
      ...load,
      rows: filter === "" ? rows : rows.filter(fits),
      filter: this.#filter,
      total: people.length,
      emptyText: isEmpty ? peopleEmptyTexts[this.#list] : "",
    };
  }

  filter(text: string): void {
    this.#filter = text;
    this.#desk.changed();
  }

  stop(): void {
    this.#load.stop();
  }
}

/** The lists of people. */
export class PeopleLists {
  readonly #lists: Readonly<Record<PeopleList, People>>;
  readonly #desk: Desk;
  readonly #stops: (() => void)[];

  /** Lists of which none is loaded yet. */
  constructor(desk: Desk) {
    this.#desk = desk;
    this.#lists = {
      following: new People(desk, "following"),
      followers: new People(desk, "followers"),
      suggestions: new People(desk, "suggestions"),
    };
    this.#stops = [
      desk.onEvents((events) => this.#happened(events)),
      desk.onMissed(() => {
        for (const list of ["following", "followers"] as const) {
          if (this.#lists[list].isOpen) this.open(list);
        }
      }),
      desk.onDone((deed) => {
        if (deed.deed !== "follow" && deed.deed !== "unfollow") return;
        // Not awaited: who is online takes some seconds.
        if (this.#lists.following.isOpen) void this.#lists.following.read();
      }),
    ];
  }

  /**
   * Loads a list. What is there stays until then: no event tells of users who are followed from elsewhere.
   * Suggestions, for which others are asked, are loaded once.
   */
  open(list: PeopleList): void {
    const people = this.#lists[list];
    const isEnough = list === "suggestions" ? people.isOpen : people.isLoading;
    if (!isEnough) void people.read();
  }

  /** Loads a list anew. */
  reload(list: PeopleList): void {
    void this.#lists[list].read();
  }

  /** A list as it is now. */
  view(list: PeopleList): PeopleListView {
    return this.#lists[list].view();
  }

  /** Shows those of a list alone whose names have this in them; the empty text shows all. */
  filter(list: PeopleList, text: string): void {
    this.#lists[list].filter(text);
  }

  /** The lists are no longer shown. */
  close(): void {
    for (const stop of this.#stops) stop();
    for (const list of Object.values(this.#lists)) list.stop();
  }

  #happened(events: readonly PeerEvent[]): void {
    for (const event of events) {
      if (event.event !== "follower") continue;
      this.#desk.relations.learnFollower(event.username, event.following);
      this.#lists.followers.learn(event.username, event.following);
    }
  }
}
