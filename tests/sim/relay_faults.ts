/**
 * What relays do to the peers at home that they are to help: they die at any moment and return without a
 * memory, hang, swallow what they ought to pass, and are slow.
 *
 * @module
 */

import type { SimWorld } from "./peers.ts";
import type { SeededRandom } from "./random.ts";

/** Relays of a simulation: more than a peer keeps, so that a lost one can be replaced. */
export const relaysAround = 5;

/** A slow relay delays each byte by so much at most, in milliseconds one way. */
const delayMsMax = 2_000;

/** Draws what happens to relays. */
export class RelayFaults {
  readonly #world: SimWorld;
  readonly #random: SeededRandom;

  /** All relays are well at first. */
  constructor(world: SimWorld, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** Something happens to one of them; tells what. */
  next(): string {
    const random = this.#random;
    const relay = random.pick(this.#world.relays);
    const { at: { ip } } = relay;
    const draw = random.float();
    if (!relay.isUp || draw < 0.35) {
      if (relay.isUp) relay.die();
      else relay.start();
      return `${ip} ${relay.isUp ? "returns" : "dies"}`;
    }
    if (draw < 0.5) {
      relay.isSwallowing = !relay.isSwallowing;
      return `${ip} ${relay.isSwallowing ? "swallows" : "passes"}`;
    }
    if (draw < 0.65) {
      const isHanging = random.chance(0.5);
      this.#world.links.setSilent(ip, isHanging);
      return `${ip} ${isHanging ? "hangs" : "answers"}`;
    }
    if (draw < 0.85) {
      const delayMs = random.chance(0.5) ? random.between(1, delayMsMax) : 0;
      this.#world.tcp.delaysMs.set(ip, delayMs);
      return `${ip} is slow by ${delayMs} ms`;
    }
    for (const one of this.#world.relays) one.die();
    relay.start();
    return `${ip} alone is left`;
  }

  /** All run again and do what they ought to; that makes as many reservations as there are. */
  end(): void {
    this.#world.tcp.delaysMs.clear();
    for (const relay of this.#world.relays) {
      relay.isSwallowing = false;
      this.#world.links.setSilent(relay.at.ip, false);
      relay.start();
    }
  }
}
