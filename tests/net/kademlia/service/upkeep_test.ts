import assert from "node:assert/strict";
import type { ValuePolicy } from "../../../../net/kademlia/mod.ts";
import { numbered } from "../policies.ts";
import { Puppet } from "../puppet.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  testWorld,
  textOf,
  virtualNetwork,
  virtualNode,
} from "../support.ts";

const minute = 60_000;
const hour = 60 * minute;
const key = keyOf("k");

Deno.test("Idle buckets are refreshed hourly", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 5 }, (_, i) => new Puppet(world, `6.${i}.0.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(5 * minute);
  const queries = (): number => puppets.reduce((sum, p) => sum + p.count("find_node"), 0);
  const first = queries();
  await world.clock.advance(50 * minute);
  assert.equal(queries(), first, "nothing within the hour");
  await world.clock.advance(20 * minute);
  assert.ok(queries() > first);
  await node.close();
});

Deno.test("Of twenty holders one replicates an hour after the last store, and the others need not", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 22, () => ({ policy: numbered }));
  await world.clock.drive(nodes[0]?.put(key, bytesOf("1 a")) ?? Promise.reject());
  let stores = 0;
  world.network.lose = (_from, _to, data) => {
    if (data[0] === 0 && textOf(data.subarray(21))?.includes("store")) stores++;
    return false;
  };
  await world.clock.advance(59 * minute);
  assert.equal(stores, 0, "a store within the hour makes replication needless");
  await world.clock.advance(30 * minute);
  assert.ok(stores >= 19 && stores <= 40, `${stores} stores`);
  await closeAll(nodes);
});

Deno.test("Replication brings a value back to k holders after most have died", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 40, () => ({ policy: numbered }));
  const put = nodes[0]?.put(key, bytesOf("1 a"), { until: "all" });
  await world.clock.drive(put ?? Promise.reject());
  const holders = nodes.filter((node) => node.stats().values === 1);
  assert.equal(holders.length, 20);
  for (const node of holders.slice(0, 15)) world.network.silence(node.address);
  const live = nodes.filter((node) => !holders.slice(0, 15).includes(node));
  const { value } = await world.clock.drive(live.at(-1)?.get(key) ?? Promise.reject());
  assert.equal(textOf(value), "1 a");
  await world.clock.advance(2 * hour);
  assert.ok(live.filter((node) => node.stats().values === 1).length >= 20);
  await closeAll(nodes);
});

Deno.test("A record expires by its own date", async () => {
  const world = testWorld();
  const expiresAtMs = world.clock.now() + 10 * minute;
  const policy: ValuePolicy = {
    ...numbered,
    check: (_key, value) => ({ ok: true, decoded: value, expiresAtMs }),
  };
  const node = await virtualNode(world, 0, { policy });
  await world.clock.drive(node.put(key, bytesOf("1 a")));
  await world.clock.advance(9 * minute);
  assert.equal(node.stats().values, 1);
  await world.clock.advance(3 * minute);
  assert.equal(node.stats().values, 0);
  await assert.rejects(node.put(key, bytesOf("1 a")), /expired/);
  await node.close();
});
