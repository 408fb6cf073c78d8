/**
 * What stands before the front door of a relay and passes everything on until it is told to hang.
 *
 * @module
 */

import { socksByte } from "../../../net/links/socks.ts";
import { writeAll } from "../../../net/links/byte_reader.ts";
import type { LoopbackPeer } from "./loopback_peer.ts";

/** Bytes that a relay answers to the two questions of a sender, and the device's greeting. */
const answersBytes = 12 + 64;

/** Connections to it are taken whatever it does, as the system takes them for a process that hangs. */
export class HoldingDoor {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  #holds = false;
  /** Bytes that senders have said through it. */
  circuitBytes = 0;
  /** Pieces of five bytes that came back to senders: with CURVE nothing else is so short. */
  receipts = 0;

  /** Takes connections at once; the relay listens from now on. */
  constructor(relay: LoopbackPeer) {
    const { port } = this.#listener.addr;
    relay.places.push({ ip: "127.0.0.1", port });
    void this.#accept(relay.links.listen().port);
  }

  /** Passes nothing on any more, and ends nothing. */
  hold(): void {
    this.#holds = true;
  }

  /** Ends all. */
  close(): void {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
  }

  async #accept(port: number): Promise<void> {
    for await (const outside of this.#listener) {
      this.#conns.add(outside);
      if (this.#holds) continue;
      const inside = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#conns.add(inside);
      void this.#join(outside, inside);
    }
  }

  async #join(outside: Deno.Conn, inside: Deno.Conn): Promise<void> {
    let isSender = false;
    let isFirst = true;
    const said = (bytes: Uint8Array): void => {
      isSender ||= isFirst && bytes[0] === socksByte;
      isFirst = false;
      if (isSender) this.circuitBytes += bytes.length;
    };
    let answered = 0;
    const answer = (bytes: Uint8Array): void => {
      if (isSender && answered >= answersBytes && bytes.length === 5) this.receipts++;
      answered += bytes.length;
    };
    await Promise.race([this.#pass(outside, inside, said), this.#pass(inside, outside, answer)])
      .catch(() => {});
    for (const conn of [outside, inside]) if (this.#conns.delete(conn)) conn.close();
  }

  async #pass(from: Deno.Conn, to: Deno.Conn, look: (bytes: Uint8Array) => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const read = await from.read(buffer);
      if (read === null) return;
      if (this.#holds) return await new Promise(() => {});
      look(buffer.subarray(0, read));
      await writeAll(to, buffer.subarray(0, read));
    }
  }
}
