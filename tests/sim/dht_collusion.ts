/**
 * Nodes that lie together: they answer only with one another, withhold values, and serve forged and
 * stale ones. They keep to the protocol otherwise, so that nothing but their content gives them away.
 *
 * @module
 */
import { NodeContact } from "../../net/kademlia/space/contact.ts";
import { compareDistance, Id } from "../../net/kademlia/space/id.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import { findNode } from "../../net/kademlia/rpc/methods/find_node.ts";
import { findValue } from "../../net/kademlia/rpc/methods/find_value.ts";
import { ping } from "../../net/kademlia/rpc/methods/ping.ts";
import { store } from "../../net/kademlia/rpc/methods/store.ts";
import { decodeRequest, encodeAnswer, encodeRequest } from "../../net/kademlia/rpc/wire.ts";
import type { SimulatedSocket } from "./dht_network.ts";
import type { SeededRandom } from "./random.ts";

/** Contacts in numerical order, which finds the nearest to any target in a few steps. */
export class Directory {
  readonly #sorted: NodeContact[] = [];

  /** Contacts in it. */
  get size(): number {
    return this.#sorted.length;
  }

  /** Adds a contact. */
  add(contact: NodeContact): void {
    this.#sorted.splice(this.#rank(contact.nodeId, 0, this.#sorted.length), 0, contact);
  }

  /** The `count` nearest to `target`, nearest first. */
  closest(target: Id, count: number): NodeContact[] {
    const result: NodeContact[] = [];
    this.#collect(result, target, count, 0, this.#sorted.length, 0);
    return result;
  }

  /** The first position whose id is not below `id`. */
  #rank(id: Id, from: number, to: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sorted[middle];
      if (other && compareDistance(origin, other.nodeId, id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Ids from `from` to `to` share their first `bit` bits. The half on the target's side is nearer. */
  #collect(
    into: NodeContact[],
    target: Id,
    count: number,
    from: number,
    to: number,
    bit: number,
  ): void {
    const room = count - into.length;
    if (room <= 0 || from >= to) return;
    if (to - from <= sortedMax || bit >= 32) {
      const few = this.#sorted.slice(from, to);
      few.sort((a, b) => compareDistance(target, a.nodeId, b.nodeId));
      into.push(...few.slice(0, room));
      return;
    }
    const mask = 1 << (31 - bit);
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.#sorted[middle]?.nodeId.w0 ?? 0) & mask) === 0) low = middle + 1;
      else high = middle;
    }
    const first = (target.w0 & mask) === 0;
    this.#collect(into, target, count, first ? from : low, first ? low : to, bit + 1);
    this.#collect(into, target, count, first ? low : from, first ? to : low, bit + 1);
  }
}

const origin = new Id(0, 0, 0, 0, 0);
/** Ranges this short are sorted rather than halved. */
const sortedMax = 32;

/** How a liar treats a value that it is asked for. */
export type Lie = "withhold" | "forge" | "stale";

const lies: readonly Lie[] = ["withhold", "forge", "stale"];

/** One conspiracy. */
export class Collusion {
  readonly contacts: Directory = new Directory();
  readonly #k: number;
  readonly #stale = new Map<string, Uint8Array>();
  readonly #ids = new Set<string>();

  /** `k`: contacts an answer. */
  constructor(k = 20) {
    this.#k = k;
  }

  /** Whether the id is one of theirs. */
  has(id: Uint8Array): boolean {
    return this.#ids.has(String(id));
  }

  /** What they serve as stale under a key: an earlier value of its owner. */
  remember(key: Uint8Array, value: Uint8Array): void {
    this.#stale.set(Id.from(key).toString(), value);
  }

  /** From now on this socket lies. Its node, if there is one, goes on sending and takes answers. */
  corrupt(socket: SimulatedSocket, id: Uint8Array, lie: Lie = this.#nextLie()): void {
    const { ip, port } = socket.address;
    const own = Id.from(id);
    this.#ids.add(String(id));
    this.contacts.add(new NodeContact(own, ip, port));
    socket.intercept = (data, from) => this.#answer(socket, own, lie, data, from);
  }

  #nextLie(): Lie {
    return lies[this.contacts.size % lies.length] ?? "withhold";
  }

  #answer(socket: SimulatedSocket, own: Id, lie: Lie, data: Uint8Array, from: Endpoint): boolean {
    const request = decodeRequest(data);
    if (request === undefined) return false;
    const { name, args } = request;
    if (name === "ping") socket.send(encodeAnswer(data, ping, own), from);
    else if (!("target" in args)) return false;
    // Says yes and throws it away.
    else if (name === "store") socket.send(encodeAnswer(data, store, true), from);
    else {
      const { target } = args;
      const stale = name === "find_value" ? this.#stale.get(target.toString()) : undefined;
      const found = stale && served(stale, lie);
      const contacts = found ? [] : this.contacts.closest(target, this.#k);
      const answer = found ? { found, contacts } : { contacts };
      socket.send(encodeAnswer(data, findValue, answer, own), from);
    }
    return true;
  }
}

/** What is served of a stale value; undefined for what is withheld. */
function served(stale: Uint8Array, lie: Lie): { readonly value: Uint8Array } | undefined {
  if (lie === "withhold") return undefined;
  return { value: lie === "stale" ? stale : forged(stale) };
}

/** A value with the highest number and a seal that cannot fit. */
function forged(stale: Uint8Array): Uint8Array {
  const value = stale.slice();
  value.fill(0xff, 8, 12);
  return value;
}

/**
 * A liar without a node of its own: answers whoever asks, and makes itself known to whom it is told to.
 */
export class Sybil {
  readonly contact: NodeContact;
  readonly #socket: SimulatedSocket;
  readonly #random: SeededRandom;

  /** Opens for business on `socket`. */
  constructor(socket: SimulatedSocket, collusion: Collusion, id: Uint8Array, random: SeededRandom) {
    this.#socket = socket;
    this.#random = random;
    this.contact = new NodeContact(Id.from(id), socket.address.ip, socket.address.port);
    socket.onReceive(() => {});
    collusion.corrupt(socket, id);
  }

  /** Asks `to` something, as whoever wants to enter its table does. */
  greet(to: Endpoint): void {
    const sender = this.contact.nodeId;
    const target = Id.from(this.#random.bytes(20));
    const messageId = Id.from(this.#random.bytes(20));
    this.#socket.send(encodeRequest(messageId, findNode, { sender, target }), to);
  }
}
