/**
 * Links between peers over ZeroMQ: one PULL socket for what comes in, a PUSH socket a destination.
 *
 * CURVE encrypts every link. The port to the rest of the program is `Links` in core/ports.ts; the
 * parts are in net/links/.
 *
 * @module
 */

import type { Clock, Endpoint, Links, LinkTarget, SendResult } from "../../core/ports.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { toHex } from "../../core/model/bytes.ts";
import { isPort } from "../../lib/ip_address.ts";
import { pause } from "../../lib/waiting.ts";
import { dialable, readListeningAddress } from "./addresses.ts";
import { Dialler, type TcpConnect } from "./dialler.ts";
import { ByteBudget } from "./frame_queue.ts";
import { Link } from "./link.ts";
import {
  addressesMax,
  frameBytesMax,
  linksMax,
  queuedBytesTotalMax,
  relistenMs,
} from "./link_limits.ts";
import { MemoryGuard, nativeBytes } from "./memory_guard.ts";
import { Receiver } from "./receiver.ts";
import { bindPull, connectPush, type PullSocket } from "./sockets.ts";

/** CURVE keys, public and secret. */
const linkKeyBytes = 32;

/** How often {@linkcode ZmqLinks.flush} looks whether all has gone. */
const flushLookMs = 5;

/**
 * zeromq frees a port a moment after its socket was closed: opening again on the same port is tried
 * that often, in such steps, before the port counts as in use.
 */
const rebindTriesMax = 25;
const rebindPauseMs = 20;

/** What {@linkcode ZmqLinks} needs. */
export interface ZmqLinksOptions {
  /** Where to listen. Port 0 means any free port. */
  readonly listen: Endpoint;
  /** Time. */
  readonly clock: Clock;
  /**
   * This peer's own addresses, as others know it: private and loopback addresses are dialled only if
   * one of them is of that kind.
   */
  readonly ownAddresses: () => readonly string[];
  /** Learns what went wrong in the background: what a frame's receiver threw, or that all senders were cut off. */
  readonly onFault?: (error: unknown) => void;
  /** Links open at once; {@linkcode linksMax} unless a test wants fewer. */
  readonly linksMax?: number;
  /** Bytes in use outside of V8; replaceable for tests. */
  readonly usedBytes?: () => number;
  /** How a plain TCP connect is made; replaceable for tests. */
  readonly tcpConnect?: TcpConnect;
}

/** {@linkcode Links} on real sockets. */
export class ZmqLinks implements Links {
  readonly #options: ZmqLinksOptions;
  readonly #clock: Clock;
  readonly #dialler: Dialler;
  readonly #budget = new ByteBudget(queuedBytesTotalMax);
  /** Links by device and address; the one used last is at the end. */
  readonly #links = new Map<string, Link>();
  #receiver: Receiver | undefined;
  #opened: Opened | undefined;
  #listening: Endpoint | undefined;
  /** The port that was ours until it was closed. */
  #formerPort: number | undefined;

  /** Nothing is bound before {@linkcode open}. */
  constructor(options: ZmqLinksOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#dialler = new Dialler(options.clock, options.tcpConnect);
  }

  async open(secretKey: Uint8Array, onFrame: (frame: Uint8Array) => void): Promise<Endpoint> {
    if (this.#receiver) throw new Error("Cannot open links: they are open already");
    if (secretKey.length !== linkKeyBytes) {
      throw new RangeError(
        `Cannot open links: a key of ${secretKey.length} bytes is not one of 32`,
      );
    }
    const { port: wanted } = this.#options.listen;
    const socket = await this.#bind(secretKey, wanted, wanted === this.#formerPort);
    const guard = new MemoryGuard({
      clock: this.#clock,
      usedBytes: this.#options.usedBytes ?? nativeBytes,
      onExcess: (grownBytes) => this.#startAnew(grownBytes),
    });
    this.#opened = { secretKey: secretKey.slice(), onFrame, guard };
    this.#receiver = this.#receive(socket, onFrame);
    const port = Number(socket.lastEndpoint?.split(":").at(-1));
    this.#listening = { ip: this.#options.listen.ip, port };
    return this.#listening;
  }

  /**
   * Queues a frame; opens the link on demand. Never throws and never waits. The frame must not be
   * changed afterwards.
   *
   * @returns `unreachable` when no address may be dialled, when key, port or size make the frame
   * impossible to deliver, or while closed; `full` when the bounds of this link, or of all, are met.
   */
  send(target: LinkTarget, frame: Uint8Array): SendResult {
    if (!this.#receiver || frame.length > frameBytesMax) return "unreachable";
    const key = keyOf(target);
    const link = this.#links.get(key) ?? this.#openLink(key, target);
    if (typeof link === "string") return link;
    this.#links.delete(key);
    this.#links.set(key, link);
    const result = link.send(frame);
    if (result !== "full" || this.#budgetHolds(frame)) return result;
    // What waits for peers that are down must not keep others waiting.
    return this.#closeOne((other) => other !== link && other.state === "down")
      ? link.send(frame)
      : "full";
  }

  async probe(target: LinkTarget, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (!isPort(target.port)) return false;
    const addresses = dialable(target, this.#options.ownAddresses());
    const request = { key: keyOf(target), addresses, port: target.port, timeoutMs };
    const address = await this.#dialler.reach(request, signal);
    signal?.throwIfAborted();
    return address !== undefined;
  }

  /**
   * Waits until all that is queued has been handed to the network, `timeoutMs` at most. It does not
   * wait for frames to peers that are known to be down.
   */
  async flush(timeoutMs: number): Promise<void> {
    const untilMs = this.#clock.monotonic() + timeoutMs;
    const isBusy = () => [...this.#links.values()].some((link) => link.isBusy);
    while (isBusy() && this.#clock.monotonic() < untilMs) await pause(this.#clock, flushLookMs);
  }

  status(): { readonly listening?: Endpoint; readonly open: number } {
    const open = this.#links.size;
    return this.#listening ? { listening: this.#listening, open } : { open };
  }

  async close(): Promise<void> {
    this.#opened?.guard.close();
    this.#opened?.secretKey.fill(0);
    this.#opened = undefined;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#formerPort = this.#listening?.port ?? this.#formerPort;
    this.#listening = undefined;
    await receiver?.close();
  }

  #receive(socket: PullSocket, onFrame: (frame: Uint8Array) => void): Receiver {
    const onFault = (error: unknown) => this.#fault(error);
    return new Receiver({ socket, clock: this.#clock, onFrame, onFault });
  }

  /** Throws away all that zeromq has received, by closing its socket, and listens anew. */
  #startAnew(grownBytes: number): void {
    void this.#receiver?.close();
    this.#receiver = undefined;
    const megabytes = Math.round(grownBytes / 1_048_576);
    this.#fault(
      new Error(`messages that do not end took ${megabytes} MB; all senders are cut off`),
    );
    void this.#listenAgain();
  }

  /** Never rejects. */
  async #listenAgain(): Promise<void> {
    const opened = this.#opened;
    const port = this.#listening?.port;
    const isWanted = () => this.#opened === opened && this.#receiver === undefined;
    if (opened === undefined || port === undefined || !isWanted()) return;
    try {
      const socket = await this.#bind(opened.secretKey, port, true);
      if (isWanted()) this.#receiver = this.#receive(socket, opened.onFrame);
      else await socket.close();
    } catch (error) {
      if (!isWanted()) return;
      this.#fault(error);
      this.#clock.after(relistenMs, () => {
        if (isWanted()) void this.#listenAgain();
      });
    }
  }

  #fault(error: unknown): void {
    (this.#options.onFault ?? reportError)(error);
  }

  async #bind(secretKey: Uint8Array, port: number, again: boolean): Promise<PullSocket> {
    const { ip } = this.#options.listen;
    const address = readListeningAddress(ip);
    if (!address || (port !== 0 && !isPort(port))) throw bindError({ ip, port }, "EINVAL");
    const tries = again ? rebindTriesMax : 1;
    for (let left = tries - 1;; left--) {
      try {
        return bindPull(secretKey, address, port);
      } catch (error) {
        const code = codeOf(error);
        if (code !== "EADDRINUSE" || left === 0) throw bindError({ ip, port }, code, error);
      }
      await pause(this.#clock, rebindPauseMs);
    }
  }

  #openLink(key: string, target: LinkTarget): Link | "full" | "unreachable" {
    if (target.linkKey.length !== linkKeyBytes || !isPort(target.port)) return "unreachable";
    const addresses = dialable(target, this.#options.ownAddresses());
    if (addresses.length === 0) return "unreachable";
    const isFull = this.#links.size >= (this.#options.linksMax ?? linksMax);
    // A link that is busy is not closed for another: its frames would be lost.
    if (isFull && !this.#closeOne((link) => !link.isBusy)) return "full";
    return new Link({
      key,
      linkKey: target.linkKey,
      addresses,
      port: target.port,
      clock: this.#clock,
      dialler: this.#dialler,
      connect: connectPush,
      budget: this.#budget,
      onIdle: () => this.#links.delete(key),
    });
  }

  /** Closes the least recently used link that may be closed; says whether there was one. */
  #closeOne(mayClose: (link: Link) => boolean): boolean {
    for (const [key, link] of this.#links) {
      if (!mayClose(link)) continue;
      link.close();
      this.#links.delete(key);
      return true;
    }
    return false;
  }

  #budgetHolds(frame: Uint8Array): boolean {
    return this.#budget.usedBytes + frame.length <= this.#budget.bytesMax;
  }
}

/** What {@linkcode ZmqLinks.open} was told, and what watches over it. */
interface Opened {
  readonly secretKey: Uint8Array;
  readonly onFrame: (frame: Uint8Array) => void;
  readonly guard: MemoryGuard;
}

/** A device at its addresses: with other addresses it is another link, and the old one idles away. */
function keyOf(target: LinkTarget): string {
  return `${toHex(target.linkKey)}@${
    target.addresses.slice(0, addressesMax).join(",")
  }:${target.port}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

/** What a bind's failure means to the person at the terminal. */
function bindError(at: Endpoint, code: string, cause?: unknown): CamelliaError {
  const what = `Cannot listen for posts: TCP ${at.ip} port ${at.port}`;
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
