/**
 * One simulated link: dials, sends in order, breaks, dials again.
 *
 * @module
 */

import type { Endpoint, SendResult, Timer } from "../../core/ports.ts";
import { type ByteBudget, FrameQueue } from "../../net/links/frame_queue.ts";
import {
  dialMsMax,
  handshakeMsMax,
  idleMsMax,
  queuedFramesDownMax,
  queuedFramesMax,
  redialMsMax,
  redialMsMin,
} from "../../net/links/link_limits.ts";
import type { SimLinkNetwork, SimListener } from "./links_network.ts";

/** What a link needs. */
export interface SimLinkOptions {
  /** The network. */
  readonly network: SimLinkNetwork;
  /** The sender. */
  readonly from: Endpoint;
  /** The key that the listener must have, in hexadecimal digits. */
  readonly publicKey: string;
  /** Addresses to dial. */
  readonly addresses: readonly string[];
  /** Port to dial. */
  readonly port: number;
  /** Bytes that wait on all links of the sender. */
  readonly budget: ByteBudget;
  /** The link closed itself. */
  readonly onIdle: () => void;
}

/** Opens at once. */
export class SimLink {
  readonly #options: SimLinkOptions;
  readonly #queue: FrameQueue;
  readonly #timers = new Set<Timer>();
  #state: "dialling" | "up" | "down" | "closed" = "down";
  #listener: SimListener | undefined;
  #redialMs = redialMsMin;
  #failing = false;
  #redialAt = 0;
  #redialPlanned = false;
  #dialledAt = 0;
  #wasUp = false;
  #arrivalAt = 0;
  #usedAt: number;

  /** Starts dialling. */
  constructor(options: SimLinkOptions) {
    this.#options = options;
    this.#queue = new FrameQueue(options.budget);
    this.#usedAt = this.#now();
    this.#after(idleMsMax, () => this.#closeIfIdle());
    this.#dial();
  }

  /** Whether frames wait that a living peer could get. */
  get isBusy(): boolean {
    return this.#state === "dialling" && this.#queue.length > 0;
  }

  /** Queues a frame, or sends it. */
  send(frame: Uint8Array): SendResult {
    this.#usedAt = this.#now();
    const framesMax = this.#state === "down" ? queuedFramesDownMax : queuedFramesMax;
    if (!this.#queue.push(frame, framesMax, this.#now())) return "full";
    if (this.#state === "up") this.#pump();
    else this.#planRedial();
    return this.#failing ? "delayed" : "queued";
  }

  /** As the real one. */
  hurry(): void {
    if (this.#state !== "down" || !this.#wasUp) return;
    this.#redialMs = redialMsMin;
    this.#redialAt = Math.min(this.#redialAt, this.#dialledAt + redialMsMin);
    this.#redialPlanned = false;
    this.#planRedial();
  }

  /** As the real one. */
  renew(): void {
    if (this.#state === "up") this.#fail();
    this.hurry();
  }

  /** What waits is lost; what is on its way arrives. */
  close(): void {
    this.#state = "closed";
    this.#queue.clear();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #now(): number {
    return this.#options.network.clock.monotonic();
  }

  #after(ms: number, fn: () => void): void {
    const timer = this.#options.network.clock.after(ms, () => {
      this.#timers.delete(timer);
      fn();
    });
    this.#timers.add(timer);
  }

  #closeIfIdle(): void {
    const idleMs = this.#now() - this.#usedAt;
    if (idleMs < idleMsMax || this.isBusy) {
      this.#after(Math.max(idleMsMax - idleMs, redialMsMin), () => this.#closeIfIdle());
      return;
    }
    this.close();
    this.#options.onIdle();
  }

  #dial(): void {
    this.#state = "dialling";
    const { network, from, addresses, port, publicKey } = this.#options;
    const met = addresses.map((ip) => network.connect(from.ip, { ip, port }));
    const listener = met.find((one) => one.outcome === "accepted")?.listener;
    const roundTripMs = 2 * network.latency();
    this.#dialledAt = this.#now();
    this.#redialAt = this.#now() + this.#redialMs;
    if (!listener) {
      const hangs = met.some((one) => one.outcome === "silence");
      this.#after(hangs ? dialMsMax : roundTripMs, () => this.#fail());
    } else if (listener.publicKey !== publicKey) {
      this.#after(handshakeMsMax, () => this.#fail());
    } else {
      // A TCP connect, then the four messages of CURVE's handshake.
      this.#after(3 * roundTripMs, () => this.#rise(listener));
    }
  }

  #rise(listener: SimListener): void {
    this.#listener = listener;
    this.#redialMs = redialMsMin;
    this.#state = "up";
    this.#wasUp = true;
    this.#failing = false;
    this.#arrivalAt = 0;
    this.#pump();
  }

  #fail(): void {
    this.#state = "down";
    this.#failing = true;
    this.#listener = undefined;
    this.#redialMs = Math.min(this.#redialMs * 2, redialMsMax);
    this.#planRedial();
  }

  #planRedial(): void {
    if (this.#state !== "down" || this.#redialPlanned || this.#queue.length === 0) return;
    const waitMs = this.#redialAt - this.#now();
    if (waitMs <= 0) return this.#dial();
    this.#redialPlanned = true;
    this.#after(waitMs, () => {
      this.#redialPlanned = false;
      this.#planRedial();
    });
  }

  #pump(): void {
    const { network } = this.#options;
    while (this.#state === "up" && this.#listener) {
      // The other machine's kernel closed the connection when the peer ended there.
      if (network.hasClosed(this.#options.from.ip, this.#listener)) return this.#fail();
      const frame = this.#queue.shift(this.#now());
      if (!frame) return;
      this.#transmit(frame, this.#listener);
      if (network.chance(network.faults.breaking)) this.#fail();
    }
  }

  /** In order, one connection being one stream; but for what the faults say. */
  #transmit(frame: Uint8Array, listener: SimListener): void {
    const { network, from } = this.#options;
    if (network.chance(network.faults.loss)) {
      network.lost++;
      return;
    }
    this.#arrivalAt = Math.max(this.#arrivalAt, this.#now() + network.latency());
    const isHeld = network.chance(network.faults.reordering);
    const waitMs = this.#arrivalAt - this.#now() + (isHeld ? network.hold() : 0);
    const arrive = () => {
      // Not one of this link's timers: what is on its way arrives though the sender closes or dies.
      if (network.deliver(from, listener, frame)) return;
      if (this.#state === "up" && this.#listener === listener) this.#fail();
    };
    network.clock.after(waitMs, arrive);
    if (network.chance(network.faults.duplication)) {
      network.clock.after(waitMs + network.hold(), arrive);
    }
  }
}
