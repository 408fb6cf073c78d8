/**
 * What the simulated users do: put values, get them, and look how it went.
 *
 * @module
 */
import type { GetOptions } from "../../net/kademlia/mod.ts";
import { compareDistance, Id } from "../../net/kademlia/space/id.ts";
import { numberOf, sealed } from "../../tests/sim/dht_values.ts";
import type { DhtWorld, Member } from "../../tests/sim/dht_world.ts";
import type { SeededRandom } from "../../tests/sim/random.ts";
import { Probe } from "./probe.ts";
import { quantile, rounded, type Row } from "./report.ts";

const yearMs = 365 * 86_400_000;

/** One get that was watched. */
export interface Read {
  readonly ms: number;
  readonly hops: number;
  readonly datagrams: number;
  /** The number of the value that came back; 0 for none. */
  readonly number: number;
}

/** Users of the honest nodes of a world. */
export class Workload {
  readonly world: DhtWorld;
  readonly random: SeededRandom;
  readonly keys: Uint8Array[] = [];
  readonly #honest: (member: Member) => boolean;
  readonly #busy = new Set<Member>();

  constructor(world: DhtWorld, honest: (member: Member) => boolean = () => true) {
    this.world = world;
    this.random = world.random.fork("workload");
    this.#honest = honest;
  }

  /** `count` new keys. */
  newKeys(count: number): Uint8Array[] {
    const keys = Array.from({ length: count }, () => this.random.bytes(20));
    this.keys.push(...keys);
    return keys;
  }

  /** An honest node that is up and, if possible, holds nothing under `key` and is not being watched. */
  reader(key?: Uint8Array): Member {
    const { members } = this.world;
    let member: Member | undefined;
    for (let n = 0; n < 200; n++) {
      const drawn = this.random.pick(members);
      if (!drawn.up || !this.#honest(drawn) || this.#busy.has(drawn)) continue;
      member = drawn;
      if (key === undefined || !this.#holds(drawn, key)) break;
    }
    if (member === undefined) throw new Error("Cannot find a reader: nobody honest is up");
    return member;
  }

  /** Whether somebody waits for an answer of this member. */
  isBusy(member: Member): boolean {
    return this.#busy.has(member);
  }

  #holds(member: Member, key: Uint8Array): boolean {
    for (const value of member.node.values()) {
      if (value.key.every((byte, i) => byte === key[i])) return true;
    }
    return false;
  }

  /** The value `number` under `key`. */
  value(key: Uint8Array, number: number): Uint8Array {
    return sealed({ key, number, expiresAtMs: this.world.clock.now() + yearMs });
  }

  /** Puts one value from a random honest node; how many said that they took it. */
  async put(key: Uint8Array, number: number, paths?: number): Promise<Read & { accepted: number }> {
    const member = this.reader();
    const startMs = this.world.clock.monotonic();
    const options = paths === undefined ? {} : { paths };
    const { result, probe } = await this.#watch(
      member,
      key,
      () => member.node.put(key, this.value(key, number), options),
    );
    const ms = this.world.clock.monotonic() - startMs;
    return { ms, hops: 0, datagrams: probe.datagrams, number, accepted: result.accepted };
  }

  /** Gets a value at a random honest node. */
  async get(key: Uint8Array, options: GetOptions = {}): Promise<Read> {
    const member = this.reader(key);
    const startMs = this.world.clock.monotonic();
    const { result, probe } = await this.#watch(member, key, () => member.node.get(key, options));
    const ms = this.world.clock.monotonic() - startMs;
    const hops = Math.max(0, ...result.answers.map(({ contact }) => probe.hopsTo(contact)));
    const number = result.value === undefined ? 0 : numberOf(result.value);
    return { ms, hops, datagrams: probe.datagrams, number };
  }

  /** Looks up the k closest nodes to a random target; `right` is the share of the closest that was found. */
  async lookup(): Promise<Read & { right: number }> {
    const target = this.random.bytes(20);
    const member = this.reader();
    const startMs = this.world.clock.monotonic();
    const { result, probe } = await this.#watch(member, target, () => member.node.lookup(target));
    const ms = this.world.clock.monotonic() - startMs;
    const [nearest] = result;
    const hops = nearest === undefined ? 0 : probe.hopsTo(nearest);
    const found = new Set(result.map(({ id }) => String(id)));
    const closest = this.#closest(Id.from(target), member, found.size);
    const right = closest.filter((id) => found.has(String(id.toBytes()))).length / closest.length;
    return { ms, hops, datagrams: probe.datagrams, number: result.length, right };
  }

  /** The ids that are nearest to a target, of all members but one. */
  #closest(target: Id, except: Member, count: number): Id[] {
    const others = this.world.alive.filter((member) => member !== except);
    const ids = others.map(({ node }) => Id.from(node.id));
    return ids.sort((a, b) => compareDistance(target, a, b)).slice(0, count);
  }

  async #watch<T>(member: Member, key: Uint8Array, work: () => Promise<T>) {
    this.#busy.add(member);
    try {
      return await Probe.on(member, key, work);
    } finally {
      this.#busy.delete(member);
    }
  }
}

/** Median and 95th percentile of what `reads` took. */
export function times(reads: readonly Read[], what: string): Row {
  const ms = reads.map((read) => read.ms);
  return {
    [`${what} ms p50`]: rounded(quantile(ms, 0.5)),
    [`${what} ms p95`]: rounded(quantile(ms, 0.95)),
  };
}

/** Mean datagrams of `reads`. */
export function datagrams(reads: readonly Read[]): number {
  return rounded(reads.reduce((sum, read) => sum + read.datagrams, 0) / reads.length, 1);
}
