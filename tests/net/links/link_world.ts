/**
 * A link over a network that does what a test says, in virtual time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readRoute } from "../../../net/links/addresses.ts";
import { Dialler } from "../../../net/links/dialler.ts";
import { ByteBudget } from "../../../net/links/frame_queue.ts";
import { Link } from "../../../net/links/link.ts";
import type { PushSocket } from "../../../net/links/sockets.ts";
import { pause } from "../../../lib/waiting.ts";
import { Scheduler } from "../../../lib/scheduler.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** What the network does: changed by the tests as they go. */
export interface Weather {
  /** Whether a TCP connect is accepted. */
  listens: boolean;
  /** Whether sockets become and stay writable. */
  shakes: boolean;
  /** Whether frames are taken. */
  takes: boolean;
  /** Whether the way of sockets is known to be broken. */
  breaks?: boolean;
}

/** A socket in such weather. */
export class FakeSocket implements PushSocket {
  /** Says that nothing arrives. */
  onSilence = (): void => {};
  readonly #weather: Weather;
  readonly #sent: number[];
  #isOpen = true;
  #waiting = false;
  constructor(weather: Weather, sent: number[]) {
    this.#weather = weather;
    this.#sent = sent;
  }
  get writable(): boolean {
    if (this.#waiting && this.#weather.takes) this.#waiting = false;
    return this.#isOpen && this.#weather.shakes && !this.#waiting;
  }
  get isBroken(): boolean {
    return this.#weather.breaks ?? false;
  }
  whenSilent(onSilence: () => void): void {
    this.onSilence = onSilence;
  }
  send(frame: Uint8Array): Promise<void> {
    this.#sent.push(frame[0] ?? -1);
    this.#waiting = true;
    return Promise.resolve();
  }
  close(): void {
    this.#isOpen = false;
  }
}

/** A link to a device with one address. */
export function simLink(weather: Weather, address = "10.0.0.1", budgetBytes = 1e9) {
  const clock = new VirtualClock();
  const budget = new ByteBudget(budgetBytes);
  const sent: number[] = [];
  const dialledAt: number[] = [];
  let idle = 0;
  const dialler = new Dialler(clock, () => {
    dialledAt.push(clock.monotonic());
    return weather.listens ? Promise.resolve() : Promise.reject(new Error("refused"));
  });
  const route = readRoute(address, 7);
  assert.ok(route);
  const link = new Link({
    key: "device",
    linkKey: new Uint8Array(32),
    routes: [route],
    clock,
    scheduler: new Scheduler(clock, reportError),
    dialler,
    connect: () => new FakeSocket(weather, sent),
    budget,
    soon: (fn) => void clock.after(0, fn),
    onIdle: () => idle++,
  });
  const send = (index: number) => link.send(Uint8Array.of(index));
  return { clock, link, sent, dialledAt, budget, send, idle: () => idle };
}

/** All goes well. */
export const fair: Weather = { listens: true, shakes: true, takes: true };

/**
 * A link over three relays, of which those in `honest` shake hands.
 *
 * @param places Where the relays are.
 * @param answersMs After how long those take a connect that do not do so at once, by IP address; Infinity: they refuse.
 */
export function threeRelays(
  honest: Set<string>,
  answersMs: Record<string, number> = {},
  places = [1, 2, 3].map((n) => `relay/10.0.0.${n}:7`),
) {
  const clock = new VirtualClock();
  const tried: string[] = [];
  const routes = places.map((place) => readRoute(place, 7) ?? assert.fail());
  const sent: number[] = [];
  const sockets: FakeSocket[] = [];
  const dialler = new Dialler(clock, async (ip) => {
    const ms = answersMs[ip] ?? 0;
    if (ms === Infinity) throw new Error("refused");
    await pause(clock, ms);
  });
  const link = new Link({
    key: "device",
    linkKey: new Uint8Array(32),
    routes,
    clock,
    scheduler: new Scheduler(clock, reportError),
    dialler,
    connect(_key, { name }) {
      tried.push(name);
      const socket = new FakeSocket(honest.has(name) ? fair : { ...fair, shakes: false }, sent);
      sockets.push(socket);
      return socket;
    },
    budget: new ByteBudget(1e9),
    soon: (fn) => void clock.after(0, fn),
    onIdle: () => {},
  });
  const [first = "", second = "", third = ""] = routes.map(({ name }) => name);
  return { clock, link, tried, sent, sockets, dialler, first, second, third };
}
