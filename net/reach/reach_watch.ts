/**
 * Watches whether strangers reach this peer, and at which addresses (design, section 10).
 *
 * @module
 */

import type {
  Clock,
  Directory,
  Endpoint,
  Links,
  OuterPlace,
  Reach,
  ReachStatus,
} from "../../core/ports.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import { families, familyOf, unicastAddress } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import { FamilyReach, type Look, type RouterMappings } from "./family_reach.ts";
import { type RelayClient, type RelayNeed, theOnlyWay } from "./relay_client.ts";

/** How often the outer address is looked at: routers forget a UDP mapping that is quiet for longer. */
const lookMs = 30_000;

/** How soon it is looked at again while there is no network, or no other node has told. */
const retryMs = 2_000;

/**
 * How often it is looked at again so soon for a family of which no node tells, once another is known: few
 * nodes may have that family.
 */
const retriesMax = 5;

/** How long an announcement waits for a relay, where others do not reach this peer directly. */
const relayMsMax = 1_500;

/** What {@linkcode ReachWatch} needs. */
export interface ReachWatchOptions {
  /** Time. */
  readonly clock: Clock;
  /** Asks other nodes. */
  readonly directory: Pick<Directory, "publicAddress" | "isReachable" | "status" | "onChange">;
  /** Knows where connections come in. */
  readonly links: Pick<Links, "status">;
  /** Reaches this peer through others where they do not reach it directly; default: nothing does. */
  readonly relays?: Pick<RelayClient, "start" | "stop" | "addresses" | "count" | "reserved">;
  /** Asks the home router to let others in, by IPv4; default: it is not asked. */
  readonly mappings?: RouterMappings;
  /** Whether relays alone are announced, so that this peer's own address is in no record. */
  readonly relaysOnly?: boolean;
  /** Whether the peer runs until it is ended, and is to be reached without a user, too; default: no. */
  readonly stays?: boolean;
  /** The outer address, where it is configured; otherwise what a majority of nodes sees, of either family. */
  readonly announcedAddress?: string;
  /** This machine's addresses in its home network. */
  readonly homeAddresses: () => readonly { readonly ip: string }[];
  /** This machine's addresses that lead out of it; default: those in its home network. */
  readonly leadingAddresses?: () => readonly string[];
  /**
   * Called when others see this peer at another address than before: connections that were made from the old
   * one are dead, and most do not tell.
   */
  readonly onMoved?: () => void;
  /** Learns of failures in the background. */
  readonly onError?: (error: Error) => void;
}

/** {@linkcode Reach} by asking other nodes. */
export class ReachWatch implements Reach {
  readonly #options: ReachWatchOptions;
  readonly #onError: (error: Error) => void;
  readonly #scheduler: Scheduler;
  readonly #next: Job;
  readonly #looking = new InFlight<void>();
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ReachStatus) => void>();
  readonly #families: readonly FamilyReach[];
  /** Looks in a row at which one family was known and the other was not. */
  #retries = 0;
  #status: ReachStatus = { state: "unknown", relays: 0, places: [] };
  /** What the listeners were told last. */
  #told: string;
  #stopListening: () => void = () => {};

  /** Nothing is asked before {@linkcode start}. */
  constructor(options: ReachWatchOptions) {
    const { clock, directory, announcedAddress, mappings } = options;
    this.#options = options;
    this.#onError = options.onError ?? reportError;
    this.#scheduler = new Scheduler(clock, this.#onError);
    this.#next = this.#scheduler.job(() => this.#look());
    this.#told = JSON.stringify([this.#status, []]);
    // One configured address is all that is to be announced.
    const watched = announcedAddress === undefined ? families : [familyOf(announcedAddress)];
    this.#families = watched.map((family) =>
      new FamilyReach({
        family,
        clock,
        directory,
        ...(announcedAddress === undefined ? {} : { announcedAddress }),
        // The protocols that ask a router for a port are IPv4's.
        mappings: family === 4 ? mappings : undefined,
        isOwn: (ip) => this.#isOwn(ip),
        isToBeReached: () =>
          options.stays === true || options.links.status().listening !== undefined,
        onDecided: () => this.#decided(),
        onMoved: () => this.#options.onMoved?.(),
      })
    );
  }

  /** Begins to watch. */
  start(): void {
    // The outer address and the verdict are known by the time that a user is logged in.
    this.#stopListening = this.#options.directory.onChange(({ joined }) => {
      if (joined) this.#next.dueIn(0);
    });
    this.#next.dueIn(0);
  }

  /** Ends everything that goes on in the background. */
  close(): void {
    this.#closing.abort();
    this.#stopListening();
    this.#scheduler.close();
    this.#listeners.clear();
  }

  status(): ReachStatus {
    return this.#status;
  }

  onChange(fn: (status: ReachStatus) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  async addresses(signal?: AbortSignal): Promise<string[]> {
    const { relays, relaysOnly, links, homeAddresses, directory } = this.#options;
    // Where posts come in may have changed: that is checked in the background.
    this.#next.dueIn(0);
    const { door } = links.status();
    if (door !== undefined) { for (const one of this.#families) one.prepare(door); }
    // What is announced before a relay is found would have to be announced again, and answers be lost.
    await relays?.reserved(relayMsMax);
    signal?.throwIfAborted();
    if (relaysOnly) return this.#relays();
    const places = (await Promise.all(this.#families.map((one) => placeNow(one, signal)))).flat();
    const { listening } = links.status();
    const isAny = listening !== undefined && dialable(listening.ip).length === 0;
    const home = isAny ? homeAddresses().map(({ ip }) => ip) : [];
    const near = [listening?.ip, ...home].flatMap(dialable);
    const known = inOrder({ places, near, passing: this.#relays(), own: listening?.port });
    return known.length > 0 ? known : dialable(directory.status().udp.ip);
  }

  local(): string[] {
    const { directory, relaysOnly } = this.#options;
    if (relaysOnly) return [];
    const bound = dialable(directory.status().udp.ip);
    return bound.length > 0 ? bound : [...this.#leading()];
  }

  /**
   * Public addresses of this machine, or the configured one, at which no other node has tried to connect. In
   * a network that has just begun there is none to try: those who need a relay find out by connecting.
   */
  untried(): string[] {
    const { announcedAddress, relaysOnly } = this.#options;
    if (relaysOnly) return [];
    const own = announcedAddress === undefined ? this.#leading() : [announcedAddress];
    return own.filter((ip) => {
      if (unicastAddress(ip)?.kind !== "public") return false;
      const place = this.#families.find(({ family }) => family === familyOf(ip))?.place;
      return place === undefined || (place.ip === ip && place.isReached === undefined);
    });
  }

  /** To be called when the relays that pass on to this peer have changed. */
  relaysChanged(): void {
    this.#tell();
  }

  /** To be called when the outer address may have changed. */
  lookNow(): void {
    this.#next.dueIn(0);
  }

  #relays(): string[] {
    return this.#options.relays?.addresses() ?? [];
  }

  #look(): Promise<void> {
    return this.#looking.run("", async () => {
      const { signal } = this.#closing;
      const { door } = this.#options.links.status();
      const looks = await Promise.all(this.#families.map((one) => this.#lookAt(one, door)));
      if (signal.aborted) return;
      const isKnown = looks.includes("known");
      const isOpen = looks.includes("open");
      this.#retries = isKnown && isOpen ? this.#retries + 1 : 0;
      const isEnough = isKnown && (!isOpen || this.#retries > retriesMax);
      this.#next.dueIn(isEnough ? lookMs : retryMs);
    });
  }

  /** A look at one family. One that fails is made again, and keeps the other family from nothing. */
  async #lookAt(one: FamilyReach, door: Endpoint | undefined): Promise<Look> {
    const { signal } = this.#closing;
    try {
      return await one.look(door, signal);
    } catch (error) {
      if (!signal.aborted) this.#onError(error instanceof Error ? error : new Error(String(error)));
      return "open";
    }
  }

  #decided(): void {
    const { relays } = this.#options;
    const need = this.#need();
    if (need === "none") relays?.stop();
    else if (need !== undefined) relays?.start(need);
    this.#tell();
  }

  /** What relays are needed for; undefined while nothing is known: then those that there are stay. */
  #need(): RelayNeed | "none" | undefined {
    if (this.#options.relaysOnly) return theOnlyWay;
    const found = this.#families.map(({ place }) => place?.isReached);
    if (!found.includes(true)) {
      return found.includes(false) || this.#isTranslated ? theOnlyWay : undefined;
    }
    // Others may have one family alone: those that reach this peer by neither need a relay that has both.
    const lacking = families.filter((family) =>
      !this.#families.some((one) => one.family === family && one.place?.isReached)
    );
    return lacking.length === 0 ? "none" : { lacking, isOnlyWay: false };
  }

  /**
   * Whether a router stands before this machine: others see it at an address that it does not have. Most
   * such routers let nothing in, and to find that out for sure takes seconds: relays are kept meanwhile.
   */
  get #isTranslated(): boolean {
    if (this.#options.announcedAddress !== undefined || this.#leading().length === 0) return false;
    return this.#families.some(({ place }) =>
      place !== undefined && place.isReached === undefined && !this.#isOwn(place.ip)
    );
  }

  /** Whether this machine has an address: who sees it at a loopback address is on it, before any router. */
  #isOwn(ip: string): boolean {
    return this.#leading().includes(ip) || unicastAddress(ip)?.kind === "loopback";
  }

  #leading(): readonly string[] {
    const { homeAddresses, leadingAddresses } = this.#options;
    return leadingAddresses?.() ?? homeAddresses().map(({ ip }) => ip);
  }

  /** Tells the listeners, if anything has changed. */
  #tell(): void {
    const { relays, relaysOnly } = this.#options;
    const places = this.#families.flatMap(({ place }) => place ?? []);
    const count = relays?.count ?? 0;
    const reached = places.filter(({ isReached }) => isReached);
    const isReached = reached.length > 0;
    const open = reached.every(({ port }) => port !== undefined) ? "mapped" : "direct";
    const isUnreached = places.some((place) => place.isReached === false);
    const found = isReached ? open : isUnreached ? "unreachable" : "unknown";
    const isRelayed = count > 0 && (relaysOnly || !isReached);
    this.#status = { state: isRelayed ? "relayed" : found, relays: count, places };
    const told = JSON.stringify([this.#status, this.#relays()]);
    if (told === this.#told) return;
    this.#told = told;
    for (const listener of [...this.#listeners]) listener(this.#status);
  }
}

/** Where others see this peer now; asks them. What was found out holds for the address that it was found at. */
async function placeNow(one: FamilyReach, signal?: AbortSignal): Promise<OuterPlace[]> {
  const told = await one.outerAddress(signal);
  if (told === undefined && one.place?.isReached) return [one.place];
  return dialable(told).map((ip) => {
    const { place } = one;
    return place?.ip === ip ? place : { ip, ...(place?.port ? { port: place.port } : {}) };
  });
}

/** The addresses to announce, the likeliest first; `own`: the port that is announced with them. */
function inOrder(
  { places, near, passing, own }: {
    readonly places: readonly OuterPlace[];
    readonly near: readonly string[];
    readonly passing: readonly string[];
    readonly own: number | undefined;
  },
): string[] {
  const textOf = ({ ip, port = own }: OuterPlace) =>
    port === undefined || port === own ? ip : formatHostPort(ip, port);
  const proven = places.filter(({ isReached }) => isReached).map(textOf);
  // A peer of the same home knows by the IPv4 address that it is one. No home shares an IPv6 address, and
  // most routers let nothing in there: it is announced once proven, or where nothing else is known.
  const isWorthATry = ({ ip, isReached }: OuterPlace) =>
    !isReached && (familyOf(ip) === 4 || (isReached === undefined && places.length === 1));
  const tried = places.filter(isWorthATry).map(textOf);
  const known = proven.length > 0
    ? [...proven, ...near, ...passing, ...tried]
    : passing.length > 0
    ? [...near, ...passing, ...tried]
    : [...tried, ...near];
  if (known.length > 0) return [...new Set(known)];
  return places.map(textOf);
}

/** The address in its canonical form; none for "any", which no device can dial, and for what is none. */
function dialable(ip: string | undefined): string[] {
  const address = ip === undefined ? undefined : unicastAddress(ip);
  return address === undefined ? [] : [address.ip];
}
