/**
 * One simulated link: dials, sends in order, breaks, dials again.
 *
 * @module
 */

import type { Endpoint, SendResult, Timer } from "../../core/ports.ts";
import type { Route } from "../../net/links/addresses.ts";
import { type ByteBudget, FrameQueue } from "../../net/links/frame_queue.ts";
import {
  dialMsMax,
  dialStaggerMs,
  handshakeMsMax,
  idleMsMax,
  queuedFramesDownMax,
  queuedFramesMax,
  redialMsMax,
  redialMsMin,
} from "../../net/links/link_limits.ts";
import type { SimLinkNetwork, SimListener } from "./links_network.ts";
import { type ConnectTcp, dialThrough, sendFrame } from "./relayed_link.ts";

/** What a link needs. */
export interface SimLinkOptions {
  /** The network. */
  readonly network: SimLinkNetwork;
  /** The sender. */
  readonly from: Endpoint;
  /** The key that the listener must have, in hexadecimal digits. */
  readonly publicKey: string;
  /** The ways to the device. */
  readonly routes: readonly Route[];
  /** Connects to relays; without it there are none. */
  readonly connect?: ConnectTcp;
  /** Bytes that wait on all links of the sender. */
  readonly budget: ByteBudget;
  /** The link closed itself. */
  readonly onIdle: () => void;
  /** As the real one's. */
  readonly onUp: () => void;
}

/** Opens at once. */
export class SimLink {
  readonly #options: SimLinkOptions;
  readonly #queue: FrameQueue;
  readonly #timers = new Set<Timer>();
  #state: "dialling" | "up" | "down" | "closed" = "down";
  #listener: SimListener | undefined;
  /** The connection through a relay, where the link is up on one. */
  #relayed: Deno.TcpConn | undefined;
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

  /** As the real one. */
  get isUp(): boolean {
    return this.#state === "up";
  }

  /** As the real one. */
  abandon(): Uint8Array[] {
    const frames = this.#queue.takeAll(this.#now());
    this.close();
    return frames;
  }

  /** What waits is lost; what is on its way arrives. */
  close(): void {
    this.#state = "closed";
    this.#relayed?.close();
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
    const { network, from, routes, publicKey, connect } = this.#options;
    const met = routes.filter(({ isRelay }) => !isRelay)
      .map(({ address: { ip }, port }) => network.connect(from.ip, { ip, port }));
    const relays = routes.filter(({ isRelay }) => isRelay);
    const listener = met.find((one) => one.outcome === "accepted")?.listener;
    const roundTripMs = 2 * network.latency();
    this.#dialledAt = this.#now();
    this.#redialAt = this.#now() + this.#redialMs;
    const hangs = met.some((one) => one.outcome === "silence");
    if (!listener && relays.length > 0 && connect !== undefined) {
      // As the real one: the next way is tried while the one before still hangs.
      this.#after(hangs ? dialStaggerMs : 0, () => void this.#dialRelays(relays, connect));
    } else if (!listener) {
      this.#after(hangs ? dialMsMax : roundTripMs, () => this.#fail());
    } else if (listener.publicKey !== publicKey) {
      this.#after(handshakeMsMax, () => this.#fail());
    } else {
      // A TCP connect, then the four messages of CURVE's handshake.
      this.#after(3 * roundTripMs, () => this.#rise(listener));
    }
  }

  async #dialRelays(routes: readonly Route[], connect: ConnectTcp): Promise<void> {
    const { network: { clock: time }, from, publicKey: linkKey } = this.#options;
    for (const route of routes) {
      const conn = await dialThrough({ time, connect, route, linkKey, from });
      // It was closed meanwhile, if anything.
      if (this.#state !== "dialling") return conn?.close();
      if (conn === undefined) continue;
      this.#relayed = conn;
      void this.#watch(conn);
      return this.#rise();
    }
    this.#fail();
  }

  /** The device says nothing after its greeting: what is read is the end. */
  async #watch(conn: Deno.TcpConn): Promise<void> {
    await conn.read(new Uint8Array(1));
    if (this.#relayed === conn && this.#state === "up") this.#fail();
  }

  #rise(listener?: SimListener): void {
    this.#listener = listener;
    this.#redialMs = redialMsMin;
    this.#state = "up";
    this.#wasUp = true;
    this.#failing = false;
    this.#arrivalAt = 0;
    this.#options.onUp();
    this.#pump();
  }

  #fail(): void {
    this.#state = "down";
    this.#failing = true;
    this.#listener = undefined;
    this.#relayed?.close();
    this.#relayed = undefined;
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
    while (this.#state === "up" && (this.#listener ?? this.#relayed)) {
      // The other machine's kernel closed the connection when the peer ended there.
      const listener = this.#listener;
      if (listener && network.hasClosed(this.#options.from.ip, listener)) return this.#fail();
      const frame = this.#queue.shift(this.#now());
      if (!frame) return;
      if (listener) this.#transmit(frame, listener);
      else this.#relay(frame);
      if (network.chance(network.faults.breaking)) this.#fail();
    }
  }

  /** Through a relay: one stream as well, in which a frame may be missing or come twice. */
  #relay(frame: Uint8Array): void {
    const { network } = this.#options;
    const conn = this.#relayed;
    const copies = network.chance(network.faults.duplication) ? 2 : 1;
    for (let i = 0; conn !== undefined && i < copies; i++) {
      if (network.chance(network.faults.loss)) network.lost++;
      else sendFrame(conn, frame).catch(() => {});
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
