/**
 * What comes in: the front door, the PULL socket inside of it, and what drains and guards that socket.
 *
 * @module
 */

import type { Clock, Endpoint } from "../../core/ports.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { isPort } from "../../lib/ip_address.ts";
import { readListeningAddress } from "./addresses.ts";
import { type DoorBounds, FrontDoor } from "./front_door.ts";
import { relistenMs } from "./link_limits.ts";
import { MemoryGuard } from "./memory_guard.ts";
import { Receiver } from "./receiver.ts";
import { bindPull, type InsideAddress } from "./sockets.ts";

/** What {@linkcode Incoming} needs. */
export interface IncomingOptions {
  /** Where callers from outside come in; port 0 for any free one. */
  readonly listen: Endpoint;
  /** Time. */
  readonly clock: Clock;
  /** What the front door allows. */
  readonly bounds: DoorBounds;
  /** The CURVE key of the PULL socket, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** Takes what came in. */
  readonly onFrame: (frame: Uint8Array) => void;
  /** Learns what went wrong. */
  readonly onFault: (error: unknown) => void;
  /** Bytes in use outside of V8. */
  readonly usedBytes: () => number;
}

/** Open from its construction until it is closed. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #secretKey: Uint8Array;
  readonly #door: FrontDoor;
  readonly #guard: MemoryGuard;
  /** Undefined while there is no PULL socket, and the front door sends callers away. */
  #inside: { readonly address: InsideAddress; readonly receiver: Receiver } | undefined;
  #isClosed = false;

  /**
   * Listens at once.
   *
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#secretKey = options.secretKey.slice();
    this.#door = this.#openDoor();
    try {
      this.#listenInside();
    } catch (error) {
      void this.#door.close();
      throw bindError(options.listen, error);
    }
    this.#guard = new MemoryGuard({
      clock: options.clock,
      usedBytes: options.usedBytes,
      onExcess: (grownBytes) => this.#startAnew(grownBytes),
    });
  }

  /** Where callers from outside come in. */
  get listening(): Endpoint {
    return { ip: this.#options.listen.ip, port: this.#door.port };
  }

  /** Closes every connection; the port is free afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#guard.close();
    this.#secretKey.fill(0);
    const inside = this.#inside;
    this.#inside = undefined;
    await Promise.all([this.#door.close(), inside?.receiver.close()]);
  }

  #openDoor(): FrontDoor {
    const { listen, clock, bounds } = this.#options;
    const address = readListeningAddress(listen.ip);
    if (!address || (listen.port !== 0 && !isPort(listen.port))) {
      throw bindError(listen, { code: "EINVAL" });
    }
    try {
      return new FrontDoor({
        listen: { ip: address.ip, port: listen.port },
        time: clock,
        bounds,
        isExempt: ({ kind }) => kind === "loopback",
        inside: () => this.#inside?.address,
      });
    } catch (error) {
      throw bindError(listen, error);
    }
  }

  #listenInside(): void {
    const { clock, onFrame, onFault } = this.#options;
    const socket = bindPull(this.#secretKey);
    const receiver = new Receiver({ socket, clock, onFrame, onFault });
    this.#inside = { address: socket.address, receiver };
  }

  /** Throws away all that zeromq has received, by closing its socket, and opens another. */
  #startAnew(grownBytes: number): void {
    void this.#inside?.receiver.close();
    this.#inside = undefined;
    const megabytes = Math.round(grownBytes / 1_048_576);
    this.#options.onFault(
      new Error(`messages that do not end took ${megabytes} MB; all senders are cut off`),
    );
    this.#listenAgain();
  }

  #listenAgain(): void {
    if (this.#isClosed || this.#inside !== undefined) return;
    try {
      this.#listenInside();
    } catch (error) {
      this.#options.onFault(error);
      this.#options.clock.after(relistenMs, () => this.#listenAgain());
    }
  }
}

/** What a bind's failure means to the person at the terminal. */
function bindError({ ip, port }: Endpoint, cause: unknown): CamelliaError {
  const code = typeof cause === "object" && cause !== null && "code" in cause
    ? String(cause.code)
    : "unknown";
  const what = `Cannot listen for posts: TCP ${ip} port ${port}`;
  if (code === "EADDRINUSE") {
    return new CamelliaError(
      "tcp_port_in_use",
      `${what} is in use by another program; choose another LISTENING_PORT, or 0 for any free one`,
      { cause },
    );
  }
  const why = code === "EACCES"
    ? "is not permitted to this user; ports below 1024 need privileges"
    : `is not available on this machine (${code}); check LISTENING_IP and LISTENING_PORT`;
  return new CamelliaError("address_unavailable", `${what} ${why}`, { cause });
}
