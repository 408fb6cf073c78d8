/**
 * TCP connections that are not there: two ends in one process, so that relays can be tried in virtual
 * time and from any address.
 *
 * @module
 */

import { ipAddress } from "../../../lib/ip_address.ts";
import type { Caller } from "../../../net/links/front_door.ts";

/** One direction: bytes that wait to be read, and whether more can come. */
class Flow {
  readonly #waiting: Uint8Array[] = [];
  #isOver = false;
  #wake = Promise.withResolvers<void>();

  push(bytes: Uint8Array): void {
    if (this.#isOver) throw new Deno.errors.BrokenPipe("closed");
    this.#waiting.push(bytes.slice());
    this.#news();
  }

  end(): void {
    this.#isOver = true;
    this.#news();
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const [first] = this.#waiting;
      if (first !== undefined) {
        const taken = first.subarray(0, into.length);
        into.set(taken);
        if (taken.length < first.length) this.#waiting[0] = first.subarray(taken.length);
        else this.#waiting.shift();
        return taken.length;
      }
      if (this.#isOver) return null;
      await this.#wake.promise;
    }
  }

  #news(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

let endsMade = 0;

/** One end of a connection. */
export class PipeEnd {
  isClosed = false;
  /** How often the front door was told that the caller is of use. */
  spoken = 0;
  readonly localAddr: Deno.NetAddr;
  /** Another port each time; who the caller is says the front door. */
  readonly remoteAddr: Deno.NetAddr = {
    transport: "tcp",
    hostname: "0.0.0.0",
    port: 10_000 + ++endsMade % 50_000,
  };
  readonly #in: Flow;
  readonly #out: Flow;

  constructor(into: Flow, out: Flow, localAddr: Deno.NetAddr) {
    this.#in = into;
    this.#out = out;
    this.localAddr = localAddr;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#in.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.try(() => {
      if (this.isClosed) throw new Deno.errors.BadResource("closed");
      this.#out.push(bytes);
      return bytes.length;
    });
  }

  closeWrite(): Promise<void> {
    this.#out.end();
    return Promise.resolve();
  }

  setNoDelay(): void {}

  close(): void {
    this.isClosed = true;
    this.#in.end();
    this.#out.end();
  }

  /** As the program takes it. */
  get conn(): Deno.TcpConn {
    return this as unknown as Deno.TcpConn;
  }
}

/** Both ends of a new connection: the one that dialled, and the one at a relay's place. */
export function pipe(place: { ip: string; port: number }): [dialled: PipeEnd, taken: PipeEnd] {
  const [there, back] = [new Flow(), new Flow()];
  const at: Deno.NetAddr = { transport: "tcp", hostname: place.ip, port: place.port };
  return [new PipeEnd(back, there, at), new PipeEnd(there, back, at)];
}

/** The connection as a front door hands it over: with its first byte read. */
export async function callerAt(end: PipeEnd, ip: string): Promise<Caller> {
  const address = ipAddress(ip);
  if (address === undefined) throw new Error(`${ip} is no address`);
  const first = new Uint8Array(1);
  await end.read(first);
  return { conn: end.conn, address, first, spoke: () => void end.spoken++, end: () => end.close() };
}
