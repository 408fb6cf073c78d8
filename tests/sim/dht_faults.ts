/**
 * A small network under faults drawn from a seed: loss, duplication, reordering, partitions, nodes that
 * die and return with their storage, clocks that differ and step. When the faults are over and the
 * upkeep had its time, every acknowledged value must be found from everywhere. A failure names its
 * seed, which replays it bit for bit.
 *
 * @module
 */
import assert from "node:assert/strict";
import { bucketSize, openRequestsMax } from "../../net/kademlia/constants.ts";
import { commonPrefixBits, Id } from "../../net/kademlia/space/id.ts";
import { noDatagramFaults } from "./dht_network.ts";
import { numberOf, sealed } from "./dht_values.ts";
import { DhtWorld, type Member } from "./dht_world.ts";
import type { SeededRandom } from "./random.ts";

/** How much happens in one run. */
export interface DhtFaultsOptions {
  readonly seed: number;
  /** Default: drawn, 30 to 60. */
  readonly nodes?: number;
  /** Things done while faults last. */
  readonly steps?: number;
  /** Virtual ms without faults before values are looked for. */
  readonly quietMs?: number;
}

/** What happened. */
export interface DhtFaultsReport {
  readonly seed: number;
  /** A hash over every delivery. */
  readonly trace: string;
  readonly datagrams: number;
  readonly acknowledged: number;
  readonly counts: Readonly<Record<string, number>>;
}

const stepsDefault = 40;
/** Replication and refresh are due hourly, with a fifth of jitter and a minute's sweep. */
const quietMsDefault = 75 * 60_000;
/** A put counts as acknowledged from this many holders on: the quorum of a read. */
const acknowledgedMin = 3;
/** What a node stored is on its disk after a second; a crash before may lose it. */
const savedMs = 1_500;
const yearMs = 365 * 86_400_000;
const skewMsMax = 90_000;
const storyLinesMax = 60;

/**
 * Runs one seed.
 *
 * @throws {Error} Naming the seed, if an invariant does not hold.
 */
export async function runDhtFaults(options: DhtFaultsOptions): Promise<DhtFaultsReport> {
  const run = new Run(options);
  try {
    return await run.run();
  } catch (error) {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    throw new Error(`Seed ${options.seed}: ${message}\n${run.story()}`, { cause: error });
  } finally {
    run.end();
  }
}

interface Entry {
  readonly key: Uint8Array;
  /** The last number put, acknowledged or not. */
  number: number;
  /** The highest number acknowledged. */
  acknowledged: number;
}

class Run {
  readonly #options: DhtFaultsOptions;
  readonly #world: DhtWorld;
  readonly #random: SeededRandom;
  readonly #entries: Entry[] = [];
  readonly #counts: Record<string, number> = {};
  readonly #story: string[] = [];

  constructor(options: DhtFaultsOptions) {
    this.#options = options;
    const seed = `dht faults ${options.seed}`;
    // Buckets of 8 make 40 nodes a network in which nobody knows everybody.
    this.#world = new DhtWorld({ seed, network: { traced: true }, node: { k: 8 } });
    this.#random = this.#world.random.fork("story");
  }

  story(): string {
    return this.#story.slice(-storyLinesMax).join("\n");
  }

  async run(): Promise<DhtFaultsReport> {
    const { seed, nodes = this.#random.between(30, 60), steps = stepsDefault } = this.#options;
    await this.#world.grow(nodes, (index) => ({
      durable: true,
      offsetMs: this.#world.random.fork(`skew ${index}`).between(-skewMsMax, skewMsMax),
    }));
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await this.#world.clock.advance(this.#random.between(savedMs, 60_000));
      this.#checkBounds();
    }
    await this.#recover();
    await this.#checkFound();
    this.#checkBounds();
    assert.deepEqual(this.#world.errors, [], "nodes reported errors");
    return {
      seed,
      trace: this.#world.network.trace,
      datagrams: this.#world.network.sent,
      acknowledged: this.#entries.filter((entry) => entry.acknowledged > 0).length,
      counts: this.#counts,
    };
  }

  end(): void {
    for (const member of this.#world.members) member.kill();
  }

  #tell(what: string, detail = ""): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
    this.#story.push(`${Math.round(this.#world.clock.monotonic())} ms: ${what} ${detail}`);
  }

  async #step(): Promise<void> {
    const dice = this.#random.int(100);
    if (dice < 40) await this.#put();
    else if (dice < 50) await this.#get();
    else if (dice < 65) this.#kill();
    else if (dice < 80) await this.#restart();
    else if (dice < 86) this.#weather();
    else if (dice < 91) this.#split();
    else if (dice < 96) this.#heal();
    else this.#stepClock();
  }

  async #put(): Promise<void> {
    const fresh = this.#entries.length === 0 || this.#random.chance(0.6);
    const entry = fresh
      ? { key: this.#random.bytes(20), number: 0, acknowledged: 0 }
      : this.#random.pick(this.#entries);
    if (fresh) this.#entries.push(entry);
    const member = this.#world.pick(this.#random);
    const number = ++entry.number;
    const { key } = entry;
    const value = sealed({ key, number, expiresAtMs: this.#world.clock.now() + yearMs });
    const result = await this.#world.clock.drive(member.node.put(key, value));
    const { accepted, refused, silent } = result;
    if (accepted >= acknowledgedMin) entry.acknowledged = number;
    this.#tell(
      "put",
      `${name(key)} #${number} by ${member.index}: ${accepted}/${refused}/${silent}`,
    );
  }

  async #get(): Promise<void> {
    if (this.#entries.length === 0) return;
    const { key } = this.#random.pick(this.#entries);
    const member = this.#world.pick(this.#random);
    const { value } = await this.#world.clock.drive(member.node.get(key));
    this.#tell("get", `${name(key)} by ${member.index}: ${value ? numberOf(value) : "nothing"}`);
  }

  #kill(): void {
    const { alive, members } = this.#world;
    if (alive.length < members.length / 2) return;
    const member = this.#random.pick(alive);
    member.kill();
    this.#tell("kill", `${member.index}`);
  }

  async #restart(): Promise<void> {
    const down = this.#world.members.filter((member) => !member.up);
    if (down.length === 0) return;
    const member = this.#random.pick(down);
    // From its saved contacts where it has some: the bootstrap node is needed at the first start only.
    const joined = await this.#world.clock.drive(member.join([this.#world.pick(this.#random)]));
    this.#tell("restart", `${member.index}: ${joined ? "joined" : "alone"}`);
  }

  #weather(): void {
    this.#world.network.faults = {
      loss: this.#random.float() * 0.15,
      duplication: this.#random.float() * 0.1,
      reordering: this.#random.float() * 0.2,
    };
    this.#tell("weather", JSON.stringify(this.#world.network.faults));
  }

  #split(): void {
    const share = this.#random.float() / 2;
    for (const member of this.#world.alive) {
      member.socket.island = this.#random.chance(share) ? 1 : 0;
    }
    this.#tell("split", share.toFixed(2));
  }

  #heal(): void {
    for (const member of this.#world.alive) member.socket.island = 0;
    this.#tell("heal");
  }

  #stepClock(): void {
    const member = this.#world.pick(this.#random);
    member.clock.step(this.#random.between(-skewMsMax, skewMsMax));
    this.#tell("clock", `${member.index}`);
  }

  async #recover(): Promise<void> {
    const { network, members, clock } = this.#world;
    network.faults = noDatagramFaults;
    this.#heal();
    const hosts: Member[] = this.#world.alive.slice(0, 2);
    const down = members.filter((member) => !member.up);
    await clock.drive(Promise.all(down.map((member) => member.join(hosts))));
    await clock.advance(this.#options.quietMs ?? quietMsDefault);
  }

  async #checkFound(): Promise<void> {
    for (const entry of this.#entries) {
      for (let n = 0; n < 3; n++) {
        const member = this.#world.pick(this.#random);
        const { value } = await this.#world.clock.drive(member.node.get(entry.key));
        const found = value === undefined ? 0 : numberOf(value);
        assert(
          found >= entry.acknowledged,
          `node ${member.index} finds ${name(entry.key)} #${found}, not #${entry.acknowledged}`,
        );
      }
    }
  }

  #checkBounds(): void {
    for (const { node, index } of this.#world.alive) {
      const stats = node.stats();
      assert(stats.openRequests <= openRequestsMax, `node ${index} has too many requests open`);
      const own = Id.from(node.id);
      const shared = new Array<number>(161).fill(0);
      for (const { id } of node.contacts()) {
        const bits = commonPrefixBits(own, Id.from(id));
        shared[bits] = (shared[bits] ?? 0) + 1;
      }
      // No bucket is larger than all contacts that share so many bits with the node.
      const most = Math.max(...shared.slice(0, 8));
      assert(most <= bucketSize, `node ${index} has ${most} contacts in one bucket`);
    }
  }
}

function name(key: Uint8Array): string {
  return Id.from(key).toString().slice(0, 8);
}
