/**
 * Follow and unfollow notices: sent again until acknowledged, also after a restart (design, section 6).
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { PendingFollow, Timer } from "../ports.ts";
import { followRetry } from "../messages/kinds/follow.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { Session } from "../session/interfaces.ts";

const { firstMs: retryMsMin, longestMs: retryMsMax } = followRetry;

/** Notices sent at once; each may need a look-up in the DHT. */
const sendingMax = 8;

/** Ids of messages remembered for each notice, so that late acknowledgements still count. */
const idsMax = 8;

/** What goes on with one notice. */
interface Pending {
  notice: PendingFollow;
  retryMs: number;
  /** On the monotonic clock. */
  dueAt: number;
  sending: boolean;
  /** Ids under which it was sent, in hexadecimal. */
  readonly ids: string[];
  /** Called when it is acknowledged or superseded. */
  readonly waiters: Set<(acknowledged: boolean) => void>;
}

/** Sends the notices that wait in the store until each is acknowledged. */
export class Notices {
  readonly #session: Session;
  readonly #messenger: Pick<PeerMessenger, "send">;
  readonly #pending = new Map<string, Pending>();
  #timer: Timer | undefined;
  #sending = 0;

  /** The notices of one session; {@linkcode load} takes in those of earlier ones. */
  constructor(session: Session, messenger: Pick<PeerMessenger, "send">) {
    this.#session = session;
    this.#messenger = messenger;
    session.signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  /** How many wait for their acknowledgement. */
  get size(): number {
    return this.#pending.size;
  }

  /** The notice to a user that waits, if one does. */
  get(username: string): PendingFollow | undefined {
    return this.#pending.get(username)?.notice;
  }

  /** Takes in what earlier sessions left in the store; nothing is sent before {@linkcode send}. */
  async load(): Promise<void> {
    for (const notice of await this.#session.store.pendingFollows()) {
      if (!this.#pending.has(notice.username)) this.#take(notice);
    }
  }

  /** Commits a notice, in place of an older one to the same user. Nothing is sent yet. */
  async put(notice: PendingFollow): Promise<void> {
    await this.#session.store.putPendingFollow(notice);
    this.#take(notice);
  }

  /** Removes the notice to a user if it is still the one of that time. */
  async drop(username: string, updatedAt: number): Promise<void> {
    if (this.#pending.get(username)?.notice.updatedAt === updatedAt) this.#forget(username, false);
    await this.#session.store.dropPendingFollow(username, updatedAt);
  }

  /** Sends what waits for a user now, whatever its turn would have been; for all without a name. */
  send(username?: string): void {
    const now = this.#session.ports.clock.monotonic();
    for (const pending of this.#pending.values()) {
      if (username !== undefined && pending.notice.username !== username) continue;
      pending.dueAt = now;
      pending.retryMs = retryMsMin;
    }
    this.#work();
  }

  /** Whether the notice to a user is acknowledged within that time; true if none waits. */
  acknowledged(username: string, timeoutMs: number): Promise<boolean> {
    const pending = this.#pending.get(username);
    if (pending === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (value: boolean) => {
        timer.cancel();
        pending.waiters.delete(done);
        resolve(value);
      };
      const timer = this.#session.ports.clock.after(timeoutMs, () => done(false));
      pending.waiters.add(done);
    });
  }

  /** Deals with an `ack` that came in. */
  async handleAck(message: MessageOf<"ack">): Promise<void> {
    const { from, body } = message;
    const pending = this.#pending.get(from.username);
    if (pending === undefined || !pending.ids.includes(toHex(body.id))) return;
    if (body.reason !== undefined) {
      // Refused for its time: one of the two clocks is wrong. Once it is set right it will pass.
      const { clock } = this.#session.ports;
      const untilThenMs = pending.notice.updatedAt - clock.now();
      pending.retryMs = retryMsMax;
      pending.dueAt = clock.monotonic() + Math.max(Math.min(untilThenMs, 2 ** 31 - 1), retryMsMax);
      this.#work();
      return;
    }
    const { updatedAt } = pending.notice;
    await this.#session.store.dropPendingFollow(from.username, updatedAt);
    if (pending.notice.updatedAt === updatedAt) this.#forget(from.username, true);
  }

  #take(notice: PendingFollow): void {
    this.#forget(notice.username, false);
    this.#pending.set(notice.username, {
      notice,
      retryMs: retryMsMin,
      dueAt: Infinity,
      sending: false,
      ids: [],
      waiters: new Set(),
    });
  }

  #forget(username: string, acknowledged: boolean): void {
    const pending = this.#pending.get(username);
    this.#pending.delete(username);
    for (const waiter of [...pending?.waiters ?? []]) waiter(acknowledged);
  }

  #end(): void {
    this.#timer?.cancel();
    for (const username of [...this.#pending.keys()]) this.#forget(username, false);
  }

  /** Starts what is due and sets the timer for what comes next. */
  #work(): void {
    const { signal, ports: { clock } } = this.#session;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (signal.aborted) return;
    const now = clock.monotonic();
    let nextAt = Infinity;
    for (const pending of this.#pending.values()) {
      if (pending.sending) continue;
      if (pending.dueAt <= now && this.#sending < sendingMax) this.#attempt(pending);
      else nextAt = Math.min(nextAt, pending.dueAt);
    }
    // With all places taken, whichever becomes free comes back here.
    if (nextAt === Infinity || this.#sending >= sendingMax) return;
    this.#timer = clock.after(Math.max(nextAt - now, 0), () => this.#work());
  }

  #attempt(pending: Pending): void {
    const { ports: { clock } } = this.#session;
    pending.sending = true;
    pending.dueAt = clock.monotonic() + pending.retryMs;
    pending.retryMs = Math.min(pending.retryMs * 2, retryMsMax);
    this.#sending++;
    this.#deliver(pending).catch(() => {}).finally(() => {
      pending.sending = false;
      this.#sending--;
      this.#work();
    });
  }

  async #deliver(pending: Pending): Promise<void> {
    const { username, key, kind, updatedAt } = pending.notice;
    const order = { kind, to: { username, key }, body: { updatedAt } };
    const { id, devices } = await this.#messenger.send(order, this.#session.signal);
    if (devices === 0) return;
    pending.ids.push(toHex(id));
    if (pending.ids.length > idsMax) pending.ids.shift();
  }
}
