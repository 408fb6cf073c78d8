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

/** How long one way of asking has for itself before the next is tried beside it: most routers answer in 30 ms. */
const staggerMs = 200;

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
  readonly #asking = new AbortController();
  readonly #ending = new AbortController();
  readonly #held = new Map<Transport, Held>();
  /** Questions to the router that are out. */
  readonly #open = new Set<Promise<void>>();

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
    await Promise.all([this.#ask("tcp", ports.tcp), this.#ask("udp", ports.udp)]);
    this.#renewLater();
    return this.outerTcpPort;
  }

  /** The TCP port at the router, while it lets that in. */
  get outerTcpPort(): number | undefined {
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

  /** Ends for good. What the router is just being asked for is taken back, too. */
  async close(): Promise<void> {
    this.#asking.abort();
    await settledWithin(this.#time, Promise.all(this.#open), closeMsMax);
    await this.release();
    this.#ending.abort();
    this.#scheduler.close();
  }

  #ask(transport: Transport, port: number): Promise<void> {
    const asked = this.#askNow(transport, port).finally(() => this.#open.delete(asked));
    this.#open.add(asked);
    return asked;
  }

  async #askNow(transport: Transport, port: number): Promise<void> {
    const held = this.#held.get(transport);
    const ways = held?.port === port ? [held.map] : this.#mappers;
    const { signal } = this.#asking;
    let isOver = false;
    const won = await firstOf(ways.map(async (map, i): Promise<Held | undefined> => {
      await pause(this.#time, i * staggerMs, signal);
      const mapping = isOver || signal.aborted
        ? undefined
        : await map({ transport, port, lifetimeS }, signal);
      if (mapping === undefined) return undefined;
      isOver = true;
      return { map, port, mapping };
    }));
    if (won === undefined) this.#held.delete(transport);
    else this.#held.set(transport, won);
  }

  #renewLater(): void {
    const lifetimes = [...this.#held.values()].map(({ mapping }) => mapping.lifetimeS * 1_000);
    if (lifetimes.length === 0 || this.#asking.signal.aborted) return;
    this.#renewing.dueIn(Math.max(Math.min(...lifetimes) / 2, renewMsMin));
  }

  async #renew(): Promise<void> {
    await Promise.all([...this.#held].map(([transport, { port }]) => this.#ask(transport, port)));
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
