/**
 * Relays of a simulation: the real relay of net/reach on simulated connections. It may die and return,
 * swallow what it ought to pass, and be slow.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import { ipAddress } from "../../lib/ip_address.ts";
import { Exemption } from "../../lib/networks.ts";
import { Relay, senderByte } from "../../net/reach/relay.ts";
import { relayByte } from "../../net/reach/relay_protocol.ts";
import type { NodeClock } from "./clock.ts";
import type { SimLinkNetwork } from "./links_network.ts";
import type { SeededRandom } from "./random.ts";
import { type SimTcp, type TcpEnd, TcpHost } from "./tcp.ts";

/** Where relays listen. */
const relayPort = 7_000;

/** One volunteer. */
export class SimRelay {
  /** Where it listens. */
  readonly at: Endpoint;
  /** Whether it takes bytes of circuits and passes none. */
  isSwallowing = false;
  readonly #tcp: SimTcp;
  readonly #random: SeededRandom;
  #running: { relay: Relay; clock: NodeClock; host: TcpHost; unlisten(): void } | undefined;
  #lives = 0;

  /** It does not run at first. */
  constructor(tcp: SimTcp, number: number, random: SeededRandom) {
    this.#tcp = tcp;
    this.#random = random;
    this.at = { ip: `10.200.${number}.1`, port: relayPort };
  }

  /** How many more devices it takes; 0 while it does not run. */
  get room(): number {
    return this.#running?.relay.room ?? 0;
  }

  /** Devices that are reached through it now. */
  get reservations(): number {
    return this.#running?.relay.status().reservations ?? 0;
  }

  /** Whether it runs. */
  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** Starts it anew, without a memory of what was before. */
  start(): void {
    if (this.#running !== undefined) return;
    const clock = this.#tcp.network.clock.view();
    const relay = new Relay({
      time: clock,
      random: this.#random.fork(this.#lives++),
      isWilling: () => true,
      ownPlaces: () => [this.at],
      exemption: new Exemption(true),
    });
    const host = new TcpHost(this.#tcp, () => this.at.ip);
    const unlisten = host.listen(this.at, (end, ip) => void this.#serve(relay, end, ip));
    this.#running = { relay, clock, host, unlisten };
  }

  /** Dies without a word. */
  die(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.unlisten();
    running?.clock.stop();
    running?.host.die();
  }

  async #serve(relay: Relay, end: TcpEnd, ip: string): Promise<void> {
    try {
      const first = new Uint8Array(1);
      const address = ipAddress(ip);
      if (await end.read(first) === null || address === undefined) return;
      const caller = {
        conn: first[0] === senderByte ? this.#swallowing(end) : end.conn,
        address,
        first,
        spoke() {},
        end: () => end.close(),
      };
      if (first[0] === relayByte) await relay.serve(caller);
      else if (first[0] === senderByte) await relay.serveSender(caller);
    } catch {
      // A caller that broke the protocol, or went away.
    } finally {
      end.close();
    }
  }

  /** The connection of a sender, whose bytes are lost while the relay swallows them. */
  #swallowing(end: TcpEnd): Deno.TcpConn {
    return new Proxy(end.conn, {
      get: (target, name) => {
        if (name === "read") {
          return async (into: Uint8Array) => {
            for (;;) {
              const read = await end.read(into);
              if (read === null || !this.isSwallowing) return read;
            }
          };
        }
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  }
}

/** The relays that answer a peer which looks for some: each after a round trip of its own. */
export async function findRelays(
  relays: readonly SimRelay[],
  network: SimLinkNetwork,
  fromIp: string,
): Promise<Endpoint[]> {
  const answers = relays.filter(({ at, room }) => room > 0 && network.isReachable(fromIp, at.ip))
    .map(({ at }) => ({ at, ms: 2 * network.latency() }))
    .sort((a, b) => a.ms - b.ms);
  await new Promise<void>((resolve) => {
    network.clock.after(answers.at(-1)?.ms ?? 0, resolve);
  });
  return answers.map(({ at }) => at);
}
