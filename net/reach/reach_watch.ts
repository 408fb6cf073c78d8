/**
 * Watches whether strangers reach this peer, and at which addresses (design, section 10).
 *
 * @module
 */

import type { Clock, Directory, Endpoint, Links, Reach, ReachStatus } from "../../core/ports.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import { unicastAddress } from "../../lib/ip_address.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import { within } from "../../lib/waiting.ts";

/** How often the outer address is looked at: routers forget a UDP mapping that is quiet for longer. */
const lookMs = 30_000;

/** How soon it is looked at again while there is no network, or no other node has told. */
const retryMs = 2_000;

/** How often a verdict is checked again while nothing seems to have changed. */
const recheckMs = 15 * 60_000;

/** How long other nodes are asked what address they see. */
const askMsMax = 2_000;

/** What {@linkcode ReachWatch} needs. */
export interface ReachWatchOptions {
  /** Time. */
  readonly clock: Clock;
  /** Asks other nodes. */
  readonly directory: Pick<Directory, "publicAddress" | "isReachable" | "status">;
  /** Knows where posts come in. */
  readonly links: Pick<Links, "status">;
  /** The outer address, where it is configured; otherwise what a majority of nodes sees. */
  readonly announcedAddress?: string;
  /** This machine's addresses in its home network. */
  readonly homeAddresses: () => readonly { readonly ip: string }[];
  /** Learns of failures in the background. */
  readonly onError?: (error: Error) => void;
}

/** {@linkcode Reach} by asking other nodes. */
export class ReachWatch implements Reach {
  readonly #options: ReachWatchOptions;
  readonly #scheduler: Scheduler;
  readonly #next: Job;
  readonly #looking = new InFlight<void>();
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ReachStatus) => void>();
  #status: ReachStatus = { state: "unknown" };
  /** Where the verdict holds, and until when it is believed, on the monotonic clock. */
  #checked: { readonly place: string; readonly untilMs: number } | undefined;

  /** Nothing is asked before {@linkcode start}. */
  constructor(options: ReachWatchOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler(options.clock, options.onError ?? reportError);
    this.#next = this.#scheduler.job(() => this.#look());
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
    const outer = await this.#outerAddress(signal);
    // Where posts come in may have changed: that is checked in the background.
    this.#next.dueIn(0);
    const listening = this.#options.links.status().listening?.ip;
    const home = isAny(listening) ? this.#options.homeAddresses().map(({ ip }) => ip) : [];
    const known = [outer, listening, ...home].flatMap(dialable);
    return known.length > 0
      ? [...new Set(known)]
      : dialable(this.#options.directory.status().udp.ip);
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
    const { listening } = links.status();
    if (outerIp === undefined || listening === undefined) {
      this.#set({ state: "unknown", ...(outerIp === undefined ? {} : { outerIp }) });
      this.#checked = undefined;
      return false;
    }
    const place = placeOf(outerIp, listening);
    if (this.#checked?.place !== place) this.#set({ state: "unknown", outerIp });
    else if (clock.monotonic() < this.#checked.untilMs) return true;
    const isReachable = await directory.isReachable(listening.port, signal);
    if (isReachable === undefined) return false;
    this.#checked = { place, untilMs: clock.monotonic() + recheckMs };
    this.#set({ state: isReachable ? "direct" : "unreachable", outerIp });
    return true;
  }

  #set(status: ReachStatus): void {
    const { state, outerIp } = this.#status;
    this.#status = status;
    if (state === status.state && outerIp === status.outerIp) return;
    for (const listener of [...this.#listeners]) listener(status);
  }
}

function placeOf(outerIp: string, { ip, port }: Endpoint): string {
  return `${outerIp} ${ip} ${port}`;
}

/** Whether links are taken at all addresses of this machine. */
function isAny(ip: string | undefined): boolean {
  return ip !== undefined && dialable(ip).length === 0;
}

/** The address in its canonical form; none for "any", which no device can dial, and for what is none. */
function dialable(ip: string | undefined): string[] {
  const address = ip === undefined ? undefined : unicastAddress(ip);
  return address === undefined ? [] : [address.ip];
}
