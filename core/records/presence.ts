/**
 * The own `connections` record: where this device listens, announced while logged in (design, section 4).
 *
 * All devices of a user share the record. Entries merge one by one, the later change wins; an entry
 * taken out stays as absent until the one that it replaced would have run out.
 *
 * @module
 */

import { asArray, asInteger, attempt, decode, encode } from "../model/msgpack.ts";
import { equalBytes } from "../model/bytes.ts";
import type { SignedRecord } from "../model/record.ts";
import {
  bodyKinds,
  type ConnectionsBody,
  type DeviceEntry,
  devicesListedMax,
  isAnnounced,
} from "../model/record_body.ts";
import { clockToleranceMs, recordLifetimeMs } from "../model/record_policy.ts";
import type { Endpoint } from "../ports.ts";
import type { Job } from "../../lib/scheduler.ts";
import type { Session } from "../session/interfaces.ts";
import { abortable, within } from "../../lib/waiting.ts";
import type { RecordWriter, WriteOutcome } from "./own_records_writer.ts";
import { announcedAddresses } from "./presence_address.ts";

/** How often the entry is renewed: a third of the 15 minutes that it counts. */
const renewEveryMs = 5 * 60_000;

/** How soon an announcement that failed, or that lacked an address, is tried again. */
const retryMs = 10_000;

/** How long a logout waits for the entry to be taken out; it runs out by itself anyway. */
const withdrawMsMax = 1_500;

/** Own times remembered: at 5 minutes each those of more than the 15 minutes that an entry counts. */
const ownTimesMax = 64;

/** How long the first announcement waits to hear whether a peer runs where this device was last. */
const probeMsMax = 300;

/** The note with the time of the last announcement: `[updatedAt]`. */
const note = "presence";

/** What tells two devices under one number apart. */
export type ForeignListener = (connections: readonly DeviceEntry[]) => void;

/** Announces one device and keeps it announced. */
export class Presence {
  readonly #session: Session;
  readonly #writer: RecordWriter;
  readonly #onForeign: ForeignListener;
  #endpoint: Endpoint | undefined;
  #announcing: { readonly endpoint: Endpoint; readonly done: Promise<void> } | undefined;
  #entry: DeviceEntry | undefined;
  readonly #job: Job;
  #lastTime = 0;
  /** Times that this session has put on its entries, after the one that earlier sessions noted last. */
  readonly #ownTimes: number[] = [];
  #notedTime = 0;
  #hasProbed = false;
  /** The entry under an earlier number of this device, to be taken out with the next announcement. */
  #retired: DeviceEntry | undefined;

  private constructor(session: Session, writer: RecordWriter, onForeign: ForeignListener) {
    this.#session = session;
    this.#writer = writer;
    this.#onForeign = onForeign;
    this.#job = session.scheduler.job(() => this.#announceQuietly());
  }

  /** The node has joined the network: the device is announced there, if it is to be. */
  joined(): void {
    this.#announceQuietly();
  }

  /**
   * The device got another number, and with it another link key: nothing is announced until the links
   * listen under that.
   */
  retire(): void {
    this.#job.cancel();
    this.#endpoint = undefined;
    this.#announcing = undefined;
    this.#retired = this.#entry ?? this.#retired;
    this.#entry = undefined;
  }

  /**
   * Reads what earlier sessions left.
   *
   * @param onForeign Called when another device is seen to announce itself under this one's number.
   */
  static async open(
    session: Session,
    writer: RecordWriter,
    onForeign: ForeignListener,
  ): Promise<Presence> {
    const presence = new Presence(session, writer, onForeign);
    const bytes = await session.store.getNote(note);
    presence.#notedTime = bytes === undefined ? 0 : attempt(() => {
      const parts = asArray(decode(bytes, { maxBytes: 16, maxArrayLength: 1 }), "note", 1);
      return asInteger(parts[0], "time");
    }) ?? 0;
    presence.#lastTime = presence.#notedTime;
    return presence;
  }

  /** The signed record in force, while this device is announced in it. */
  current(): SignedRecord<ConnectionsBody> | undefined {
    const seen = this.#writer.seen("connections", "connections");
    const own = seen?.body.devices.find((entry) => entry.device === this.#session.device);
    const { clock } = this.#session.ports;
    return own !== undefined && isAnnounced(own, clock.now()) ? seen : undefined;
  }

  /** Announces this device at the endpoint where its links listen, from now on until withdrawn. */
  async announce(endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
    this.#endpoint = endpoint;
    const announced = this.#announceOnce(endpoint);
    // The disk may fail; whoever asked hears of it, and it is tried again.
    announced.catch(() => this.#listensAt(endpoint) && this.#job.dueIn(retryMs));
    await abortable(announced, signal);
  }

  /** Reads the record; writes it again if this device's entry is gone from it. */
  async pull(signal?: AbortSignal): Promise<void> {
    if (this.#entry !== undefined) await this.#write(true, signal);
    else if (await this.#writer.read("connections", signal)) this.#look();
  }

  /** Takes this device out, and no other; waits for the network 1.5 s at most. */
  async withdraw(): Promise<void> {
    const { clock } = this.#session.ports;
    this.#job.cancel();
    this.#endpoint = undefined;
    this.#announcing = undefined;
    if (this.#entry === undefined) return;
    const updatedAt = Math.max(Math.floor(clock.now()), this.#entry.updatedAt + 1);
    // Noted like an announcement: the next login must not take this entry for another device's.
    await this.#noteTime(updatedAt);
    this.#entry = { ...this.#entry, updatedAt, present: false, addresses: [] };
    await within({ clock, ms: withdrawMsMax }, (limit) => this.#write(false, limit));
    this.#entry = undefined;
  }

  /** Several may ask at the same moment, such as when the node joins: one announcement serves all. */
  #announceOnce(endpoint: Endpoint): Promise<void> {
    const running = this.#announcing;
    if (running !== undefined && isSameEndpoint(running.endpoint, endpoint)) return running.done;
    const done = this.#announce(endpoint).finally(() => {
      if (this.#announcing?.done === done) this.#announcing = undefined;
    });
    this.#announcing = { endpoint, done };
    return done;
  }

  async #announce(endpoint: Endpoint): Promise<void> {
    this.#job.cancel();
    const { ports, settings, signal: end } = this.#session;
    const addresses = await announcedAddresses(ports, settings, end);
    if (!this.#listensAt(endpoint)) return;
    if (addresses.length === 0) return this.#job.dueIn(retryMs);
    await this.#renewEntry(endpoint, addresses);
    if (!this.#listensAt(endpoint)) return;
    const outcome = await this.#write(false);
    if (!this.#listensAt(endpoint)) return;
    const done = outcome === "written" || outcome === "unchanged";
    this.#job.dueIn(done ? renewEveryMs : retryMs);
  }

  #listensAt(endpoint: Endpoint): boolean {
    return this.#endpoint !== undefined && isSameEndpoint(this.#endpoint, endpoint) &&
      !this.#session.signal.aborted;
  }

  async #renewEntry(endpoint: Endpoint, addresses: readonly string[]): Promise<void> {
    const { identity, device, ports } = this.#session;
    const now = Math.floor(ports.clock.now());
    const keys = identity.linkKeys(device);
    keys.secretKey.fill(0);
    const updatedAt = Math.max(now, this.#lastTime + 1);
    await this.#noteTime(updatedAt);
    if (!this.#listensAt(endpoint) || device !== this.#session.device) return;
    this.#entry = {
      device,
      linkKey: keys.publicKey,
      addresses,
      port: endpoint.port,
      until: now + recordLifetimeMs.connections,
      updatedAt,
      present: true,
    };
  }

  /** Noted before it is announced: another later time under this number is another device's. */
  async #noteTime(updatedAt: number): Promise<void> {
    this.#lastTime = updatedAt;
    this.#ownTimes.push(updatedAt);
    if (this.#ownTimes.length > ownTimesMax) this.#ownTimes.shift();
    await this.#session.store.putNote(note, encode([updatedAt]));
  }

  #write(force: boolean, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#writer.write({
      namespace: "connections",
      kind: "connections",
      force,
      build: (seen) => this.#build(seen),
    }, signal);
  }

  async #build(
    seen: SignedRecord<ConnectionsBody> | undefined,
  ): Promise<ConnectionsBody | undefined> {
    const now = this.#session.ports.clock.now();
    this.#look();
    if (await this.#isInUse(seen?.body.devices ?? [])) return undefined;
    const entry = this.#entry;
    if (entry === undefined || entry.device !== this.#session.device) return undefined;
    const there = (seen?.body.devices ?? []).map((other) => this.#withoutRetired(other));
    const devices = mergeDevices(there, entry, now);
    return seen !== undefined && isSame(seen.body, { devices }) ? undefined : { devices };
  }

  /** The entry under an earlier number is taken out, unless another device has announced itself there since. */
  #withoutRetired(entry: DeviceEntry): DeviceEntry {
    const { device, updatedAt } = this.#retired ?? {};
    if (entry.device !== device || entry.updatedAt !== updatedAt) return entry;
    return { ...entry, updatedAt: updatedAt + 1, present: false, addresses: [] };
  }

  /**
   * Whether a peer listens where this device was announced last, if that was somewhere else: then this
   * data folder is a copy, and the original runs. Asked once a session, before the first announcement.
   */
  async #isInUse(devices: readonly DeviceEntry[]): Promise<boolean> {
    const { device, ports, signal } = this.#session;
    const entry = this.#entry;
    if (this.#hasProbed || entry === undefined) return false;
    this.#hasProbed = true;
    const last = devices.find((other) => other.device === device);
    if (last === undefined || !isAnnounced(last, ports.clock.now())) return false;
    const isHere = last.port === entry.port &&
      last.addresses.some((address) => entry.addresses.includes(address));
    if (isHere || !await ports.links.probe(last, probeMsMax, signal)) return false;
    this.#onForeign(devices);
    return true;
  }

  /** Looks for another device under this one's number. */
  #look(): void {
    const devices = this.#writer.seen("connections", "connections")?.body.devices ?? [];
    const own = devices.find((entry) => entry.device === this.#session.device);
    if (own === undefined || own.updatedAt <= this.#notedTime) return;
    if (this.#ownTimes.includes(own.updatedAt)) return;
    this.#onForeign(devices);
  }

  #announceQuietly(): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    // Aborted, or a disk error: tried again.
    this.#announceOnce(endpoint).catch(() => this.#job.dueIn(retryMs));
  }
}

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.ip === b.ip && a.port === b.port;
}

/** The entries in force with one's own put in its place. */
function mergeDevices(
  seen: readonly DeviceEntry[],
  own: DeviceEntry,
  nowMs: number,
): DeviceEntry[] {
  const others = seen.filter((entry) =>
    entry.device !== own.device && entry.until + clockToleranceMs > nowMs
  );
  // More devices than fit: those that run out first make room.
  others.sort((a, b) => b.until - a.until || a.device - b.device);
  return [...others.slice(0, devicesListedMax - 1), own].sort((a, b) => a.device - b.device);
}

function isSame(a: ConnectionsBody, b: ConnectionsBody): boolean {
  return equalBytes(
    encode(bodyKinds.connections.write(a)),
    encode(bodyKinds.connections.write(b)),
  );
}
