/**
 * One circuit of a relay: two connections whose bytes are passed from each to the other.
 *
 * @module
 */

import type { Time, Timer } from "../../lib/time.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { pause } from "../../lib/waiting.ts";
import { writeAll } from "../links/byte_reader.ts";
import type { Caller } from "../links/front_door.ts";
import { circuitBufferBytes, circuitIdleMs, circuitRate } from "./relay_limits.ts";

/** One end of a circuit, and what was read from it already. */
export interface CircuitEnd {
  /** The connection. */
  readonly caller: Caller;
  /** Bytes of it that are still to be passed on. */
  readonly first: Uint8Array;
}

/** Passes bytes both ways until one side ends, an error comes, or nothing is said for long. */
export class Circuit {
  readonly #time: Pick<Time, "after" | "monotonic">;
  readonly #all: TokenBucket;
  readonly #own: TokenBucket;
  readonly #onBytes: (bytes: number) => void;
  readonly #over = Promise.withResolvers<void>();
  #spokeMs: number;
  #isOver = false;

  /** `all` is the rate of all circuits together. */
  constructor(
    time: Pick<Time, "after" | "monotonic">,
    all: TokenBucket,
    onBytes: (bytes: number) => void,
  ) {
    this.#time = time;
    this.#all = all;
    this.#own = new TokenBucket(time, circuitRate);
    this.#onBytes = onBytes;
    this.#spokeMs = time.monotonic();
  }

  /** Ends it: both connections are closed, and what is on its way is lost. */
  end(): void {
    this.#over.resolve();
  }

  /** Resolves when the circuit is over; both connections are closed then. Never rejects. */
  async run(a: CircuitEnd, b: CircuitEnd): Promise<void> {
    const over = this.#over;
    let looking: Timer;
    const look = (): void => {
      const idleMs = this.#time.monotonic() - this.#spokeMs;
      if (idleMs >= circuitIdleMs) over.resolve();
      else looking = this.#time.after(circuitIdleMs - idleMs, look);
    };
    looking = this.#time.after(circuitIdleMs, look);
    const ways = [this.#pass(a, b.caller.conn), this.#pass(b, a.caller.conn)];
    // When one side has no more to say, the other may still have.
    const ended = Promise.allSettled(ways);
    const failed = Promise.all(ways).catch(() => {});
    await Promise.race([over.promise, ended, failed]);
    this.#isOver = true;
    looking.cancel();
    a.caller.end();
    b.caller.end();
    await ended;
  }

  async #pass({ caller, first }: CircuitEnd, to: Deno.TcpConn): Promise<void> {
    const small = new Uint8Array(circuitBufferBytes.small);
    let space: Uint8Array = small;
    for (let bytes = first;;) {
      if (bytes.length > 0) {
        await this.#spend(bytes.length);
        await writeAll(to, bytes);
      }
      const read = await caller.conn.read(space);
      if (read === null) return await to.closeWrite();
      bytes = space.subarray(0, read);
      this.#spokeMs = this.#time.monotonic();
      caller.spoke();
      // What comes fast is read in large pieces; the piece just read keeps its space until it is written.
      if (read < circuitBufferBytes.small) space = small;
      else if (space === small) space = new Uint8Array(circuitBufferBytes.large);
    }
  }

  /** Waits as long as the rates demand. */
  async #spend(bytes: number): Promise<void> {
    this.#onBytes(bytes);
    for (const bucket of [this.#own, this.#all]) {
      bucket.spend(bytes);
      const waitMs = bucket.waitMs(1);
      if (waitMs > 0 && !this.#isOver) await pause(this.#time, waitMs);
    }
  }
}
