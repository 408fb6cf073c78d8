/**
 * Watches one operation of one node from its socket: hops, and what it costs in datagrams.
 *
 * @module
 */
import { Id } from "../../net/kademlia/space/id.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import { findValue } from "../../net/kademlia/rpc/methods/find_value.ts";
import { responseKind } from "../../net/kademlia/constants.ts";
import { decodeAnswer, decodeRequest } from "../../net/kademlia/rpc/wire.ts";
import type { Tap } from "../../tests/sim/dht_network.ts";
import type { Member } from "../../tests/sim/dht_world.ts";

/** The questions about one key that a node asks, and their answers. */
export class Probe implements Tap {
  /** Datagrams for the key in both directions. */
  datagrams = 0;
  readonly #key: Id;
  readonly #asked = new Map<string, number>();
  /** By address: 1 for whom the node knew itself, one more for whom those named, and so on. */
  readonly #hops = new Map<string, number>();

  private constructor(key: Id) {
    this.#key = key;
  }

  /** Runs `work` with a probe on the member's socket. */
  static async on<T>(
    member: Member,
    key: Uint8Array,
    work: () => Promise<T>,
  ): Promise<{ result: T; probe: Probe }> {
    const probe = new Probe(Id.from(key));
    const { socket } = member;
    socket.tap = probe;
    try {
      return { result: await work(), probe };
    } finally {
      socket.tap = undefined;
    }
  }

  /** How many questions led to this address; 0 for nobody asked. */
  hopsTo({ ip, port }: Endpoint): number {
    return this.#hops.get(`${ip}|${port}`) ?? 0;
  }

  sent(data: Uint8Array, to: Endpoint): void {
    if (data[0] === responseKind) return;
    const args = decodeRequest(data)?.args;
    if (!(args && "target" in args && args.target.equals(this.#key))) return;
    this.datagrams++;
    const name = `${to.ip}|${to.port}`;
    const hops = this.#hops.get(name) ?? 1;
    this.#hops.set(name, hops);
    this.#asked.set(Id.from(data, 1).toString(), hops);
  }

  received(data: Uint8Array): void {
    if (data[0] !== responseKind) return;
    const hops = this.#asked.get(Id.from(data, 1).toString());
    if (hops === undefined) return;
    this.datagrams++;
    for (const { ip, port } of decodeAnswer(data, findValue)?.contacts ?? []) {
      const name = `${ip}|${port}`;
      if (!this.#hops.has(name)) this.#hops.set(name, hops + 1);
    }
  }
}
