/**
 * Watches whether strangers reach this peer, and at which addresses (design, section 10).
 *
 * @module
 */

import type { Clock, Directory, Links, Reach, ReachStatus } from "../../core/ports.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import { formatHostPort, unicastAddress } from "../../lib/ip_address.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import { within } from "../../lib/waiting.ts";
import type { PortMappings } from "./port_mappings.ts";
import type { RelayClient } from "./relay_client.ts";

/** How often the outer address is looked at: routers forget a UDP mapping that is quiet for longer. */
const lookMs = 30_000;

/** How soon it is looked at again while there is no network, or no other node has told. */
const retryMs = 2_000;

/** How often a verdict is checked again while nothing seems to have changed. */
const recheckMs = 15 * 60_000;

/** How long other nodes are asked what address they see. */
const askMsMax = 2_000;

/** How long an announcement waits for a relay, where others do not reach this peer directly. */
const relayMsMax = 1_500;

/** What {@linkcode ReachWatch} needs. */
export interface ReachWatchOptions {
  /** Time. */
  readonly clock: Clock;
  /** Asks other nodes. */
  readonly directory: Pick<Directory, "publicAddress" | "isReachable" | "status">;
  /** Knows where connections come in. */
  readonly links: Pick<Links, "status">;
  /** Reaches this peer through others where they do not reach it directly; default: nothing does. */
  readonly relays?: Pick<RelayClient, "start" | "stop" | "addresses" | "reserved">;
  /** Asks the home router to let others in; default: it is not asked. */
  readonly mappings?: Pick<PortMappings, "open" | "release">;
  /** Whether relays alone are announced, so that this peer's own address is in no record. */
  readonly relaysOnly?: boolean;
  /** The outer address, where it is configured; otherwise what a majority of nodes sees. */
  readonly announcedAddress?: string;
  /** This machine's addresses in its home network. */
  readonly homeAddresses: () => readonly { readonly ip: string }[];
  /** Learns of failures in the background. */
  readonly onError?: (error: Error) => void;
}

/** What other nodes found out: whether they can connect, and at which address they see this peer. */
interface Verdict {
  readonly outerIp?: string;
  readonly isReachable?: boolean;
  /** The TCP port at the home router, where that lets others in because it was asked to. */
  readonly mappedPort?: number;
}

/** {@linkcode Reach} by asking other nodes. */
export class ReachWatch implements Reach {
  readonly #options: ReachWatchOptions;
  readonly #scheduler: Scheduler;
  readonly #next: Job;
  readonly #looking = new InFlight<void>();
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ReachStatus) => void>();
  #status: ReachStatus = { state: "unknown", relays: 0 };
  #verdict: Verdict = {};
  /** What the listeners were told last. */
  #told: string;
  /** Where the verdict holds, and until when it is believed, on the monotonic clock. */
  #checked: { readonly place: string; readonly untilMs: number } | undefined;

  /** Nothing is asked before {@linkcode start}. */
  constructor(options: ReachWatchOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler(options.clock, options.onError ?? reportError);
    this.#next = this.#scheduler.job(() => this.#look());
    this.#told = JSON.stringify([this.#status, []]);
  }

  /** Begins to watch. */
  start(): void {
    this.#next.dueIn(0);
  }

  /** Ends everything that goes on in the background. */
  close(): void {
    this.#closing.abort();
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
    // What is announced before a relay is found would have to be announced again, and answers be lost.
    await relays?.reserved(relayMsMax);
    signal?.throwIfAborted();
    if (relaysOnly) return this.#relays();
    const { mappedPort } = this.#verdict;
    const outer = dialable(await this.#outerAddress(signal))
      .map((ip) => mappedPort === undefined ? ip : formatHostPort(ip, mappedPort));
    const listening = links.status().listening?.ip;
    const isAny = listening !== undefined && dialable(listening).length === 0;
    const home = isAny ? homeAddresses().map(({ ip }) => ip) : [];
    const near = [listening, ...home].flatMap(dialable);
    const passing = this.#relays();
    // A peer of the same home knows by the outer address that it is one; others try in this order.
    const known = passing.length > 0 ? [...near, ...passing, ...outer] : [...outer, ...near];
    return known.length > 0 ? [...new Set(known)] : dialable(directory.status().udp.ip);
  }

  /** To be called when the relays that pass on to this peer have changed. */
  relaysChanged(): void {
    this.#tell();
  }

  #relays(): string[] {
    return this.#options.relays?.addresses() ?? [];
  }

  /** The configured outer address, or what other nodes see; they are asked 2 s at most. */
  async #outerAddress(signal?: AbortSignal): Promise<string | undefined> {
    const { clock, directory, announcedAddress } = this.#options;
    return announcedAddress ?? await within(
      { clock, ms: askMsMax },
      (limit) => directory.publicAddress(limit),
      signal,
    );
  }

  #look(): Promise<void> {
    return this.#looking.run("", async () => {
      const { signal } = this.#closing;
      try {
        const isKnown = await this.#lookOnce(signal);
        this.#next.dueIn(isKnown ? lookMs : retryMs);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    });
  }

  /** Looks at address and port, and has them checked where that is due; whether all is known now. */
  async #lookOnce(signal: AbortSignal): Promise<boolean> {
    const { clock, directory, links } = this.#options;
    const outerIp = directory.status().joined ? await this.#outerAddress(signal) : undefined;
    const { door } = links.status();
    if (outerIp === undefined || door === undefined) {
      this.#decide(outerIp === undefined ? {} : { outerIp });
      this.#checked = undefined;
      return false;
    }
    const place = `${outerIp} ${door.ip} ${door.port}`;
    if (this.#checked?.place !== place) this.#decide({ outerIp });
    else if (clock.monotonic() < this.#checked.untilMs) return true;
    const isReachable = await directory.isReachable(door.port, signal);
    if (isReachable === undefined) return false;
    // Relays are looked for while the router is asked, which may take seconds.
    if (!isReachable && this.#options.mappings && this.#verdict.mappedPort === undefined) {
      this.#decide({ outerIp, isReachable });
    }
    const mappedPort = isReachable ? undefined : await this.#openRouter(door.port, signal);
    this.#checked = { place, untilMs: clock.monotonic() + recheckMs };
    this.#decide({
      outerIp,
      isReachable: isReachable || mappedPort !== undefined,
      ...(mappedPort === undefined ? {} : { mappedPort }),
    });
    return true;
  }

  /** Asks the home router to let others in; the TCP port there, if they come in then. */
  async #openRouter(port: number, signal: AbortSignal): Promise<number | undefined> {
    const { mappings, directory } = this.#options;
    const udp = directory.status().udp.port;
    const outerPort = await mappings?.open({ tcp: port, udp });
    if (outerPort === undefined) return undefined;
    if (await directory.isReachable(outerPort, signal)) return outerPort;
    // A carrier's router stands behind the home's.
    await mappings?.release();
    return undefined;
  }

  #decide(verdict: Verdict): void {
    const { relays, relaysOnly } = this.#options;
    this.#verdict = verdict;
    // While nothing is known, the relays that there are stay.
    if (relaysOnly || verdict.isReachable === false) relays?.start();
    else if (verdict.isReachable) relays?.stop();
    this.#tell();
  }

  /** Tells the listeners, if anything has changed. */
  #tell(): void {
    const { isReachable, outerIp, mappedPort } = this.#verdict;
    const relays = this.#relays();
    const open = mappedPort === undefined ? "direct" : "mapped";
    const found = isReachable === undefined ? "unknown" : isReachable ? open : "unreachable";
    const isRelayed = relays.length > 0 && (this.#options.relaysOnly || !isReachable);
    this.#status = {
      state: isRelayed ? "relayed" : found,
      relays: relays.length,
      ...(outerIp === undefined ? {} : { outerIp }),
      ...(mappedPort === undefined ? {} : { outerPort: mappedPort }),
    };
    const told = JSON.stringify([this.#status, relays]);
    if (told === this.#told) return;
    this.#told = told;
    for (const listener of [...this.#listeners]) listener(this.#status);
  }
}

/** The address in its canonical form; none for "any", which no device can dial, and for what is none. */
function dialable(ip: string | undefined): string[] {
  const address = ip === undefined ? undefined : unicastAddress(ip);
  return address === undefined ? [] : [address.ip];
}
