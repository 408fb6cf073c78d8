/**
 * Telling the user's other devices of what came here: one that was offline, or that a copy did not reach, has
 * each mention as well. Marks of what was read stay with each device.
 *
 * @module
 */

import type { StoredNotification } from "../conversation_store.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { Post } from "../model/post.ts";
import { isSame } from "../model/user.ts";
import type { Session } from "../session/interfaces.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { isEarly, isTimely } from "./limits.ts";
import { postNamed } from "./post_named.ts";

/** Posts handed to one device at a time. */
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

/** See the module. */
export class OwnDevices {
  readonly #parts: OwnDevicesParts;
  /** Up to which notification each device has what is here; a restart begins anew, and every device knows what it has. */
  readonly #marks = new Map<number, number>();
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
    const after = this.#marks.get(device) ?? 0;
    const { told, last } = await this.#since(after);
    const acked = await Promise.all(told.map((one) => this.#send(device, one)));
    // What comes after the first that the device has not taken is handed over again another time.
    const first = acked.indexOf(false);
    const mark = first < 0 ? last : (told[first]?.number ?? 1) - 1;
    this.#marks.set(device, Math.max(mark, after));
  }

  /** What came after that notification, the oldest first; and the number of the last one that was looked at. */
  async #since(after: number): Promise<{ told: Told[]; last: number }> {
    const { store, ports: { clock } } = this.#parts.session;
    const all: StoredNotification[] = [];
    for (const list of ["notifications", "requests"] as const) {
      all.push(...await store.conversations.notifications({ list, after, limit: handedMax }));
    }
    const newest = all.sort((a, b) => a.number - b.number).slice(-handedMax);
    const told: Told[] = [];
    let last = after;
    for (const { number, post: name } of newest) {
      const post = name && await postNamed(store, name);
      // This clock was set back: until it is right again, what is dated ahead waits.
      if (post !== undefined && isEarly(post, clock.now())) break;
      if (post !== undefined && isTimely(post, clock.now())) told.push({ number, post });
      last = number;
    }
    return { told, last };
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
