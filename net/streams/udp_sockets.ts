/**
 * The two UDP sockets of a node, and which of them its requests leave by.
 *
 * The first one is the node's address. A router that got another outer address may go on translating to the
 * old one what passes there, as long as something does: then no answer ever comes back to that socket. What
 * leaves by the other one is translated anew.
 *
 * @module
 */

import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Time } from "../../lib/time.ts";
import { requestKind } from "../kademlia/constants.ts";
import type { Datagrams, Sender } from "../kademlia/ports.ts";
import { askedMax, forgottenMs } from "./stream_limits.ts";

/** Takes a datagram. */
export type Receiver = Parameters<Datagrams["onReceive"]>[0];

/** Message ids; a request and its answer have the same. */
type Ids = BoundedMap<number, true>;

/** Two sockets that can stand in for each other. */
export class UdpSockets {
  readonly #time: Pick<Time, "monotonic">;
  readonly #first: Datagrams;
  readonly #second: Datagrams;
  /** Whether the first has ever had an answer: if not, it is no router's memory that keeps answers away. */
  #hasAnswered = false;
  /** Until when they are exchanged, on the monotonic clock. */
  #exchangedUntilMs = -Infinity;
  /** The node's own requests that left by the second. */
  readonly #ownBySecond: Ids = new BoundedMap(askedMax);
  /** Questions from outside that left by the first. */
  readonly #outsideByFirst: Ids = new BoundedMap(askedMax);
  /** Others' requests that came to the second. */
  readonly #taken: Ids = new BoundedMap(askedMax);
  #onReceive: Receiver | undefined;
  #onOutside: Receiver | undefined;

  /** Both are open already, and are closed elsewhere. */
  constructor({ time, first, second }: {
    readonly time: Pick<Time, "monotonic">;
    readonly first: Datagrams;
    readonly second: Datagrams;
  }) {
    this.#time = time;
    this.#first = first;
    this.#second = second;
  }

  /** Sets who receives what is meant for the node's address. */
  onReceive(fn: Receiver): void {
    this.#onReceive = fn;
    this.#first.onReceive((data, from) => this.#cameToFirst(data, from));
  }

  /** Sets who receives the answers to questions from outside. */
  onOutside(fn: Receiver): void {
    this.#onOutside = fn;
    this.#second.onReceive((data, from) => this.#cameToSecond(data, from));
  }

  /**
   * Sends a request of the node.
   *
   * @param isInDoubt Whether UDP has been silent: then it leaves by both, and the one that is answered is used.
   */
  ask(data: Uint8Array, to: Sender, isInDoubt: boolean): void {
    if (isInDoubt) {
      this.#first.send(data, to);
      this.askBySecond(data, to);
    } else if (this.#isExchanged) this.#sendBySecond(data, to);
    else this.#first.send(data, to);
  }

  /** Sends it once more, by the second alone, if the first was of use before. */
  askBySecond(data: Uint8Array, to: Sender): void {
    if (this.#hasAnswered) this.#sendBySecond(data, to);
  }

  /** Sends an answer, from where the request came to. */
  answer(data: Uint8Array, to: Sender): void {
    (this.#taken.delete(idOf(data)) ? this.#second : this.#first).send(data, to);
  }

  /** Sends a question from an address that no node was told. */
  askOutside(data: Uint8Array, to: Sender): void {
    if (!this.#isExchanged) return this.#second.send(data, to);
    this.#outsideByFirst.set(idOf(data), true);
    this.#first.send(data, to);
  }

  #sendBySecond(data: Uint8Array, to: Sender): void {
    this.#ownBySecond.set(idOf(data), true);
    this.#second.send(data, to);
  }

  get #isExchanged(): boolean {
    return this.#time.monotonic() < this.#exchangedUntilMs;
  }

  #cameToFirst(data: Uint8Array, from: Sender): void {
    if (data[0] !== requestKind) {
      if (this.#outsideByFirst.delete(idOf(data))) return this.#onOutside?.(data, from);
      this.#hasAnswered = true;
      this.#exchangedUntilMs = -Infinity;
    }
    this.#onReceive?.(data, from);
  }

  #cameToSecond(data: Uint8Array, from: Sender): void {
    const id = idOf(data);
    if (data[0] === requestKind) {
      if (!this.#isExchanged) return;
      this.#taken.set(id, true);
    } else if (!this.#ownBySecond.delete(id)) return this.#onOutside?.(data, from);
    else if (!this.#isExchanged) this.#exchangedUntilMs = this.#time.monotonic() + forgottenMs;
    this.#onReceive?.(data, from);
  }
}

/** The beginning of a datagram's message id, which is random. */
export function idOf(data: Uint8Array): number {
  const [, a = 0, b = 0, c = 0, d = 0] = data;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
