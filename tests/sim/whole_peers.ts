/**
 * Whole peers under faults drawn from a seed: loss, delay, duplication, reordering, partitions that
 * heal, crashes at any await, full disks, restarts with the disk as it was, clocks that jump by
 * minutes, addresses that change, second devices, and a relay that lies; in runs with homes also routers
 * that let nothing in, and the relays around them. After the faults have ended and a quiet time has passed, the invariants must hold (`invariants.ts`); a failure names its seed, which replays it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { PostView } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { checkInvariants, type GroundTruth } from "./invariants.ts";
import { LyingRelay } from "./lying_relay.ts";
import { checkMentions } from "./mention_invariants.ts";
import { noFaults } from "./links_network.ts";
import { checkReach } from "./reach_invariants.ts";
import { type SimMachine, SimWorld } from "./peers.ts";
import { Talk, talkWords } from "./talk.ts";
import { checkTalk } from "./talk_invariants.ts";
import { SeededRandom } from "./random.ts";
import { RelayFaults, relaysAround } from "./relay_faults.ts";

/** How much happens in one run. */
export interface WholePeersOptions {
  /** The seed. */
  readonly seed: number;
  /** Things done while faults last. */
  readonly steps?: number;
  /** How many users there are, 2 to 6; by default 4 to 6, as the seed says. */
  readonly users?: number;
  /** Whether some peers are at home and are reached through relays, which die, swallow and are slow. */
  readonly homes?: boolean;
  /** Whether users answer, pass on, delete, open threads, mute and block. */
  readonly talk?: boolean;
  /** Virtual milliseconds without faults before the invariants are checked. */
  readonly quietMs?: number;
}

/** What happened in a run. */
export interface WholePeersReport {
  readonly seed: number;
  /** Names the story: two runs with the same one went the same way. */
  readonly fingerprint: string;
  /** Things by kind, faults included. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Enough for every repetition, and for four of the comparisons that are due every five minutes. */
const quietMsDefault = 22 * 60_000;
const stepsDefault = 60;

/** Clocks jump by at most this, to either side: two of them still accept one another's messages. */
const jumpMsMax = 4 * 60_000;

/**
 * Runs one seed.
 *
 * @throws {Error} Naming the seed, if an invariant does not hold.
 */
export async function runWholePeers(options: WholePeersOptions): Promise<WholePeersReport> {
  const run = new WholePeersRun(options);
  try {
    return await run.run();
  } catch (error) {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    throw new Error(`Seed ${options.seed}: ${message}\n${run.story()}`, { cause: error });
  }
}

/** Lines of the story that a failure tells. */
const storyLinesMax = 60;

class WholePeersRun {
  readonly #options: WholePeersOptions;
  readonly #random: SeededRandom;
  readonly #world: SimWorld;
  readonly #counts: Record<string, number> = {};
  readonly #story: string[] = [];
  readonly #truth: GroundTruth;
  /** Machines on which somebody is logging in, and the life of the peer that does it. */
  readonly #loggingIn = new Map<SimMachine, number>();
  readonly #relayFaults: RelayFaults;
  readonly #talk: Talk | undefined;
  #relay: LyingRelay | undefined;
  #texts = 0;
  #faulty = false;

  constructor(options: WholePeersOptions) {
    this.#options = options;
    const random = new SeededRandom(`${options.seed} lifespan`);
    // In some runs posts of the time of faults grow too old in the quiet time.
    const lifespanMs = random.chance(0.3)
      ? (options.quietMs ?? quietMsDefault) + random.between(10_000, 120_000)
      : undefined;
    this.#world = new SimWorld({
      seed: options.seed,
      settings: lifespanMs === undefined ? {} : { lifespanMs },
      relays: options.homes === true ? relaysAround : 0,
    });
    this.#relayFaults = new RelayFaults(this.#world, this.#world.random.fork("relay faults"));
    this.#random = this.#world.random.fork("story");
    const acknowledged = new Map<string, PostView[]>();
    const machines = new Map<SimMachine, string>();
    if (options.talk === true) {
      this.#talk = new Talk({
        random: this.#world.random.fork("talk"),
        acknowledged,
        text: (author) => this.#text(author),
        note: (what, detail) => this.#note(what, detail),
        expected,
      });
    }
    this.#truth = { acknowledged, machines, lifespanMs, ...given({ talk: this.#talk }) };
  }

  story(): string {
    return this.#story.slice(-storyLinesMax).join("\n");
  }

  async run(): Promise<WholePeersReport> {
    await this.#begin();
    this.#setFaults(true);
    for (let i = 0; i < (this.#options.steps ?? stepsDefault); i++) {
      await this.#world.clock.advance(this.#random.between(50, 4_000));
      this.#step();
    }
    this.#setFaults(false);
    await this.#settle();
    if (this.#talk !== undefined) await checkTalk(this.#world, this.#truth, this.#talk);
    await checkInvariants(this.#world, this.#truth);
    await checkMentions(this.#world, this.#truth);
    if (this.#options.homes === true) await checkReach(this.#world, this.#truth);
    await this.#world.stop();
    const fingerprint = createHash("sha256").update(this.#story.join("\n")).digest("hex");
    return { seed: this.#options.seed, fingerprint, counts: this.#counts };
  }

  /** In a run with homes, most machines are at home. */
  #place(machine: SimMachine): void {
    if (this.#options.homes === true) machine.setHome(this.#random.chance(0.7));
  }

  /** Users, each with one device, some of whom follow one another already. */
  async #begin(): Promise<void> {
    const random = this.#random;
    const names = ["alice", "bob", "carol", "dave", "erin", "frank"]
      .slice(0, this.#options.users ?? random.between(4, 6));
    for (const machine of await this.#world.register(...names)) {
      const { username } = await machine.peer.whoami();
      this.#truth.machines.set(machine, username);
      this.#truth.acknowledged.set(username, []);
      this.#place(machine);
      machine.onCommit = ({ what }) => this.#commitFault(what);
      machine.onDirectory = () => this.#faulty && this.#isHit(0.001, "crash at the directory");
    }
    for (const machine of this.#machines()) {
      for (const name of names) {
        if (name === this.#nameOf(machine) || !random.chance(0.4)) continue;
        await this.#world.run(machine.peer.follow({ username: name }));
      }
    }
    // The last one's peer runs as it should; what it sends is changed on the way out.
    const liar = this.#machines().at(-1);
    if (liar !== undefined && random.chance(0.5)) {
      this.#relay = await LyingRelay.of(liar, this.#world, random.fork("liar"));
    }
  }

  #machines(): SimMachine[] {
    return [...this.#truth.machines.keys()];
  }

  #nameOf(machine: SimMachine): string {
    return this.#truth.machines.get(machine) ?? "nobody";
  }

  #note(what: string, detail = ""): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
    this.#story.push(`${Math.round(this.#world.clock.monotonic())} ms: ${what} ${detail}`);
  }

  #isHit(probability: number, what: string): boolean {
    if (!this.#random.chance(probability)) return false;
    this.#note(what);
    return true;
  }

  #commitFault(what: string): "crash-before" | "crash-after" | "disk-full" | undefined {
    if (!this.#faulty || !this.#random.chance(0.01)) return undefined;
    const fault = this.#random.pick(["crash-before", "crash-after", "disk-full"] as const);
    this.#note(fault, `at ${what}`);
    return fault;
  }

  #setFaults(faulty: boolean): void {
    const random = this.#random;
    this.#faulty = faulty;
    this.#world.links.faults = faulty
      ? {
        loss: random.float() * 0.2,
        duplication: random.float() * 0.2,
        reordering: random.float() * 0.2,
        breaking: random.float() * 0.05,
        holdMsMax: random.between(1, 5_000),
      }
      : noFaults;
    // Some liars never stop: with the authors back online they must not matter.
    this.#relay?.setLying(faulty || random.chance(0.5));
    if (faulty) return;
    this.#note("faults end");
    this.#mend();
    this.#relayFaults.end();
    for (const machine of this.#machines()) {
      machine.directory.reachable = true;
      machine.step(-machine.offsetMs);
    }
  }

  /** Until everybody is logged in, and then the quiet time. */
  async #settle(): Promise<void> {
    const isReady = (machine: SimMachine) => machine.isReady && !this.#isLoggingIn(machine);
    for (let i = 0; i < 100; i++) {
      let ready = true;
      for (const machine of this.#machines()) {
        this.#revive(machine);
        ready &&= isReady(machine) && (await machine.peer.status()).user !== null;
      }
      if (ready) break;
      await this.#world.clock.advance(1_000);
    }
    await this.#world.clock.advance(this.#options.quietMs ?? quietMsDefault);
  }

  #step(): void {
    const random = this.#random;
    const machine = random.pick(this.#machines());
    for (const one of this.#machines()) if (random.chance(0.3)) this.#revive(one);
    if (this.#options.homes === true && random.chance(0.3)) {
      this.#note("relay", this.#relayFaults.next());
    }
    if (this.#talk !== undefined && random.chance(0.6)) {
      this.#talk.step(machine, this.#nameOf(machine));
      return;
    }
    const draw = random.float();
    if (draw < 0.4) this.#post(machine);
    else if (draw < 0.52) this.#follow(machine, "follow");
    else if (draw < 0.6) this.#follow(machine, "unfollow");
    else if (draw < 0.68) this.#crash(machine);
    else if (draw < 0.73) this.#stop(machine);
    else if (draw < 0.8) this.#partition();
    else if (draw < 0.88) this.#heal();
    else if (draw < 0.94) this.#jump(machine);
    else if (draw < 0.96) machine.directory.reachable = !machine.directory.reachable;
    else if (draw < 0.975) this.#silence(machine);
    else if (draw < 0.985) this.#move(machine);
    else this.#secondDevice(machine);
  }

  /** Starts what does not run and logs in whoever is not. What fails is tried again by the next call. */
  #revive(machine: SimMachine): void {
    if (this.#isLoggingIn(machine)) return;
    const isStarting = !machine.isRunning;
    const started = isStarting ? machine.start() : Promise.resolve();
    if (isStarting) this.#note("start", this.#nameOf(machine));
    const { lives } = machine;
    this.#loggingIn.set(machine, lives);
    const done = () => {
      if (this.#loggingIn.get(machine) === lives) this.#loggingIn.delete(machine);
    };
    started.then(() => this.#login(machine)).catch(expected).finally(done);
  }

  /** A peer that crashes while it logs in never says so. */
  #isLoggingIn(machine: SimMachine): boolean {
    return machine.isRunning && this.#loggingIn.get(machine) === machine.lives;
  }

  async #login(machine: SimMachine): Promise<void> {
    if (!machine.isReady) return;
    if ((await machine.peer.status()).user !== null || !machine.isReady) return;
    await machine.login(this.#nameOf(machine));
  }

  #post(machine: SimMachine): void {
    if (!machine.isReady) return;
    const author = this.#nameOf(machine);
    const mentions = this.#mentions();
    const burstMax = this.#talk !== undefined ? 4 : mentions === "" ? 150 : 20;
    const burst = this.#random.chance(0.1) ? this.#random.between(2, burstMax) : 1;
    this.#note("post", `${burst} by ${author}${mentions}`);
    for (let i = 0; i < burst; i++) {
      machine.peer.post({ text: `${this.#text(author)}${mentions}` }).then(
        (post: PostView) => this.#truth.acknowledged.get(author)?.push(post),
        expected,
      );
    }
  }

  #text(author: string): string {
    const text = `${author} ${this.#texts++}`;
    return this.#talk === undefined ? text : `${text} ${talkWords[this.#texts % 5] ?? "snow"}`;
  }

  /** Names at the end of some posts: of one user or of several, followed or not. */
  #mentions(): string {
    const random = this.#random;
    if (random.chance(0.6)) return "";
    const names = [...this.#truth.acknowledged.keys()];
    const count = random.chance(0.8) ? 1 : random.between(2, 4);
    return Array.from({ length: count }, () => ` @${random.pick(names)}`).join("");
  }

  #follow(machine: SimMachine, what: "follow" | "unfollow"): void {
    if (!machine.isReady) return;
    const username = this.#random.pick([...this.#truth.acknowledged.keys()]);
    const by = this.#nameOf(machine);
    this.#note(what, `${username} by ${by}`);
    if (what === "unfollow") this.#talk?.unfollowed.add(`${by} ${username}`);
    machine.peer[what]({ username }).catch(expected);
  }

  #crash(machine: SimMachine): void {
    if (!machine.isReady) return;
    this.#note("crash", this.#nameOf(machine));
    machine.crash();
  }

  #stop(machine: SimMachine): void {
    if (!machine.isReady) return;
    this.#note("stop", this.#nameOf(machine));
    machine.stop().catch(expected);
  }

  #partition(): void {
    this.#note("partition");
    const apart = this.#machines().filter(() => this.#random.chance(0.5));
    this.#world.links.partition([apart.map(({ ip }) => ip)]);
    if (this.#random.chance(0.5)) {
      this.#world.directories.heal();
      this.#world.directories.partition(apart.map(({ directory }) => directory));
    }
  }

  #mend(): void {
    this.#world.links.heal();
    this.#world.directories.heal();
    for (const machine of this.#machines()) this.#world.links.setSilent(machine.ip, false);
  }

  #heal(): void {
    this.#note("heal");
    this.#mend();
  }

  /** The machine's network swallows everything, in both directions, until the next healing. */
  #silence(machine: SimMachine): void {
    this.#note("silence", this.#nameOf(machine));
    this.#world.links.setSilent(machine.ip, true);
  }

  /** The machine gets another address. */
  #move(machine: SimMachine): void {
    this.#note("move", this.#nameOf(machine));
    machine.move();
    this.#place(machine);
  }

  #jump(machine: SimMachine): void {
    const toMs = this.#random.between(-jumpMsMax, jumpMsMax);
    this.#note("clock jumps", `${this.#nameOf(machine)} to ${toMs}`);
    machine.step(toMs - machine.offsetMs);
  }

  /** Once a run at most: one user logs in on another computer as well. */
  #secondDevice(machine: SimMachine): void {
    const username = this.#nameOf(machine);
    if (this.#truth.machines.size > this.#truth.acknowledged.size) return;
    this.#note("second device", username);
    const second = this.#world.machine();
    second.onCommit = machine.onCommit;
    second.onDirectory = machine.onDirectory;
    this.#place(second);
    this.#truth.machines.set(second, username);
    this.#revive(second);
  }
}

/** What may fail while faults last: with an operating error, or by the peer's end. */
function expected(error: unknown): void {
  if (error instanceof CamelliaError && error.code !== "internal") return;
  if (error instanceof DOMException && error.name === "AbortError") return;
  throw error;
}
