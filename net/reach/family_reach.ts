/**
 * Whether strangers reach this peer by one family of addresses, and where.
 *
 * @module
 */

import type { Clock, Directory, Endpoint, OuterPlace } from "../../core/ports.ts";
import type { Family } from "../../lib/ip_address.ts";
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
  & Partial<Pick<PortMappings, "outerUdpPort">>;

/** How far a look has come: all is known, other nodes still have to tell, or there is no such address. */
export type Look = "known" | "open" | "none";

/** One family. */
export class FamilyReach {
  /** Which family. */
  readonly family: Family;
  readonly #options: FamilyReachOptions;
  #place: OuterPlace | undefined;
  /** Where the verdict holds, and until when it is believed, on the monotonic clock. */
  #checked: { readonly where: string; readonly untilMs: number } | undefined;
  /** Where others saw this peer last. */
  #lastIp: string | undefined;
  /** Since when no node tells the address, on the monotonic clock; undefined while one does. */
  #untoldMs: number | undefined;
  /** How often in a row others did not connect, and where. */
  #denied = { where: "", times: 0 };

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
    const { clock, directory, mappings, family, isOwn } = this.#options;
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
    if (this.#checked?.where !== where) this.#decide({ ip });
    else if (clock.monotonic() < this.#checked.untilMs) return "known";
    const isReached = await directory.isReachable(door.port, family, signal);
    if (isReached === undefined) return "open";
    const times = this.#count(where, isReached);
    // Nothing seems to stand in the way: one connection may have failed on a bad line.
    if (times === 1 && (this.#place?.isReached || isOwn(ip))) return "open";
    // Relays are looked for while the router is asked, which may take seconds.
    if (!isReached && mappings && this.#place?.port === undefined) this.#decide({ ip, isReached });
    const port = isReached ? undefined : await this.#openRouter(door.port, signal);
    const place = port === undefined ? { ip, isReached } : { ip, isReached: true, port };
    const validMs = place.isReached
      ? recheckMs
      : Math.min(doubtMs * 2 ** Math.max(times - 2, 0), recheckMs);
    this.#checked = { where, untilMs: clock.monotonic() + validMs };
    const udpPort = mappings?.outerUdpPort;
    const isOther = udpPort !== undefined && udpPort !== directory.status().udp.port;
    this.#decide(isOther && place.isReached ? { ...place, udpPort } : place);
    return "known";
  }

  /** Counts verdicts that others do not connect; how many there were in a row, with this one. */
  #count(where: string, isReached: boolean): number {
    const before = this.#denied.where === where ? this.#denied.times : 0;
    const times = isReached ? 0 : before + 1;
    this.#denied = { where, times };
    return times;
  }

  /** Asks the home router to let others in; the TCP port there, if they come in then. */
  async #openRouter(port: number, signal: AbortSignal): Promise<number | undefined> {
    const { mappings, directory, family } = this.#options;
    const udp = directory.status().udp.port;
    const outerPort = await mappings?.open({ tcp: port, udp });
    if (outerPort === undefined) return undefined;
    if (await directory.isReachable(outerPort, family, signal)) return outerPort;
    // A carrier's router stands behind the home's.
    await mappings?.release();
    return undefined;
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
