/**
 * Ways through relays for zeromq's sockets: zeromq connects to a port of this machine, and what it says is
 * passed on to the relay once that has joined us to the device.
 *
 * libzmq has a client for SOCKS5 of its own, which is not used: in version 4.3.5 it ends the whole process
 * when a relay refuses, hangs up or is gone (an assertion in epoll.cpp, `Bad file descriptor`).
 *
 * @module
 */

import type { Endpoint } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import type { Time } from "../../lib/time.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { ByteReader, writeAll } from "./byte_reader.ts";
import { lingerMs } from "./link_limits.ts";
import { socksAnswer, socksChoice, socksGreeting, socksRequest } from "./socks.ts";

/** Bytes read at once: a frame of some kilobytes in one piece; what a relay says back is little. */
const pieceBytes = { out: 16_384, back: 512 } as const;

/**
 * Has a relay connect to a device.
 *
 * @throws {Error} Where the relay does not, or the connection ends.
 */
export async function connectThrough(relay: Deno.Conn, linkKey: Uint8Array): Promise<void> {
  const reader = new ByteReader(relay);
  await writeAll(relay, socksGreeting);
  const [, method] = await reader.take(socksChoice.length);
  if (method !== 0) throw new Error("Cannot connect: the relay wants to know more");
  await writeAll(relay, socksRequest(linkKey));
  const [, reply] = await reader.take(socksAnswer("granted").length);
  if (reply !== 0) throw new Error(`Cannot connect: the relay answers ${reply}`);
}

/** The way of one socket to one device. */
export interface Tunnel {
  /** Where zeromq has to connect, as it takes it. */
  readonly address: string;
  /** Whether it is of no use any more: the relay refused, or one side has ended. */
  readonly isBroken: boolean;
  /** To be called when the socket is closed: what it has said still has a moment to leave. Idempotent. */
  close(): void;
}

/** All tunnels of a peer. */
export class Tunnels {
  readonly #time: Pick<Time, "after">;
  readonly #running = new Set<Promise<void>>();

  /** None is open at first. */
  constructor(time: Pick<Time, "after">) {
    this.#time = time;
  }

  /**
   * Opens one, which one connection may enter.
   *
   * @throws What Deno.listen throws where there are no descriptors left.
   */
  open(relay: Endpoint, linkKey: Uint8Array): Tunnel {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const closing = new AbortController();
    let [isBroken, isJoined, isClosed] = [false, false, false];
    const open = new Set<{ close(): void }>([listener]);
    closing.signal.addEventListener("abort", () => open.forEach(closeQuietly));
    const keep = <T extends { close(): void }>(one: T): T => {
      open.add(one);
      // It has come in the same moment in which all others were closed.
      if (closing.signal.aborted) closeQuietly(one);
      return one;
    };
    const running = (async () => {
      const inside = keep(await listener.accept());
      listener.close();
      const { ip: hostname, port } = relay;
      const outside = keep(await Deno.connect({ hostname, port, signal: closing.signal }));
      inside.setNoDelay(true);
      outside.setNoDelay(true);
      await connectThrough(outside, linkKey);
      isJoined = true;
      await this.#join(inside, outside);
    })().catch(() => {}).finally(() => {
      isBroken = true;
      closing.abort();
      this.#running.delete(running);
    });
    this.#running.add(running);
    return {
      address: `tcp://${formatHostPort(listener.addr.hostname, listener.addr.port)}`,
      get isBroken() {
        return isBroken;
      },
      close: () => {
        if (isClosed) return;
        isClosed = true;
        if (!isJoined) return closing.abort();
        // libzmq closes its side after its linger at the latest; the rest is the time for the last pieces.
        void settledWithin(this.#time, running, 2 * lingerMs).then(() => closing.abort());
      },
    };
  }

  /** Resolves when all are gone; to be called when all of them were closed. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Passes on in both directions until one of them has failed or both have ended. */
  async #join(inside: Deno.TcpConn, outside: Deno.TcpConn): Promise<void> {
    const back = pass(outside, inside, pieceBytes.back);
    const out = pass(inside, outside, pieceBytes.out).then(async () => {
      await outside.closeWrite();
      await settledWithin(this.#time, back, lingerMs);
    });
    await Promise.race([out, back]);
  }
}

/** Passes bytes on until there are no more. */
async function pass(from: Deno.Conn, to: Deno.Conn, bytes: number): Promise<void> {
  const buffer = new Uint8Array(bytes);
  for (;;) {
    const read = await from.read(buffer);
    if (read === null) return;
    await writeAll(to, buffer.subarray(0, read));
  }
}

function closeQuietly(one: { close(): void }): void {
  try {
    one.close();
  } catch {
    // The other side has closed it already.
  }
}
