/**
 * The front door: the one TCP port at which a peer is reached.
 *
 * libzmq accepts whatever comes, and at the limit of descriptors its thread spins. So a listener of our
 * own accepts, counts connections by address and network, and looks at the first byte of each. A ZMTP
 * greeting is joined to the PULL socket, which listens on this machine alone; what has another meaning
 * is handed to the service for it; everything else is closed.
 * What a connection sends is counted too, and a sender beyond its budget is read more slowly, which
 * TCP passes on to it.
 *
 * @module
 */

import { openForBoth } from "../../lib/dual_stack.ts";
import { type Endpoint, type IpAddress, ipAddress } from "../../lib/ip_address.ts";
import { type Network, type NetworkLimits, networksOf } from "../../lib/networks.ts";
import type { Time, Timer } from "../../lib/time.ts";
import { pause, settledWithin } from "../../lib/waiting.ts";
import {
  acceptPauseMs,
  doorLookMs,
  farewellMsMax,
  firstByteMsMax,
  largeBuffersMax,
  relayedPerRelayMax,
  silentMsMax,
  silentMsMin,
  speechBytesMin,
} from "./link_limits.ts";
import { type SenderBudget, SenderBudgets, type SenderRates } from "./sender_budgets.ts";
import { connectInside, type InsideAddress, passOut } from "./inside.ts";
import { firstBytes, writeAll } from "./byte_reader.ts";
import { ReceiptGiver } from "./receipts.ts";
import { ZmtpFrames } from "./zmtp_frames.ts";

/** The first byte of a ZMTP greeting (ZMTP 3.1, section 2.2). */
const zmtpByte = 0xff;

/** Bytes read at once: from a caller, and from one that fills that. */
const bufferBytes = { small: 4_096, large: 262_144 } as const;

/** What the door allows. */
export interface DoorBounds extends SenderRates {
  /** Connections in all. Each takes three descriptors: outside, inside, and libzmq's own. */
  readonly connectionsMax: number;
  /** Connections of one address. */
  readonly perAddressMax: number;
  /** Connections of one network, by depth. */
  readonly perNetwork: NetworkLimits;
}

/** A connection that a service of the front door serves. It is closed when the service is done with it. */
export interface Caller {
  /** The connection. */
  readonly conn: Deno.TcpConn;
  /** Where it came from. */
  readonly address: IpAddress;
  /** What it said first, one byte at least. */
  readonly first: Uint8Array;
  /** It said something: it is not among those that make room for others. */
  spoke(): void;
  /** Closes it. Idempotent. */
  end(): void;
}

/** Serves connections that begin with a certain byte. It may reject. */
export type DoorService = (caller: Caller) => Promise<void>;

/** How a {@linkcode FrontDoor} is built. */
export interface FrontDoorOptions {
  /** Where to listen, `::` for both families; port 0 for any free one. */
  readonly listen: Endpoint;
  /** Time. */
  readonly time: Pick<Time, "after" | "monotonic">;
  /** What is allowed. */
  readonly bounds: DoorBounds;
  /** Whether an address is bounded only by the connections in all: loopback, for a peer that is there itself. */
  readonly isExempt: (address: IpAddress) => boolean;
  /** Where the PULL socket listens; undefined while there is none. */
  readonly inside: () => InsideAddress | undefined;
  /** Told when a message may have been passed inside: one whole message, as it seems, or anything. */
  readonly onNews?: (isOne: boolean) => void;
  /** What else the door is for, by the first byte that a caller says. Default: nothing. */
  readonly services?: ReadonlyMap<number, DoorService>;
  /** Where a caller is; replaceable for tests. */
  readonly addressOf?: (conn: Deno.TcpConn) => IpAddress | undefined;
}

/** Connections that share an address or a network, and how many there may be. */
interface Crowd {
  readonly name: string;
  readonly most: number;
  /** Whether no other crowd here contains it. */
  readonly isWidest: boolean;
  readonly visits: Set<Visit>;
}

/** One connection that is open. */
interface Visit {
  readonly outside: Deno.TcpConn;
  readonly address: IpAddress;
  /** Whether it came through a relay, and not through the door: then it may only send messages. */
  readonly isRelayed: boolean;
  inside: Deno.Conn | undefined;
  /** The crowds that it belongs to, the narrowest first. */
  readonly crowds: readonly Crowd[];
  readonly budget: SenderBudget;
  /** When it connected, or said something that may be a message, on the monotonic clock. */
  spokeMs: number;
}

/** See the module. */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  /** One that takes both families, or one for each; and those of further ports. */
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #visits = new Set<Visit>();
  /** Crowds that are not empty, by name. */
  readonly #crowds = new Map<string, Crowd>();
  readonly #budgets: SenderBudgets;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #looking: Timer;
  #largeBuffers = 0;
  #refused = 0;

  /**
   * Listens at once.
   *
   * @throws What Deno.listen throws, such as Deno.errors.AddrInUse.
   */
  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#budgets = new SenderBudgets(options.time, options.bounds);
    this.listenAlso(options.listen);
    this.#looking = this.#lookLater();
  }

  /** Lets callers in at another port, too. @throws What the constructor throws. */
  listenAlso(at: Endpoint): void {
    const listeners = openForBoth(at, {
      open: ({ ip, port }) => Deno.listen({ hostname: ip, port }),
      portOf: ({ addr }) => addr.port,
    });
    this.#listeners.push(...listeners);
    for (const listener of listeners) this.#run(this.#accept(listener));
  }

  /** Where it listens. */
  get port(): number {
    return this.#listeners[0]?.addr.port ?? 0;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#visits.size;
  }

  /** Connections that were sent away since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Stops listening and closes every connection. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#looking.cancel();
      for (const listener of this.#listeners) listener.close();
      for (const visit of this.#visits) this.#end(visit);
    }
    await Promise.all(this.#running);
  }

  /** Remembers work that {@linkcode close} has to wait for; it must not reject. */
  #run(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Accepts until closed; never rejects. */
  async #accept(listener: Deno.TcpListener): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#admit(await listener.accept());
      } catch {
        // The caller left at once, or no descriptor is left.
        await pause(this.#options.time, acceptPauseMs, signal);
      }
    }
  }

  #admit(outside: Deno.TcpConn): void {
    const { isExempt, addressOf = addressOfCaller } = this.#options;
    const address = addressOf(outside);
    if (address === undefined || this.#closing.signal.aborted) return this.#refuse(outside);
    const networks = isExempt(address) ? [] : networksOf(address);
    this.#visit(outside, { address, networks, isRelayed: false });
  }

  /**
   * Lets in a connection that this peer made to a relay, whose other end a sender of messages has now.
   * `address` is the relay's. Resolves once it has ended.
   */
  async receive(outside: Deno.TcpConn, address: IpAddress): Promise<void> {
    if (this.#closing.signal.aborted) return outside.close();
    await this.#visit(outside, { address, networks: networksOf(address), isRelayed: true });
  }

  #visit(
    outside: Deno.TcpConn,
    { address, networks, isRelayed }: Pick<Visit, "address" | "isRelayed"> & {
      readonly networks: readonly Network[];
    },
  ): Promise<void> | void {
    const crowds = isRelayed
      ? [this.#crowd(`relay ${address.ip}`, relayedPerRelayMax, true)]
      : this.#crowdsOf(address, networks);
    if (!this.#hasRoom(crowds)) return this.#refuse(outside);
    const budget = this.#budgets.of(networks);
    const spokeMs = this.#options.time.monotonic();
    const visit = { outside, address, isRelayed, inside: undefined, crowds, budget, spokeMs };
    this.#visits.add(visit);
    for (const crowd of crowds) {
      crowd.visits.add(visit);
      this.#crowds.set(crowd.name, crowd);
    }
    // Whatever goes wrong with a connection ends it.
    const ended = this.#receive(visit).catch(() => {}).finally(() => this.#end(visit));
    this.#run(ended);
    return ended;
  }

  /** The crowds of an address, the narrowest first; without networks it is exempt. */
  #crowdsOf(address: IpAddress, networks: readonly Network[]): Crowd[] {
    const { connectionsMax, perAddressMax, perNetwork } = this.#options.bounds;
    if (networks.length === 0) return [this.#crowd("exempt", connectionsMax, true)];
    return [
      this.#crowd(address.ip, perAddressMax, false),
      ...networks.map(({ name, depth }, i) =>
        this.#crowd(name, perNetwork[depth], i === networks.length - 1)
      ),
    ];
  }

  #crowd(name: string, most: number, isWidest: boolean): Crowd {
    return this.#crowds.get(name) ?? { name, most, isWidest, visits: new Set() };
  }

  /** Whether one more connection of these crowds is allowed, after silent ones have made room for it. */
  #hasRoom(crowds: readonly Crowd[]): boolean {
    const hasRoom = crowds.every(({ most, visits }) =>
      visits.size < most || this.#endSilent(visits, silentMsMin)
    );
    if (!hasRoom || this.#visits.size < this.#options.bounds.connectionsMax) return hasRoom;
    const widest = crowds.at(-1)?.visits ?? new Set();
    const busiest = this.#busiest();
    // A network with fewer connections gets its share from the one with the most, silent or not.
    return this.#endSilent(busiest, busiest.size > widest.size + 1 ? 0 : silentMsMin);
  }

  /** The connections of the widest network that has the most. */
  #busiest(): ReadonlySet<Visit> {
    let busiest: ReadonlySet<Visit> = new Set();
    for (const { isWidest, visits } of this.#crowds.values()) {
      if (isWidest && visits.size > busiest.size) busiest = visits;
    }
    return busiest;
  }

  /** Closes the connection that has been silent for the longest time, if for so long; whether it did. */
  #endSilent(visits: Iterable<Visit>, silentMs: number): boolean {
    let quietest: Visit | undefined;
    for (const visit of visits) {
      if (quietest === undefined || visit.spokeMs < quietest.spokeMs) quietest = visit;
    }
    if (quietest === undefined) return false;
    if (this.#options.time.monotonic() - quietest.spokeMs < silentMs) return false;
    this.#refused++;
    this.#end(quietest);
    return true;
  }

  #refuse(outside: Deno.TcpConn): void {
    this.#refused++;
    outside.close();
  }

  /** Closes, now and then, what has said nothing for long. */
  #lookLater(): Timer {
    return this.#options.time.after(doorLookMs, () => {
      this.#looking = this.#lookLater();
      const sinceMs = this.#options.time.monotonic() - silentMsMax;
      for (const visit of this.#visits) if (visit.spokeMs < sinceMs) this.#end(visit);
    });
  }

  /** Closes a connection; harmless when it is closed. */
  #end(visit: Visit): void {
    if (!this.#visits.delete(visit)) return;
    for (const { name, visits } of visit.crowds) {
      visits.delete(visit);
      if (visits.size === 0) this.#crowds.delete(name);
    }
    for (const conn of [visit.outside, visit.inside]) {
      try {
        conn?.close();
      } catch {
        // The other side has closed it already.
      }
    }
  }

  /** Finds out what the caller wants, and serves it until one side ends. */
  async #receive(visit: Visit): Promise<void> {
    const deadline = this.#options.time.after(firstByteMsMax, () => this.#end(visit));
    const first = await firstBytes(visit.outside, bufferBytes.small)
      .finally(() => deadline.cancel());
    if (first === undefined) return;
    if (first[0] === zmtpByte) return await this.#join(visit, first);
    const service = visit.isRelayed ? undefined : this.#options.services?.get(first[0] ?? 0);
    if (service === undefined) this.#refused++;
    else await service(this.#callerOf(visit, first));
  }

  #callerOf(visit: Visit, first: Uint8Array): Caller {
    const { outside: conn, address } = visit;
    conn.setNoDelay(true);
    const spoke = () => void (visit.spokeMs = this.#options.time.monotonic());
    return { conn, address, first, spoke, end: () => this.#end(visit) };
  }

  /** Joins a caller that speaks ZMTP to the PULL socket, until one side ends. */
  async #join(visit: Visit, first: Uint8Array): Promise<void> {
    const address = this.#options.inside();
    if (address === undefined) return;
    const { outside } = visit;
    const inside = await connectInside(address);
    if (!this.#visits.has(visit)) return inside.close();
    visit.inside = inside;
    outside.setNoDelay(true);
    const { time } = this.#options;
    const receipts = visit.isRelayed ? new ReceiptGiver(time, outside) : undefined;
    const write = (bytes: Uint8Array) => receipts?.write(bytes) ?? writeAll(outside, bytes);
    const answers = passOut(inside, write);
    const passed = (bytes: Uint8Array) => receipts?.received(bytes);
    const messages = this.#passIn(visit, first, inside, passed).then(async () => {
      // What was passed on is still to be read by libzmq, which closes its side then.
      await inside.closeWrite();
      await settledWithin(time, answers, farewellMsMax);
    });
    await Promise.race([messages, answers]).finally(() => receipts?.close());
  }

  /**
   * Passes on what the caller sends, as fast as its budget allows, until it has no more to say. `onPassed` learns
   * what was passed on.
   */
  async #passIn(
    visit: Visit,
    first: Uint8Array,
    inside: Deno.Conn,
    onPassed: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const { time } = this.#options;
    const frames = new ZmtpFrames();
    const small = new Uint8Array(bufferBytes.small);
    let large: Uint8Array | undefined;
    try {
      for (let bytes = first;;) {
        const waitMs = visit.budget.spend(bytes.length, frames.count(bytes));
        if (waitMs > 0) await pause(time, waitMs, this.#closing.signal);
        await writeAll(inside, bytes);
        onPassed(bytes);
        if (bytes.length >= speechBytesMin) visit.spokeMs = time.monotonic();
        if (frames.news) this.#options.onNews?.(frames.news === "one");
        const isFull = bytes.length >= small.length;
        if (isFull && large === undefined && this.#largeBuffers < largeBuffersMax) {
          this.#largeBuffers++;
          large = new Uint8Array(bufferBytes.large);
        } else if (!isFull && large !== undefined) {
          this.#largeBuffers--;
          large = undefined;
        }
        const space = large ?? small;
        const read = await visit.outside.read(space);
        if (read === null) return;
        bytes = space.subarray(0, read);
      }
    } finally {
      if (large !== undefined) this.#largeBuffers--;
    }
  }
}

function addressOfCaller(conn: Deno.TcpConn): IpAddress | undefined {
  return ipAddress(conn.remoteAddr.hostname);
}
