/**
 * Nodes with IPv4, with IPv6, and with both, on a simulated network.
 *
 * @module
 */
import { type Endpoint, type Family, familyOf } from "../../lib/ip_address.ts";
import { KademliaNode, type NodeOptions, storeAnything } from "../../net/kademlia/mod.ts";
import type { Datagrams } from "../../net/kademlia/ports.ts";
import type { SimulatedSocket } from "./dht_network.ts";
import type { DhtWorld } from "./dht_world.ts";
import { SeededRandom } from "./random.ts";

const port = 4_000;

/** Where a node has its addresses: each node in networks of its own. */
export function addressIn(family: Family, i: number): string {
  return family === 4
    ? `${20 + (i >> 8)}.${i & 255}.7.2`
    : `2a0${1 + (i >> 8)}:${(i & 255) + 1}::2`;
}

/** A socket for each of a node's families, as the system's socket at `::`. */
export class FamilySocket implements Datagrams {
  readonly address: Endpoint;
  /** Addresses of a family that the node lacks to which it has sent something. */
  readonly lost: Set<string> = new Set();
  readonly #sockets = new Map<Family, SimulatedSocket>();

  constructor(world: DhtWorld, i: number, families: readonly Family[]) {
    for (const family of families) {
      this.#sockets.set(family, world.network.open({ ip: addressIn(family, i), port }));
    }
    this.address = { ip: families.length > 1 ? "::" : addressIn(families[0] ?? 4, i), port };
  }

  send(data: Uint8Array, to: Endpoint): void {
    const socket = this.#sockets.get(familyOf(to.ip));
    if (socket === undefined) this.lost.add(to.ip);
    else socket.send(data, to);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    for (const socket of this.#sockets.values()) socket.onReceive(fn);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}

/** A node and its socket. */
export interface FamilyNode {
  readonly i: number;
  readonly families: readonly Family[];
  readonly node: KademliaNode;
  readonly socket: FamilySocket;
}

/** Node number `i`, with addresses of these families. */
export async function familyNode(
  world: DhtWorld,
  i: number,
  families: readonly Family[],
  options: Partial<NodeOptions> = {},
): Promise<FamilyNode> {
  const socket = new FamilySocket(world, i, families);
  const node = await KademliaNode.create({
    time: world.clock,
    random: new SeededRandom(`family node ${i}`),
    policy: storeAnything,
    datagrams: socket,
    ...options,
  });
  return { i, families, node, socket };
}

/** Has a node join through another, at each family that both have, as through a name with both. */
export function join(world: DhtWorld, one: FamilyNode, through: FamilyNode): Promise<boolean> {
  const addresses = through.families.map((family) => ({
    host: addressIn(family, through.i),
    port,
  }));
  return world.clock.drive(one.node.bootstrap(addresses));
}
