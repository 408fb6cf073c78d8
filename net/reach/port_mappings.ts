/**
 * The two ports of this peer at the home router: asked for, renewed, and taken back at the end.
 *
 * @module
 */

import { type Job, Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { pause, settledWithin } from "../../lib/waiting.ts";
import type { Mapping, Transport } from "./mapping_codec.ts";
import type { MapPort } from "./port_mapper.ts";

/** What is asked for, in seconds: two hours, as RFC 6886, section 3.3, recommends. */
const lifetimeS = 7_200;

/** A router that grants less than this is asked again no sooner. */
const renewMsMin = 30_000;

/** How long one way of asking has for itself before the next is tried beside it: most routers answer at once. */
const staggerMs = 500;

/** How long taking the ports back may hold up the end of the program. */
const closeMsMax = 1_000;

/** Ports of this machine. */
export type Ports = Readonly<Record<Transport, number>>;

/** One port that the router lets in. */
interface Held {
  readonly map: MapPort;
  readonly port: number;
  readonly mapping: Mapping;
}

/** Holds the mappings of one peer. */
export class PortMappings {
  readonly #time: Time;
  readonly #mappers: readonly MapPort[];
  readonly #scheduler: Scheduler;
  readonly #renewing: Job;
  readonly #ending = new AbortController();
  readonly #held = new Map<Transport, Held>();

  /** Nothing is asked before {@linkcode open}. */
  constructor(options: {
    readonly time: Time;
    /** Ways to ask; the first that succeeds is taken. */
    readonly mappers: readonly MapPort[];
    /** Learns of failures in the background. */
    readonly onError?: (error: Error) => void;
  }) {
    this.#time = options.time;
    this.#mappers = options.mappers;
    this.#scheduler = new Scheduler(options.time, options.onError ?? reportError);
    this.#renewing = this.#scheduler.job(() => this.#renew());
  }

  /**
   * Asks for both ports. Resolves to the TCP port at the router, or undefined where none lets it in. Takes
   * some seconds at most. Never rejects.
   */
  async open(ports: Ports): Promise<number | undefined> {
    await Promise.all([this.#open("tcp", ports.tcp), this.#open("udp", ports.udp)]);
    this.#renewLater();
    return this.#held.get("tcp")?.mapping.outerPort;
  }

  /** The UDP port at the router, while it lets that in. */
  get outerUdpPort(): number | undefined {
    return this.#held.get("udp")?.mapping.outerPort;
  }

  /** Takes back what the router lets in, and waits a second for it at most. */
  async release(): Promise<void> {
    this.#renewing.cancel();
    const taken = [...this.#held].map(([transport, { map, port }]) =>
      map({ transport, port, lifetimeS: 0 }, this.#ending.signal)
    );
    this.#held.clear();
    await settledWithin(this.#time, Promise.all(taken), closeMsMax);
  }

  /** Ends for good. */
  async close(): Promise<void> {
    await this.release();
    this.#ending.abort();
    this.#scheduler.close();
  }

  async #open(transport: Transport, port: number): Promise<void> {
    const held = this.#held.get(transport);
    const ways = held?.port === port ? [held.map] : this.#mappers;
    const { signal } = this.#ending;
    let isOver = false;
    const won = await firstOf(ways.map(async (map, i): Promise<Held | undefined> => {
      await pause(this.#time, i * staggerMs, signal);
      const mapping = isOver ? undefined : await map({ transport, port, lifetimeS }, signal);
      if (mapping === undefined) return undefined;
      isOver = true;
      return { map, port, mapping };
    }));
    if (won === undefined) this.#held.delete(transport);
    else this.#held.set(transport, won);
  }

  #renewLater(): void {
    const lifetimes = [...this.#held.values()].map(({ mapping }) => mapping.lifetimeS * 1_000);
    if (lifetimes.length === 0 || this.#ending.signal.aborted) return;
    this.#renewing.dueIn(Math.max(Math.min(...lifetimes) / 2, renewMsMin));
  }

  async #renew(): Promise<void> {
    await Promise.all([...this.#held].map(([transport, { port }]) => this.#open(transport, port)));
    this.#renewLater();
  }
}

/** The first value that is there; undefined once all have turned out not to be. */
function firstOf<T>(promises: readonly Promise<T | undefined>[]): Promise<T | undefined> {
  const found = promises.map(async (promise) => {
    const value = await promise;
    if (value === undefined) throw new Error("Cannot find it there");
    return value;
  });
  return Promise.any(found).catch(() => undefined);
}
