/**
 * Where other users' devices listen: cached `connections` records, from the network or from messages.
 *
 * @module
 */

import { nameOf, type UserRef } from "../model/user.ts";
import { attempt } from "../../lib/msgpack.ts";
import { isRecordOf, openRecord, type SignedRecord } from "../model/record.ts";
import { type ConnectionsBody, type DeviceEntry, isAnnounced } from "../model/record_body.ts";
import { compareRecords, dateVerdict, recordLifetimeMs } from "../model/record_policy.ts";
import type { Session } from "../session/interfaces.ts";
import { InFlight, TimedCache } from "../../lib/bounded_map.ts";
import { abortable } from "../../lib/waiting.ts";

/** Users whose devices are remembered: 5,000 followed do not all write within 15 minutes. */
const usersMax = 4_096;

/** How long a user is believed not to be announced; a user who comes online says hello. */
const absentMs = 5_000;

/** A list that shows who is online believes what was read or heard for so long. */
const freshMs = 30_000;

/** A user who does not answer is looked up again at most so often. */
const renewMs = 5_000;

/** The devices of other users. */
export class Devices {
  readonly #session: Session;
  readonly #records: TimedCache<SignedRecord<ConnectionsBody>>;
  #absent: TimedCache<true>;
  readonly #fresh: TimedCache<true>;
  readonly #renewed: TimedCache<true>;
  readonly #inFlight = new InFlight<void>();
  /** Counts how often absent users were forgotten: who asks later does not wait for a look-up from before. */
  #age = 0;

  /** Devices as one session knows them. */
  constructor(session: Session) {
    this.#session = session;
    this.#records = new TimedCache(session.ports.clock, usersMax);
    this.#absent = new TimedCache(session.ports.clock, usersMax);
    this.#fresh = new TimedCache(session.ports.clock, usersMax);
    this.#renewed = new TimedCache(session.ports.clock, usersMax);
  }

  /** Devices announced and not expired. */
  async of(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    const known = this.#known(user);
    if (known.length > 0 || this.#absent.get(nameOf(user))) return known;
    await this.#read(user, signal);
    return this.#known(user);
  }

  /**
   * Whether a device of the user is announced, as the network says it now or said it within the last half
   * minute. {@linkcode of} believes a record for its 15 minutes, because a message that meets no device is sent
   * again; a list would show a user who has left as online for as long.
   */
  async isPresent(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    const name = nameOf(user);
    if (!this.#fresh.get(name) && !this.#absent.get(name)) {
      // What was known before counts where no node answers in time.
      await this.#read(user, signal).catch(() => {});
    }
    return this.#known(user).length > 0;
  }

  /** Whether the network said within the last five seconds that no device of the user is announced. */
  isGone(user: UserRef): boolean {
    return this.#absent.get(nameOf(user)) === true;
  }

  /** Takes in a record that was checked, or bytes from a message; false if it is not the user's own or not valid. */
  learn(user: UserRef, connections: SignedRecord | Uint8Array): boolean {
    const isChecked = !(connections instanceof Uint8Array);
    return this.#take(user, isChecked ? connections : attempt(() => openRecord(connections)));
  }

  /** No device answered at what was known: the network is asked again, unless others are known by now. */
  forget(user: UserRef, tried: readonly DeviceEntry[]): void {
    if (this.#known(user).some((entry) => !tried.includes(entry))) return;
    this.#records.delete(nameOf(user));
    this.#absent.delete(nameOf(user));
    this.#fresh.delete(nameOf(user));
  }

  /** See {@linkcode People.forgetAbsent}: look-ups that are under way count no more either. */
  forgetAbsent(): void {
    this.#age++;
    this.#absent = new TimedCache(this.#session.ports.clock, usersMax);
  }

  /**
   * Asks the network anew about a user who does not answer at what is known: a device that was killed
   * and came back elsewhere has not taken the old entry out. At most once in a while; whether anything
   * changed.
   */
  async renew(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    const name = nameOf(user);
    if (this.#renewed.get(name)) return false;
    this.#renewed.set(name, true, renewMs);
    const before = this.#records.get(name);
    await this.#read(user, signal);
    return this.#records.get(name) !== before;
  }

  #read(user: UserRef, signal: AbortSignal | undefined): Promise<void> {
    const name = `${this.#age} ${nameOf(user)}`;
    return abortable(this.#inFlight.run(name, () => this.#readOnce(user)), signal);
  }

  async #readOnce(user: UserRef): Promise<void> {
    const { ports, signal } = this.#session;
    const age = this.#age;
    const query = { username: user.username, namespace: "connections", pin: user.key } as const;
    const { record, isAbsent } = await ports.directory.get(query, signal);
    this.#take(user, record);
    // Silence says nothing about this user.
    if (record !== undefined || isAbsent) this.#fresh.set(nameOf(user), true, freshMs);
    if (this.#known(user).length > 0 || (record === undefined && !isAbsent)) return;
    if (age !== this.#age) return;
    this.#absent.set(nameOf(user), true, absentMs);
  }

  /** Keeps a record unless a newer one is known; false if it is not the user's own or not valid. */
  #take(user: UserRef, record: SignedRecord | undefined): boolean {
    const now = this.#session.ports.clock.now();
    if (!isRecordOf(record, user, "connections")) return false;
    if (dateVerdict(record.namespace, record.expiresAt, now) !== undefined) return false;
    const name = nameOf(user);
    const before = this.#records.get(name);
    if (before === undefined || compareRecords(record, before) > 0) {
      this.#records.set(name, record, recordLifetimeMs.connections);
      this.#fresh.set(name, true, freshMs);
    }
    return true;
  }

  #known(user: UserRef): DeviceEntry[] {
    const now = this.#session.ports.clock.now();
    const devices = this.#records.get(nameOf(user))?.body.devices ?? [];
    return devices.filter((entry) => isAnnounced(entry, now));
  }
}
