/**
 * The user's own records on the network: read, merged, written, renewed (design, section 4).
 *
 * @module
 */

import type { SignedRecord } from "../model/record.ts";
import {
  type DeviceEntry,
  type Head,
  isAnnounced,
  type PrivateBody,
} from "../model/record_body.ts";
import type { Endpoint } from "../ports.ts";
import type { OwnRecords } from "../session/interfaces.ts";
import { abortable } from "../../lib/waiting.ts";
import type { UserLists } from "./lists.ts";
import { SealedKeys } from "./own_records_private.ts";
import type { PublicRecord } from "./own_records_public.ts";
import type { RecordWriter } from "./own_records_writer.ts";
import { Presence } from "./presence.ts";
import type { UserSession } from "../session/session.ts";
import { drawDevice, isOutrun } from "../session/session_device.ts";

/** How often the sealed keys are compared with the network's. */
const sealedEveryMs = 3_600_000;

/** What {@linkcode UserRecords} are made of. */
export interface RecordsParts {
  /** The session. */
  readonly session: UserSession;
  /** Reads and writes. */
  readonly writer: RecordWriter;
  /** The `public` record. */
  readonly publicRecord: PublicRecord;
  /** The lists, whose pages are read together with the records. */
  readonly lists: UserLists;
  /** The record in the key file. */
  readonly sealed: SignedRecord<PrivateBody>;
}

/** {@linkcode OwnRecords} of one session. */
export class UserRecords implements OwnRecords {
  readonly #parts: RecordsParts;
  readonly #presence: Presence;
  /** The sealed keys. */
  readonly sealed: SealedKeys;
  #pulling: Promise<void> | undefined;
  #sealedAt: number | undefined;
  #redrawing: Promise<void> | undefined;

  private constructor(parts: RecordsParts, presence: Presence) {
    this.#parts = parts;
    this.#presence = presence;
    this.sealed = new SealedKeys(parts.session, parts.writer, parts.sealed);
    const { session, publicRecord, lists } = parts;
    session.onDeviceChange(() => presence.retire());
    const stop = session.ports.directory.onChange((status) => {
      if (status.joined) { for (const part of [publicRecord, lists, presence]) part.joined(); }
    });
    session.signal.addEventListener("abort", stop, { once: true });
  }

  /** Takes up what the database knows. */
  static async open(parts: RecordsParts): Promise<UserRecords> {
    // Presence finds the copy, the records draw the number: neither can be made before the other.
    let foreign: (devices: readonly DeviceEntry[]) => void = () => {};
    const presence = await Presence.open(
      parts.session,
      parts.writer,
      (devices) => foreign(devices),
    );
    const records = new UserRecords(parts, presence);
    foreign = () => void records.#redraw().catch(() => {});
    return records;
  }

  headMoved(head: Head): void {
    this.#parts.publicRecord.headMoved(head);
  }

  heads(): readonly Head[] {
    return this.#parts.publicRecord.heads();
  }

  connections(): SignedRecord | undefined {
    return this.#presence.current();
  }

  /** Announces this device where its links listen; renewed every 5 minutes until withdrawn. */
  announce(endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
    return this.#presence.announce(endpoint, signal);
  }

  /** Takes this device out of `connections`; waits for the network 1.5 s at most. */
  withdraw(): Promise<void> {
    return this.#presence.withdraw();
  }

  pull(signal?: AbortSignal): Promise<void> {
    // The one in flight serves everybody, so it ends with the session rather than with who began it.
    this.#pulling ??= this.#pull().finally(() => {
      this.#pulling = undefined;
    });
    return abortable(this.#pulling, signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    const { publicRecord, lists } = this.#parts;
    await lists.flush(signal);
    if (publicRecord.pending) await publicRecord.publish(signal);
  }

  async #pull(): Promise<void> {
    await Promise.all([this.#pullPublic(), this.#presence.pull(), this.#pullSealed()]);
  }

  async #pullPublic(): Promise<void> {
    const { publicRecord, lists, session, writer } = this.#parts;
    await publicRecord.pull();
    const heads = writer.seen("public", "public")?.body.heads ?? [];
    const own = { store: session.store, username: session.self.username };
    if (await isOutrun(session.device, heads, own)) await this.#redraw();
    const devices = writer.seen("connections", "connections")?.body.devices ?? [];
    const now = session.ports.clock.now();
    const isOther = (entry: DeviceEntry) => entry.device !== session.device;
    await lists.pullIfDue(devices.some((entry) => isOther(entry) && isAnnounced(entry, now)));
  }

  async #pullSealed(): Promise<void> {
    const { clock } = this.#parts.session.ports;
    const due = this.#sealedAt === undefined || clock.monotonic() - this.#sealedAt > sealedEveryMs;
    if (!due) return;
    await this.sealed.pull();
    this.#sealedAt = clock.monotonic();
  }

  /** Draws another device number: somebody else uses this one. */
  #redraw(): Promise<void> {
    const { session, writer, publicRecord } = this.#parts;
    const devices = writer.seen("connections", "connections")?.body.devices ?? [];
    const taken = new Set([
      session.device,
      ...publicRecord.heads().map((head) => head.device),
      ...devices.map((entry) => entry.device),
    ]);
    return this.#redrawing ??= session.changeDevice(drawDevice(session.ports.random, taken))
      .finally(() => {
        this.#redrawing = undefined;
      });
  }
}
