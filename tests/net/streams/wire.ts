/**
 * A UDP socket of which the test is the network, and the datagrams that pass there.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import type { Datagrams } from "../../../net/kademlia/ports.ts";

/** Keeps what is sent; `receive` lets something come. */
export class Wire implements Datagrams {
  readonly address: Endpoint = { ip: "0.0.0.0", port: 8000 };
  readonly sent: Uint8Array[] = [];
  receive: (data: Uint8Array, from: Endpoint) => void = () => assert.fail("there is no receiver");

  /** The numbers of the requests and answers that were sent. */
  get numbers(): number[] {
    return this.sent.map(numberOf);
  }

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    this.receive = fn;
  }

  close(): void {}
}

/** A request with that number in its message id. */
export function request(number: number): Uint8Array {
  return new Uint8Array(50).fill(number).fill(0, 0, 1);
}

/** The answer to it. */
export function answer(number: number): Uint8Array {
  return new Uint8Array(40).fill(number).fill(1, 0, 1);
}

/** The number of a request or an answer. */
export function numberOf(data: Uint8Array): number {
  return data[1] ?? 0;
}
