/**
 * Answers requests of the DHT that come by TCP.
 *
 * @module
 */

import { type Exemption, NetworkCounts } from "../../lib/networks.ts";
import type { Time } from "../../lib/time.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { pause, within } from "../../lib/waiting.ts";
import { headerBytes, requestBytesMax, requestKind } from "../kademlia/constants.ts";
import type { Sender } from "../kademlia/ports.ts";
import { ByteReader } from "../links/byte_reader.ts";
import type { Caller } from "../links/front_door.ts";
import { FrameWriter, readFrame, streamHead } from "./frames.ts";
import {
  servedIdleMs,
  servedMax,
  servedPerNetwork,
  servedRate,
  servedRateAll,
} from "./stream_limits.ts";

const requestBounds = { bytesMin: headerBytes + 1, bytesMax: headerBytes + requestBytesMax };

/** What a {@linkcode StreamServer} needs. */
export interface StreamServerOptions {
  /** Time. */
  readonly time: Pick<Time, "after" | "monotonic">;
  /** Which addresses limits by network leave out. */
  readonly exemption: Exemption;
}

/** Serves streams of others, within limits. */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #all: TokenBucket;
  readonly #networks = new NetworkCounts(servedPerNetwork);
  /** By address and port of the client. */
  readonly #streams = new Map<string, FrameWriter>();
  #onRequest: ((data: Uint8Array, from: Sender) => void) | undefined;

  /** Nothing is served at first. */
  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#all = new TokenBucket(options.time, servedRateAll);
  }

  /** Streams that are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** Sets who takes requests. */
  onRequest(fn: (data: Uint8Array, from: Sender) => void): void {
    this.#onRequest = fn;
  }

  /** Serves a connection until it ends or breaks the rules; then it rejects, too. */
  async serve(caller: Caller): Promise<void> {
    const { conn, address } = caller;
    const networks = this.#options.exemption.networksOf(address.ip) ?? [];
    if (this.#streams.size >= servedMax || !this.#networks.add(networks)) return;
    const from: Sender = { ip: address.ip, port: conn.remoteAddr.port, isProven: true };
    const writer = new FrameWriter();
    this.#streams.set(nameOf(from), writer);
    try {
      writer.start(conn);
      await this.#read(caller, from);
    } finally {
      this.#networks.remove(networks);
      this.#streams.delete(nameOf(from));
    }
  }

  /** Answers a request; lost where its stream has ended, or its client does not read. */
  answer(data: Uint8Array, to: Sender): void {
    this.#streams.get(nameOf(to))?.push(data);
  }

  async #read(caller: Caller, from: Sender): Promise<void> {
    const { time } = this.#options;
    const reader = new ByteReader(caller.conn, caller.first);
    const own = new TokenBucket(time, servedRate);
    const limit = { clock: time, ms: servedIdleMs };
    const head = await within(limit, () => reader.take(streamHead.length));
    if (head?.[1] !== streamHead[1]) return;
    for (;;) {
      const data = await within(limit, () => readFrame(reader, requestBounds));
      if (data?.[0] !== requestKind) return;
      caller.spoke();
      for (const bucket of [own, this.#all]) {
        bucket.spend(data.length);
        const waitMs = bucket.waitMs(1);
        if (waitMs > 0) await pause(time, waitMs);
      }
      this.#onRequest?.(data, from);
    }
  }
}

function nameOf({ ip, port }: Sender): string {
  return `${ip}|${port}`;
}
