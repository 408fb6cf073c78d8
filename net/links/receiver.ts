/**
 * Drains the PULL socket: often while messages come, seldom when idle, never for long.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../core/ports.ts";
import {
  expectedMsMax,
  frameBytesMax,
  quickLooksPerMessage,
  receiveBusyMs,
  receiveBusyPauseMs,
  receivedBytesATurnMax,
  receivedFramesATurnMax,
  receivePauseMsMax,
  receiveQuickLooksMax,
  receiveTurnMsMax,
  receiveWatchedPauseMs,
  unsureMs,
} from "./link_limits.ts";
import type { PullSocket } from "./sockets.ts";

/** What a receiver needs. */
export interface ReceiverOptions {
  /** The socket; the receiver closes it. */
  readonly socket: PullSocket;
  /** Time. */
  readonly clock: Pick<Clock, "after" | "monotonic">;
  /** Takes what came in. */
  readonly onFrame: (frame: Uint8Array) => void;
  /** Learns what `onFrame` threw. */
  readonly onFault: (error: unknown) => void;
}

/** How long to pause when the last message is that old: growing with its age from a second on. */
export function receivePauseMs(lastMessageAgeMs: number): number {
  // 5 ms a second of silence: the longest pause is reached after five seconds.
  const grownMs = receiveBusyPauseMs * Math.max(1, lastMessageAgeMs / receiveBusyMs);
  return Math.min(grownMs, receivePauseMsMax);
}

/** Receives until closed. */
export class Receiver {
  readonly #options: ReceiverOptions;
  #lastMessageAt: number;
  /** Messages that came soon after one another, up to the last one. */
  #burst = 0;
  /** Looks left before a timer takes over. */
  #quickLooks = 0;
  #timer: Timer | undefined;
  #closed = false;
  #isTurning = false;
  /** Whether the front door says that a message is coming before it is here: nothing else need tell of it. */
  #isTold = false;
  /** Whether the turn that is under way began because of what the front door said. */
  #isExpected = false;
  /** Until when something may come that was not waited for, or in vain, on the monotonic clock. */
  #unsureUntil = -Infinity;

  /** Starts to receive. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#lastMessageAt = options.clock.monotonic();
    this.#pause(receiveBusyPauseMs);
  }

  /** Stops and closes the socket. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#options.socket.close();
  }

  /**
   * The front door has given zeromq something: one whole message, as it seems, which is waited for, or anything.
   *
   * A message is decrypted within a tenth of a millisecond, and to be told of it by the thread that waits for
   * news takes as long again.
   */
  expect(isOne: boolean): void {
    const { socket, clock } = this.#options;
    if (this.#closed) return;
    const now = clock.monotonic();
    const isBusy = this.#isTurning || this.#quickLooks > 0;
    const mayWait = isOne && !isBusy && now >= this.#unsureUntil;
    if (mayWait && socket.wait?.(expectedMsMax)) {
      this.#isTold = this.#isExpected = true;
      return this.#look();
    }
    this.#unsureUntil = now + unsureMs;
    if (isBusy) return;
    if (socket.wait === undefined) {
      this.#quickLooks = receiveQuickLooksMax;
      this.#look();
    } else if (this.#isTold) {
      this.#timer?.cancel();
      this.#watch();
    }
  }

  #look(): void {
    this.#timer?.cancel();
    this.#options.socket.unwatch();
    void this.#turn();
  }

  #pause(ms: number): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(ms, () => void this.#turn());
  }

  /**
   * Looks again when the front door or the system tells of news, and seldom otherwise; by the clock where
   * they do not.
   */
  #watch(): void {
    if (this.#closed) return;
    const { clock, socket } = this.#options;
    const ageMs = clock.monotonic() - this.#lastMessageAt;
    // Asking the system costs more than one look by the clock, and less than a look that finds nothing.
    const isAlone = this.#burst <= 1 || ageMs >= receiveBusyPauseMs;
    this.#isTold &&= isAlone && clock.monotonic() >= this.#unsureUntil;
    const look = () => this.#look();
    const isWatched = this.#isTold || (isAlone && socket.watch(look));
    this.#timer = clock.after(isWatched ? receiveWatchedPauseMs : receivePauseMs(ageMs), look);
  }

  /** Never rejects. */
  async #turn(): Promise<void> {
    this.#isTurning = true;
    const { socket, clock } = this.#options;
    const startedAt = clock.monotonic();
    let bytes = 0;
    for (let frames = 0; frames < receivedFramesATurnMax; frames++) {
      if (this.#closed) return;
      if (!socket.readable) return this.#lookAgain(frames > 0);
      bytes += await this.#receive(socket);
      const now = clock.monotonic();
      this.#burst = now - this.#lastMessageAt > receiveBusyPauseMs ? 1 : this.#burst + 1;
      this.#lastMessageAt = now;
      if (bytes >= receivedBytesATurnMax) break;
      if (this.#lastMessageAt - startedAt >= receiveTurnMsMax) break;
    }
    // There may be more, but all else comes first.
    this.#isTurning = false;
    this.#pause(0);
  }

  /** In the middle of a burst the next message is microseconds away; else a pause is due. */
  #lookAgain(hasReceived: boolean): void {
    this.#isTurning = false;
    // It was other news, and the message may still come.
    if (this.#isExpected && !hasReceived) this.#isTold = false;
    this.#isExpected = false;
    if (hasReceived) {
      const quickLooks = (this.#burst - 1) * quickLooksPerMessage;
      this.#quickLooks = Math.min(quickLooks, receiveQuickLooksMax);
    } else if (this.#quickLooks > 0) this.#quickLooks--;
    // Nothing came, not even after a pause.
    else this.#burst = 0;
    if (this.#quickLooks > 0) setImmediate(() => void this.#turn());
    else this.#watch();
  }

  /** Takes one message and returns its size. No peer sends messages in several parts. */
  async #receive(socket: PullSocket): Promise<number> {
    let parts: Uint8Array[];
    try {
      parts = await socket.receive();
    } catch {
      // Nothing there after all, or closed in the meantime.
      return 0;
    }
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const [part] = parts;
    if (part && parts.length === 1 && bytes <= frameBytesMax && !this.#closed) this.#deliver(part);
    return bytes;
  }

  #deliver(part: Uint8Array): void {
    try {
      // zeromq hands out node's Buffer, whose slice() shares memory, which no receiver would expect.
      this.#options.onFrame(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}
