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
import type { Time, Timer } from "../../lib/time.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { ByteReader, writeAll } from "./byte_reader.ts";
import { connectTwice } from "./connect.ts";
import { lingerMs } from "./link_limits.ts";
import { ReceiptTaker } from "./receipts.ts";
import { socksAnswer, socksChoice, socksGreeting, socksRequest } from "./socks.ts";

/** Bytes read at once: a frame of some kilobytes in one piece; what a relay says back is little. */
const pieceBytes = { out: 16_384, back: 512 } as const;

/** Connections to relays that wait so long for a tunnel at most: it is opened as soon as one is chosen. */
const spareMsMax = 1_000;

/**
 * Has a relay connect to a device.
 *
 * @param meanwhile Called when the relay was asked: what is written from then on waits there for the device.
 * @throws {Error} Where the relay does not, or the connection ends.
 */
export async function connectThrough(
  relay: Deno.Conn,
  linkKey: Uint8Array,
  meanwhile: () => void = () => {},
): Promise<void> {
  const reader = new ByteReader(relay);
  // In one piece: no relay of ours answers the greeting otherwise than with its one choice.
  await writeAll(relay, Uint8Array.of(...socksGreeting, ...socksRequest(linkKey)));
  meanwhile();
  const [, method] = await reader.take(socksChoice.length);
  if (method !== 0) throw new Error("Cannot connect: the relay wants to know more");
  const [, reply] = await reader.take(socksAnswer("granted").length);
  if (reply !== 0) throw new Error(`Cannot connect: the relay answers ${reply}`);
}

/** The way of one socket to one device. */
export interface Tunnel {
  /** Where zeromq has to connect, as it takes it. */
  readonly address: string;
  /** Whether it is of no use any more: the relay refused, or one side has ended. */
  readonly isBroken: boolean;
  /** What was sent does not arrive, though nothing has ended: to be called back once. Nothing at first. */
  onSilence: () => void;
  /** To be called when the socket is closed: what it has said still has a moment to leave. Idempotent. */
  close(): void;
}

/** All tunnels of a peer. */
export class Tunnels {
  readonly #time: Pick<Time, "after">;
  readonly #running = new Set<Promise<void>>();
  /** Connections to relays, by place: at most one to each. */
  readonly #spares = new Map<string, { readonly conn: Deno.TcpConn; readonly timer: Timer }>();

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
    const receipts = new ReceiptTaker(this.#time, () => tunnel.onSilence());
    const running = (async () => {
      const inside = keep(await listener.accept());
      listener.close();
      const outside = keep(
        this.#takeSpare(relay) ?? await connectTwice(this.#time, relay, closing.signal),
      );
      inside.setNoDelay(true);
      let out: Promise<void> | undefined;
      await connectThrough(outside, linkKey, () => {
        out = pass(inside, outside, pieceBytes.out, (bytes) => receipts.sent(bytes));
        out.catch(() => {});
      });
      isJoined = true;
      const back = pass(outside, inside, pieceBytes.back, (bytes) => receipts.taken(bytes));
      await this.#join(outside, out, back);
    })().catch(() => {}).finally(() => {
      isBroken = true;
      receipts.close();
      closing.abort();
      this.#running.delete(running);
    });
    this.#running.add(running);
    const tunnel: Tunnel = {
      address: `tcp://${formatHostPort(listener.addr.hostname, listener.addr.port)}`,
      get isBroken() {
        return isBroken;
      },
      onSilence() {},
      close: () => {
        if (isClosed) return;
        isClosed = true;
        receipts.close();
        if (!isJoined) return closing.abort();
        // libzmq closes its side after its linger at the latest; the rest is the time for the last pieces.
        void settledWithin(this.#time, running, 2 * lingerMs).then(() => closing.abort());
      },
    };
    return tunnel;
  }

  /** Takes a connection to a relay that was made to find out whether it is there, for the next tunnel. */
  spare(relay: Endpoint, conn: Deno.TcpConn): void {
    const name = formatHostPort(relay.ip, relay.port);
    this.#dropSpare(name);
    const timer = this.#time.after(spareMsMax, () => this.#dropSpare(name));
    this.#spares.set(name, { conn, timer });
  }

  /** Resolves when all are gone; to be called when all of them were closed. */
  async close(): Promise<void> {
    for (const name of [...this.#spares.keys()]) this.#dropSpare(name);
    await Promise.all(this.#running);
  }

  #takeSpare({ ip, port }: Endpoint): Deno.TcpConn | undefined {
    const name = formatHostPort(ip, port);
    const spare = this.#spares.get(name);
    spare?.timer.cancel();
    this.#spares.delete(name);
    return spare?.conn;
  }

  #dropSpare(name: string): void {
    const spare = this.#spares.get(name);
    this.#spares.delete(name);
    spare?.timer.cancel();
    if (spare !== undefined) closeQuietly(spare.conn);
  }

  /** Resolves when one of the two directions has failed or both have ended. */
  async #join(
    outside: Deno.TcpConn,
    out: Promise<void> | undefined,
    back: Promise<void>,
  ): Promise<void> {
    const outEnded = (async () => {
      await out;
      await outside.closeWrite();
      await settledWithin(this.#time, back, lingerMs);
    })();
    await Promise.race([outEnded, back]);
  }
}

/** Passes bytes on, as they are to be passed on, until there are no more. */
async function pass(
  from: Deno.Conn,
  to: Deno.Conn,
  bytes: number,
  through: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const buffer = new Uint8Array(bytes);
  for (;;) {
    const read = await from.read(buffer);
    if (read === null) return;
    await writeAll(to, through(buffer.subarray(0, read)));
  }
}

function closeQuietly(one: { close(): void }): void {
  try {
    one.close();
  } catch {
    // The other side has closed it already.
  }
}
