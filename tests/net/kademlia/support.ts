/** What the tests of net/kademlia share: keys, and nodes on loopback or in a {@link DhtWorld}. */
import { createHash } from "node:crypto";
import type { Time } from "../../../lib/time.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { openDatagrams } from "../../../net/system/datagrams.ts";
import { KademliaNode, type NodeOptions, storeAnything } from "../../../net/kademlia/mod.ts";
import { DhtWorld } from "../../sim/dht_world.ts";
import { SeededRandom } from "../../sim/random.ts";

const clock = new SystemClock();

/** The real clock, as an object of which a test may replace a part. */
export const realTime: Time = {
  now: () => clock.now(),
  monotonic: () => clock.monotonic(),
  after: (ms, fn) => clock.after(ms, fn),
};

/** SHA-1 of a text: a key. */
export function keyOf(text: string): Uint8Array {
  return new Uint8Array(createHash("sha1").update(text).digest());
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

/** A world of nodes whose datagrams take 10 ms each way. */
export function testWorld(): DhtWorld {
  const world = new DhtWorld({ seed: "kademlia" });
  world.network.fixedMs = 10;
  return world;
}

/** A node on loopback with the real clock. */
export function loopbackNode(
  seed: string | number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode> {
  return KademliaNode.create({
    time: realTime,
    random: new SeededRandom(seed),
    policy: storeAnything,
    datagrams: openDatagrams({ ip: "127.0.0.1", port: 0 }),
    ...options,
  });
}

/** `n` joined nodes on loopback. */
export async function loopbackNetwork(
  n: number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode[]> {
  const nodes: KademliaNode[] = [];
  for (let i = 0; i < n; i++) {
    const node = await loopbackNode(`node ${i}`, options);
    const [first] = nodes;
    if (first) await node.bootstrap([{ host: first.address.ip, port: first.address.port }]);
    nodes.push(node);
  }
  return nodes;
}

/** `n` joined nodes in a virtual world, each in a /24 of its own. */
export async function virtualNetwork(
  world: DhtWorld,
  n: number,
  options: (i: number) => Partial<NodeOptions> = () => ({}),
): Promise<KademliaNode[]> {
  const nodes: KademliaNode[] = [];
  for (let i = 0; i < n; i++) {
    const node = await virtualNode(world, i, options(i));
    const [first] = nodes;
    if (first) {
      const { ip: host, port } = first.address;
      await world.clock.drive(node.bootstrap([{ host, port }]));
    }
    nodes.push(node);
  }
  return nodes;
}

export function virtualNode(
  world: DhtWorld,
  i: number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode> {
  return KademliaNode.create({
    time: world.clock,
    random: new SeededRandom(`virtual ${i}`),
    policy: storeAnything,
    datagrams: world.network.open({ ip: `${5 + 100 * (i >> 8)}.${i & 255}.0.1`, port: 4000 }),
    ...options,
  });
}

export async function closeAll(nodes: readonly KademliaNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.close()));
}
