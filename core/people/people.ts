/**
 * Looking people up: keys, public records, lists, devices (design, sections 4 and 6).
 *
 * A reader with a pin believes the pin; without one the holders' majority decides.
 *
 * @module
 */

import type { ClashView } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import { recordOf } from "../model/record.ts";
import type { DeviceEntry, ListEntry } from "../model/record_body.ts";
import type { Lists, People, Person, Session } from "../session/interfaces.ts";
import { abortable } from "../../lib/waiting.ts";
import { InFlight, TimedCache } from "../../lib/bounded_map.ts";
import type { Clashes } from "./people_clashes.ts";
import { Devices } from "./people_devices.ts";
import { ListReader, type ListsRead } from "./people_lists.ts";

/** How long a public record that was looked up is good. */
const personMs = 30_000;

/** How long it is believed that nobody has a name. */
const nobodyMs = 2_000;

/** Persons remembered; a public record has a few hundred bytes. */
const personsMax = 2_048;

/** What {@linkcode UserPeople} are made of. */
export interface PeopleParts {
  /** The session. */
  readonly session: Session;
  /** The own lists: they hold the pins. */
  readonly lists: Pick<Lists, "get" | "present">;
  /** Where clashes are told. */
  readonly clashes: Clashes;
}

/** {@linkcode People} as one session knows them. */
export class UserPeople implements People {
  readonly #parts: PeopleParts;
  readonly #persons: TimedCache<Person | null>;
  readonly #inFlight = new InFlight<Person | undefined>();
  readonly #devices: Devices;
  readonly #lists: ListReader;

  /** Nobody is known yet. */
  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#persons = new TimedCache(parts.session.ports.clock, personsMax);
    this.#devices = new Devices(parts.session);
    this.#lists = new ListReader(parts.session);
  }

  async find(username: string, signal?: AbortSignal): Promise<Person | undefined> {
    const pin = this.#pin(username);
    const known = this.#persons.get(username);
    if (known === null && pin === undefined) return undefined;
    if (known && isBelieved(known, pin)) return known;
    return await abortable(this.#inFlight.run(username, () => this.#look(username)), signal);
  }

  /** Who else claims a pinned name, as far as has been seen. */
  clash(username: string): ClashView | undefined {
    const key = this.#pin(username);
    return key === undefined ? undefined : this.#parts.clashes.of({ username, key });
  }

  /** Drops what the cache has of a user's public record, so that the next look is at the network. */
  forgetPerson(username: string): void {
    this.#persons.delete(username);
  }

  pin(username: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#pin(username));
  }

  async lists(person: Person, signal?: AbortSignal): Promise<ListEntry[]> {
    return [...(await this.readLists(person, signal)).entries];
  }

  /** As {@linkcode lists}, and whether every page was there. One's own come from memory. */
  async readLists(person: Person, signal?: AbortSignal): Promise<ListsRead> {
    const { session, lists } = this.#parts;
    const own = person.username === session.self.username &&
      equalBytes(person.key, session.self.key);
    if (!own) return await this.#lists.read(person, signal);
    return {
      entries: [...lists.present("followers"), ...lists.present("following")],
      complete: true,
    };
  }

  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    return this.#devices.of(user, signal);
  }

  learn(user: UserRef, connections: Uint8Array): boolean {
    return this.#devices.learn(user, connections);
  }

  renewDevices(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    return this.#devices.renew(user, signal);
  }

  forgetDevices(user: UserRef): void {
    this.#devices.forget(user);
  }

  #pin(username: string): Uint8Array | undefined {
    const { session, lists } = this.#parts;
    if (username === session.self.username) return session.self.key;
    for (const list of ["following", "followers"] as const) {
      const entry = lists.get(list, username);
      if (entry?.present) return entry.key;
    }
    return undefined;
  }

  async #look(username: string): Promise<Person | undefined> {
    const { session, clashes } = this.#parts;
    const pin = this.#pin(username);
    const query = { username, namespace: "public" } as const;
    const answer = await session.ports.directory.get(
      pin === undefined ? query : { ...query, pin },
      session.signal,
    );
    const record = answer.record?.username === username &&
        answer.record.namespace === "public" &&
        (pin === undefined || equalBytes(answer.record.publicKey, pin))
      ? recordOf(answer.record, "public")
      : undefined;
    const key = pin ?? record?.publicKey;
    if (key === undefined) {
      // Without a network nobody can be found, which says nothing about the name.
      if (answer.answered > 0) this.#persons.set(username, null, nobodyMs);
      return undefined;
    }
    const otherKeys = answer.otherKeys.filter((other) => !equalBytes(other, key));
    const person: Person = { username, key, pinned: pin !== undefined, otherKeys };
    const found = record === undefined ? person : { ...person, public: record.body };
    if (pin !== undefined) clashes.report(found, otherKeys);
    if (record !== undefined) this.#persons.set(username, found, personMs);
    return found;
  }
}

/** Whether what is remembered was decided by the pin that is in force now. */
function isBelieved(person: Person, pin: Uint8Array | undefined): boolean {
  return pin === undefined ? !person.pinned : equalBytes(person.key, pin) && person.pinned;
}
