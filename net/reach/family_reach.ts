/**
 * Whether strangers reach this peer by one family of addresses, and where.
 *
 * @module
 */

import type { Clock, Directory, Endpoint, OuterPlace } from "../../core/ports.ts";
import { type Family, unicastAddress } from "../../lib/ip_address.ts";
import { within } from "../../lib/waiting.ts";
import type { PortMappings } from "./port_mappings.ts";

/** How often a verdict is checked again while nothing seems to have changed. */
const recheckMs = 15 * 60_000;

/**
 * A verdict that others do not connect is checked again at the next look or two, then after twice as
 * long each time: where few nodes are there to ask, one bad connection decides.
 */
const doubtMs = 25_000;

/** How long other nodes are asked what address they see. */
const askMsMax = 2_000;

/**
 * Where others connect is believed for so long from the first look on at which no node tells the address: those that are
 * asked may all be down or busy for a moment, and what is announced anew is not known to all at once.
 */
const untoldMsMax = 75_000;

/** What {@linkcode FamilyReach} needs. */
export interface FamilyReachOptions {
  /** The family. */
  readonly family: Family;
  /** Time. */
  readonly clock: Clock;
  /** Asks other nodes. */
  readonly directory: Pick<Directory, "publicAddress" | "isReachable" | "status">;
  /** The outer address, where it is configured; otherwise what a majority of nodes sees. */
  readonly announcedAddress?: string;
  /** Asks the home router to let others in; default: it is not asked. */
  readonly mappings?: RouterMappings | undefined;
  /** Whether the peer is there to be reached: a command that only asks the network leaves nothing at the router. */
  readonly isToBeReached: () => boolean;
  /** Whether this machine itself has an address, so that no router translates it. */
  readonly isOwn: (ip: string) => boolean;
  /** Called when {@linkcode FamilyReach.place} may have changed. */
  readonly onDecided: () => void;
  /** Called when others see this peer at another address than before. */
  readonly onMoved: () => void;
}

/** What is asked of the home router. */
export type RouterMappings =
  & Pick<PortMappings, "open" | "release">
  & Partial<Pick<PortMappings, "outerTcpPort" | "outerUdpPort">>;

/** How far a look has come: all is known, other nodes still have to tell, or there is no such address. */
export type Look = "known" | "open" | "none";

/** One family. */
export class FamilyReach {
  /** Which family. */
  readonly family: Family;
  readonly #options: FamilyReachOptions;
  #place: OuterPlace | undefined;
  /** Where the last look found this peer, and until when a verdict there is believed, on the monotonic clock. */
  #checked: { readonly where: string; readonly untilMs: number } | undefined;
  /** Where others saw this peer last. */
  #lastIp: string | undefined;
  /** Since when no node tells the address, on the monotonic clock; undefined while one does. */
  #untoldMs: number | undefined;
  /** How often in a row others did not connect, and where. */
  #denied = { where: "", times: 0 };
  /** What the router grants for a port that it was asked about without others having been kept out. */
  #early: { readonly port: number; readonly granted: Promise<number | undefined> } | undefined;

  /** Nothing is asked before {@linkcode look}. */
  constructor(options: FamilyReachOptions) {
    this.#options = options;
    this.family = options.family;
  }

  /** Where others see this peer, and whether they connect there; undefined while none has told. */
  get place(): OuterPlace | undefined {
    return this.#place;
  }

  /** The configured outer address, or what other nodes see; they are asked 2 s at most. */
  async outerAddress(signal?: AbortSignal): Promise<string | undefined> {
    const { clock, directory, announcedAddress, family } = this.#options;
    return announcedAddress ?? await within(
      { clock, ms: askMsMax },
      (limit) => directory.publicAddress(family, limit),
      signal,
    );
  }

  /** Looks at the address and the port `door`, and has them checked where that is due. */
  async look(door: Endpoint | undefined, signal: AbortSignal): Promise<Look> {
    const { clock, directory, mappings, family, isOwn, isToBeReached } = this.#options;
    const ip = directory.status().joined ? await this.outerAddress(signal) : undefined;
    const hasMoved = ip !== undefined && this.#lastIp !== undefined && ip !== this.#lastIp;
    this.#lastIp = ip ?? this.#lastIp;
    if (hasMoved) this.#options.onMoved();
    this.#untoldMs = ip === undefined ? this.#untoldMs ?? clock.monotonic() : undefined;
    if (door !== undefined && this.#isStillBelieved) return "open";
    if (ip === undefined || door === undefined) {
      this.#decide(ip === undefined ? undefined : { ip });
      this.#checked = undefined;
      return ip === undefined ? "none" : "open";
    }
    const where = `${ip} ${door.ip} ${door.port}`;
    if (this.#checked?.where !== where) {
      this.#checked = { where, untilMs: -Infinity };
      this.#early = undefined;
      this.#decide({ ip });
    } else if (clock.monotonic() < this.#checked.untilMs) return "known";
    this.prepare(door);
    const ask = (port: number) => directory.isReachable(port, family, signal);
    // What the router lets in is asked first: its port may be the same as this machine's.
    const held = mappings?.outerTcpPort;
    const isHeld = held === undefined ? false : await ask(held);
    if (isHeld && held !== undefined) {
      return this.#conclude(where, { ip, isReached: true, port: held });
    }
    const isReached = held === door.port ? isHeld : await ask(door.port);
    if (isReached === undefined) return "open";
    if (isReached) return this.#conclude(where, { ip, isReached, ...this.#portOf(door) });
    const times = this.#denials(where);
    // Nothing seems to stand in the way: one connection may have failed on a bad line.
    if (times === 1 && (this.#place?.isReached || isOwn(ip))) return "open";
    if (!isToBeReached()) return this.#conclude(where, { ip, isReached });
    // Relays are looked for while the router is asked, which may take seconds.
    if (mappings && this.#place?.port === undefined) this.#decide({ ip, isReached });
    if (times > 1) this.#early = undefined; // It may be long ago.
    const port = await this.#openRouter(door, ask);
    // That no node has told says nothing about the port that the router lets in.
    if (port === undefined) return "open";
    return this.#conclude(
      where,
      port === false ? { ip, isReached } : { ip, isReached: true, port },
    );
  }

  /**
   * Asks the home router at once where one translates the address: others take seconds to find out that a
   * router drops their connections.
   */
  prepare(door: Endpoint): void {
    const { mappings, isOwn, isToBeReached } = this.#options;
    const place = this.#place;
    if (mappings === undefined || place === undefined) return;
    // Others may come in by what an earlier run has left at the router, and what nothing renews.
    if (place.isReached === false || place.port !== undefined) return;
    const isBehindRouter = unicastAddress(place.ip)?.kind === "public" && !isOwn(place.ip);
    if (!isBehindRouter || !isToBeReached() || this.#early?.port === door.port) return;
    this.#early = { port: door.port, granted: this.#open(door) };
  }

  /** What was found out holds for a while. */
  #conclude(where: string, place: OuterPlace): Look {
    const { clock } = this.#options;
    if (place.isReached) this.#denied = { where, times: 0 };
    const validMs = place.isReached
      ? recheckMs
      : Math.min(doubtMs * 2 ** Math.max(this.#denied.times - 2, 0), recheckMs);
    this.#checked = { where, untilMs: clock.monotonic() + validMs };
    if (!place.isReached) this.#early = undefined;
    this.#decide(this.#withUdpPort(place));
    return "known";
  }

  /** With the UDP port that the router granted in the place of the own one. */
  #withUdpPort(place: OuterPlace): OuterPlace {
    const { directory, mappings } = this.#options;
    const udpPort = mappings?.outerUdpPort;
    const isOther = udpPort !== undefined && udpPort !== directory.status().udp.port;
    return isOther && place.isReached ? { ...place, udpPort } : place;
  }

  /** Counts a verdict that others do not connect; how many there were in a row, with this one. */
  #denials(where: string): number {
    const before = this.#denied.where === where ? this.#denied.times : 0;
    this.#denied = { where, times: before + 1 };
    return before + 1;
  }

  /** The port at the router, where it lets in this machine's own. */
  #portOf({ port }: Endpoint): { readonly port?: number } {
    return this.#options.mappings?.outerTcpPort === port ? { port } : {};
  }

  /** Asks the home router to let others in; the TCP port there. */
  async #open(door: Endpoint): Promise<number | undefined> {
    const { mappings, directory } = this.#options;
    const outerPort = await mappings?.open({ tcp: door.port, udp: directory.status().udp.port });
    // Others may have come in meanwhile, as through what an earlier run had left there.
    const place = this.#place;
    if (place?.isReached && place.port === undefined) {
      this.#decide(this.#withUdpPort({ ...place, ...this.#portOf(door) }));
    }
    return outerPort;
  }

  /** The TCP port at the router by which others come in; false where none is, undefined where they do not tell. */
  async #openRouter(
    door: Endpoint,
    ask: (port: number) => Promise<boolean | undefined>,
  ): Promise<number | false | undefined> {
    const early = this.#early?.port === door.port ? this.#early.granted : undefined;
    this.#early = undefined;
    const outerPort = await (early ?? this.#open(door));
    if (outerPort === undefined) return false;
    const isReached = await ask(outerPort);
    if (isReached) return outerPort;
    // A carrier's router stands behind the home's.
    if (isReached === false) await this.#options.mappings?.release();
    return isReached;
  }

  /** Whether no node tells the address at the moment, though others connect there. */
  get #isStillBelieved(): boolean {
    const { clock, directory } = this.#options;
    return this.#untoldMs !== undefined && this.#place?.isReached === true &&
      directory.status().joined && clock.monotonic() - this.#untoldMs < untoldMsMax;
  }

  #decide(place: OuterPlace | undefined): void {
    this.#place = place;
    this.#options.onDecided();
  }
}
