/**
 * Links between peers over ZeroMQ: one PULL socket for what comes in, through the front door, and a PUSH
 * socket for each destination.
 *
 * CURVE encrypts every link. The port to the rest of the program is `Links` in core/ports.ts; the
 * parts are in net/links/.
 *
 * @module
 */

import type {
  Clock,
  Endpoint,
  Links,
  LinksStatus,
  LinkTarget,
  SendResult,
} from "../../core/ports.ts";
import { toHex } from "../../core/model/bytes.ts";
import { type Family, type IpAddress, isPort } from "../../lib/ip_address.ts";
import { Scheduler } from "../../lib/scheduler.ts";
import { pause } from "../../lib/waiting.ts";
import { type OwnPlace, routesTo } from "./addresses.ts";
import { Dialler, type TcpConnect } from "./dialler.ts";
import { ByteBudget } from "./frame_queue.ts";
import type { DoorService } from "./front_door.ts";
import { Link } from "./link.ts";
import { Incoming } from "./incoming.ts";
import {
  addressesMax,
  descriptorsAssumed,
  doorBounds,
  frameBytesMax,
  linksWithin,
  queuedBytesTotalMax,
} from "./link_limits.ts";
import { nativeBytes } from "./memory_guard.ts";
import { processOpenings } from "./openings.ts";
import { connectPush } from "./sockets.ts";
import { Tunnels } from "./tunnels.ts";

/** CURVE keys, public and secret. */
const linkKeyBytes = 32;

/** How often {@linkcode ZmqLinks.flush} looks whether all has gone. */
const flushLookMs = 5;

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
  /** The home networks that this machine is in, as address and length of the prefix; default: none. */
  readonly homeNetworks?: () => readonly string[];
  /** The families of addresses that this machine has; default: both. */
  readonly families?: () => readonly Family[];
  /** Where others connect to the front door, at the home router or here; default: that is not known. */
  readonly ownPlaces?: () => readonly Endpoint[];
  /** What else the front door is for, by the first byte that a caller says. Default: nothing. */
  readonly services?: ReadonlyMap<number, DoorService>;
  /** Learns what went wrong in the background: what a frame's receiver threw, or that all senders were cut off. */
  readonly onFault?: (error: unknown) => void;
  /** How many file descriptors this process may have open; POSIX systems rarely allow fewer by default. */
  readonly descriptors?: number;
  /** Links open at once; as many as descriptors allow unless a test wants fewer. */
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
  readonly #scheduler: Scheduler;
  readonly #tunnels: Tunnels;
  readonly #descriptors: number;
  readonly #linksMax: number;
  #incoming: Incoming | undefined;
  /** Whether the front door stays open when messages are taken no more. */
  #staysOpen = false;

  /** Nothing is bound before {@linkcode listen} or {@linkcode open}. */
  constructor(options: ZmqLinksOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#scheduler = new Scheduler(options.clock, reportError);
    this.#tunnels = new Tunnels(options.clock);
    this.#dialler = new Dialler(
      options.clock,
      options.tcpConnect,
      ({ address: { ip }, port }, conn) => this.#tunnels.spare({ ip, port }, conn),
    );
    this.#descriptors = options.descriptors ?? descriptorsAssumed;
    this.#linksMax = options.linksMax ?? linksWithin(this.#descriptors);
  }

  /**
   * Opens the front door, which stays open until {@linkcode end}: its services need no user.
   *
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  listen(): Endpoint {
    this.#incoming ??= this.#openDoor();
    this.#staysOpen = true;
    return this.#incoming.listening;
  }

  /**
   * Lets callers in at another port, too, once the front door is open; nothing where it is there already.
   *
   * @throws What Deno.listen throws, such as Deno.errors.AddrInUse.
   */
  listenAlso(at: Endpoint): void {
    if (this.#incoming?.listening.port !== at.port) this.#incoming?.listenAlso(at);
  }

  open(secretKey: Uint8Array, onFrame: (frame: Uint8Array) => void): Promise<Endpoint> {
    return Promise.try(() => {
      if (this.#incoming?.secretKey) throw new Error("Cannot open links: they are open already");
      if (secretKey.length !== linkKeyBytes) {
        throw new RangeError(
          `Cannot open links: a key of ${secretKey.length} bytes is not one of 32`,
        );
      }
      const incoming = this.#incoming ?? this.#openDoor();
      try {
        incoming.open(secretKey, onFrame);
      } catch (error) {
        if (!this.#staysOpen) void incoming.close();
        throw error;
      }
      this.#incoming = incoming;
      return incoming.listening;
    });
  }

  #openDoor(): Incoming {
    return new Incoming({
      listen: this.#options.listen,
      clock: this.#clock,
      bounds: doorBounds(this.#descriptors),
      services: this.#options.services ?? new Map(),
      onFault: this.#options.onFault ?? reportError,
      usedBytes: this.#options.usedBytes ?? nativeBytes,
    });
  }

  /** The secret of the link key under which messages are taken; undefined while none are. */
  get secretKey(): Uint8Array | undefined {
    return this.#incoming?.secretKey;
  }

  /**
   * Takes messages from a connection that this peer made to a relay, whose address is given. Resolves once it
   * has ended.
   */
  async receive(conn: Deno.TcpConn, relay: IpAddress): Promise<void> {
    if (this.#incoming) await this.#incoming.receive(conn, relay);
    else conn.close();
  }

  /**
   * Queues a frame; opens the link on demand. Never throws and never waits. The frame must not be
   * changed afterwards.
   *
   * @returns `unreachable` when no address may be dialled, when key, port or size make the frame
   * impossible to deliver, or while closed; `full` when the bounds of this link, or of all, are met.
   */
  send(target: LinkTarget, frame: Uint8Array): SendResult {
    if (!this.secretKey || frame.length > frameBytesMax) return "unreachable";
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
    const { linkKey } = target;
    const request = {
      key: toHex(linkKey),
      routes: routesTo(target, this.#place()),
      timeoutMs,
      // A relay that takes a connection says nothing about the device behind it.
      relayedTo: linkKey,
    };
    const route = await this.#dialler.reach(request, signal);
    signal?.throwIfAborted();
    return route !== undefined;
  }

  redial(target?: LinkTarget): void {
    if (target !== undefined) this.#links.get(keyOf(target))?.hurry();
    else for (const link of this.#links.values()) link.renew();
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

  status(): LinksStatus {
    const door = this.#incoming?.listening;
    return {
      open: this.#links.size,
      ...(door === undefined ? {} : { door }),
      ...(door === undefined || this.secretKey === undefined ? {} : { listening: door }),
    };
  }

  async close(): Promise<void> {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await this.#tunnels.close();
    const incoming = this.#incoming;
    if (this.#staysOpen) return await incoming?.closeInside();
    this.#incoming = undefined;
    await incoming?.close();
  }

  /** Closes everything, the front door too. */
  async end(): Promise<void> {
    this.#staysOpen = false;
    await this.close();
  }

  #place(): OwnPlace {
    const { ownAddresses, homeNetworks, families, ownPlaces } = this.#options;
    const at = this.#incoming?.listening;
    const places = ownPlaces?.() ?? [];
    return {
      addresses: ownAddresses(),
      homeNetworks: homeNetworks?.() ?? [],
      ...(families === undefined ? {} : { families: families() }),
      ...(at === undefined ? {} : { door: { at, places } }),
    };
  }

  #openLink(key: string, target: LinkTarget): Link | "full" | "unreachable" {
    if (target.linkKey.length !== linkKeyBytes || !isPort(target.port)) return "unreachable";
    const routes = routesTo(target, this.#place());
    if (routes.length === 0) return "unreachable";
    const isFull = this.#links.size >= this.#linksMax;
    // A link that is busy is not closed for another: its frames would be lost.
    if (isFull && !this.#closeOne((link) => !link.isBusy)) return "full";
    const link: Link = new Link({
      key: toHex(target.linkKey),
      linkKey: target.linkKey,
      routes,
      clock: this.#clock,
      scheduler: this.#scheduler,
      dialler: this.#dialler,
      openings: processOpenings,
      connect: (linkKey, route) => connectPush(linkKey, route, this.#tunnels),
      budget: this.#budget,
      onIdle: () => this.#links.delete(key),
      onUp: () => this.#gather(key, link),
    });
    return link;
  }

  /** A device was met: what waits for it at other places, where it may have been before, goes there. */
  #gather(key: string, link: Link): void {
    const device = key.slice(0, 2 * linkKeyBytes);
    for (const [otherKey, other] of this.#links) {
      if (other === link || other.state === "up" || !otherKey.startsWith(device)) continue;
      this.#links.delete(otherKey);
      for (const frame of other.abandon()) link.send(frame);
    }
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

/**
 * A device at its addresses: with other addresses it is another link, and the old one idles away. Begins with the
 * link key in hexadecimal.
 */
function keyOf(target: LinkTarget): string {
  return `${toHex(target.linkKey)}@${
    target.addresses.slice(0, addressesMax).join(",")
  }:${target.port}`;
}
