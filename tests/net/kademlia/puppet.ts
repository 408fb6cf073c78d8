/** A node whose every answer the test decides. */
import { NodeContact } from "../../../net/kademlia/space/contact.ts";
import { Id } from "../../../net/kademlia/space/id.ts";
import type { Address, Datagrams } from "../../../net/kademlia/ports.ts";
import {
  decodeRequest,
  encodeContacts,
  encodeFound,
  encodePong,
  encodeRequest,
  encodeStored,
  encodeStun,
  type Method,
  type WireRequest,
} from "../../../net/kademlia/rpc/wire.ts";
import { SeededRandom, type VirtualWorld } from "./support.ts";

/** What a puppet does about one request; undefined leaves it unanswered. */
export type Reaction = (request: WireRequest, data: Uint8Array) => Uint8Array | undefined;

export class Puppet {
  readonly contact: NodeContact;
  readonly requests: WireRequest[] = [];
  /** Answers to requests of its own. */
  readonly answers: Uint8Array[] = [];
  /** Reactions by method; by default it answers ping, names nobody, and accepts every store. */
  readonly react: Partial<Record<Method, Reaction>> = {};
  silent = false;
  /** How long it takes over an answer, by method. */
  readonly delayMs: Partial<Record<Method, number>> = {};
  readonly #world: VirtualWorld;
  readonly #datagrams: Datagrams;
  readonly #random: SeededRandom;

  constructor(world: VirtualWorld, ip: string, id?: Id) {
    this.#world = world;
    this.#random = new SeededRandom(`puppet ${ip}`);
    this.contact = new NodeContact(id ?? Id.from(this.#random.bytes(20)), ip, 7000);
    this.#datagrams = world.datagrams(ip, 7000);
    this.#datagrams.onReceive((data, from) => this.#receive(data, from));
  }

  /** How many requests of a method it got. */
  count(method: Method): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** Sends a request. */
  ask(to: Address, request: WireRequest): void {
    this.#datagrams.send(encodeRequest(Id.from(this.#random.bytes(20)), request), to);
  }

  /** Introduces itself. */
  ping(to: Address): void {
    this.ask(to, { method: "ping", sender: this.contact.nodeId });
  }

  #receive(data: Uint8Array, from: Address): void {
    if (data[0] === 1) {
      this.answers.push(data.slice());
      return;
    }
    const request = decodeRequest(data);
    if (request === undefined) return;
    this.requests.push(request);
    if (this.silent) return;
    const react = this.react[request.method];
    const answer = react ? react(request, data) : this.#answer(request, data, from);
    if (!answer) return;
    const delayMs = this.delayMs[request.method];
    if (delayMs === undefined) this.#datagrams.send(answer, from);
    else this.#world.time.after(delayMs, () => this.#datagrams.send(answer, { ...from }));
  }

  #answer(request: WireRequest, data: Uint8Array, from: Address): Uint8Array | undefined {
    if (request.method === "ping") return encodePong(data, this.contact.nodeId);
    if (request.method === "stun") return encodeStun(data, from);
    if (request.method === "store") return encodeStored(data, true);
    return request.method === "sample" ? undefined : encodeContacts(data, []);
  }
}

/** Holds a value and names nobody. */
export function holding(value: Uint8Array, since?: number): Reaction {
  return (_request, data) => encodeFound(data, { value, scalar: false }, since);
}

/** Names contacts. */
export function naming(contacts: readonly NodeContact[]): Reaction {
  return (_request, data) => encodeContacts(data, contacts);
}
