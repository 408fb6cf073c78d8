/**
 * Telling the user's other devices of what came here: one that was offline, or that a copy did not reach, has
 * each mention as well. Marks of what was read stay with each device.
 *
 * @module
 */

import type { NotificationList } from "../conversation_store.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { Post } from "../model/post.ts";
import { isSame } from "../model/user.ts";
import type { Session } from "../session/interfaces.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { isEarly, isTimely } from "./limits.ts";
import { postNamed } from "./post_named.ts";

/** Notifications looked at, and posts handed to one device, at a time. */
const handedMax = 50;

/** A device that is there has acknowledged them by then. */
const ackMsMax = 5_000;

/** What {@linkcode OwnDevices} need. */
export interface OwnDevicesParts {
  /** The session. */
  readonly session: Session;
  /** Knows the devices, and sends. */
  readonly messenger: Pick<PeerMessenger, "devices" | "send" | "onAck">;
}

/** A notification with its post. */
interface Told {
  readonly number: number;
  readonly post: Post;
}

/** What a device has of a list. */
interface Mark {
  /** It has everything up to this number. */
  last: number;
  /** It has these beyond: they are as many as the list is long at most. */
  readonly beyond: Set<number>;
}

/** A device with a full day of strangers takes no more requests, and is to have its notifications all the same. */
const lists: readonly NotificationList[] = ["notifications", "requests"];

/** See the module. */
export class OwnDevices {
  readonly #parts: OwnDevicesParts;
  /** By device and list; a restart begins anew, and every device knows what it has. */
  readonly #marks = new Map<string, Mark>();
  readonly #underWay = new Set<number>();

  /** The other devices of one session's user. */
  constructor(parts: OwnDevicesParts) {
    this.#parts = parts;
  }

  /** Hands over what is new here to a device, or to all that are announced. */
  async share(only?: number): Promise<void> {
    const { session: { self, signal }, messenger } = this.#parts;
    const devices = await messenger.devices(self, signal);
    for (const { device } of devices) {
      if (only !== undefined && device !== only) continue;
      if (signal.aborted || this.#underWay.has(device)) continue;
      this.#underWay.add(device);
      try {
        await this.#shareWith(device);
      } finally {
        this.#underWay.delete(device);
      }
    }
  }

  async #shareWith(device: number): Promise<void> {
    for (const list of lists) {
      const name = `${device} ${list}`;
      const mark = this.#marks.get(name) ?? { last: 0, beyond: new Set() };
      this.#marks.set(name, mark);
      await this.#shareList(device, list, mark);
    }
  }

  /** Hands over what the device lacks of a list, the oldest first. */
  async #shareList(device: number, list: NotificationList, mark: Mark): Promise<void> {
    const { signal } = this.#parts.session;
    let after = mark.last;
    let missed: number | undefined;
    while (!signal.aborted) {
      const { told, last, isEnd } = await this.#page(list, after, mark.beyond);
      const acked = await Promise.all(told.map((one) => this.#send(device, one)));
      for (const [i, { number }] of told.entries()) {
        if (acked[i]) mark.beyond.add(number);
        // What the device has not taken is handed over again another time.
        else missed ??= number;
      }
      after = last;
      mark.last = missed === undefined ? last : missed - 1;
      // A device that takes nothing is not there.
      if (isEnd || (told.length > 0 && !acked.includes(true))) break;
    }
    for (const number of mark.beyond) if (number <= mark.last) mark.beyond.delete(number);
  }

  /**
   * What came after that notification, the oldest first, without those that the device has; the number of the last
   * one that was looked at, and whether there is nothing more to look at.
   */
  async #page(
    list: NotificationList,
    after: number,
    had: ReadonlySet<number>,
  ): Promise<{ told: Told[]; last: number; isEnd: boolean }> {
    const { store, ports: { clock } } = this.#parts.session;
    const query = { list, after, limit: handedMax, oldestFirst: true };
    const page = await store.conversations.notifications(query);
    const told: Told[] = [];
    let last = after;
    for (const { number, post: name } of page) {
      const post = had.has(number) ? undefined : name && await postNamed(store, name);
      // This clock was set back: until it is right again, what is dated ahead waits.
      if (post !== undefined && isEarly(post, clock.now())) return { told, last, isEnd: true };
      if (post !== undefined && isTimely(post, clock.now())) told.push({ number, post });
      last = number;
    }
    return { told, last, isEnd: page.length < handedMax };
  }

  /** Sends one post; whether the device has acknowledged it. */
  async #send(device: number, { post }: Told): Promise<boolean> {
    const { session: { self, ports: { clock, random }, signal }, messenger } = this.#parts;
    const answer = Promise.withResolvers<void>();
    const id = random.bytes(16);
    const stop = messenger.onAck(id, (from) => {
      if (isSame(from, self)) answer.resolve();
    });
    try {
      const body = { post: post.signed };
      const { devices } = await messenger.send(
        { kind: "mention", to: self, body, id, device },
        signal,
      );
      return devices > 0 && await settledWithin(clock, answer.promise, ackMsMax);
    } finally {
      stop();
    }
  }
}
