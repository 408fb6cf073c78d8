/**
 * Asks other nodes by TCP, each at the port of the same number as its UDP port.
 *
 * @module
 */

import { type Endpoint, type IpAddress, isPort } from "../../lib/ip_address.ts";
import { type Exemption, type Network, NetworkCounts } from "../../lib/networks.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { within } from "../../lib/waiting.ts";
import { datagramBytesMax, headerBytes, responseKind } from "../kademlia/constants.ts";
import { readAddress } from "../links/addresses.ts";
import { ByteReader } from "../links/byte_reader.ts";
import { connectOnce } from "../links/connect.ts";
import { FrameWriter, readFrame, streamHead } from "./frames.ts";
import {
  connectMsMax,
  keptIdleMs,
  keptMax,
  keptPerNetwork,
  lookMs,
  openedRate,
  owedMsMax,
} from "./stream_limits.ts";

const answerBounds = { bytesMin: headerBytes + 1, bytesMax: datagramBytesMax };

/** Opens a TCP connection. */
export type Connect = (to: Endpoint, signal: AbortSignal) => Promise<Deno.Conn>;

/** What became of connecting: `no_network` where this machine has no way to that address at all. */
export type Outcome = "opened" | "failed" | "no_network";

/** What a {@linkcode StreamClient} needs. */
export interface StreamClientOptions {
  /** Time. */
  readonly time: Time;
  /** Private and loopback addresses are connected to only while this holds. */
  readonly exemption: Exemption;
  /** Takes answers. */
  readonly onAnswer: (data: Uint8Array, from: Endpoint) => void;
  /** Learns what became of connecting. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** Replaceable for tests. */
  readonly connect?: Connect;
}

/** A connection to one node, or the try to open it. */
interface Stream {
  readonly to: Endpoint;
  readonly name: string;
  readonly networks: readonly Network[];
  readonly writer: FrameWriter;
  readonly end: AbortController;
  /** Requests sent that may still be answered: more answers than requests are none. */
  owed: number;
  /** When the last datagram was sent, or came. */
  usedMs: number;
  /** When the first request since the last answer was sent; undefined while there is none. */
  awaitedSinceMs: number | undefined;
}

/** Keeps streams to the nodes that were asked lately. */
export class StreamClient {
  readonly #options: StreamClientOptions;
  readonly #connect: Connect;
  readonly #scheduler: Scheduler;
  readonly #looking: Job;
  readonly #opened: TokenBucket;
  readonly #networks = new NetworkCounts(keptPerNetwork);
  /** By address and port; the one used last is at the end. */
  readonly #streams = new Map<string, Stream>();
  #isClosed = false;

  /** Nothing is connected to at first. */
  constructor(options: StreamClientOptions) {
    this.#options = options;
    this.#connect = options.connect ?? connectOnce;
    this.#opened = new TokenBucket(options.time, openedRate);
    this.#scheduler = new Scheduler(options.time, reportError);
    this.#looking = this.#scheduler.job(() => this.#look());
  }

  /** Streams that are open, or being opened. */
  get open(): number {
    return this.#streams.size;
  }

  /** Sends a request; lost where that is not allowed or no connection comes about. */
  send(data: Uint8Array, to: Endpoint): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.time.monotonic();
    const name = `${to.ip}|${to.port}`;
    const stream = this.#streams.get(name) ?? this.#open(to, name, nowMs);
    if (stream === undefined || !stream.writer.push(data)) return;
    stream.owed++;
    stream.awaitedSinceMs ??= nowMs;
    stream.usedMs = nowMs;
    this.#streams.delete(name);
    this.#streams.set(name, stream);
  }

  /** Closes all streams. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#scheduler.close();
    for (const stream of this.#streams.values()) this.#end(stream);
  }

  /** Begins to connect, where the rules and limits allow it. */
  #open({ ip, port }: Endpoint, name: string, nowMs: number): Stream | undefined {
    const address = readAddress(ip);
    if (address === undefined || !isPort(port) || !this.#mayDial(address)) return undefined;
    const networks = this.#options.exemption.networksOf(address.ip) ?? [];
    if (!this.#networks.has(networks) || !this.#opened.take(1)) return undefined;
    const [oldest] = this.#streams.values();
    if (this.#streams.size >= keptMax && oldest !== undefined) this.#end(oldest);
    this.#networks.add(networks);
    const stream: Stream = {
      to: { ip: address.ip, port },
      name,
      networks,
      writer: new FrameWriter(),
      end: new AbortController(),
      owed: 0,
      usedMs: nowMs,
      awaitedSinceMs: undefined,
    };
    this.#streams.set(name, stream);
    this.#looking.dueIn(lookMs);
    void this.#run(stream).catch(() => {}).finally(() => this.#end(stream));
    return stream;
  }

  /** A stranger's word must not make this peer knock on doors of its own machine or home. */
  #mayDial({ kind }: IpAddress): boolean {
    return kind === "public" || this.#options.exemption.holds;
  }

  /** Connects, and takes answers until the connection ends. Rejects when it fails. */
  async #run(stream: Stream): Promise<void> {
    const { time, onAnswer, onOutcome } = this.#options;
    const { signal } = stream.end;
    const limit = { clock: time, ms: connectMsMax };
    const conn = await within(limit, (until) => this.#dial(stream.to, until), signal)
      .catch((error) => {
        if (!signal.aborted) onOutcome(isNoNetwork(error) ? "no_network" : "failed");
        throw error;
      });
    if (conn === undefined) return onOutcome("failed");
    const close = (): void => conn.close();
    signal.addEventListener("abort", close);
    try {
      onOutcome("opened");
      stream.writer.start(conn, streamHead);
      const reader = new ByteReader(conn);
      for (;;) {
        const data = await readFrame(reader, answerBounds);
        if (data[0] !== responseKind || stream.owed === 0 || signal.aborted) return;
        stream.owed--;
        stream.usedMs = time.monotonic();
        stream.awaitedSinceMs = undefined;
        onAnswer(data, stream.to);
      }
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) conn.close();
    }
  }

  async #dial(to: Endpoint, signal: AbortSignal): Promise<Deno.Conn> {
    const conn = await this.#connect(to, signal);
    if (!signal.aborted) return conn;
    conn.close();
    throw signal.reason;
  }

  #end(stream: Stream): void {
    if (this.#streams.get(stream.name) !== stream) return;
    this.#streams.delete(stream.name);
    this.#networks.remove(stream.networks);
    stream.end.abort();
  }

  /** Closes what is idle or dead. */
  #look(): void {
    const nowMs = this.#options.time.monotonic();
    for (const stream of this.#streams.values()) {
      const isIdle = nowMs - stream.usedMs >= keptIdleMs;
      const isDead = nowMs - (stream.awaitedSinceMs ?? nowMs) >= owedMsMax;
      if (isIdle || isDead) this.#end(stream);
    }
    if (this.#streams.size > 0) this.#looking.dueIn(lookMs);
  }
}

/** Whether the system knows no way to any address of that kind. */
function isNoNetwork(error: unknown): boolean {
  return error instanceof Deno.errors.NetworkUnreachable;
}
