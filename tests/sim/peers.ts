/**
 * Whole peers on simulated directory, links, clock and disk: quick, deterministic, from one seed.
 *
 * A {@linkcode SimMachine} is a computer with a data folder. A peer runs on it until it is stopped or
 * crashes; the disk outlives both. A crash falls at any await of a port: what waits then never
 * settles, so that nothing of the dead peer goes on.
 *
 * @module
 */

import type { PeerEvent, PostView } from "../../core/api.ts";
import { Peer, type Settings } from "../../core/peer.ts";
import { type NodeClock, VirtualClock } from "./clock.ts";
import { type SimDirectory, SimDirectoryNetwork } from "./directory.ts";
import type { SimLinks } from "./links.ts";
import { type LinkFaults, SimLinkNetwork } from "./links_network.ts";
import { MemoryKeys } from "./memory_keys.ts";
import { type CommitHook, MemoryStores } from "./memory_store.ts";
import { simJudge } from "./password_judge.ts";
import { SeededRandom } from "./random.ts";
import { SimRelay } from "./relays.ts";
import { SimTcp } from "./tcp.ts";
import { SimLife } from "./sim_life.ts";
import { simSettings } from "./users.ts";

/** A password that passes for a strong one. */
export const simPassword = "correct horse battery staple 7";

/** How a {@linkcode SimWorld} is set up. */
export interface SimWorldOptions {
  /** All that is random comes from it. */
  readonly seed: number | string;
  /** Where they differ from {@linkcode simSettings}. */
  readonly settings?: Partial<Settings>;
  /** What goes wrong with frames from the start. */
  readonly faults?: LinkFaults;
  /** Relays, all of which run; with any, peers find out how they are reached. Default 0. */
  readonly relays?: number;
}

/** Where the first peer of a machine listens. */
const firstPort = 7_000;

/** One simulated network and all who are on it. */
export class SimWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly links: SimLinkNetwork;
  readonly directories: SimDirectoryNetwork;
  readonly machines: SimMachine[] = [];
  readonly tcp: SimTcp;
  readonly relays: readonly SimRelay[];
  readonly settings: Settings;

  /** A network with nobody on it. */
  constructor(options: SimWorldOptions) {
    this.random = new SeededRandom(options.seed);
    this.links = new SimLinkNetwork({
      clock: this.clock,
      random: this.random.fork("links"),
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
    this.directories = new SimDirectoryNetwork(this.clock);
    this.tcp = new SimTcp(this.links);
    const random = this.random.fork("relays");
    this.relays = Array.from(
      { length: options.relays ?? 0 },
      (_, number) => new SimRelay(this.tcp, number, random.fork(number)),
    );
    for (const relay of this.relays) relay.start();
    this.settings = { ...simSettings, ...options.settings };
  }

  /** Adds a computer with an empty data folder. */
  machine(): SimMachine {
    const machine = new SimMachine(this, this.machines.length);
    this.machines.push(machine);
    return machine;
  }

  /** Adds computers, starts a peer on each and registers these users. */
  async register(...usernames: string[]): Promise<SimMachine[]> {
    const machines: SimMachine[] = [];
    for (const username of usernames) {
      const machine = this.machine();
      await this.run(machine.start());
      await this.run(machine.peer.register({ username, password: simPassword }));
      machines.push(machine);
    }
    return machines;
  }

  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    return this.clock.drive(promise, limitMs);
  }

  /** Lets time pass until a condition that has to be asked for holds; throws when it takes too long. */
  async until(what: string, condition: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
    const untilMs = this.clock.monotonic() + limitMs;
    while (!await this.run(condition())) {
      if (this.clock.monotonic() >= untilMs) {
        throw new Error(`Cannot go on: ${what} is not so after ${limitMs} virtual ms`);
      }
      await this.clock.advance(20);
    }
  }

  /** Stops every peer that runs. */
  async stop(): Promise<void> {
    for (const machine of this.machines) await this.run(machine.stop());
  }
}

/** A computer with a data folder, and the peer that runs on it, if one does. */
export class SimMachine {
  ip: string;
  readonly directory: SimDirectory;
  readonly keys: MemoryKeys = new MemoryKeys();
  readonly stores: MemoryStores;
  /** Everything that its peers emitted, over all of its lives. */
  readonly events: PeerEvent[] = [];
  /** Decides about each commit; may be replaced at any time. */
  onCommit: CommitHook = () => undefined;
  /** Called at each await of the directory; returning true crashes the peer there. */
  onDirectory: () => boolean = () => false;
  readonly #world: SimWorld;
  readonly #number: number;
  #peer: Peer | undefined;
  #life: SimLife | undefined;
  #lives = 0;
  #offsetMs = 0;

  /** Use {@linkcode SimWorld.machine}. */
  constructor(world: SimWorld, number: number) {
    this.#world = world;
    this.#number = number;
    this.ip = `10.0.${number >> 8}.${number & 255}`;
    this.directory = world.directories.directory();
    this.directory.address = this.ip;
    this.stores = new MemoryStores({
      onCommit: (commit) => this.onCommit(commit),
      onCrash: () => this.#died(),
    });
  }

  /** The peer that runs. */
  get peer(): Peer {
    if (this.#peer === undefined) throw new Error(`Cannot use the peer on ${this.ip}: none runs`);
    return this.#peer;
  }

  /** Whether a peer has started and can be used. */
  get isReady(): boolean {
    return this.#peer !== undefined;
  }

  /** Whether a peer runs or is starting. */
  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  /** The clock of the peer that runs. */
  get clock(): NodeClock {
    if (this.#life === undefined) {
      throw new Error(`Cannot use the clock of ${this.ip}: no peer runs`);
    }
    return this.#life.clock;
  }

  /** The links of the peer that runs. */
  get links(): SimLinks {
    if (this.#life === undefined) {
      throw new Error(`Cannot use the links of ${this.ip}: no peer runs`);
    }
    return this.#life.links;
  }

  /** How many peers have been started here so far. */
  get lives(): number {
    return this.#lives;
  }

  /** By how much the machine's clock is ahead of the true time, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Starts a peer on the disk as it is. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`Cannot start: a peer runs on ${this.ip}`);
    const life = new SimLife(this.#world, {
      ip: this.ip,
      // Whoever comes back listens elsewhere: the old address is nobody's.
      port: firstPort + this.#lives,
      offsetMs: this.#offsetMs,
      random: this.#world.random.fork(`machine ${this.#number} life ${this.#lives++}`),
    });
    this.#life = life;
    const { settings } = this.#world;
    const ports = life.ports(this, () => this.onDirectory() && this.crash());
    const peer = await Peer.start({ ports, settings, passwordJudge: simJudge });
    if (this.#life !== life) return;
    this.#peer = peer;
    peer.subscribe((event) => this.events.push(event));
  }

  /** Logs in the user who registered or logged in here last, or the one named. */
  async login(username?: string): Promise<void> {
    const name = username ?? await this.keys.lastUser();
    if (name === undefined) throw new Error(`Cannot log in: nobody is known on ${this.ip}`);
    await this.peer.login({ username: name, password: simPassword });
  }

  /** Takes over the data folder of another machine as it is now; none may run here. */
  async copyFrom(other: SimMachine): Promise<void> {
    this.stores.copyFrom(other.stores);
    for (const name of await other.keys.list()) {
      const sealed = await other.keys.read(name);
      if (sealed !== undefined) await this.keys.write(name, sealed);
      await this.keys.setLastUser(name);
    }
  }

  /** Stops the peer as a user does. */
  async stop(): Promise<void> {
    const peer = this.#peer;
    const life = this.#life;
    if (peer === undefined || life === undefined) return;
    await peer.stop();
    if (this.#life !== life) return;
    this.#peer = undefined;
    this.#life = undefined;
    life.end();
  }

  /** Kills the peer at this very moment; the disk stays as it is. */
  crash(): void {
    if (this.isRunning) this.stores.crash();
  }

  /** Whether it is behind a router that lets no connection in. */
  get isHome(): boolean {
    return this.directory.dialBack === false;
  }

  /** Puts the machine behind a router that lets no connection in, or takes it from there. */
  setHome(isHome: boolean): void {
    this.directory.dialBack = !isHome;
    this.#world.links.setHome(this.ip, isHome);
  }

  /** The machine gets another address, as where a provider gives it a new one; its peer runs on. */
  move(): void {
    const { isHome } = this;
    this.#world.links.setHome(this.ip, false);
    this.ip = this.ip.replace(/^10\.(\d+)\./, (_, net) => `10.${Number(net) + 16}.`);
    this.directory.address = this.ip;
    this.setHome(isHome);
    this.#life?.move(this.ip);
  }

  /** The machine sleeps, or its process is stopped: it answers nothing, and no packet gets through. */
  sleep(): void {
    this.#world.links.setSilent(this.ip, true);
    this.#life?.clock.freeze();
  }

  /** It goes on. */
  wake(): void {
    this.#world.links.setSilent(this.ip, false);
    this.#life?.clock.thaw();
  }

  /** The clock jumps by that many milliseconds; later lives keep the offset. */
  step(deltaMs: number): void {
    this.#offsetMs += deltaMs;
    this.#life?.clock.step(deltaMs);
  }

  /** The whole timeline, newest first, as the database has it. */
  async timeline(): Promise<PostView[]> {
    const posts: PostView[] = [];
    for (;;) {
      const before = posts.at(-1)?.id;
      const { posts: page } = await this.peer.timeline(
        before === undefined ? { limit: 1000 } : { limit: 1000, before },
      );
      posts.push(...page);
      if (page.length < 1000) return posts;
    }
  }

  /** The texts of the timeline, newest first. */
  async texts(): Promise<string[]> {
    return (await this.timeline()).map(({ text }) => text);
  }

  #died(): void {
    const life = this.#life;
    this.#peer = undefined;
    this.#life = undefined;
    life?.die();
  }
}
