/**
 * Whole peers that are killed, stopped, started and written on at random moments, on slow disks and a slow directory:
 * a few seconds later every follower has every post. What is lost between two steps of a peer waits for the
 * comparison of heads else, five minutes.
 */

import assert from "node:assert/strict";
import { delay } from "../../lib/waiting.ts";
import { type SimMachine, SimWorld } from "./peers.ts";
import { SeededRandom } from "./random.ts";

/** So long at most until all is everywhere: a fetch that failed at first is tried again after 5 s. */
const completeMsMax = 15_000;

/** Times of quiet in one run, each after a storm. */
const stormsOfRun = 3;

/** One run. */
class Storms {
  readonly #world: SimWorld;
  readonly #random: SeededRandom;
  readonly #machines: SimMachine[] = [];
  /** Which life of a machine's peer is logged in. */
  readonly #loggedIn = new Map<SimMachine, number>();
  readonly #texts = new Set<string>();
  #posts = 0;

  constructor(seed: number) {
    this.#world = new SimWorld({ seed });
    this.#random = new SeededRandom(seed);
  }

  async run(): Promise<void> {
    await this.#begin();
    for (let storm = 0; storm < stormsOfRun; storm++) {
      await this.#storm();
      await this.#world.until("all have all", () => this.#isComplete(), completeMsMax);
    }
    await this.#world.stop();
  }

  /** Two to four users who follow one another, one of them perhaps with two devices. */
  async #begin(): Promise<void> {
    const random = this.#random;
    const world = this.#world;
    const names = ["alice", "bob", "carol", "dave"].slice(0, random.between(2, 4));
    this.#machines.push(...await world.register(...names));
    for (const [i, { peer }] of this.#machines.entries()) {
      for (const username of names) {
        if (username !== names[i]) await world.run(peer.follow({ username }));
      }
    }
    if (random.chance(0.5)) {
      const second = world.machine();
      await world.run(second.start());
      await world.run(second.login("alice"));
      this.#machines.push(second);
    }
    const [diskMs, directoryMs] = [random.pick([2, 20, 120]), random.pick([5, 60, 500])];
    for (const machine of this.#machines) {
      this.#loggedIn.set(machine, machine.lives);
      machine.directory.latencyMs = random.between(1, directoryMs);
      machine.onCommit = async () => {
        await delay(world.clock, random.between(1, diskMs));
        return undefined;
      };
    }
    await world.clock.advance(20_000);
  }

  #isUp(machine: SimMachine): boolean {
    return machine.isReady && this.#loggedIn.get(machine) === machine.lives;
  }

  async #storm(): Promise<void> {
    const random = this.#random;
    const { clock } = this.#world;
    const acts = random.chance(0.3) ? this.#machines.map((machine) => this.#restart(machine)) : [];
    const spreadMs = random.pick([200, 1_500, 6_000]);
    for (let i = random.between(5, 20); i > 0; i--) {
      const machine = random.pick(this.#machines);
      const isPost = random.chance(0.7);
      const act = () => isPost ? this.#post(machine) : this.#restart(machine);
      acts.push(delay(clock, random.between(0, spreadMs)).then(act));
    }
    // Of a peer that was killed nothing settles any more.
    void Promise.allSettled(acts);
    await clock.advance(spreadMs + 15_000);
    for (const machine of this.#machines) {
      if (!machine.isRunning) await this.#world.run(machine.start());
      if (!this.#isUp(machine)) await this.#world.run(this.#login(machine));
    }
  }

  async #post(machine: SimMachine): Promise<void> {
    if (!this.#isUp(machine)) return;
    const text = `post ${++this.#posts} of ${machine.ip}`;
    await machine.peer.post({ text }).then(() => this.#texts.add(text), () => {});
  }

  async #restart(machine: SimMachine): Promise<void> {
    if (!machine.isReady) return;
    const random = this.#random;
    this.#loggedIn.delete(machine);
    if (random.chance(0.6)) machine.crash();
    else await machine.stop();
    await delay(this.#world.clock, random.chance(0.5) ? 0 : random.between(0, 3_000));
    if (machine.isRunning) return;
    await machine.start();
    await this.#login(machine);
    if (random.chance(0.6)) await this.#post(machine);
  }

  async #login(machine: SimMachine): Promise<void> {
    const { lives } = machine;
    const isIn = await machine.login().then(() => true, () => false);
    if (isIn && machine.lives === lives) this.#loggedIn.set(machine, lives);
  }

  async #isComplete(): Promise<boolean> {
    for (const machine of this.#machines) {
      const here = (await machine.texts()).toSorted();
      assert.equal(here.length, new Set(here).size, "a post is shown twice");
      if (![...this.#texts].every((text) => here.includes(text))) return false;
    }
    return true;
  }
}

/** Each of these has found a loss. */
const seeds = [11, 19, 46, 56, 60, 72, 78, 79, 93, 96, 107, 108];

for (const seed of seeds) {
  Deno.test(`Whatever moment a peer is killed at, all have all posts seconds later, seed ${seed}`, () =>
    new Storms(seed).run());
}
