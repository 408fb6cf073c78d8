/**
 * Many real {@link KademliaNode}s on a simulated network and a virtual clock.
 *
 * @module
 */
import { KademliaNode, MemoryStorage, type NodeOptions } from "../../net/kademlia/mod.ts";
import { type NodeClock, VirtualClock } from "./clock.ts";
import {
  DatagramNetwork,
  type DatagramNetworkOptions,
  type SimulatedSocket,
} from "./dht_network.ts";
import { putAtHome } from "./dht_home.ts";
import { sealedValues } from "./dht_values.ts";
import { SeededRandom } from "./random.ts";

/**
 * Chains of promises in net/kademlia between an answer and the next request are at most this long, so
 * that this many microtasks between two events let all of them run. Awaiting a turn of the event loop
 * instead costs three times as much.
 */
const microtasksBetweenEvents = 8;

async function settle(): Promise<void> {
  for (let i = 0; i < microtasksBetweenEvents; i++) await undefined;
}

/** How a {@link DhtWorld} is set up. */
export interface DhtWorldOptions {
  readonly seed: number | string;
  readonly network?: Pick<DatagramNetworkOptions, "roundTripMsMin" | "roundTripMsMax" | "traced">;
  /** What all nodes have in common. */
  readonly node?: Partial<NodeOptions>;
  /** The address of node `i`. Default: each in a /24 of its own, all of them public. */
  readonly ipOf?: (index: number) => string;
  /** Whether node `i` is at home, behind a router that lets in only what was asked for. Default: none is. */
  readonly isAtHome?: (index: number) => boolean;
  /** Whether nodes have a second socket, to tell which others are at home. Default false. */
  readonly hasOutside?: boolean;
}

/** How one node differs. */
export interface MemberOptions extends Partial<NodeOptions> {
  /** Its clock minus the true one, in ms. */
  readonly offsetMs?: number;
  /** Whether it keeps its storage when it stops. Default false: nothing is saved at all. */
  readonly durable?: boolean;
  readonly ip?: string;
  readonly port?: number;
}

const portDefault = 4_000;

/** A /16 for every node, up to 46,080 of them; from then on /24s in these. Nothing is ever sent there. */
export function publicIp(index: number): string {
  const [first, second] = [20 + (index >> 8) % 180, index & 255];
  return `${first}.${second}.${Math.floor(index / 46_080)}.${1 + (index * 7) % 250}`;
}

/** The same numbering within 10.0.0.0/8, which the address limits exempt. */
export function privateIp(index: number): string {
  return `10.${(index >> 8) & 255}.${index & 255}.${1 + (index * 7) % 250}`;
}

/** One place in the world where a node runs, stops and returns. */
export class Member {
  readonly index: number;
  readonly storage: MemoryStorage | undefined;
  readonly #world: DhtWorld;
  readonly #options: MemberOptions;
  #runs = 0;
  #running: { node: KademliaNode; socket: SimulatedSocket; clock: NodeClock } | undefined;

  /** Use {@link DhtWorld.add}. */
  constructor(world: DhtWorld, index: number, options: MemberOptions) {
    this.#world = world;
    this.index = index;
    this.#options = options;
    this.storage = options.durable === true ? new MemoryStorage() : undefined;
  }

  /** Whether it runs. */
  get up(): boolean {
    return this.#running !== undefined;
  }

  /** The node; it must run. */
  get node(): KademliaNode {
    return this.#alive.node;
  }

  /** The socket; the node must run. */
  get socket(): SimulatedSocket {
    return this.#alive.socket;
  }

  /** The clock; the node must run. */
  get clock(): NodeClock {
    return this.#alive.clock;
  }

  /** For others to join through. */
  get host(): { host: string; port: number } {
    const { ip, port } = this.#alive.node.address;
    return { host: ip, port };
  }

  get #alive(): { node: KademliaNode; socket: SimulatedSocket; clock: NodeClock } {
    if (this.#running === undefined) throw new Error(`Cannot use node ${this.index}: it is down`);
    return this.#running;
  }

  /** Starts the node, with what its storage kept. */
  async start(): Promise<void> {
    const { offsetMs = 0, durable: _durable, ip, port, ...options } = this.#options;
    const world = this.#world;
    const clock = world.clock.view({ offsetMs });
    const address = { ip: ip ?? world.ipOf(this.index), port: port ?? portDefault };
    const socket = world.network.open(address, this.index);
    const outside = world.openOutside(address, this.index);
    if (world.isAtHome(this.index)) {
      for (const one of [socket, ...outside === undefined ? [] : [outside]]) {
        putAtHome(world.clock, one);
      }
    }
    const node = await KademliaNode.create({
      time: clock,
      random: world.random.fork(`node ${this.index} run ${this.#runs++}`),
      datagrams: socket,
      ...(outside === undefined ? {} : { outside }),
      policy: sealedValues,
      onError: (error) => world.errors.push(error),
      ...(this.storage === undefined ? {} : { storage: this.storage }),
      ...world.nodeOptions,
      ...options,
    });
    this.#running = { node, socket, clock };
  }

  /** Starts the node and joins through `through`; whether anybody was there. */
  async join(through: readonly Member[]): Promise<boolean> {
    if (!this.up) await this.start();
    const { node } = this.#alive;
    try {
      return await node.bootstrap(through.filter((other) => other.up).map((other) => other.host));
    } catch (error) {
      // Killed while it joined.
      if (this.#running?.node === node) throw error;
      return false;
    }
  }

  /** Dies without a word: its timers stop, its socket is gone, nothing more is saved. */
  kill(): void {
    if (this.#running === undefined) return;
    const { socket, clock } = this.#running;
    this.#running = undefined;
    clock.stop();
    socket.close();
  }

  /** Leaves in order: saves what it holds. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.node.close();
    running?.clock.stop();
  }
}

/** Nodes, their network, their time. */
export class DhtWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: DatagramNetwork;
  readonly nodeOptions: Partial<NodeOptions>;
  readonly ipOf: (index: number) => string;
  readonly isAtHome: (index: number) => boolean;
  readonly #hasOutside: boolean;
  readonly members: Member[] = [];
  /** What nodes reported through `onError`. */
  readonly errors: Error[] = [];

  /** An empty world. */
  constructor(options: DhtWorldOptions) {
    this.clock = new VirtualClock({ settle, eventsMax: Number.MAX_SAFE_INTEGER });
    this.random = new SeededRandom(options.seed);
    const random = this.random.fork("network");
    this.network = new DatagramNetwork({ clock: this.clock, random, ...options.network });
    this.nodeOptions = options.node ?? {};
    this.ipOf = options.ipOf ?? publicIp;
    this.isAtHome = options.isAtHome ?? (() => false);
    this.#hasOutside = options.hasOutside ?? false;
  }

  /** A second socket of a member, if members have one. */
  openOutside(
    { ip, port }: { ip: string; port: number },
    index: number,
  ): SimulatedSocket | undefined {
    return this.#hasOutside ? this.network.open({ ip, port: port + 1 }, index) : undefined;
  }

  /** The members that run. */
  get alive(): Member[] {
    return this.members.filter((member) => member.up);
  }

  /** Adds a place for a node; it doesn't run yet. */
  add(options: MemberOptions = {}): Member {
    const member = new Member(this, this.members.length, options);
    this.members.push(member);
    return member;
  }

  /**
   * Adds `count` nodes that join through random earlier ones: each as real bootstrap, many at a time,
   * so that a large network takes minutes of virtual time, not days. It grows by at most 5 % a second.
   */
  async grow(
    count: number,
    options: (index: number) => MemberOptions = () => ({}),
    onStarted: (member: Member) => void = () => {},
    throughOf?: () => Member[],
  ): Promise<void> {
    const random = this.random.fork(`grow ${this.members.length}`);
    const joined = this.alive;
    const joining: Promise<void>[] = [];
    for (let n = 0; n < count; n++) {
      const member = this.add(options(this.members.length));
      const through = joined.length === 0 ? [] : throughOf?.() ?? [random.pick(joined)];
      await member.start();
      onStarted(member);
      const done = member.join(through).then(() => {
        if (member.up) joined.push(member);
      });
      joining.push(done);
      if (joined.length < 20) await this.clock.drive(done);
      else await this.clock.advance(1_000 / (0.05 * joined.length));
    }
    await this.clock.drive(Promise.all(joining));
  }

  /** Runs `work` for 0 to `count` - 1, one started every `gapMs`, and waits for all. */
  async each(count: number, gapMs: number, work: (i: number) => Promise<void>): Promise<void> {
    const running: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      running.push(work(i));
      await this.clock.advance(gapMs);
    }
    await this.clock.drive(Promise.all(running));
  }

  /** A running member other than `except`. */
  pick(random: SeededRandom, among: readonly Member[] = this.alive, except?: Member): Member {
    for (;;) {
      const member = random.pick(among);
      if (member !== except && member.up) return member;
    }
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }
}
