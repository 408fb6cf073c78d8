/**
 * Saying `hello`: after login, after a change of address, and to new followers (docs/PROTOCOL.md,
 * section 4).
 *
 * @module
 */

import { headsOf } from "../model/feed.ts";
import { type Head, highestHeads } from "../model/record_body.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import type { Job } from "../../lib/scheduler.ts";
import { Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { warn } from "../session/warn.ts";
import { mapBounded } from "../../lib/waiting.ts";

/** Users greeted at once; each may need a look-up in the DHT. */
const greetedAtOnceMax = 16;

/** After a change of address all users are greeted again this soon after the last time … */
const greetMsMin = 2_000;

/** … and while the address goes on changing, each time twice as late, up to this … */
const greetMsMax = 60_000;

/** … until it has not changed for so long. */
const settledMs = 300_000;

/**
 * Users of whom the network did not tell where they are, nor that they are gone, are greeted again after this,
 * and each time twice as late, so many times: it is busy, or this node has only just found it.
 */
const missedMsMin = 4_000;
const missedTriesMax = 4;

/** Greets followers and followed users; and users whom another device has entered as followers, when it says so. */
export class Greeter {
  readonly #parts: MessagingParts;
  readonly #again: Job;
  readonly #greetMissed: Job;
  readonly #slots = new Slots(greetedAtOnceMax);
  readonly #tasks: Tasks;
  /** Users who could not be greeted, and how often that has been tried. */
  #missed: readonly UserRef[] = [];
  #tries = 0;
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
    this.#tasks = new Tasks((error) => warn(parts.session, error));
    parts.lists.onChange((entry, isMerged) => {
      // Before the login has greeted all there is nothing to do.
      if (!isMerged || entry.list !== "followers" || !entry.present) return;
      if (this.#greetedAt === undefined) return;
      this.#tasks.add(this.#slots.run(() => this.greet(refOf(entry))));
    });
    this.#greetMissed = parts.session.scheduler.job(() => this.#greetEach(this.#missed));
  }

  /** Greets all followers and followed users, and the user's other devices. */
  async greetAll(signal?: AbortSignal): Promise<void> {
    const { session: { self, ports }, lists } = this.#parts;
    this.#again.cancel();
    this.#greetedAt = ports.clock.monotonic();
    const users = [self, ...lists.present("followers"), ...lists.present("following")];
    const byName = new Map(users.map((user) => [user.username, refOf(user)]));
    this.#tries = 0;
    await this.#greetEach([...byName.values()], signal);
  }

  /** Greets these, and later those of them again whom the network did not tell of. */
  async #greetEach(users: readonly UserRef[], signal?: AbortSignal): Promise<void> {
    const { session: { self }, people } = this.#parts;
    const missed: UserRef[] = [];
    await mapBounded(users, greetedAtOnceMax, async (to) => {
      const isSent = await this.greet(to, signal);
      if (!isSent && !isSame(to, self) && !people.isGone(to)) missed.push(to);
    });
    this.#missed = missed;
    this.#greetMissed.cancel();
    if (missed.length === 0 || this.#tries >= missedTriesMax) return;
    this.#greetMissed.dueIn(missedMsMin * 2 ** this.#tries++);
  }

  /** Greets one user; whether there was a device to send it to. */
  async greet(to: UserRef, signal?: AbortSignal): Promise<boolean> {
    const { session, records, messenger } = this.#parts;
    signal?.throwIfAborted();
    if (session.signal.aborted) return false;
    const connections = records.connections()?.value ?? new Uint8Array();
    const body = { device: session.device, heads: await this.heads(), connections };
    const order = { kind: "hello" as const, to, body };
    return (await messenger.send(order, signal ?? session.signal)).devices > 0;
  }

  /** How far the user's own feeds reach, as the records and the database know it. */
  async heads(): Promise<Head[]> {
    const { session, records } = this.#parts;
    const feeds = await session.store.feeds(session.self.username);
    return highestHeads(records.heads(), headsOf(feeds));
  }

  /** The own records have changed: the user's other devices are greeted, and read them. */
  tellOwn(): void {
    this.#tasks.add(this.greet(this.#parts.session.self));
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
