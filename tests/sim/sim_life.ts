/**
 * One life of a simulated peer: what it has of the world, and what dies with it.
 *
 * @module
 */

import type { Directory, Keys, Ports } from "../../core/ports.ts";
import { Exemption } from "../../lib/networks.ts";
import type { ReachWatch } from "../../net/reach/reach_watch.ts";
import { RelayClient } from "../../net/reach/relay_client.ts";
import type { NodeClock } from "./clock.ts";
import { SimLinks } from "./links.ts";
import type { SimMachine, SimWorld } from "./peers.ts";
import type { SeededRandom } from "./random.ts";
import { simReach } from "./reach.ts";
import type { ConnectTcp } from "./relayed_link.ts";
import { findRelays } from "./relays.ts";
import { TcpHost } from "./tcp.ts";

/** What dies with a peer. */
export class SimLife {
  /** Its clock. */
  readonly clock: NodeClock;
  /** Its links. */
  readonly links: SimLinks;
  readonly #world: SimWorld;
  readonly #random: SeededRandom;
  readonly #host: TcpHost;
  #ip: string;
  #relays: RelayClient | undefined;
  #watch: ReachWatch | undefined;
  #isDead = false;

  /** Nothing runs before its ports are used. */
  constructor(
    world: SimWorld,
    options: { ip: string; port: number; offsetMs: number; random: SeededRandom },
  ) {
    this.clock = world.clock.view({ offsetMs: options.offsetMs });
    const { ip, port } = options;
    this.#world = world;
    this.#ip = ip;
    const host = this.#host = new TcpHost(world.tcp, () => this.#ip);
    const connect: ConnectTcp = (to, signal) => host.connect(to, signal);
    this.links = new SimLinks({
      network: world.links,
      listen: { ip, port },
      ...(world.relays.length === 0 ? {} : { connect }),
    });
    this.#random = options.random;
  }

  /** Its ports; `onAwait` is called at each await of the directory. */
  ports(machine: SimMachine, onAwait: () => void): Ports {
    const outside = {
      clock: this.clock,
      links: this.links,
      directory: this.#gated<Directory>(machine.directory, onAwait),
    };
    return {
      ...outside,
      random: this.#random,
      stores: machine.stores,
      keys: this.#gated<Keys>(machine.keys, () => {}),
      reach: this.#reach(outside),
    };
  }

  /** How others reach the peer: as in net/reach/reach.ts, but for the router and for relaying for others. */
  #reach(outside: Pick<Ports, "clock" | "links" | "directory">): ReachWatch {
    const { relays, links: network } = this.#world;
    if (relays.length === 0) return simReach(outside);
    const client = this.#relays = new RelayClient({
      time: this.clock,
      find: () => findRelays(relays, network, this.#ip),
      secretKey: () => this.links.secretKey,
      receive: (conn) => this.links.receive(conn),
      exemption: new Exemption(true),
      onChange: () => watch.relaysChanged(),
      onOutage: () => {
        this.links.redial();
        watch.lookNow();
      },
      connect: (to, signal) => this.#host.connect(to, signal),
    });
    const watch = this.#watch = simReach(outside, {
      relays: client,
      onMoved: () => this.links.redial(),
    });
    watch.start();
    return watch;
  }

  /** The machine has another address. */
  move(ip: string): void {
    this.#ip = ip;
    this.#host.cut();
    this.links.move(ip);
  }

  /** Killed. */
  die(): void {
    this.#isDead = true;
    this.#host.die();
    this.links.crash();
    this.clock.stop();
  }

  /** Stopped in good order. */
  end(): void {
    this.#isDead = true;
    this.#relays?.close();
    this.#watch?.close();
    this.clock.stop();
  }

  /** The same port, but that a dead peer is never answered nor called back. */
  #gated<T extends object>(port: T, onAwait: () => void): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (name === "onChange") return this.#listening(target as Directory, args[0]);
          const result: unknown = Reflect.apply(member, target, args);
          return result instanceof Promise ? this.#whileAlive(result, onAwait) : result;
        };
      },
    });
  }

  #listening(directory: Directory, listener: unknown): () => void {
    const call = listener as Parameters<Directory["onChange"]>[0];
    return directory.onChange((status) => {
      if (!this.#isDead) call(status);
    });
  }

  async #whileAlive(result: Promise<unknown>, onAwait: () => void): Promise<unknown> {
    try {
      return await result;
    } finally {
      if (!this.#isDead) onAwait();
      if (this.#isDead) await new Promise(() => {});
    }
  }
}
