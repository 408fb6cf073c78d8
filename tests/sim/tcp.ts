/**
 * TCP connections between simulated machines, byte by byte: what relays and the devices behind them say to
 * one another. Bytes take time, wait out a partition as TCP does, and end with the machine's peer.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import type { SimLinkNetwork } from "./links_network.ts";

/** What is not let through is sent again so often, in milliseconds, and given up after so many times. */
const againMs = 1_000;
const againMax = 300;

/** Takes the connections to one place. */
export type TakeConnection = (end: TcpEnd, fromIp: string) => void;

/** Something in one direction: bytes, or the end when there are none. */
type Sent = Uint8Array | undefined;

/** One direction of a connection. */
class Way {
  readonly #tcp: SimTcp;
  readonly #fromIp: string;
  readonly #toIp: string;
  readonly #under: Sent[] = [];
  readonly #arrived: Uint8Array[] = [];
  #earliestMs = 0;
  #tries = 0;
  #isMoving = false;
  #isOver = false;
  #isCut = false;
  #wake = Promise.withResolvers<void>();

  constructor(tcp: SimTcp, fromIp: string, toIp: string) {
    this.#tcp = tcp;
    this.#fromIp = fromIp;
    this.#toIp = toIp;
  }

  send(sent: Sent): void {
    this.#under.push(sent?.slice());
    this.#move();
  }

  /** Nothing arrives any more, and neither side is told. */
  cut(): void {
    this.#isCut = true;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const [first] = this.#arrived;
      if (first !== undefined) {
        const taken = first.subarray(0, into.length);
        into.set(taken);
        if (taken.length < first.length) this.#arrived[0] = first.subarray(taken.length);
        else this.#arrived.shift();
        return taken.length;
      }
      if (this.#isOver) return null;
      await this.#wake.promise;
    }
  }

  /** The reader has closed: what arrives is for no one. */
  finish(): void {
    this.#isOver = true;
    this.#news();
  }

  #move(): void {
    if (this.#isMoving || this.#under.length === 0) return;
    this.#isMoving = true;
    const { clock } = this.#tcp.network;
    const now = clock.monotonic();
    this.#earliestMs = Math.max(
      this.#earliestMs,
      now + this.#tcp.latencyMs(this.#fromIp, this.#toIp),
    );
    clock.after(this.#earliestMs - now, () => this.#arrive());
  }

  #arrive(): void {
    if (this.#isCut) return;
    const { network } = this.#tcp;
    if (!network.isReachable(this.#fromIp, this.#toIp)) {
      if (this.#tries++ < againMax) network.clock.after(againMs, () => this.#arrive());
      return;
    }
    this.#tries = 0;
    this.#isMoving = false;
    // What was written meanwhile went in the same packets.
    for (const sent of this.#under.splice(0)) {
      if (sent === undefined) this.#isOver = true;
      else this.#arrived.push(sent);
    }
    this.#news();
  }

  #news(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** One end of a connection; the program takes it for a `Deno.TcpConn`. */
export class TcpEnd {
  /** Where the connection was made to. */
  readonly localAddr: Deno.NetAddr;
  readonly #in: Way;
  readonly #out: Way;
  #isClosed = false;
  #isDead = false;

  /** Use {@linkcode SimTcp.connect}. */
  constructor(into: Way, out: Way, to: Endpoint) {
    this.#in = into;
    this.#out = out;
    this.localAddr = { transport: "tcp", hostname: to.ip, port: to.port };
  }

  /** Whether this end was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** As of a `Deno.TcpConn`. */
  async read(into: Uint8Array): Promise<number | null> {
    const read = await this.#in.read(into);
    if (this.#isDead) await new Promise(() => {});
    return read;
  }

  /** As of a `Deno.TcpConn`. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#isDead) return new Promise(() => {});
    if (this.#isClosed) return Promise.reject(new Deno.errors.BadResource("closed"));
    this.#out.send(bytes);
    return Promise.resolve(bytes.length);
  }

  /** As of a `Deno.TcpConn`. */
  closeWrite(): Promise<void> {
    this.#out.send(undefined);
    return Promise.resolve();
  }

  /** As of a `Deno.TcpConn`. */
  setNoDelay(): void {}

  /** As of a `Deno.TcpConn`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#out.send(undefined);
    this.#in.finish();
  }

  /** The program is killed: what it waits for never comes, and the other side sees the end. */
  die(): void {
    this.#isDead = true;
    this.close();
  }

  /** The machine has another address: nothing comes through any more, and neither side is told. */
  cut(): void {
    this.#in.cut();
    this.#out.cut();
  }

  /** As the program takes it. */
  get conn(): Deno.TcpConn {
    return this as unknown as Deno.TcpConn;
  }
}

/** The connections of one program, which end with it. */
export class TcpHost {
  readonly #tcp: SimTcp;
  readonly #ends = new Set<TcpEnd>();
  readonly #ipOf: () => string;
  #isDead = false;

  /** A program on the machine with that address, which may change. */
  constructor(tcp: SimTcp, ipOf: () => string) {
    this.#tcp = tcp;
    this.#ipOf = ipOf;
  }

  /** Listens at a place; returns how to stop that. */
  listen(at: Endpoint, take: TakeConnection): () => void {
    return this.#tcp.listen(at, (end, fromIp) => {
      this.#keep(end);
      take(end, fromIp);
    });
  }

  /** Connects. Rejects where no program listens, or with the signal's reason. */
  async connect(to: Endpoint, signal: AbortSignal): Promise<Deno.TcpConn> {
    const end = await this.#tcp.connect(this.#ipOf(), to, signal);
    if (this.#isDead) {
      end.die();
      await new Promise(() => {});
    }
    return this.#keep(end).conn;
  }

  /** Kills it. */
  die(): void {
    this.#isDead = true;
    for (const end of this.#ends) end.die();
  }

  /** The machine has another address. */
  cut(): void {
    for (const end of this.#ends) end.cut();
    this.#ends.clear();
  }

  #keep(end: TcpEnd): TcpEnd {
    for (const one of this.#ends) if (one.isClosed) this.#ends.delete(one);
    this.#ends.add(end);
    return end;
  }
}

/** All connections of a simulation. */
export class SimTcp {
  /** Who reaches whom, and how long that takes. */
  readonly network: SimLinkNetwork;
  /** By how much bytes from or to an address are slower, in milliseconds one way. */
  readonly delaysMs: Map<string, number> = new Map();
  readonly #listeners = new Map<string, TakeConnection>();

  /** No connection at first. */
  constructor(network: SimLinkNetwork) {
    this.network = network;
  }

  /** One way between two addresses now, in milliseconds. */
  latencyMs(fromIp: string, toIp: string): number {
    return this.network.latency() + (this.delaysMs.get(fromIp) ?? 0) +
      (this.delaysMs.get(toIp) ?? 0);
  }

  /** See {@linkcode TcpHost.listen}. */
  listen({ ip, port }: Endpoint, take: TakeConnection): () => void {
    const name = `${ip}:${port}`;
    this.#listeners.set(name, take);
    return () => {
      if (this.#listeners.get(name) === take) this.#listeners.delete(name);
    };
  }

  /** See {@linkcode TcpHost.connect}. */
  connect(fromIp: string, to: Endpoint, signal: AbortSignal): Promise<TcpEnd> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const roundTripMs = 2 * this.latencyMs(fromIp, to.ip);
      const aborted = () => {
        timer.cancel();
        reject(signal.reason);
      };
      const timer = this.network.clock.after(roundTripMs, () => {
        // A connect that meets silence hangs until its caller gives up.
        if (!this.network.isReachable(fromIp, to.ip)) return;
        signal.removeEventListener("abort", aborted);
        const take = this.#listeners.get(`${to.ip}:${to.port}`);
        if (take === undefined) return reject(new Deno.errors.ConnectionRefused("refused"));
        const [there, back] = [new Way(this, fromIp, to.ip), new Way(this, to.ip, fromIp)];
        take(new TcpEnd(there, back, to), fromIp);
        resolve(new TcpEnd(back, there, to));
      });
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
}
