/**
 * The way to one device: dialling, the CURVE handshake, sending, and starting over.
 *
 * A link is, in turn, `dialling` (which address takes a TCP connect?), `shaking` hands (zeromq
 * connects, CURVE checks the link key), `up`, and `down` after an attempt that failed, until it is
 * time for the next. Frames wait in a queue meanwhile. A link never waits for anything in zeromq.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Clock, SendResult } from "../../core/ports.ts";
import type { Job, Scheduler } from "../../lib/scheduler.ts";
import type { Route } from "./addresses.ts";
import type { Dialler } from "./dialler.ts";
import { type ByteBudget, FrameQueue } from "./frame_queue.ts";
import {
  dialMsMax,
  framesATurnMax,
  goodLinkMs,
  handshakeMsMax,
  idleMsMax,
  queuedFramesDownMax,
  queuedFramesMax,
  redialMsMin,
  sendPauseMsMax,
  sendPauseMsMin,
  sendQuickLooksMax,
  sendWatchedPauseMs,
  stallMsMax,
  unsureLookMs,
} from "./link_limits.ts";
import type { Openings } from "./openings.ts";
import { RouteTurns } from "./route_turns.ts";
import type { PushSocket } from "./sockets.ts";
import { UnsureFrames } from "./unsure_frames.ts";

/** Where a link stands. */
export type LinkState = "dialling" | "shaking" | "up" | "down" | "closed";

/** What a link needs. */
export interface LinkOptions {
  /** Names the device: its link key, in hexadecimal digits. */
  readonly key: string;
  /** CURVE public key, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** Ways that may be tried, at least one. */
  readonly routes: readonly Route[];
  /** Time. */
  readonly clock: Clock;
  /** Of all links: one of its own would cost each frame a timer. */
  readonly scheduler: Scheduler;
  /** Finds the address. */
  readonly dialler: Dialler;
  /** Opens the socket. */
  readonly connect: (linkKey: Uint8Array, route: Route) => PushSocket;
  /** Whose turn it is to open; default: nothing is waited for. */
  readonly openings?: Openings;
  /** Bytes that wait on all links. */
  readonly budget: ByteBudget;
  /** Calls back in the next turn of the event loop; replaceable for tests in virtual time. */
  readonly soon?: (fn: () => void) => void;
  /** The link has been idle for too long and closed itself. */
  readonly onIdle: () => void;
  /** The device was met: only it has the secret of its link key. */
  readonly onUp?: () => void;
}

/** A link to one device. Opens at once. */
export class Link {
  readonly #options: LinkOptions;
  readonly #clock: Clock;
  readonly #queue: FrameQueue;
  readonly #unsure: UnsureFrames;
  readonly #abort = new AbortController();
  readonly #routes: RouteTurns;
  #state: LinkState = "dialling";
  /** Resolved at the end of the handshake that is under way: whether it succeeded. */
  #handshake: PromiseWithResolvers<boolean> | undefined;
  #socket: PushSocket | undefined;
  #route: Route | undefined;
  /** Whether zeromq still has the last frame, as far as was seen. */
  #inFlight = false;
  /** When the socket last was writable, or was opened. */
  #progressAt = 0;
  #dialledAt = 0;
  #upAt = 0;
  /** Whether the link was up at some time. */
  #wasMet = false;
  #usedAt: number;
  #redialMs = redialMsMin;
  /** Whether the last attempt to connect failed, or the connection was lost since. */
  #failing = false;
  #sendPauseMs = sendPauseMsMin;
  /** Looks left before a timer takes over. */
  #quickLooks = 0;
  #looking = false;
  #redialAt = 0;
  readonly #lookLater: Job;
  readonly #redialLater: Job;
  readonly #closeLater: Job;

  /** Starts dialling. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#routes = new RouteTurns(options.routes);
    this.#queue = new FrameQueue(options.budget);
    this.#unsure = new UnsureFrames(options.budget);
    this.#usedAt = this.#clock.monotonic();
    this.#lookLater = options.scheduler.job(() => this.#look());
    this.#redialLater = options.scheduler.job(() => this.#redial());
    this.#closeLater = options.scheduler.job(() => this.#closeIfIdle());
    this.#closeLater.dueIn(idleMsMax);
    this.#dial();
  }

  /** Where it stands. */
  get state(): LinkState {
    return this.#state;
  }

  /** Whether frames are on their way out: not so when the peer is known to be down. */
  get isBusy(): boolean {
    return this.#state !== "down" && this.#state !== "closed" &&
      (this.#queue.length > 0 || this.#inFlight);
  }

  /** Queues a frame and sends what can be sent. */
  send(frame: Uint8Array): SendResult {
    if (this.#state === "closed") return "unreachable";
    const now = this.#clock.monotonic();
    this.#usedAt = now;
    const framesMax = this.#state === "down" ? queuedFramesDownMax : queuedFramesMax;
    if (!this.#queue.push(frame, framesMax, now)) return "full";
    if (this.#state === "up") this.#pumpNow();
    else this.#redial();
    return this.#failing ? "delayed" : "queued";
  }

  /** The device was heard: a long wait to dial ends, if it was met before. At most one dial a second. */
  hurry(): void {
    if (this.#state !== "down" || !this.#wasMet) return;
    this.#redialMs = redialMsMin;
    this.#redialAt = Math.min(this.#redialAt, this.#dialledAt + redialMsMin);
    this.#redialLater.cancel();
    this.#redial();
  }

  /**
   * This machine has slept or was cut off: the connection may be dead without a sign of it, and is made anew.
   * What was sent last may be lost, and is sent once more.
   */
  renew(): void {
    this.#resend();
    if (this.#state === "up" || this.#state === "shaking") this.#fail();
    this.hurry();
  }

  /** Closes a link that is not up, and hands out what waits. */
  abandon(): Uint8Array[] {
    const frames = this.#queue.takeAll(this.#clock.monotonic());
    this.close();
    return frames;
  }

  /** Closes it; what waits is lost, what zeromq has is given a moment to leave. */
  close(): void {
    if (this.#state === "closed") return;
    if (this.#state === "up") this.#tellMet(-1);
    this.#state = "closed";
    this.#handshake?.resolve(false);
    this.#abort.abort();
    for (const job of [this.#lookLater, this.#redialLater, this.#closeLater]) job.cancel();
    this.#queue.clear();
    this.#unsure.clear();
    this.#dropSocket();
  }

  #closeIfIdle(): void {
    const idleMs = this.#clock.monotonic() - this.#usedAt;
    if (idleMs < idleMsMax || this.isBusy) {
      this.#closeLater.dueIn(Math.max(idleMsMax - idleMs, redialMsMin));
      return;
    }
    this.close();
    this.#options.onIdle();
  }

  #dial(): void {
    this.#state = "dialling";
    void (this.#options.openings?.run(this.#clock, () => this.#open()) ?? this.#open());
  }

  /** Finds an address and shakes hands. Resolves at the end of it: whether the link is up. */
  async #open(): Promise<boolean> {
    // It may have been closed before its turn.
    if (this.#state !== "dialling") return false;
    this.#dialledAt = this.#clock.monotonic();
    const request = { key: this.#options.key, routes: this.#routes.inTurn, timeoutMs: dialMsMax };
    const route = await this.#options.dialler.reach(request, this.#abort.signal);
    if (this.#state !== "dialling") return false;
    if (route !== undefined) return await this.#shake(route);
    this.#routes.refused();
    this.#fail();
    return false;
  }

  /** Begins the handshake. Resolves when it has come to its end: whether it succeeded. */
  #shake(route: Route): Promise<boolean> {
    try {
      this.#socket = this.#options.connect(this.#options.linkKey, route);
    } catch {
      // Out of sockets or file descriptors, mostly: a later attempt may find some.
      this.#fail();
      return Promise.resolve(false);
    }
    this.#route = route;
    const socket = this.#socket;
    socket.whenSilent?.(() => {
      if (this.#socket === socket) this.#leaveRoute();
    });
    this.#state = "shaking";
    this.#handshake = Promise.withResolvers();
    this.#progressAt = this.#clock.monotonic();
    this.#sendPauseMs = sendPauseMsMin;
    this.#lookSoon();
    return this.#handshake.promise;
  }

  /**
   * Looks at the socket again: in the next turns of the loop at first, later when the system tells of
   * news, or by timer where it does not. A handshake takes longer than those turns. Where no frame waits
   * for what is found there is time: the receiver of the last one is using the processor now.
   */
  #lookSoon(): void {
    this.#looking = true;
    const isAwaited = this.#queue.length > 0 || this.#state === "shaking";
    if (isAwaited && this.#state !== "shaking" && this.#quickLooks > 0) {
      this.#quickLooks--;
      (this.#options.soon ?? setImmediate)(() => this.#look());
      return;
    }
    if (isAwaited && this.#socket?.watch?.(() => this.#look())) {
      this.#lookLater.dueIn(sendWatchedPauseMs);
      return;
    }
    let pauseMs = sendPauseMsMax;
    if (isAwaited) {
      pauseMs = this.#sendPauseMs;
      this.#sendPauseMs = Math.min(pauseMs * 2, sendPauseMsMax);
    }
    this.#lookLater.dueIn(pauseMs);
  }

  /** There is a new frame: what a timer was to find out is of interest now. */
  #pumpNow(): void {
    if (this.#looking && !this.#lookLater.isDue) return;
    this.#lookLater.cancel();
    this.#look();
  }

  #look(): void {
    this.#looking = false;
    this.#socket?.unwatch?.();
    if (this.#state === "shaking") this.#lookForHandshake();
    else if (this.#state === "up") this.#pump();
  }

  #lookForHandshake(): void {
    const now = this.#clock.monotonic();
    if (this.#socket?.writable) {
      this.#state = "up";
      this.#failing = false;
      this.#routes.met();
      this.#upAt = now;
      this.#wasMet = true;
      this.#handshake?.resolve(true);
      this.#tellMet(1);
      this.#options.onUp?.();
      this.#pump();
    } else if (this.#socket?.isBroken || now - this.#progressAt >= this.#handshakeMs) {
      this.#leaveRoute();
    } else {
      this.#lookSoon();
    }
  }

  get #handshakeMs(): number {
    return this.#route === undefined ? handshakeMsMax : this.#routes.handshakeMs(this.#route);
  }

  /** The route took a connect and no handshake, or nothing of what was sent since: others are tried at once. */
  #leaveRoute(): void {
    const failed = this.#route;
    if (failed === undefined) return this.#fail();
    const { dialler, key } = this.#options;
    dialler.failed(key, failed);
    const twin = this.#routes.twinOf(failed);
    if (twin !== undefined) dialler.doubt(twin);
    this.#fail(this.#routes.leave(failed));
  }

  /** Hands frames to the socket while it takes them. */
  #pump(): void {
    const socket = this.#socket;
    if (!socket) return;
    const now = this.#clock.monotonic();
    for (let sent = 0; sent < framesATurnMax; sent++) {
      if (!socket.writable) return this.#awaitSocket(now);
      this.#inFlight = false;
      this.#progressAt = now;
      const frame = this.#queue.shift(now);
      if (!frame) return this.#lookWhileUnsure(now);
      this.#inFlight = true;
      this.#unsure.add(frame, now);
      this.#quickLooks = sendQuickLooksMax;
      this.#sendPauseMs = sendPauseMsMin;
      // It was writable just now; should that have changed, the frame is lost as if on the way.
      socket.send(frame).catch(() => {});
      // Whether it was taken is seen later; the next link's frame goes first.
      if (this.#queue.length === 0) break;
    }
    this.#lookSoon();
  }

  /** Whether what was sent has arrived is known later: until then the link's death is not to be missed. */
  #lookWhileUnsure(now: number): void {
    if (!this.#route?.isRelay || !this.#unsure.isAny(now)) return;
    this.#looking = true;
    this.#lookLater.dueIn(unsureLookMs);
  }

  /** The socket takes nothing: it is busy with the last frame, or its connection is gone. */
  #awaitSocket(now: number): void {
    if (this.#inFlight && now - this.#progressAt < stallMsMax) this.#lookSoon();
    else this.#fail();
  }

  /**
   * This attempt is over; the next comes after a wait that grows while attempts fail. After a link
   * that was up the wait counts from when it was dialled: a peer that restarts gets its frames at
   * once, one that drops every link at once does not. There is no wait where other routes are untried.
   */
  #fail(hasUntried = false): void {
    const now = this.#clock.monotonic();
    const wasUp = this.#state === "up";
    if (wasUp) this.#tellMet(-1);
    // Where no relay stands between, what was taken by the network has mostly arrived. What was sent into a dead
    // connection has not: the socket was not seen to take it.
    if (this.#route?.isRelay) this.#resend();
    else if (this.#inFlight) this.#resend(1);
    else this.#unsure.clear();
    this.#handshake?.resolve(false);
    this.#dropSocket();
    this.#state = "down";
    this.#failing = true;
    if (wasUp && now - this.#upAt >= goodLinkMs) this.#redialMs = redialMsMin;
    this.#redialAt = hasUntried ? now : (wasUp ? this.#dialledAt : now) + this.#redialMs;
    if (!hasUntried) {
      const { dialler, key } = this.#options;
      const longestMs = this.#routes.redialMs(dialler.sinceMetMs(key));
      this.#redialMs = Math.min(this.#redialMs * 2, longestMs);
    }
    this.#redial();
  }

  /** What may not have arrived waits again: the last frames, at most so many. */
  #resend(framesMax?: number): void {
    const now = this.#clock.monotonic();
    for (const frame of this.#unsure.take(now, framesMax)) {
      this.#queue.push(frame, queuedFramesDownMax, now);
    }
  }

  /** Dials again in its time, if there is a frame to send; else the next frame asks again. */
  #redial(): void {
    if (this.#state !== "down" || this.#queue.length === 0) return;
    const waitMs = this.#redialAt - this.#clock.monotonic();
    if (waitMs <= 0) this.#dial();
    else this.#redialLater.dueIn(waitMs);
  }

  #tellMet(links: 1 | -1): void {
    const { dialler, key } = this.#options;
    if (this.#route !== undefined) dialler.met(key, this.#route, links);
  }

  #dropSocket(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#inFlight = false;
  }
}
