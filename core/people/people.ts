/**
 * Looking people up: keys, public records, lists, devices (design, sections 4 and 6).
 *
 * A reader with a pin believes the pin; without one the holders' majority decides.
 *
 * @module
 */

import type { ClashView } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import type { Layout } from "../model/list_pages.ts";
import { isRecordOf, type SignedRecord } from "../model/record.ts";
import type { DeviceEntry, ListEntry } from "../model/record_body.ts";
import { isSame, type UserRef } from "../model/user.ts";
import { askNetwork } from "../session/ask_network.ts";
import type { Lists, People, Person, Session } from "../session/interfaces.ts";
import { InFlight, TimedCache } from "../../lib/bounded_map.ts";
import { abortable } from "../../lib/waiting.ts";
import type { Clashes } from "./clashes.ts";
import { Devices } from "./devices.ts";
import { ListReader } from "./list_reader.ts";

/** How long a public record that was looked up is good, in milliseconds. */
const personMs = 30_000;

/** How long a name is believed to be no user's, in milliseconds. */
const unknownMs = 2_000;

/** Persons remembered; a public record has a few hundred bytes. */
const personsMax = 2_048;

/** What {@linkcode UserPeople} are made of. */
export interface PeopleParts {
  /** The session. */
  readonly session: Session;
  /** The own lists, which have the pins. */
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

  /** Called with a user's name whenever the network shows the account closed. */
  onClosed: (username: string) => void = () => {};

  /** No other user is known yet. */
  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#persons = new TimedCache(parts.session.ports.clock, personsMax);
    this.#devices = new Devices(parts.session);
    this.#lists = new ListReader(parts.session);
  }

  async find(username: string, signal?: AbortSignal): Promise<Person | undefined> {
    const pin = this.pin(username);
    const known = this.#persons.get(username);
    if (known === null && pin === undefined) return undefined;
    if (known && isBelieved(known, pin)) return known;
    return await abortable(this.#inFlight.run(username, () => this.#look(username)), signal);
  }

  isAbsent(username: string): boolean {
    return this.#persons.get(username) === null;
  }

  /** The latest clash over a pinned name, as far as one has been seen. */
  clash(username: string): ClashView | undefined {
    const key = this.pin(username);
    return key === undefined ? undefined : this.#parts.clashes.of({ username, key });
  }

  /** Drops what the cache has of a user's public record, so that the next look is at the network. */
  forgetPerson(username: string): void {
    this.#persons.delete(username);
  }

  pin(username: string): Uint8Array | undefined {
    const { session: { self }, lists } = this.#parts;
    if (username === self.username) return self.key;
    const entries = [lists.get("following", username), lists.get("followers", username)];
    return entries.find((entry) => entry?.present)?.key;
  }

  async lists(person: Person, signal?: AbortSignal): Promise<readonly ListEntry[]> {
    const { session, lists } = this.#parts;
    if (!isSame(person, session.self)) return (await this.#lists.read(person, signal)).entries;
    return [...lists.present("followers"), ...lists.present("following")];
  }

  async followersOn(
    user: UserRef,
    layout: Layout,
    page: number,
    signal?: AbortSignal,
  ): Promise<readonly ListEntry[] | undefined> {
    return await abortable(this.#lists.followersOn(user, layout, page), signal);
  }

  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    return this.#devices.of(user, signal);
  }

  isPresent(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    return this.#devices.isPresent(user, signal);
  }

  learn(user: UserRef, connections: SignedRecord | Uint8Array): boolean {
    return this.#devices.learn(user, connections);
  }

  renewDevices(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    return this.#devices.renew(user, signal);
  }

  forgetDevices(user: UserRef, tried: readonly DeviceEntry[]): void {
    this.#devices.forget(user, tried);
  }

  isGone(user: UserRef): boolean {
    return this.#devices.isGone(user);
  }

  forgetAbsent(): void {
    this.#devices.forgetAbsent();
  }

  async #look(username: string): Promise<Person | undefined> {
    const { session, clashes } = this.#parts;
    const pin = this.pin(username);
    const query = { username, namespace: "public" } as const;
    const { ports, signal } = session;
    // A pinned user is known whatever the network says; a name is no user's only if the network says so.
    const { record, isAbsent, otherKeys: keys } = pin === undefined
      ? await askNetwork(ports, query, signal)
      : await ports.directory.get({ ...query, pin }, signal);
    const owner = pin ?? record?.publicKey;
    const isTheirs = owner !== undefined && isRecordOf(record, { username, key: owner }, "public");
    const key = isTheirs ? owner : pin;
    if (key === undefined) {
      // Silence says nothing about the name.
      if (isAbsent) this.#persons.set(username, null, unknownMs);
      return undefined;
    }
    const otherKeys = keys.filter((other) => !equalBytes(other, key));
    const person: Person = {
      username,
      key,
      pinned: pin !== undefined,
      otherKeys,
      ...(isTheirs ? { public: record.body } : {}),
    };
    if (pin !== undefined) clashes.report(person, otherKeys);
    if (isTheirs) this.#persons.set(username, person, personMs);
    if (person.public?.isClosed) this.onClosed(username);
    return person;
  }
}

/** Whether what is remembered was decided by the pin that is in force now. */
function isBelieved(person: Person, pin: Uint8Array | undefined): boolean {
  return pin === undefined ? !person.pinned : equalBytes(person.key, pin) && person.pinned;
}
