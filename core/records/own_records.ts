/**
 * The user's own records on the network: read, merged, written, renewed (design, section 4).
 *
 * @module
 */

import type { About } from "../model/about.ts";
import type { Layout } from "../model/list_pages.ts";
import type { SignedRecord } from "../model/record.ts";
import {
  type DeviceEntry,
  type Head,
  isAnnounced,
  type Namespace,
  type PrivateBody,
} from "../model/record_body.ts";
import type { Endpoint } from "../ports.ts";
import type { OwnRecords } from "../session/interfaces.ts";
import type { UserSession } from "../session/session.ts";
import { drawDevice, isOutrun } from "../session/device_number.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import { abortable } from "../../lib/waiting.ts";
import { UserLists } from "./lists.ts";
import { Presence } from "./presence.ts";
import { PublicRecord } from "./public_record.ts";
import { isDone, RecordWriter } from "./record_writer.ts";
import { SealedKeys } from "./sealed_keys.ts";

/** How often the sealed keys are compared with the network's … */
const sealedEveryMs = 3_600_000;

/** … where no other device of the user is announced, which could change the password; else this often. */
const sealedSharedEveryMs = 240_000;

/** What {@linkcode UserRecords} begin with. */
export interface FirstRecords {
  /** The record in the key file. */
  readonly sealed: SignedRecord<PrivateBody>;
  /** Own records that the login or registration has just read from the network or written there. */
  readonly records: readonly SignedRecord[];
  /** The account has just been registered: the network has no other records of it. */
  readonly isNew?: boolean;
}

/** {@linkcode OwnRecords} of one session. */
export class UserRecords implements OwnRecords {
  /** The own lists, whose pages are read together with the records. */
  readonly lists: UserLists;
  /** The sealed keys. */
  readonly sealed: SealedKeys;
  readonly #session: UserSession;
  readonly #writer: RecordWriter;
  readonly #public: PublicRecord;
  readonly #presence: Presence;
  readonly #pulling = new InFlight<void>();
  readonly #redrawing = new InFlight<void>();
  #sealedAt = -Infinity;

  private constructor(session: UserSession, writer: RecordWriter, sealed: FirstRecords["sealed"]) {
    this.#session = session;
    this.#writer = writer;
    this.#public = new PublicRecord(session, writer);
    this.lists = new UserLists(session, writer, this.#public);
    this.sealed = new SealedKeys(session, writer, sealed);
    this.#presence = new Presence(session, writer, () => void this.redraw().catch(() => {}));
    session.onDeviceChange(() => this.#presence.retire());
    const { directory, reach } = session.ports;
    const stops = [
      directory.onChange(({ joined }) => {
        if (joined) {
          for (const part of [this.#public, this.lists, this.#presence]) part.joined();
        }
      }),
      reach.onChange(() => this.#presence.reachChanged()),
    ];
    session.signal.addEventListener("abort", () => stops.forEach((stop) => stop()), { once: true });
  }

  /**
   * Takes up what the database knows.
   *
   * @param onOtherKeys Called with the keys that others claim the user's name with.
   */
  static async open(
    session: UserSession,
    first: FirstRecords,
    onOtherKeys: (keys: readonly Uint8Array[]) => void,
  ): Promise<UserRecords> {
    const writer = new RecordWriter(session, onOtherKeys);
    for (const record of first.records) {
      // Of the sealed keys those in the key file count here.
      if (record.namespace !== "private") writer.noteInForce(record.namespace, record);
    }
    // No device of an account that did not exist can be announced.
    if (first.isNew) writer.noteInForce("connections", undefined);
    const records = new UserRecords(session, writer, first.sealed);
    await Promise.all(
      [records.#public, records.lists, records.#presence].map((part) => part.load()),
    );
    return records;
  }

  headMoved(head: Head): void {
    this.#public.headMoved(head);
  }

  heads(): readonly Head[] {
    return this.#public.heads();
  }

  connections(): SignedRecord | undefined {
    return this.#presence.current();
  }

  /** Announces this device where its links listen; renewed every 5 minutes until withdrawn. */
  announce(endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
    return this.#presence.announce(endpoint, signal);
  }

  /**
   * Calls back whenever the network knows this device at another place than before, the first included, or again
   * after another device's write had wiped its entry.
   */
  onMoved(fn: () => void): void {
    this.#presence.onMoved = fn;
  }

  /** The highest sequence number seen in a namespace; 0 where no record was seen. */
  sequence(namespace: Namespace): number {
    return this.#writer.seen(namespace)?.sequence ?? 0;
  }

  /** Takes in a record that was written past the parts: none of them writes what contradicts it. */
  noteInForce(record: SignedRecord): void {
    this.#writer.noteInForce(record.namespace, record);
  }

  posts(): Promise<number> {
    return this.#public.posts();
  }

  /** Which list pages are in force. */
  layout(): Layout {
    return this.#public.layout();
  }

  /** The user's devices that are announced, as the network has them if it answers. */
  async devices(signal?: AbortSignal): Promise<DeviceEntry[]> {
    await this.#presence.read(signal);
    const now = this.#session.ports.clock.now();
    return this.#presence.devices().filter((entry) => isAnnounced(entry, now));
  }

  /**
   * Takes another device of the user out of `connections`; that device logs out when it sees it.
   *
   * @throws {CamelliaError} `invalid_argument`, `not_joined`, `too_few_holders`.
   */
  sendAway(device: number, signal?: AbortSignal): Promise<void> {
    return this.#presence.sendAway(device, signal);
  }

  /** Takes this device out of `connections`; waits for the network 1.5 s at most. */
  withdraw(): Promise<void> {
    return this.#presence.withdraw();
  }

  pull(signal?: AbortSignal): Promise<void> {
    // One reading serves all callers, so it ends with the session and not with its first caller.
    return abortable(this.#pulling.run("", () => this.#pull()), signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    await this.lists.flush(signal);
    if (this.#public.pending) await this.#public.publish({}, signal);
  }

  about(): About | undefined {
    return this.#public.about;
  }

  async setAbout(parts: Omit<About, "updatedAt">, signal?: AbortSignal): Promise<boolean> {
    return isDone(await this.#public.setAbout(parts, signal));
  }

  redraw(): Promise<void> {
    const session = this.#session;
    return this.#redrawing.run("", () => {
      const known = [session, ...this.heads(), ...this.#presence.devices()];
      const taken = new Set(known.map(({ device }) => device));
      return session.changeDevice(drawDevice(session.ports.random, taken));
    });
  }

  async #pull(): Promise<void> {
    await Promise.all([this.#pullPublic(), this.#presence.pull(), this.#pullSealed()]);
  }

  /** Whether another device of the user is announced at the moment. */
  #isShared(): boolean {
    const now = this.#session.ports.clock.now();
    return this.#presence.devices()
      .some((entry) => entry.device !== this.#session.device && isAnnounced(entry, now));
  }

  async #pullPublic(): Promise<void> {
    const session = this.#session;
    await this.#public.publish({ force: true });
    const own = { store: session.store, username: session.self.username };
    if (await isOutrun(session.device, this.#public.published(), own)) await this.redraw();
    await this.lists.pullIfDue(this.#isShared());
  }

  async #pullSealed(): Promise<void> {
    const { clock } = this.#session.ports;
    const everyMs = this.#isShared() ? sealedSharedEveryMs : sealedEveryMs;
    if (clock.monotonic() - this.#sealedAt <= everyMs) return;
    await this.sealed.pull();
    this.#sealedAt = clock.monotonic();
  }
}
