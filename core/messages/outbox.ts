/**
 * What goes out: signed once, queued to each of a user's devices.
 *
 * @module
 */

import { refOf, type UserRef } from "../model/user.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import { toHex } from "../model/bytes.ts";
import type { SendResult } from "../ports.ts";
import type { People, Session } from "../session/interfaces.ts";
import { messageIdBytes, signMessage } from "./frame.ts";
import type { KindName, Message, MessageBodyOf } from "./kinds/mod.ts";

/** A user of whom a message came in so recently is there. */
const heardMsMax = 5_000;

/**
 * Devices of another user that one message goes to: a user may announce dozens, at addresses of others, and
 * each device is announced anew every five minutes.
 */
const devicesSentMax = 4;

/** What hinders a message, for a person who looks for a fault. */
const hindrances: Readonly<Record<Exclude<SendResult, "queued">, string>> = {
  delayed: "not connected yet, it waits",
  full: "too much waits for it already, it is tried again",
  unreachable: "unreachable, no address of it can be connected to",
};

/** What is to be sent to whom. */
export interface SendOrder<K extends KindName> {
  /** The kind of message. */
  readonly kind: K;
  /** Whom to. To oneself means to one's other devices. */
  readonly to: UserRef;
  /** What it says. */
  readonly body: MessageBodyOf[K];
  /** Only to this one of the user's devices. */
  readonly device?: number;
  /** Only to so many of the user's devices, those that were announced last; by default to 4, of one's own to all. */
  readonly devicesMax?: number;
  /** Only to this device, exactly where this says: nothing is looked up. */
  readonly entry?: DeviceEntry;
  /** The message's id where the caller has drawn it: one id for the same message to many. */
  readonly id?: Uint8Array;
  /**
   * Nothing leaves before this resolves, and nothing if it rejects. A post is signed for its first
   * followers while it is being committed, and goes out when it is: the last of five followers has it
   * half a millisecond sooner (docs/decisions/0012-commit-and-push-overlap.md).
   */
  readonly committed?: Promise<void> | undefined;
}

/** What became of it. */
export interface SendReport {
  /** The message's id, 16 bytes. */
  readonly id: Uint8Array;
  /** To how many devices it was queued, those included that may not be there any more. */
  readonly devices: number;
  /** How many devices' queues are full at the moment: it may be tried again. */
  readonly full: number;
}

/** Sends messages. */
export class Outbox {
  readonly #session: Session;
  readonly #people: Pick<People, "devices" | "forgetDevices" | "renewDevices">;
  readonly #heardAt: (user: UserRef) => number | undefined;

  /**
   * The outbox of one session.
   *
   * @param heardAt When a message of a user came in last, on the monotonic clock.
   */
  constructor(
    session: Session,
    people: Pick<People, "devices" | "forgetDevices" | "renewDevices">,
    heardAt: (user: UserRef) => number | undefined,
  ) {
    this.#session = session;
    this.#people = people;
    this.#heardAt = heardAt;
  }

  /** Devices of a user that a message can be sent to: this one is never among them. */
  async devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    const { self, device } = this.#session;
    const all = await this.#people.devices(user, signal);
    const isSelf = user.username === self.username;
    return all.filter((entry) => entry.present && !(isSelf && entry.device === device));
  }

  /**
   * See `PeerMessenger.send`. After the end of the session nothing is sent.
   *
   * @throws What `order.committed` rejects with.
   */
  async send<K extends KindName>(
    order: SendOrder<K>,
    signal?: AbortSignal,
  ): Promise<SendReport> {
    const { self, identity, ports: { clock, random, links }, signal: ended } = this.#session;
    const id = order.id ?? random.bytes(messageIdBytes);
    const none = { id, devices: 0, full: 0 };
    let devices = await this.#chosen(order, signal);
    if (devices.length === 0 && order.committed !== undefined) {
      await order.committed;
      devices = await this.#chosen(order, signal);
    }
    if (devices.length === 0) {
      this.#session.settings.trace?.(
        `No route for ${order.kind} to ${order.to.username}: no device is announced`,
      );
    }
    if (devices.length === 0 || ended.aborted) return none;
    const { kind, body } = order;
    const message = {
      kind,
      from: self,
      to: refOf(order.to),
      time: Math.floor(clock.now()),
      id,
      body,
    };
    const frame = signMessage(message as Message, identity);
    if (order.committed !== undefined) {
      await order.committed;
      // A user who came or moved meanwhile has asked for what was committed by then, and is told of this alone.
      devices = await this.#chosen(order, signal);
      if (ended.aborted) return none;
    }
    const results = devices.map((device) => this.#sendTo(order, device, frame));
    // A user who was heard is there again: what has waited in vain waits no longer.
    if (
      results.includes("delayed") &&
      clock.monotonic() - (this.#heardAt(order.to) ?? -Infinity) < heardMsMax
    ) {
      for (const device of devices) links.redial(device);
    }
    if (results.every((result) => result === "unreachable")) {
      this.#people.forgetDevices(order.to, devices);
    }
    // A user who cannot be reached at any of these addresses may have moved.
    if (!results.includes("queued") && order.entry === undefined) {
      for (const device of await this.#moved(order, devices, signal)) {
        results.push(this.#sendTo(order, device, frame));
      }
    }
    const count = (wanted: SendResult) => results.filter((result) => result === wanted).length;
    return { id, devices: count("queued") + count("delayed"), full: count("full") };
  }

  /** Sends to one device, and tells what hinders. */
  #sendTo({ kind, to }: SendOrder<KindName>, device: DeviceEntry, frame: Uint8Array): SendResult {
    const { ports: { links }, settings: { trace } } = this.#session;
    const result = links.send(device, frame);
    if (result !== "queued") {
      trace?.(`${kind} to ${to.username}, device ${device.device}: ${hindrances[result]}`);
    }
    return result;
  }

  /** The devices that an order means. */
  async #chosen(
    { to, device, devicesMax, entry }: SendOrder<KindName>,
    signal?: AbortSignal,
  ): Promise<DeviceEntry[]> {
    if (entry !== undefined) return [entry];
    const all = await this.devices(to, signal);
    if (device !== undefined) return all.filter((entry) => entry.device === device);
    const isSelf = to.username === this.#session.self.username;
    const most = devicesMax ?? (isSelf ? Infinity : devicesSentMax);
    if (all.length <= most) return all;
    return all.toSorted((a, b) => b.updatedAt - a.updatedAt).slice(0, most);
  }

  /** Devices that the network knows of and that were not tried. */
  async #moved(
    order: SendOrder<KindName>,
    tried: readonly DeviceEntry[],
    signal?: AbortSignal,
  ): Promise<DeviceEntry[]> {
    if (!await this.#people.renewDevices(order.to, signal)) return [];
    const places = new Set(tried.map(placeOf));
    return (await this.#chosen(order, signal)).filter((entry) => !places.has(placeOf(entry)));
  }
}

/** Where a device listens, as one text. */
export function placeOf({ linkKey, addresses, port }: DeviceEntry): string {
  return [toHex(linkKey), port, ...addresses].join(" ");
}
