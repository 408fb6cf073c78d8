/**
 * Pending follow requests: a `follow` or `unfollow` is sent again until it is acknowledged, also after a
 * restart (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import { messageIdBytes } from "../messages/frame.ts";
import { followRetry } from "../messages/kinds/follow.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { PendingFollow } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import type { Job } from "../../lib/scheduler.ts";
import { Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";

/** Requests sent at once; each may need a look-up in the DHT. */
const sendingMax = 8;

/** Message ids remembered for each request, so that late acknowledgements still count. */
const idsMax = 8;

/** A timer runs 24 days at most. */
const timerMsMax = 2 ** 31 - 1;

/** One request and its repetitions. */
interface Pending {
  readonly request: PendingFollow;
  /** Sends it, and then is due again. */
  readonly job: Job;
  /** How long to wait before the next repetition, in milliseconds. */
  waitMs: number;
  isSending: boolean;
  /** When it was sent last, on the monotonic clock. */
  sentAt: number;
  /** Ids under which it was sent, in hexadecimal. */
  readonly ids: string[];
  /** Resolves to true when it is acknowledged, to false when another takes its place or the session ends. */
  readonly outcome: PromiseWithResolvers<boolean>;
}

/** Sends the requests that wait in the store until each is acknowledged. */
export class PendingFollows {
  readonly #session: Session;
  readonly #messenger: Pick<PeerMessenger, "send">;
  readonly #pending = new Map<string, Pending>();
  readonly #slots = new Slots(sendingMax);

  /** The requests of one session; {@linkcode load} takes in those of earlier ones. */
  constructor(session: Session, messenger: Pick<PeerMessenger, "send">) {
    this.#session = session;
    this.#messenger = messenger;
    session.signal.addEventListener("abort", () => {
      for (const { outcome } of this.#pending.values()) outcome.resolve(false);
    }, { once: true });
  }

  /** How many wait for their acknowledgement. */
  get size(): number {
    return this.#pending.size;
  }

  /** The request to a user that waits, if one does. */
  get(username: string): PendingFollow | undefined {
    return this.#pending.get(username)?.request;
  }

  /** Takes in what earlier sessions left in the store; nothing is sent before {@linkcode send}. */
  async load(): Promise<readonly PendingFollow[]> {
    const requests = await this.#session.store.pendingFollows();
    for (const request of requests) {
      if (!this.#pending.has(request.username)) this.#take(request);
    }
    return requests;
  }

  /** Commits a request, in place of an older one to the same user. Nothing is sent yet. */
  async put(request: PendingFollow): Promise<void> {
    await this.#session.store.putPendingFollow(request);
    this.#take(request);
  }

  /** Removes the request to a user if it is still the one of that time. */
  async drop(username: string, updatedAt: number): Promise<void> {
    this.#remove(username, updatedAt, false);
    await this.#session.store.dropPendingFollow(username, updatedAt);
  }

  /** Sends the request to a user now, whatever its turn would have been; all requests without a name. */
  send(username?: string): void {
    for (const pending of this.#pending.values()) {
      if (username !== undefined && pending.request.username !== username) continue;
      pending.waitMs = followRetry.firstMs;
      pending.job.cancel();
      void this.#repeat(pending);
    }
  }

  /**
   * A message of a user has come in: a request to that user, which may wait for minutes by now, is sent at once
   * unless it was sent a moment ago.
   */
  heard(username: string): void {
    const pending = this.#pending.get(username);
    if (pending === undefined || pending.isSending) return;
    const sinceMs = this.#session.ports.clock.monotonic() - pending.sentAt;
    if (sinceMs >= followRetry.firstMs) this.send(username);
  }

  /** Whether a request to a user waits for its acknowledgement. */
  isWaiting(username: string): boolean {
    return this.#pending.has(username);
  }

  /** Whether the request to a user is acknowledged within that time; true if none waits. */
  async acknowledged(username: string, timeoutMs: number): Promise<boolean> {
    const outcome = this.#pending.get(username)?.outcome.promise;
    if (outcome === undefined) return true;
    return await settledWithin(this.#session.ports.clock, outcome, timeoutMs) && await outcome;
  }

  /** Deals with an `ack` that came in. */
  async handleAck({ from, body: { id, reason } }: MessageOf<"ack">): Promise<void> {
    const pending = this.#pending.get(from.username);
    if (pending === undefined || !pending.ids.includes(toHex(id))) return;
    const { request, job } = pending;
    if (reason === undefined) {
      await this.#session.store.dropPendingFollow(from.username, request.updatedAt);
      return this.#remove(from.username, request.updatedAt, true);
    }
    if (reason === "blocked") {
      await this.#session.store.dropPendingFollow(from.username, request.updatedAt);
      this.#remove(from.username, request.updatedAt, false);
      const message =
        `${from.username} does not want to be followed by you: your request was refused.`;
      return this.#session.emit({ event: "warning", code: "follow_refused", message });
    }
    // Refused for its time: one of the two clocks is wrong. Once it is set right the request will pass.
    const untilThenMs = Math.min(request.updatedAt - this.#session.ports.clock.now(), timerMsMax);
    pending.waitMs = followRetry.longestMs;
    job.cancel();
    job.dueIn(Math.max(untilThenMs, followRetry.longestMs));
  }

  #take(request: PendingFollow): void {
    this.#forget(request.username, false);
    const pending: Pending = {
      request,
      job: this.#session.scheduler.job(() => this.#repeat(pending)),
      waitMs: followRetry.firstMs,
      isSending: false,
      sentAt: -Infinity,
      ids: [],
      outcome: Promise.withResolvers<boolean>(),
    };
    this.#pending.set(request.username, pending);
  }

  #remove(username: string, updatedAt: number, isAcknowledged: boolean): void {
    if (this.get(username)?.updatedAt === updatedAt) this.#forget(username, isAcknowledged);
  }

  #forget(username: string, isAcknowledged: boolean): void {
    const pending = this.#pending.get(username);
    this.#pending.delete(username);
    pending?.job.cancel();
    pending?.outcome.resolve(isAcknowledged);
  }

  /** Sends a request once there is a slot; the next repetition is due after that. */
  async #repeat(pending: Pending): Promise<void> {
    if (pending.isSending) {
      // Asked to send at once: as soon as the sending under way has ended.
      pending.waitMs = 0;
      return;
    }
    pending.isSending = true;
    pending.sentAt = this.#session.ports.clock.monotonic();
    // Without a device to send to, or with a link that fails, it is sent again as well.
    await this.#slots.run(() => this.#deliver(pending)).catch(() => {});
    pending.isSending = false;
    if (this.#pending.get(pending.request.username) !== pending) return;
    pending.job.dueIn(pending.waitMs);
    const { firstMs, longestMs } = followRetry;
    pending.waitMs = Math.min(Math.max(pending.waitMs * 2, firstMs), longestMs);
  }

  async #deliver({ request, ids }: Pending): Promise<void> {
    const isSuperseded = this.#pending.get(request.username)?.request !== request;
    if (isSuperseded || this.#session.signal.aborted) return;
    const { username, key, kind, updatedAt, token } = request;
    const body = token === undefined ? { updatedAt } : { updatedAt, token };
    const id = this.#session.ports.random.bytes(messageIdBytes);
    // Known before it is sent: the answer may be faster than the report.
    ids.push(toHex(id));
    if (ids.length > idsMax) ids.shift();
    await this.#messenger.send({ kind, to: { username, key }, body, id }, this.#session.signal);
  }
}
