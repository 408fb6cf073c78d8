/**
 * Nodes on loopback whose UDP may be blocked, each with a front door at the number of its UDP port.
 *
 * @module
 */

import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption, networkLimits } from "../../../lib/networks.ts";
import type { Time } from "../../../lib/time.ts";
import { KademliaNode, type NodeOptions, storeAnything } from "../../../net/kademlia/mod.ts";
import type { Datagrams } from "../../../net/kademlia/ports.ts";
import { FrontDoor, type FrontDoorOptions } from "../../../net/links/front_door.ts";
import { Carriers, type CarriersOptions } from "../../../net/streams/carriers.ts";
import { openDatagrams } from "../../../net/system/datagrams.ts";
import { SeededRandom } from "../../sim/random.ts";
import { realTime } from "../kademlia/support.ts";

/** A UDP socket behind a firewall that may drop all that it sends. */
export class FirewalledUdp implements Datagrams {
  isBlocked = false;
  /** Datagrams that were to be sent. */
  readonly tried: Endpoint[] = [];
  readonly #socket: Datagrams;

  constructor(socket: Datagrams) {
    this.#socket = socket;
  }

  get address(): Endpoint {
    return this.#socket.address;
  }

  send(data: Uint8Array, to: Endpoint): void {
    this.tried.push(to);
    if (!this.isBlocked) this.#socket.send(data, to);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    this.#socket.onReceive(fn);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A UDP socket and a front door at ports of the same number. */
function open(options: Partial<FrontDoorOptions>): { udp: FirewalledUdp; door: FrontDoor } {
  const ip = "127.0.0.1";
  for (;;) {
    const udp = openDatagrams({ ip, port: 0 });
    try {
      const door = new FrontDoor({
        listen: { ip, port: udp.address.port },
        time: realTime,
        bounds: {
          connectionsMax: 200,
          perAddressMax: 200,
          perNetwork: networkLimits(200, 200, 200),
          bytes: { perSecond: 1e9, burst: 1e9 },
          frames: { perSecond: 1e6, burst: 1e6 },
        },
        isExempt: () => true,
        inside: () => undefined,
        ...options,
      });
      return { udp: new FirewalledUdp(udp), door };
    } catch (error) {
      udp.close();
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** How a {@linkcode StreamPeer} differs. */
export interface StreamPeerOptions extends Partial<Pick<CarriersOptions, "connect" | "exemption">> {
  readonly isBlocked?: boolean;
  readonly time?: Time;
  readonly door?: Partial<FrontDoorOptions>;
  readonly node?: Partial<NodeOptions>;
}

let made = 0;

/** A node with both carriers. */
export class StreamPeer implements AsyncDisposable {
  readonly udp: FirewalledUdp;
  readonly outside: FirewalledUdp;
  readonly door: FrontDoor;
  readonly carriers: Carriers;
  /** What the carriers told, one status each time. */
  readonly told: string[] = [];
  node!: KademliaNode;

  private constructor(options: StreamPeerOptions) {
    const { time = realTime, exemption = new Exemption(), connect, door } = options;
    const services = new Map<number, (typeof this.carriers.service)[1]>();
    const opened = open({ services, ...door });
    this.udp = opened.udp;
    this.door = opened.door;
    this.outside = new FirewalledUdp(openDatagrams({ ip: "127.0.0.1", port: 0 }));
    this.udp.isBlocked = this.outside.isBlocked = options.isBlocked ?? false;
    this.carriers = new Carriers({
      time,
      udp: this.udp,
      outside: this.outside,
      exemption,
      ...(connect === undefined ? {} : { connect }),
    });
    services.set(...this.carriers.service);
    this.carriers.onChange(() => this.told.push(JSON.stringify(this.carriers.status())));
  }

  static async start(options: StreamPeerOptions = {}): Promise<StreamPeer> {
    const peer = new StreamPeer(options);
    peer.node = await KademliaNode.create({
      time: options.time ?? realTime,
      random: new SeededRandom(`stream peer ${++made}`),
      policy: storeAnything,
      datagrams: peer.carriers.main,
      outside: peer.carriers.outside,
      ...options.node,
    });
    return peer;
  }

  join(other: StreamPeer): Promise<boolean> {
    const { ip: host, port } = other.udp.address;
    return this.node.bootstrap([{ host, port }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
    await this.door.close();
  }
}
