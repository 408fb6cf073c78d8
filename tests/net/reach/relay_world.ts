/**
 * Relays and devices in virtual time.
 *
 * @module
 */

import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption } from "../../../lib/networks.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import type { LinkKeyPair } from "../../../net/links/link_keys.ts";
import { makeLinkKeyPair } from "../../../net/links/link_keys.ts";
import { socksByte, socksGreeting, socksRequest } from "../../../net/links/socks.ts";
import { Relay } from "../../../net/reach/relay.ts";
import { RelayClient, type RelayClientOptions } from "../../../net/reach/relay_client.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { callerAt, pipe, type PipeEnd } from "./pipes.ts";

/** A relay at a place, that may be off. */
export interface SimRelay {
  readonly place: Endpoint;
  readonly relay: Relay;
  isOn: boolean;
  isWilling: boolean;
  /** Connections that were opened to it. */
  readonly ends: PipeEnd[];
}

/** A device and the connections that its relays handed it. */
export interface SimDevice {
  readonly keys: LinkKeyPair;
  readonly client: RelayClient;
  readonly received: PipeEnd[];
  changes: number;
}

/** A clock, and relays by place. */
export class RelayWorld {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom("relays");
  readonly #relays = new Map<string, SimRelay>();

  /** A relay at an address. */
  relay(ip: string, port = 7000): SimRelay {
    const place = { ip, port };
    const made: SimRelay = {
      place,
      isOn: true,
      isWilling: true,
      ends: [],
      relay: new Relay({
        time: this.clock,
        random: this.random.fork(`relay ${ip}`),
        isWilling: () => made.isWilling,
        ownPlaces: () => [place],
        exemption: new Exemption(true),
      }),
    };
    this.#relays.set(`${ip} ${port}`, made);
    return made;
  }

  /** Connects to a relay from an address. */
  connect(to: Endpoint, from: string): PipeEnd {
    const there = this.#relays.get(`${to.ip} ${to.port}`);
    if (there?.isOn !== true) throw new Deno.errors.ConnectionRefused("refused");
    const [dialled, taken] = pipe(to);
    there.ends.push(taken);
    void (async () => {
      const caller = await callerAt(taken, from);
      const isSender = caller.first[0] === socksByte;
      await (isSender ? there.relay.serveSender(caller) : there.relay.serve(caller));
    })().catch(() => {}).finally(() => taken.close());
    return dialled;
  }

  /** A device at an address that knows these relays; not started yet. */
  device(
    ip: string,
    relays: readonly SimRelay[],
    options: Partial<RelayClientOptions> = {},
  ): SimDevice {
    const keys = makeLinkKeyPair(this.random.fork(`device ${ip}`).bytes(32));
    const received: PipeEnd[] = [];
    const made: SimDevice = {
      keys,
      received,
      changes: 0,
      client: new RelayClient({
        time: this.clock,
        find: () => Promise.resolve(relays.map(({ place }) => place)),
        secretKey: () => keys.secretKey,
        receive: (conn) => void received.push(conn as unknown as PipeEnd),
        exemption: new Exemption(true),
        onChange: () => void made.changes++,
        connect: (to) => Promise.try(() => this.connect(to, ip).conn),
        ...options,
      }),
    };
    return made;
  }

  /** Asks a relay for a device, as libzmq does; the reply's code, or nothing where it hangs up. */
  async ask(
    relay: SimRelay,
    linkKey: Uint8Array,
    from = "90.0.0.1",
  ): Promise<{ end: PipeEnd; reader: ByteReader; reply: number | undefined }> {
    const end = this.connect(relay.place, from);
    const reader = new ByteReader(end);
    let reply: number | undefined;
    const asked = (async () => {
      await writeAll(end, socksGreeting);
      await reader.take(2);
      await writeAll(end, socksRequest(linkKey));
      [, reply] = await reader.take(10);
    })().catch(() => {});
    await this.clock.drive(asked);
    return { end, reader, reply };
  }
}
