/**
 * What comes in: the front door, the PULL socket inside of it, and what drains and guards that socket.
 *
 * @module
 */

import type { Clock, Endpoint } from "../../core/ports.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { type IpAddress, isPort } from "../../lib/ip_address.ts";
import { readListeningAddress } from "./addresses.ts";
import { type DoorBounds, type DoorService, FrontDoor } from "./front_door.ts";
import type { InsideAddress } from "./inside.ts";
import { relistenMs } from "./link_limits.ts";
import { MemoryGuard } from "./memory_guard.ts";
import { Receiver } from "./receiver.ts";
import { bindPull } from "./sockets.ts";

/** What {@linkcode Incoming} needs. */
export interface IncomingOptions {
  /** Where callers from outside come in; port 0 for any free one. */
  readonly listen: Endpoint;
  /** Time. */
  readonly clock: Clock;
  /** What the front door allows. */
  readonly bounds: DoorBounds;
  /** What the front door is for besides messages. */
  readonly services: ReadonlyMap<number, DoorService>;
  /** Learns what went wrong. */
  readonly onFault: (error: unknown) => void;
  /** Bytes in use outside of V8. */
  readonly usedBytes: () => number;
}

/** What takes messages in. */
interface Inside {
  /** The CURVE key of the PULL socket, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** Takes what came in. */
  readonly onFrame: (frame: Uint8Array) => void;
  /** Undefined while there is no PULL socket, and the front door sends senders away. */
  socket?: { readonly address: InsideAddress; readonly receiver: Receiver } | undefined;
}

/** The front door is open from the construction until the end; messages are taken in between. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #door: FrontDoor;
  readonly #guard: MemoryGuard;
  #inside: Inside | undefined;

  /**
   * Listens at once, and takes no messages yet.
   *
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#door = this.#openDoor();
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

  /** The secret of the link key under which messages are taken; undefined while none are. */
  get secretKey(): Uint8Array | undefined {
    return this.#inside?.secretKey;
  }

  /**
   * Takes messages from now on.
   *
   * @throws {CamelliaError} `address_unavailable`: there are no sockets left.
   */
  open(secretKey: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    const inside: Inside = { secretKey: secretKey.slice(), onFrame };
    try {
      this.#listenInside(inside);
    } catch (error) {
      throw bindError(this.#options.listen, error);
    }
    this.#inside = inside;
  }

  /** See {@linkcode FrontDoor.listenAlso}. */
  listenAlso(at: Endpoint): void {
    this.#door.listenAlso(at);
  }

  /** See {@linkcode FrontDoor.receive}. */
  receive(conn: Deno.TcpConn, relay: IpAddress): Promise<void> {
    return this.#door.receive(conn, relay);
  }

  /** Takes no messages any more. Idempotent. */
  async closeInside(): Promise<void> {
    const inside = this.#inside;
    this.#inside = undefined;
    inside?.secretKey.fill(0);
    await inside?.socket?.receiver.close();
  }

  /** Closes every connection; the port is free afterwards. */
  async close(): Promise<void> {
    this.#guard.close();
    await Promise.all([this.#door.close(), this.closeInside()]);
  }

  #openDoor(): FrontDoor {
    const { listen, clock, bounds, services } = this.#options;
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
        inside: () => this.#inside?.socket?.address,
        onNews: (isOne) => this.#inside?.socket?.receiver.expect(isOne),
        services,
      });
    } catch (error) {
      throw bindError(listen, error);
    }
  }

  #listenInside(inside: Inside): void {
    const { clock, onFault } = this.#options;
    const socket = bindPull(inside.secretKey);
    const receiver = new Receiver({ socket, clock, onFrame: inside.onFrame, onFault });
    inside.socket = { address: socket.address, receiver };
  }

  /** Throws away all that zeromq has received, by closing its socket, and opens another. */
  #startAnew(grownBytes: number): void {
    const inside = this.#inside;
    if (inside === undefined) return;
    void inside.socket?.receiver.close();
    inside.socket = undefined;
    const megabytes = Math.round(grownBytes / 1_048_576);
    this.#options.onFault(
      new Error(`messages that do not end took ${megabytes} MB; all senders are cut off`),
    );
    this.#listenAgain(inside);
  }

  #listenAgain(inside: Inside): void {
    if (this.#inside !== inside || inside.socket !== undefined) return;
    try {
      this.#listenInside(inside);
    } catch (error) {
      this.#options.onFault(error);
      this.#options.clock.after(relistenMs, () => this.#listenAgain(inside));
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
