/** A node whose every answer the test decides. */
import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { NodeContact } from "../../../net/kademlia/space/contact.ts";
import { Id } from "../../../net/kademlia/space/id.ts";
import type { Datagrams } from "../../../net/kademlia/ports.ts";
import { findNode } from "../../../net/kademlia/rpc/methods/find_node.ts";
import { findValue } from "../../../net/kademlia/rpc/methods/find_value.ts";
import type { Arguments, Method } from "../../../net/kademlia/rpc/methods/method.ts";
import type { MethodName } from "../../../net/kademlia/rpc/methods/mod.ts";
import { ping } from "../../../net/kademlia/rpc/methods/ping.ts";
import { store } from "../../../net/kademlia/rpc/methods/store.ts";
import { stun } from "../../../net/kademlia/rpc/methods/stun.ts";
import {
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type WireRequest,
} from "../../../net/kademlia/rpc/wire.ts";
import type { KademliaNode, NodeOptions } from "../../../net/kademlia/mod.ts";
import { numbered } from "./policies.ts";
import { textOf, virtualNode } from "./support.ts";
import type { DhtWorld } from "../../sim/dht_world.ts";
import { SeededRandom } from "../../sim/random.ts";

/** What a puppet does about the datagram of one request; undefined leaves it unanswered. */
export type Reaction = (data: Uint8Array) => Uint8Array | undefined;

export class Puppet {
  readonly contact: NodeContact;
  readonly requests: WireRequest[] = [];
  /** Answers to requests of its own. */
  readonly answers: Uint8Array[] = [];
  /** Reactions by method; by default it answers ping, names nobody, and accepts every store. */
  readonly react: Partial<Record<MethodName, Reaction>> = {};
  silent = false;
  /** How long it takes over an answer, by method. */
  readonly delayMs: Partial<Record<MethodName, number>> = {};
  readonly #world: DhtWorld;
  readonly #datagrams: Datagrams;
  readonly #random: SeededRandom;

  constructor(world: DhtWorld, ip: string, id?: Id) {
    this.#world = world;
    this.#random = new SeededRandom(`puppet ${ip}`);
    this.contact = new NodeContact(id ?? Id.random(this.#random), ip, 7000);
    this.#datagrams = world.network.open({ ip: ip, port: 7000 });
    this.#datagrams.onReceive((data, from) => this.#receive(data, from));
  }

  /** How many requests of a method it got. */
  count(name: MethodName): number {
    return this.requests.filter((request) => request.name === name).length;
  }

  /** The values that it was asked to store, as texts. */
  get offered(): (string | undefined)[] {
    return this.requests.flatMap(({ args }) => "value" in args ? [textOf(args.value.value)] : []);
  }

  /** Sends a request. */
  ask<A extends Arguments>(to: Endpoint, method: Method<string, A, unknown>, args: A): void {
    this.#datagrams.send(encodeRequest(Id.random(this.#random), method, args), to);
  }

  /** Introduces itself. */
  ping(to: Endpoint): void {
    this.ask(to, ping, { sender: this.contact.nodeId });
  }

  #receive(data: Uint8Array, from: Endpoint): void {
    if (data[0] === 1) {
      this.answers.push(data.slice());
      return;
    }
    const request = decodeRequest(data);
    if (request === undefined) return;
    this.requests.push(request);
    if (this.silent) return;
    const react = this.react[request.name];
    const answer = react ? react(data) : this.#answer(request, data, from);
    if (!answer) return;
    const delayMs = this.delayMs[request.name];
    if (delayMs === undefined) this.#datagrams.send(answer, from);
    else this.#world.clock.after(delayMs, () => this.#datagrams.send(answer, { ...from }));
  }

  #answer({ name }: WireRequest, data: Uint8Array, from: Endpoint): Uint8Array | undefined {
    if (name === "ping") return encodeAnswer(data, ping, this.contact.nodeId);
    if (name === "stun") return encodeAnswer(data, stun, from);
    if (name === "store") return encodeAnswer(data, store, true);
    return name === "sample" ? undefined : naming([])(data);
  }
}

/** Has a value and names nobody. */
export function holding(value: Uint8Array, since?: number): Reaction {
  const found = since === undefined ? { value } : { value, since };
  return (data) => encodeAnswer(data, findValue, { found, contacts: [] });
}

/** Names contacts, and itself behind them, if it does. */
export function naming(contacts: readonly NodeContact[], own?: Id): Reaction {
  return (data) => encodeAnswer(data, findNode, { contacts }, own);
}

/** Refuses to store. */
export const refusing: Reaction = (data) => encodeAnswer(data, store, false);

/**
 * A node whose values are numbered, and `count` puppets that it knows, the nearest to `key` first and evenly far
 * from one another, as chance would have them.
 */
export async function among(
  world: DhtWorld,
  count: number,
  key: Uint8Array,
  options: Partial<NodeOptions> = {},
): Promise<{ node: KademliaNode; puppets: Puppet[] }> {
  const node = await virtualNode(world, 0, { policy: numbered, ...options });
  const { w0, w1, w2, w3, w4 } = Id.from(key);
  const puppets = Array.from(
    { length: count },
    (_, i) => new Puppet(world, `6.${i}.0.1`, new Id(w0 ^ ((i + 1) << 27), w1, w2, w3, w4)),
  );
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, Math.min(count, 20));
  return { node, puppets };
}
