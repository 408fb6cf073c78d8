/**
 * `Links` on a simulated network with a simulated clock, with the bounds and the waits of the real
 * ones, and one event a frame instead of looking at sockets.
 *
 * @module
 */

import type { Endpoint, Links, LinksStatus, LinkTarget, SendResult } from "../../core/ports.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { toHex } from "../../core/model/bytes.ts";
import { within } from "../../lib/waiting.ts";
import { x25519PublicKey } from "../../lib/x25519.ts";
import { isPort } from "../../lib/ip_address.ts";
import {
  type OwnPlace,
  readListeningAddress,
  type Route,
  routesTo,
} from "../../net/links/addresses.ts";
import { ByteBudget } from "../../net/links/frame_queue.ts";
import {
  addressesMax,
  frameBytesMax,
  linksMax,
  queuedBytesTotalMax,
} from "../../net/links/link_limits.ts";
import { SimLink } from "./link.ts";
import type { ConnectOutcome, SimLinkNetwork, SimListener } from "./links_network.ts";
import { type ConnectTcp, dialThrough, takeFrames } from "./relayed_link.ts";

const linkKeyBytes = 32;
const flushLookMs = 5;

/** What {@linkcode SimLinks} needs. */
export interface SimLinksOptions {
  /** Where peers meet. */
  readonly network: SimLinkNetwork;
  /** This machine's address, and the port to listen on; 0 means any. */
  readonly listen: Endpoint;
  /** As for the real links; by default the address listened on. */
  readonly ownAddresses?: () => readonly string[];
  /** Connects to relays; without it there are none. */
  readonly connect?: ConnectTcp;
  /** Learns what a frame's receiver threw; by default the run fails. */
  readonly onFault?: (error: unknown) => void;
}

/** One simulated peer's links. */
export class SimLinks implements Links {
  readonly #options: SimLinksOptions;
  readonly #network: SimLinkNetwork;
  readonly #budget = new ByteBudget(queuedBytesTotalMax);
  readonly #links = new Map<string, SimLink>();
  #listener: SimListener | undefined;
  #ip: string;
  #crashed = false;
  #secretKey: Uint8Array | undefined;

  /** Nothing listens before {@linkcode open}. */
  constructor(options: SimLinksOptions) {
    this.#options = options;
    this.#network = options.network;
    this.#ip = options.listen.ip;
  }

  /** Bytes that wait on all links: to check the bound. */
  get queuedBytes(): number {
    return this.#budget.usedBytes;
  }

  /**
   * Listens.
   *
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  // deno-lint-ignore require-await
  async open(secretKey: Uint8Array, onFrame: (frame: Uint8Array) => void): Promise<Endpoint> {
    if (this.#listener) throw new Error("Cannot open links: they are open already");
    if (secretKey.length !== linkKeyBytes) throw new RangeError("Cannot open links: bad key");
    const { port } = this.#options.listen;
    const ip = this.#ip;
    if (
      !readListeningAddress(ip) || this.#network.foreign.has(ip) || (port !== 0 && !isPort(port))
    ) {
      throw new CamelliaError("address_unavailable", `Cannot listen: ${ip} ${port}`);
    }
    const { onFault = throwIt } = this.#options;
    const listener: SimListener = {
      publicKey: toHex(x25519PublicKey(secretKey)),
      at: { ip, port: port || this.#network.freePort() },
      deliver(frame) {
        try {
          onFrame(frame);
        } catch (error) {
          onFault(error);
        }
      },
    };
    if (!this.#network.listen(listener)) {
      throw new CamelliaError("tcp_port_in_use", `Cannot listen: ${ip} port ${port} is in use`);
    }
    this.#listener = listener;
    this.#secretKey = secretKey.slice();
    return listener.at;
  }

  /** The secret of the own link key while it listens. */
  get secretKey(): Uint8Array | undefined {
    return this.#listener && this.#secretKey;
  }

  /** Takes messages from a connection that a relay told of. */
  receive(conn: Deno.TcpConn): void {
    const { onFault = throwIt } = this.#options;
    const context = { network: this.#network, listener: () => this.#listener };
    takeFrames(conn, context).catch(onFault);
  }

  /** As the real one. */
  send(target: LinkTarget, frame: Uint8Array): SendResult {
    if (!this.#listener || frame.length > frameBytesMax) return "unreachable";
    const key = keyOf(target);
    const link = this.#links.get(key) ?? this.#openLink(key, target);
    if (typeof link === "string") return link;
    this.#links.delete(key);
    this.#links.set(key, link);
    return link.send(frame);
  }

  /** As the real one. */
  redial(target?: LinkTarget): void {
    if (target !== undefined) this.#links.get(keyOf(target))?.hurry();
    else for (const link of this.#links.values()) link.renew();
  }

  /** As the real one, but that addresses are tried all at once. */
  probe(target: LinkTarget, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#crashed) return new Promise(() => {});
    const { clock } = this.#network;
    const outcomes = this.#outcomes(target);
    const isThere = outcomes.includes("accepted");
    const relays = isThere ? [] : this.#relays(target);
    if (relays.length > 0) return this.#probeThrough(relays, target, timeoutMs, signal);
    const hangs = !isThere && outcomes.includes("silence");
    const waitMs = hangs ? timeoutMs : Math.min(2 * this.#network.latency(), timeoutMs);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = clock.after(waitMs, () => {
        signal?.removeEventListener("abort", onAbort);
        if (!this.#crashed) resolve(isThere);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** As the real one. */
  async flush(timeoutMs: number): Promise<void> {
    const { clock } = this.#network;
    const untilMs = clock.monotonic() + timeoutMs;
    while (clock.monotonic() < untilMs && [...this.#links.values()].some((link) => link.isBusy)) {
      await new Promise<void>((resolve) => {
        clock.after(flushLookMs, resolve);
      });
    }
  }

  /** As the real one. */
  status(): LinksStatus {
    const open = this.#links.size;
    const at = this.#listener?.at;
    return at === undefined ? { open } : { listening: at, door: at, open };
  }

  /** As the real one. */
  close(): Promise<void> {
    if (this.#listener) this.#network.unlisten(this.#listener);
    this.#listener = undefined;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    return Promise.resolve();
  }

  /** The machine gets another address: what was sent to the old one is lost, and nothing listens there. */
  move(ip: string): void {
    this.#ip = ip;
    const listener = this.#listener;
    if (!listener) return;
    this.#network.unlisten(listener);
    this.#listener = { ...listener, at: { ip, port: listener.at.port } };
    this.#network.listen(this.#listener);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** The peer is killed: nothing of it is delivered or called back any more. */
  crash(): void {
    this.#crashed = true;
    void this.close();
  }

  #outcomes(target: LinkTarget): ConnectOutcome[] {
    if (!isPort(target.port)) return [];
    return routesTo(target, this.#place()).filter(({ isRelay }) => !isRelay)
      .map(({ address: { ip }, port }) => this.#network.connect(this.#ip, { ip, port }).outcome);
  }

  #relays(target: LinkTarget): Route[] {
    if (!isPort(target.port) || this.#options.connect === undefined) return [];
    return routesTo(target, this.#place()).filter(({ isRelay }) => isRelay);
  }

  async #probeThrough(
    relays: readonly Route[],
    target: LinkTarget,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { connect, listen: from } = this.#options;
    const { clock: time } = this.#network;
    if (connect === undefined) return false;
    const linkKey = toHex(target.linkKey);
    const ask = async (): Promise<boolean> => {
      for (const route of relays) {
        if (await dialThrough({ time, connect, route, linkKey, from }, "probe")) return true;
      }
      return false;
    };
    const isThere = await within({ clock: time, ms: timeoutMs }, ask, signal);
    if (this.#crashed) await new Promise(() => {});
    return isThere === true;
  }

  #place(): OwnPlace {
    return { addresses: this.#options.ownAddresses?.() ?? [this.#ip], homeNetworks: [] };
  }

  #openLink(key: string, target: LinkTarget): SimLink | "full" | "unreachable" {
    const listener = this.#listener;
    if (!listener || target.linkKey.length !== linkKeyBytes || !isPort(target.port)) {
      return "unreachable";
    }
    const routes = routesTo(target, this.#place());
    if (routes.length === 0) return "unreachable";
    const { connect } = this.#options;
    if (this.#links.size >= linksMax && !this.#closeIdleLink()) return "full";
    const link: SimLink = new SimLink({
      network: this.#network,
      from: listener.at,
      publicKey: toHex(target.linkKey),
      routes,
      ...(connect === undefined ? {} : { connect }),
      budget: this.#budget,
      onIdle: () => this.#links.delete(key),
      onUp: () => this.#gather(key, link),
    });
    return link;
  }

  /** As the real one. */
  #gather(key: string, link: SimLink): void {
    const device = key.slice(0, 2 * linkKeyBytes);
    for (const [otherKey, other] of this.#links) {
      if (other === link || other.isUp || !otherKey.startsWith(device)) continue;
      this.#links.delete(otherKey);
      for (const frame of other.abandon()) link.send(frame);
    }
  }

  #closeIdleLink(): boolean {
    for (const [key, link] of this.#links) {
      if (link.isBusy) continue;
      link.close();
      this.#links.delete(key);
      return true;
    }
    return false;
  }
}

function throwIt(error: unknown): never {
  throw error;
}

function keyOf(target: LinkTarget): string {
  const addresses = target.addresses.slice(0, addressesMax).join(",");
  return `${toHex(target.linkKey)}@${addresses}:${target.port}`;
}
