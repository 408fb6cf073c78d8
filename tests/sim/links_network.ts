/**
 * The simulated network that {@linkcode SimLinks} of different peers meet on, and its faults.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import type { VirtualClock } from "./clock.ts";
import type { SeededRandom } from "./random.ts";

/** What goes wrong with frames, each a probability from 0 to 1. */
export interface LinkFaults {
  /** A frame is lost, as when a connection breaks with it on the way. */
  readonly loss: number;
  /** A frame arrives twice. */
  readonly duplication: number;
  /** A frame is held back, so that later ones overtake it. */
  readonly reordering: number;
  /** The connection breaks after a frame: the sender has to dial again. */
  readonly breaking: number;
  /** How long a frame is held back at most, in milliseconds. */
  readonly holdMsMax: number;
}

/** A network without faults. */
export const noFaults: LinkFaults = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  breaking: 0,
  holdMsMax: 0,
};

/** A frame on its way, for hooks. */
export interface FrameInTransit {
  /** The sender's address and port. */
  readonly from: Endpoint;
  /** The receiver's address and port. */
  readonly to: Endpoint;
  /** The bytes. */
  readonly frame: Uint8Array;
}

/** Who listens on a port. */
export interface SimListener {
  /** CURVE public key in hexadecimal digits. */
  readonly publicKey: string;
  /** Where it listens. */
  readonly at: Endpoint;
  /** Takes a frame. */
  deliver(frame: Uint8Array): void;
}

/** What a connect to a port meets. */
export type ConnectOutcome = "accepted" | "refused" | "silence";

/** How a {@linkcode SimLinkNetwork} is set up. */
export interface SimLinkNetworkOptions {
  /** The simulation's time. */
  readonly clock: VirtualClock;
  /** Where latencies and faults are drawn from. */
  readonly random: SeededRandom;
  /** One way, in milliseconds; by default 1 to 20. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** From the start; {@linkcode noFaults} by default. */
  readonly faults?: LinkFaults;
}

/** The first port handed out where any free one is asked for. */
const freePortMin = 20_000;

/** Addresses, ports and the way between them. */
export class SimLinkNetwork {
  /** The simulation's time. */
  readonly clock: VirtualClock;
  /** Frames that were delivered. */
  delivered = 0;
  /** Frames that were lost. */
  lost = 0;
  /** What goes wrong now; may be replaced at any time. */
  faults: LinkFaults;
  /**
   * Sees every frame that is about to be delivered: returns it, another in its place, or nothing to
   * lose it.
   */
  onFrame: (transit: FrameInTransit) => Uint8Array | undefined = ({ frame }) => frame;

  /** Addresses that no simulated machine has: nobody can listen there. */
  readonly foreign: Set<string> = new Set();

  readonly #random: SeededRandom;
  readonly #latencyMs: { readonly min: number; readonly max: number };
  readonly #listeners = new Map<string, SimListener>();
  readonly #silent = new Set<string>();
  readonly #homes = new Set<string>();
  /** Group by address; addresses in different groups don't reach each other. */
  readonly #groups = new Map<string, number>();
  #nextPort = freePortMin;

  /** A network on which nobody listens yet. */
  constructor(options: SimLinkNetworkOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.#latencyMs = options.latencyMs ?? { min: 1, max: 20 };
    this.faults = options.faults ?? noFaults;
  }

  /** Splits the network: addresses of different groups don't reach each other; those in none reach all. */
  partition(groups: readonly (readonly string[])[]): void {
    this.heal();
    for (const [index, group] of groups.entries()) {
      for (const ip of group) this.#groups.set(ip, index);
    }
  }

  /** Ends a partition. */
  heal(): void {
    this.#groups.clear();
  }

  /** Makes an address swallow everything without an answer, as a machine that lost power does, or not. */
  setSilent(ip: string, silent: boolean): void {
    if (silent) this.#silent.add(ip);
    else this.#silent.delete(ip);
  }

  /** Puts an address behind a router that lets no connection in, or takes it from there. */
  setHome(ip: string, isHome: boolean): void {
    if (isHome) this.#homes.add(ip);
    else this.#homes.delete(ip);
  }

  /** A port on which nobody listens. */
  freePort(): number {
    return this.#nextPort++;
  }

  /** Takes a port; says whether it was free. */
  listen(listener: SimListener): boolean {
    const key = keyOf(listener.at);
    if (this.#listeners.has(key)) return false;
    this.#listeners.set(key, listener);
    return true;
  }

  /** Frees a port. */
  unlisten(listener: SimListener): void {
    const key = keyOf(listener.at);
    if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
  }

  /** What a connect from one address to another would meet now. */
  connect(fromIp: string, to: Endpoint): { outcome: ConnectOutcome; listener?: SimListener } {
    if (!this.isReachable(fromIp, to.ip) || this.#homes.has(to.ip)) return { outcome: "silence" };
    const listener = this.#listeners.get(keyOf(to));
    return listener ? { outcome: "accepted", listener } : { outcome: "refused" };
  }

  /** Whether whoever was connected to has closed, and the packet that says so got through. */
  hasClosed(fromIp: string, listener: SimListener): boolean {
    return this.#listeners.get(keyOf(listener.at)) !== listener &&
      this.isReachable(fromIp, listener.at.ip);
  }

  /** Whether packets go from one address to the other. */
  isReachable(fromIp: string, toIp: string): boolean {
    if (this.#silent.has(fromIp) || this.#silent.has(toIp)) return false;
    const from = this.#groups.get(fromIp);
    const to = this.#groups.get(toIp);
    return from === undefined || to === undefined || from === to;
  }

  /** A fresh one-way latency in milliseconds. */
  latency(): number {
    const { min, max } = this.#latencyMs;
    return min + this.#random.float() * (max - min);
  }

  /** Draws whether something goes wrong. */
  chance(probability: number): boolean {
    return probability > 0 && this.#random.chance(probability);
  }

  /** Draws for how long a frame is held back. */
  hold(): number {
    return this.#random.float() * this.faults.holdMsMax;
  }

  /** Hands a frame over, or loses it, if the listener is still the one that was connected to. */
  deliver(from: Endpoint, listener: SimListener, frame: Uint8Array): boolean {
    const isThere = this.#listeners.get(keyOf(listener.at)) === listener;
    if (isThere && this.isReachable(from.ip, listener.at.ip)) this.handOver(from, listener, frame);
    else this.lost++;
    return isThere;
  }

  /** Hands over a frame that has arrived, unless {@linkcode onFrame} loses it. */
  handOver(from: Endpoint, listener: SimListener, frame: Uint8Array): void {
    const arriving = this.onFrame({ from, to: listener.at, frame });
    if (!arriving) {
      this.lost++;
      return;
    }
    this.delivered++;
    listener.deliver(arriving);
  }
}

function keyOf(at: Endpoint): string {
  return `${at.ip}:${at.port}`;
}
