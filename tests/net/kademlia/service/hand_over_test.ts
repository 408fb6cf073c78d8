import assert from "node:assert/strict";
import { newcomerStaysMs } from "../../../../net/kademlia/constants.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { numbered } from "../policies.ts";
import { Puppet } from "../puppet.ts";
import { bytesOf, closeAll, keyOf, testWorld, virtualNetwork } from "../support.ts";

const key = keyOf("k");

Deno.test("A newcomer closer to a key is handed its value, by the closest holder alone", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 30, () => ({ policy: numbered }));
  await world.clock.drive(nodes[0]?.put(key, bytesOf("1 a")) ?? Promise.reject());
  const { w0, w1, w2, w3, w4 } = Id.from(key);
  const newcomer = new Puppet(world, "6.0.0.1", new Id(w0, w1, w2, w3, w4 ^ 1));
  for (const node of nodes) newcomer.ping(node.address);
  await world.clock.advance(newcomerStaysMs + 10_000);
  const { offered } = newcomer;
  assert.ok(offered.length >= 1 && offered.length <= 2, `${offered.length} stores`);
  assert.equal(offered[0], "1 a");
  await closeAll(nodes);
});

Deno.test("Newcomers of the same hundredth of a millisecond do not keep time from passing", async () => {
  const world = testWorld();
  const [node] = await virtualNetwork(world, 3, () => ({ policy: numbered }));
  assert.ok(node);
  for (let i = 0; i < 4; i++) {
    new Puppet(world, `6.${i}.0.1`).ping(node.address);
    await world.clock.advance(0.004);
  }
  await world.clock.advance(newcomerStaysMs + 10_000);
  assert.equal(node.contacts().length, 6);
  await node.close();
});
