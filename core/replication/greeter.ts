/**
 * Saying `hello`: after login, after a change of address, and to new followers (docs/PROTOCOL.md,
 * section 4).
 *
 * @module
 */

import { headsOf } from "../model/feed.ts";
import { highestHeads } from "../model/record_body.ts";
import { refOf, type UserRef } from "../model/user.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import type { Job } from "../../lib/scheduler.ts";
import { mapBounded } from "../../lib/waiting.ts";

/** Users greeted at once; each may need a look-up in the DHT. */
const greetedAtOnceMax = 16;

/** After a change of address all users are greeted again this soon after the last time … */
const greetMsMin = 2_000;

/** … and while the address goes on changing, each time twice as late, up to this … */
const greetMsMax = 60_000;

/** … until it has not changed for so long. */
const settledMs = 300_000;

/** Greets followers and followed users. */
export class Greeter {
  readonly #parts: MessagingParts;
  readonly #again: Job;
  /** When all users were greeted last, on the monotonic clock. */
  #greetedAt: number | undefined;
  /** How long after the last greeting the next one comes. */
  #pauseMs = greetMsMin;

  /**
   * The greeter of one session.
   *
   * @param rejoin Called when the device is announced at another address; it greets all, and fetches what
   * could not come at the old address.
   */
  constructor(parts: MessagingParts, rejoin: () => void | Promise<void>) {
    this.#parts = parts;
    this.#again = parts.session.scheduler.job(rejoin);
  }

  /** Greets all followers and followed users, and the user's other devices. */
  async greetAll(signal?: AbortSignal): Promise<void> {
    const { session: { self, ports }, lists } = this.#parts;
    this.#again.cancel();
    this.#greetedAt = ports.clock.monotonic();
    const users = [self, ...lists.present("followers"), ...lists.present("following")];
    const byName = new Map(users.map((user) => [user.username, refOf(user)]));
    await mapBounded([...byName.values()], greetedAtOnceMax, (to) => this.greet(to, signal));
  }

  /** Greets one user. */
  async greet(to: UserRef, signal?: AbortSignal): Promise<void> {
    const { session, records, messenger } = this.#parts;
    signal?.throwIfAborted();
    if (session.signal.aborted) return;
    const connections = records.connections()?.value ?? new Uint8Array();
    const feeds = await session.store.feeds(session.self.username);
    const heads = highestHeads(records.heads(), headsOf(feeds));
    const body = { device: session.device, heads, connections };
    await messenger.send({ kind: "hello", to, body }, signal ?? session.signal);
  }

  /**
   * The device is announced at another address: the users who were greeted under the old one are greeted
   * again. Before the login has greeted them there is nothing to do.
   */
  moved(): void {
    if (this.#greetedAt === undefined) return;
    const { clock } = this.#parts.session.ports;
    const quietMs = clock.monotonic() - this.#greetedAt;
    if (quietMs >= settledMs) this.#pauseMs = greetMsMin;
    this.#again.dueIn(Math.max(this.#pauseMs - quietMs, 0));
    this.#pauseMs = Math.min(2 * this.#pauseMs, greetMsMax);
  }
}
