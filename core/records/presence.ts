/**
 * The own `connections` record: where this device listens, announced while logged in (design, section 4).
 *
 * All devices of a user share the record. Entries merge one by one, the later change wins; an entry
 * taken out stays as absent until the one that it replaced would have run out.
 *
 * @module
 */

import { CamelliaError, type ErrorCode } from "../model/errors.ts";
import type { SignedRecord } from "../model/record.ts";
import {
  type ConnectionsBody,
  type DeviceEntry,
  devicesListedMax,
  isAnnounced,
  isSameBody,
  isSentAway,
  sentAway,
} from "../model/record_body.ts";
import { clockToleranceMs, recordLifetimeMs } from "../model/record_policy.ts";
import type { Endpoint } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import { readNumber, writeNumber } from "../session/notes.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import type { Job } from "../../lib/scheduler.ts";
import { abortable, within } from "../../lib/waiting.ts";
import { isDone, type RecordWriter, type WriteOutcome } from "./record_writer.ts";

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

/** How long a device that was sent away can learn that, as long as another one renews the record. */
const awayMs = 86_400_000;

/** Announcements that the device makes so soon after it was sent away do not bring it back: it has not seen it. */
const awayGraceMs = 5_000;

/** The note with the time of the last announcement. */
const note = "presence";

/** Announces one device and keeps it announced. */
export class Presence {
  readonly #session: Session;
  readonly #writer: RecordWriter;
  readonly #onForeign: () => void;
  readonly #job: Job;
  /** Several callers may ask at the same moment, such as when the node joins: one announcement serves all. */
  readonly #announcing = new InFlight<void>();
  /** Called when the network knows this device at another place than before, or again after it had lost it. */
  onMoved: () => void = () => {};
  /** Whether the record that was replaced last time did not say where this device is. */
  #wasLost = false;
  #endpoint: Endpoint | undefined;
  #entry: DeviceEntry | undefined;
  /** Where the network was told last that this device listens. */
  #place: string | undefined;
  /** Times that this session has put on its entries, after the one that earlier sessions noted last. */
  readonly #ownTimes: number[] = [];
  #notedTime = 0;
  #hasProbed = false;
  /** The entry under an earlier number of this device, to be taken out with the next announcement. */
  #retired: DeviceEntry | undefined;
  /** Entries of devices that this session has sent away, by number; there are no more than are listed. */
  readonly #away = new Map<number, DeviceEntry>();
  /** When this device was sent away before the present login, which the user asked for all the same. */
  #forgivenAt: number | undefined;

  /**
   * Nothing is known or announced: see {@linkcode Presence.load}.
   *
   * @param onForeign Called when another device is seen to announce itself under this one's number.
   */
  constructor(session: Session, writer: RecordWriter, onForeign: () => void) {
    this.#session = session;
    this.#writer = writer;
    this.#onForeign = onForeign;
    this.#job = session.scheduler.job(() => this.#announceQuietly());
  }

  /** Reads what earlier sessions left. */
  async load(): Promise<void> {
    this.#notedTime = await readNumber(this.#session.store, note) ?? 0;
  }

  /** The node has joined the network: the device is announced there, if it is to be. */
  joined(): void {
    this.#announceQuietly();
  }

  /** Others may reach this device at other addresses now: then it is announced at these. */
  reachChanged(): void {
    // Rejects at logout.
    this.#followReach().catch(() => {});
  }

  async #followReach(): Promise<void> {
    const endpoint = this.#endpoint;
    const { ports, signal } = this.#session;
    if (endpoint === undefined) return;
    // An announcement under way may have begun before the change; whether it failed is told elsewhere.
    await this.#announcing.get(this.#nameOf(endpoint))?.catch(() => {});
    const addresses = await ports.reach.addresses(signal);
    const hasMoved = this.#placeOf(endpoint, addresses) !== this.#place;
    if (hasMoved && this.#listensAt(endpoint)) this.#announceQuietly();
  }

  /**
   * The device got another number, and with it another link key: nothing is announced until the links
   * listen under that.
   */
  retire(): void {
    this.#job.cancel();
    this.#endpoint = undefined;
    this.#retired = this.#entry ?? this.#retired;
    this.#entry = undefined;
  }

  /** The signed record in force, while this device is announced in it. */
  current(): SignedRecord<ConnectionsBody> | undefined {
    const own = this.#find(this.devices());
    const isListed = own !== undefined && isAnnounced(own, this.#session.ports.clock.now());
    return isListed ? this.#writer.seen("connections") : undefined;
  }

  /** All devices of the user that the best record seen names. */
  devices(): readonly DeviceEntry[] {
    return this.#writer.seen("connections")?.body.devices ?? [];
  }

  /** Reads the record, and looks at it; whether the network answered. */
  async read(signal?: AbortSignal): Promise<boolean> {
    const isRead = await this.#writer.read("connections", signal);
    if (isRead) this.#look();
    return isRead;
  }

  /**
   * Takes another device out. It logs out when it sees that.
   *
   * @throws {CamelliaError} `invalid_argument` if it is this one, or not announced; `not_joined`,
   * `too_few_holders`.
   */
  async sendAway(device: number, signal?: AbortSignal): Promise<void> {
    const { self: { username }, ports } = this.#session;
    const refused = (code: ErrorCode, why: string) =>
      new CamelliaError(code, `Cannot remove device ${device} of ${username}: ${why}.`);
    if (device === this.#session.device) {
      throw refused("invalid_argument", "it is this one. Log out instead");
    }
    let isMarked = false;
    const outcome = await this.#writer.write({
      namespace: "connections",
      force: true,
      build: (seen) => {
        const now = Math.floor(ports.clock.now());
        const devices = seen?.body.devices ?? [];
        const entry = devices.find((other) => other.device === device);
        // Tried again, or read back later, the entry is likely to be taken out already.
        if (!isMarked) {
          if (entry === undefined || !isAnnounced(entry, now)) {
            throw refused("invalid_argument", "no such device is announced");
          }
          const updatedAt = Math.max(now, entry.updatedAt) + awayGraceMs;
          this.#away.set(device, sentAway(entry, { until: now + awayMs, updatedAt }));
          isMarked = true;
        }
        const body = { devices: devices.map((other) => this.#withoutAway(other)) };
        const same = seen === undefined || isSameBody("connections", seen.body, body);
        return Promise.resolve(same ? undefined : body);
      },
    }, signal);
    if (isDone(outcome)) return;
    this.#away.delete(device);
    throw outcome === "offline"
      ? refused("not_joined", "the network does not answer. Try again in a moment")
      : refused("too_few_holders", "too few nodes took the change. Try again in a moment");
  }

  /** Announces this device at the endpoint where its links listen, from now on until withdrawn. */
  async announce(endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
    this.#endpoint = endpoint;
    const announced = this.#announceOnce(endpoint);
    // The disk may fail; the caller hears of it, and it is tried again.
    announced.catch(() => this.#listensAt(endpoint) && this.#job.dueIn(retryMs));
    await abortable(announced, signal);
  }

  /** Reads the record; writes it again if this device's entry is gone from it. */
  async pull(signal?: AbortSignal): Promise<void> {
    if (this.#entry === undefined) return void await this.read(signal);
    const outcome = await this.#write(true, signal);
    if (outcome === "written" && this.#wasLost) this.onMoved();
  }

  /** Takes this device out, and no other; waits for the network 1.5 s at most. */
  async withdraw(): Promise<void> {
    const { clock } = this.#session.ports;
    this.#job.cancel();
    this.#endpoint = undefined;
    if (this.#entry === undefined) return;
    // Noted like an announcement: the next login must not take this entry for another device's.
    const updatedAt = await this.#noteTime();
    this.#entry = { ...this.#entry, updatedAt, present: false, addresses: [] };
    // Read anew: what this write says of other devices it does not read back and repair later.
    await within({ clock, ms: withdrawMsMax }, (limit) => this.#write(true, limit));
    this.#entry = undefined;
  }

  #announceOnce(endpoint: Endpoint): Promise<void> {
    return this.#announcing.run(this.#nameOf(endpoint), () => this.#announce(endpoint));
  }

  #nameOf({ ip, port }: Endpoint): string {
    return `${this.#session.device} ${ip} ${port}`;
  }

  async #announce(endpoint: Endpoint): Promise<void> {
    this.#job.cancel();
    const { ports, signal } = this.#session;
    const { device } = this.#session;
    // A commit takes the disk some milliseconds, and others some to say where they see this device.
    const [addresses, updatedAt] = await Promise.all([
      ports.reach.addresses(signal),
      this.#noteTime(),
    ]);
    if (!this.#listensAt(endpoint) || device !== this.#session.device) return;
    if (addresses.length === 0) return this.#job.dueIn(retryMs);
    this.#renewEntry(endpoint, addresses, updatedAt);
    const outcome = await this.#write(false);
    if (!this.#listensAt(endpoint)) return;
    this.#job.dueIn(isDone(outcome) ? renewEveryMs : retryMs);
    const place = this.#placeOf(endpoint, addresses);
    if (!isDone(outcome) || place === this.#place) return;
    this.#place = place;
    this.onMoved();
  }

  #placeOf({ port }: Endpoint, addresses: readonly string[]): string {
    return `${this.#session.device} ${port} ${addresses}`;
  }

  #listensAt(endpoint: Endpoint): boolean {
    return this.#endpoint?.ip === endpoint.ip && this.#endpoint.port === endpoint.port &&
      !this.#session.signal.aborted;
  }

  #renewEntry({ port }: Endpoint, addresses: readonly string[], updatedAt: number): void {
    const { identity, device, ports } = this.#session;
    const keys = identity.linkKeys(device);
    keys.secretKey.fill(0);
    this.#entry = {
      device,
      linkKey: keys.publicKey,
      addresses,
      port,
      until: Math.floor(ports.clock.now()) + recordLifetimeMs.connections,
      updatedAt,
      present: true,
    };
  }

  /**
   * The time to put on a change: now, but later than on the change before. It is noted before it is
   * announced: another later time under this number is another device's.
   */
  async #noteTime(): Promise<number> {
    const last = this.#ownTimes.at(-1) ?? this.#notedTime;
    const time = Math.max(Math.floor(this.#session.ports.clock.now()), last + 1);
    this.#ownTimes.push(time);
    if (this.#ownTimes.length > ownTimesMax) this.#ownTimes.shift();
    await writeNumber(this.#session.store, note, time);
    return time;
  }

  #write(force: boolean, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#writer.write({
      namespace: "connections",
      force,
      build: (seen) => this.#build(seen?.body),
      // Another device was announced at the same moment: neither knew of the other, and others of one of them.
      repaired: () => this.#wasLost && this.onMoved(),
    }, signal);
  }

  async #build(seen: ConnectionsBody | undefined): Promise<ConnectionsBody | undefined> {
    const now = this.#session.ports.clock.now();
    this.#look();
    if (await this.#isInUse(seen?.devices ?? [])) return undefined;
    const entry = this.#entry;
    if (entry === undefined || entry.device !== this.#session.device) return undefined;
    const there = (seen?.devices ?? [])
      .map((other) => this.#withoutAway(this.#withoutRetired(other)));
    const before = this.#find(there);
    this.#wasLost = before === undefined || !isAnnounced(before, now) ||
      before.port !== entry.port || before.addresses.join() !== entry.addresses.join();
    const body = { devices: mergeDevices(there, entry, now) };
    return seen !== undefined && isSameBody("connections", seen, body) ? undefined : body;
  }

  /** The entry of a device that was sent away is what this session has put there, unless it is a later one. */
  #withoutAway(entry: DeviceEntry): DeviceEntry {
    const away = this.#away.get(entry.device);
    return away !== undefined && entry.updatedAt < away.updatedAt ? away : entry;
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
    const { ports, signal } = this.#session;
    const entry = this.#entry;
    if (this.#hasProbed || entry === undefined) return false;
    this.#hasProbed = true;
    const last = this.#find(devices);
    if (last === undefined || !isAnnounced(last, ports.clock.now())) return false;
    const isHere = last.port === entry.port &&
      last.addresses.some((address) => entry.addresses.includes(address));
    if (isHere || !await ports.links.probe(last, probeMsMax, signal)) return false;
    this.#onForeign();
    return true;
  }

  /** Looks whether this device was sent away, and for another device under its number. */
  #look(): void {
    const own = this.#find(this.devices());
    const awayAt = own !== undefined && isSentAway(own) ? own.updatedAt : 0;
    this.#forgivenAt ??= awayAt;
    if (awayAt > this.#forgivenAt) return this.#leave();
    if (own === undefined || awayAt > 0 || own.updatedAt <= this.#notedTime) return;
    if (!this.#ownTimes.includes(own.updatedAt)) this.#onForeign();
  }

  /** Another device has sent this one away: it announces itself no more. */
  #leave(): void {
    this.#job.cancel();
    this.#endpoint = undefined;
    this.#entry = undefined;
    const { self: { username }, device } = this.#session;
    const message =
      `Another device of ${username} has removed this one (number ${device}), so it has ` +
      `logged out. To come back: camellia login ${username}`;
    this.#session.leave(new CamelliaError("device_removed", message));
  }

  #find(devices: readonly DeviceEntry[]): DeviceEntry | undefined {
    return devices.find((entry) => entry.device === this.#session.device);
  }

  #announceQuietly(): void {
    if (this.#endpoint === undefined) return;
    // Aborted, or a disk error: tried again.
    this.#announceOnce(this.#endpoint).catch(() => this.#job.dueIn(retryMs));
  }
}

/** The entries in force with this device's own put in its place. */
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
