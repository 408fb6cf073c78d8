/**
 * A network of datagrams in virtual time, for the nodes of net/kademlia.
 *
 * Every pair of sockets has a round trip of its own; datagrams may be lost, doubled, held back, or
 * stopped at the border of an island. All of it is drawn from a seed.
 *
 * @module
 */
import type { Endpoint } from "../../lib/ip_address.ts";
import type { Datagrams } from "../../net/kademlia/ports.ts";
import type { VirtualClock } from "./clock.ts";
import type { SeededRandom } from "./random.ts";

/** What may happen to a datagram, each as a probability. */
export interface DatagramFaults {
  /** It never arrives. */
  readonly loss: number;
  /** It arrives twice. */
  readonly duplication: number;
  /** It is held back by up to {@link heldBackMsMax}, so that later ones overtake it. */
  readonly reordering: number;
}

/** A network on its good days. */
export const noDatagramFaults: DatagramFaults = { loss: 0, duplication: 0, reordering: 0 };

/** Longer than any round trip: what is held back is overtaken for certain. */
const heldBackMsMax = 500;

/** One way varies by up to this share from one datagram to the next. */
const jitterShare = 0.05;

/** How a {@link DatagramNetwork} is set up. */
export interface DatagramNetworkOptions {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Round trip of the nearest pair. Default 20. */
  readonly roundTripMsMin?: number;
  /** Round trip of the farthest pair. Default 200. */
  readonly roundTripMsMax?: number;
  /** Whether every delivery enters {@link DatagramNetwork.trace}. Default false: it costs time. */
  readonly traced?: boolean;
}

/** Sees what a socket sends and gets. */
export interface Tap {
  sent(data: Uint8Array, to: Endpoint): void;
  received(data: Uint8Array, from: Endpoint): void;
}

/** One simulated socket. */
export class SimulatedSocket implements Datagrams {
  readonly address: Endpoint;
  /** The order of its opening: names the pair whose round trip is meant. */
  readonly index: number;
  /** Only sockets of the same island hear one another. */
  island = 0;
  /** Takes datagrams before the node does; true when the node shall not see it. */
  intercept: ((data: Uint8Array, from: Endpoint) => boolean) | undefined;
  tap: Tap | undefined;
  /** Told where it sends, before the network: a router opens for the answers. */
  onSend: ((to: Endpoint) => void) | undefined;
  /** Datagrams and bytes sent. */
  datagramsOut = 0;
  bytesOut = 0;
  readonly #network: DatagramNetwork;
  #receive: ((data: Uint8Array, from: Endpoint) => void) | undefined;

  /** Use {@link DatagramNetwork.open}. */
  constructor(network: DatagramNetwork, address: Endpoint, index: number) {
    this.#network = network;
    this.address = address;
    this.index = index;
  }

  send(data: Uint8Array, to: Endpoint): void {
    this.datagramsOut++;
    this.bytesOut += data.length;
    this.tap?.sent(data, to);
    this.onSend?.(to);
    this.#network.send(this, data, to);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    this.#receive = fn;
  }

  close(): void {
    this.#receive = undefined;
    this.#network.forget(this);
  }

  /** Hands over a datagram that has arrived. */
  deliver(data: Uint8Array, from: Endpoint): void {
    this.tap?.received(data, from);
    if (this.intercept?.(data, from) === true) return;
    this.#receive?.(data, from);
  }
}

/** Finalizer of MurmurHash3: spreads the bits of one word. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The network. */
export class DatagramNetwork {
  faults: DatagramFaults = noDatagramFaults;
  /** One way in exactly so many milliseconds, for all pairs; by default each has its own round trip. */
  fixedMs: number | undefined;
  /** Whether a datagram gets lost besides. */
  lose: (from: Endpoint, to: Endpoint, data: Uint8Array) => boolean = () => false;
  /** Opens the socket at an address where none is open so far, if there is to be one. */
  onMissing: (address: Endpoint) => SimulatedSocket | undefined = () => undefined;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #minMs: number;
  readonly #spanMs: number;
  readonly #salt: number;
  readonly #traced: boolean;
  readonly #sockets = new Map<string, SimulatedSocket[]>();
  #opened = 0;
  #traceA = 0x811c9dc5;
  #traceB = 0;
  #sent = 0;
  #bytes = 0;

  /** An empty network. */
  constructor(options: DatagramNetworkOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#minMs = options.roundTripMsMin ?? 20;
    this.#spanMs = (options.roundTripMsMax ?? 200) - this.#minMs;
    this.#traced = options.traced ?? false;
    this.#salt = options.random.word();
  }

  /** Datagrams sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A hash over the time, ends and content of every delivery: equal runs have equal traces. */
  get trace(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#traceA) + hex(this.#traceB);
  }

  /**
   * Opens a socket.
   *
   * @throws {Error} if the address is taken.
   */
  open(address: Endpoint, index: number = this.#opened): SimulatedSocket {
    if (this.#at(address) !== undefined) {
      throw new Error(`Cannot open ${address.ip}:${address.port}: it is taken`);
    }
    this.#opened++;
    const socket = new SimulatedSocket(this, address, index);
    const there = this.#sockets.get(address.ip);
    if (there === undefined) this.#sockets.set(address.ip, [socket]);
    else there.push(socket);
    return socket;
  }

  /** Called by a socket that closes. */
  forget(socket: SimulatedSocket): void {
    const { ip } = socket.address;
    const rest = (this.#sockets.get(ip) ?? []).filter((other) => other !== socket);
    if (rest.length > 0) this.#sockets.set(ip, rest);
    else this.#sockets.delete(ip);
  }

  /** Hands a datagram to the socket at `to` now, whoever it says it is from. */
  inject(data: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.#at(to)?.deliver(data, from);
  }

  /** Takes the socket at an address off the network without a word. */
  silence(address: Endpoint): void {
    this.#at(address)?.close();
  }

  /** The round trip between two sockets, in ms: evenly spread, the same both ways and always. */
  roundTripMs(a: number, b: number): number {
    const pair = mix(mix(Math.min(a, b) + this.#salt) ^ Math.max(a, b));
    return this.#minMs + this.#spanMs * (pair / 2 ** 32);
  }

  /** Called by a socket that sends. */
  send(from: SimulatedSocket, data: Uint8Array, to: Endpoint): void {
    this.#sent++;
    this.#bytes += data.length;
    const { loss, duplication, reordering } = this.faults;
    if (loss > 0 && this.#random.chance(loss)) return;
    if (this.lose(from.address, to, data)) return;
    const target = this.#at(to) ?? this.onMissing(to);
    if (target === undefined || target.island !== from.island) return;
    const copies = duplication > 0 && this.#random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      let ms = this.fixedMs ?? this.roundTripMs(from.index, target.index) / 2 *
          (1 + jitterShare * (this.#random.word() / 2 ** 32));
      if (reordering > 0 && this.#random.chance(reordering)) {
        ms += heldBackMsMax * this.#random.float();
      }
      // Each copy has bytes of its own: receivers may not rely on a buffer after their call.
      const bytes = copy === 0 ? data : data.slice();
      this.#clock.after(ms, () => this.#deliver(from, target, bytes));
    }
  }

  #deliver(from: SimulatedSocket, to: SimulatedSocket, data: Uint8Array): void {
    // Borders that close, and sockets that close, stop what is under way, too.
    if (from.island !== to.island || this.#at(to.address) !== to) return;
    if (this.#traced) this.#note(from.index, to.index, data);
    to.deliver(data, from.address);
    // As a real socket's buffer, which the next datagram overwrites.
    if (this.#traced) data.fill(0xc1);
  }

  #at(address: Endpoint): SimulatedSocket | undefined {
    const there = this.#sockets.get(address.ip);
    if (there === undefined) return undefined;
    const { port } = address;
    for (const socket of there) if (socket.address.port === port) return socket;
    return undefined;
  }

  #note(from: number, to: number, data: Uint8Array): void {
    let a = this.#traceA;
    // Thousandths of a millisecond, low and high part.
    const us = Math.round(this.#clock.monotonic() * 1_000);
    for (const word of [from, to, data.length, us % 2 ** 32, Math.floor(us / 2 ** 32)]) {
      a = Math.imul(a ^ word, 0x01000193);
    }
    for (const byte of data) a = Math.imul(a ^ byte, 0x01000193);
    this.#traceA = a;
    this.#traceB = mix(this.#traceB ^ a);
  }
}
