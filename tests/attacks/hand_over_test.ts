/** Attacks with new ids, which cost nothing, on the bandwidth of those who hold values. */

import assert from "node:assert/strict";
import { newcomerStaysMs } from "../../net/kademlia/constants.ts";
import type { KademliaNode } from "../../net/kademlia/mod.ts";
import { Puppet } from "../net/kademlia/puppet.ts";
import { closeAll, keyOf, testWorld, virtualNetwork } from "../net/kademlia/support.ts";
import type { DhtWorld } from "../sim/dht_world.ts";

const [values, valueBytes, nodeCount] = [300, 7_000, 6];

/** Nodes that hold two megabytes each, and the bytes that `count` new ids in one /24 get from them. */
async function drawn(
  count: number,
  staysMs: number,
  test: (bytes: number) => void,
): Promise<void> {
  const world: DhtWorld = testWorld();
  const nodes: KademliaNode[] = await virtualNetwork(world, nodeCount);
  for (let i = 0; i < values; i++) {
    await world.clock.drive(
      nodes[i % nodeCount]?.put(keyOf(`${i}`), new Uint8Array(valueBytes)) ?? Promise.reject(),
    );
  }
  let bytes = 0;
  world.network.lose = (_from, to, data) => {
    if (to.ip.startsWith("6.6.6.")) bytes += data.length;
    return false;
  };
  for (let i = 0; i < count; i++) {
    const puppet = new Puppet(world, `6.6.6.${i + 1}`);
    for (const node of nodes) puppet.ping(node.address);
    await world.clock.advance(staysMs);
    puppet.silent = true;
    // It is forgotten, and makes room for the next one.
    await world.clock.advance(60_000);
  }
  await closeAll(nodes);
  test(bytes);
}

Deno.test("Attack: new ids that stay two minutes get no values", () =>
  drawn(5, 120_000, (bytes) => assert(bytes < 20_000, `${bytes} bytes`)));

Deno.test("Attack: new ids of one /24 that stay get 256 KB an hour from each neighbour", () =>
  drawn(5, newcomerStaysMs + 60_000, (bytes) => {
    assert(bytes > 2 * 262_144, "they do get values");
    assert(bytes < 1.1 * nodeCount * 262_144, `${bytes} bytes`);
  }));
