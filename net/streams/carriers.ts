/**
 * What carries the datagrams of the DHT: UDP, or TCP where the network lets no UDP out.
 *
 * @module
 */

import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Carriage } from "../../core/ports.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import type { Exemption } from "../../lib/networks.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { headerBytes, requestKind } from "../kademlia/constants.ts";
import type { Datagrams, Sender } from "../kademlia/ports.ts";
import type { DoorService } from "../links/front_door.ts";
import { type Carrier, CarrierChoice } from "./carrier_choice.ts";
import { streamByte } from "./frames.ts";
import { type Connect, type Outcome, StreamClient } from "./stream_client.ts";
import { askedMax, firstSilenceMs, remembered, surenessMs } from "./stream_limits.ts";
import { StreamServer } from "./stream_server.ts";
import { idOf, UdpSockets } from "./udp_sockets.ts";

/** What {@linkcode Carriers} need. */
export interface CarriersOptions {
  /** Time. */
  readonly time: Time;
  /** The UDP socket; closed with `main`. */
  readonly udp: Datagrams;
  /** The second UDP socket; closed with `outside`. */
  readonly outside: Datagrams;
  /** Private and loopback addresses are connected to only while this holds. */
  readonly exemption: Exemption;
  /** How a connection is opened; replaceable for tests. */
  readonly connect?: Connect;
}

/** A request that may have to be asked again by TCP. */
interface Asked {
  readonly data: Uint8Array;
  readonly to: Endpoint;
  readonly atMs: number;
}

/** See the module. Nothing is sent by TCP before UDP has been silent. */
export class Carriers {
  /** What the node takes for its UDP socket. */
  readonly main: Datagrams;
  /** What the node takes for its second UDP socket. */
  readonly outside: Datagrams;
  /** Serves other peers' streams at the front door, under their first byte. */
  readonly service: readonly [firstByte: number, DoorService];
  readonly #options: CarriersOptions;
  readonly #choice = new CarrierChoice();
  readonly #sockets: UdpSockets;
  readonly #client: StreamClient;
  readonly #server: StreamServer;
  readonly #scheduler: Scheduler;
  readonly #looking: Job;
  readonly #telling: Job;
  /** The latest requests, the oldest first. */
  readonly #asked: Asked[] = [];
  /** Requests by TCP that the second socket sent. */
  readonly #outsiders = new BoundedMap<number, true>(askedMax);
  readonly #outcomes = new Set<Outcome>();
  #onReceive: ((data: Uint8Array, from: Sender) => void) | undefined;
  #onOutside: ((data: Uint8Array, from: Sender) => void) | undefined;
  #told: Carrier | Carriage["hindrance"];
  #onChange: (() => void) | undefined;

  /** Both sockets are open already. */
  constructor(options: CarriersOptions) {
    const { time, udp, outside, exemption, connect } = options;
    this.#options = options;
    this.#sockets = new UdpSockets({ time, first: udp, second: outside });
    this.#scheduler = new Scheduler(time, reportError);
    this.#looking = this.#scheduler.job(() => this.#look());
    this.#telling = this.#scheduler.job(() => this.#tell());
    this.#server = new StreamServer({ time, exemption });
    this.#client = new StreamClient({
      time,
      exemption,
      onAnswer: (data, from) => this.#takeByTcp(data, from),
      onOutcome: (outcome) => this.#learn(outcome),
      ...(connect === undefined ? {} : { connect }),
    });
    this.service = [streamByte, (caller) => this.#server.serve(caller)];
    this.main = {
      address: udp.address,
      send: (data, to) => this.#send(data, to),
      onReceive: (fn) => {
        this.#onReceive = fn;
        this.#server.onRequest(fn);
        this.#sockets.onReceive((data, from) => this.#takeByUdp(data, from));
      },
      close: () => {
        udp.close();
        this.#client.close();
        this.#scheduler.close();
      },
    };
    this.outside = {
      address: outside.address,
      send: (data, to) => this.#sendOutside(data, to),
      onReceive: (fn) => {
        this.#onOutside = fn;
        this.#sockets.onOutside(fn);
      },
      close: () => outside.close(),
    };
  }

  /** Sets who learns that TCP is used now or no more, or that something hinders. */
  onChange(fn: () => void): void {
    this.#onChange = fn;
  }

  /** What is known of the way to other nodes. */
  status(): Carriage {
    const choice = this.#choice;
    if (choice.hasUdp) return { carrier: "udp" };
    if (choice.isUdpBlocked(this.#options.time.monotonic())) return { carrier: "tcp" };
    if (choice.mode !== "both") return {};
    if (this.#outcomes.has("opened")) return { hindrance: "no_udp" };
    if (this.#outcomes.has("failed")) return { hindrance: "no_node" };
    return this.#outcomes.has("no_network") ? { hindrance: "no_network" } : {};
  }

  #send(data: Uint8Array, to: Sender): void {
    if (to.isProven) return this.#server.answer(data, to);
    if (data[0] !== requestKind) return this.#sockets.answer(data, to);
    const nowMs = this.#options.time.monotonic();
    const { mode } = this.#choice;
    const ways = this.#choice.ways(idOf(data), nowMs);
    if (mode !== this.#choice.mode) this.#askAgain(nowMs);
    if (ways.udp) this.#sockets.ask(data, to, this.#choice.mode !== "udp");
    if (ways.tcp) this.#client.send(data, to);
    else this.#remember(data, to, nowMs);
  }

  /** A request of the second socket says nothing about UDP: nodes at home leave it unanswered. */
  #sendOutside(data: Uint8Array, to: Sender): void {
    const { mode } = this.#choice;
    if (mode !== "tcp") this.#sockets.askOutside(data, to);
    if (mode === "udp") return;
    this.#outsiders.set(idOf(data), true);
    this.#client.send(data, to);
  }

  #remember(data: Uint8Array, to: Endpoint, atMs: number): void {
    this.#asked.push({ data, to: { ip: to.ip, port: to.port }, atMs });
    if (this.#asked.length > remembered.requests) this.#asked.shift();
    if (!this.#choice.hasUdp) this.#looking.dueIn(firstSilenceMs);
  }

  #look(): void {
    const nowMs = this.#options.time.monotonic();
    if (this.#choice.look(nowMs)) this.#askAgain(nowMs);
  }

  /** What was used has turned out to be silent: what was asked lately by UDP is asked by TCP. */
  #askAgain(nowMs: number): void {
    this.#outcomes.clear();
    for (const { data, to, atMs } of this.#asked.splice(0)) {
      if (nowMs - atMs >= remembered.ms) continue;
      this.#client.send(data, to);
      this.#sockets.askBySecond(data, to);
    }
    this.#tell();
  }

  #takeByUdp(data: Uint8Array, from: Endpoint): void {
    if (data.length > headerBytes && data[0] !== requestKind) this.#answered("udp", data);
    this.#onReceive?.(data, from);
  }

  #takeByTcp(data: Uint8Array, from: Endpoint): void {
    this.#answered("tcp", data);
    const isOutside = this.#outsiders.delete(idOf(data));
    (isOutside ? this.#onOutside : this.#onReceive)?.(data, from);
  }

  #answered(carrier: Carrier, data: Uint8Array): void {
    const { mode, hasUdp } = this.#choice;
    this.#choice.answered(carrier, idOf(data), this.#options.time.monotonic());
    if (this.#choice.hasUdp) this.#asked.length = 0;
    if (mode === this.#choice.mode && hasUdp === this.#choice.hasUdp) return;
    this.#tell();
    if (this.#choice.mode !== "tcp") return;
    // A look that is due a moment earlier would find that it is not certain yet.
    this.#telling.cancel();
    this.#telling.dueIn(surenessMs + 1);
  }

  /** What seems to hinder is told a while later: an answer may be on its way. */
  #learn(outcome: Outcome): void {
    this.#outcomes.add(outcome);
    this.#telling.dueIn(surenessMs);
  }

  /** Tells of what a user should know; that all is well again is told when the node has joined. */
  #tell(): void {
    const { carrier, hindrance } = this.status();
    const news = hindrance ?? (carrier === "tcp" ? carrier : undefined);
    if (news === this.#told) return;
    const isOver = news === undefined && this.#told !== "tcp";
    this.#told = news;
    if (!isOver) this.#onChange?.();
  }
}
