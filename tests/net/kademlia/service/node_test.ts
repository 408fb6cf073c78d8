import assert from "node:assert/strict";
import { KademliaNode, storeAnything } from "../../../../net/kademlia/mod.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  loopbackNetwork,
  loopbackNode,
  testWorld,
  textOf,
} from "../support.ts";
import { SeededRandom } from "../../../sim/random.ts";

Deno.test("Two nodes are enough for a network", async () => {
  const nodes = await loopbackNetwork(2);
  const [a, b] = nodes;
  assert.ok(a && b);
  assert.ok(a.joined && b.joined);
  const put = await a.put(keyOf("k"), bytesOf("v"));
  assert.deepEqual([put.accepted, put.refused, put.silent], [2, 0, 0]);
  assert.equal(textOf((await b.get(keyOf("k"))).value), "v");
  await closeAll(nodes);
});

Deno.test("A value put by one of thirty nodes is found by all", async () => {
  const nodes = await loopbackNetwork(30);
  const put = await nodes[7]?.put(keyOf("k"), bytesOf("v"));
  assert.equal(put?.accepted, 20);
  assert.equal(put?.holders.length, 20);
  for (const node of nodes) {
    const { value, answers } = await node.get(keyOf("k"));
    assert.equal(textOf(value), "v");
    assert.ok(answers.length >= 3);
  }
  await closeAll(nodes);
});

Deno.test("A node alone keeps the value itself and stores it outward once somebody joins", async () => {
  const alone = await loopbackNode("alone");
  const put = await alone.put(keyOf("k"), bytesOf("v"));
  assert.equal(put.accepted, 1);
  const later = await loopbackNode("later");
  const { ip: host, port } = alone.address;
  assert.ok(await later.bootstrap([{ host, port }]));
  while (later.stats().values === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(textOf((await later.get(keyOf("k"))).value), "v");
  await closeAll([alone, later]);
});

Deno.test("A node that came back at another port is known there, in a network of two as well", async () => {
  const world = testWorld();
  const build = (port: number, seed: string) =>
    KademliaNode.create({
      policy: storeAnything,
      time: world.clock,
      random: new SeededRandom(seed),
      datagrams: world.network.open({ ip: "127.0.0.1", port: port }),
      id: keyOf(seed),
    });
  const stays = await build(1, "stays");
  const moves = await build(2, "moves");
  const bootstrap = [{ host: "127.0.0.1", port: 1 }];
  await world.clock.drive(moves.bootstrap(bootstrap));
  await moves.close();
  const moved = await build(3, "moves");
  const joined = moved.bootstrap(bootstrap);
  await world.clock.advance(10_000);
  assert.ok(await joined);
  assert.deepEqual(stays.contacts().map(({ port }) => port), [3]);
  await closeAll([stays, moved]);
});

Deno.test("A store is decided in time although nodes that are asked about it are gone", async () => {
  const world = testWorld();
  // Far enough for the patience with a silent node to be seconds.
  world.network.fixedMs = 200;
  const admission = {
    admit: async (_request: unknown, ask: () => Promise<unknown>) => {
      await ask();
      return true;
    },
  };
  const build = (i: number) =>
    KademliaNode.create({
      policy: storeAnything,
      time: world.clock,
      random: new SeededRandom(i),
      datagrams: world.network.open({ ip: "127.0.0.1", port: i }),
      ...(i === 1 ? { admission } : {}),
    });
  const first = await build(1);
  const bootstrap = [{ host: "127.0.0.1", port: 1 }];
  for (const port of [2, 3, 4]) {
    const gone = await build(port);
    const joined = gone.bootstrap(bootstrap);
    await world.clock.advance(5000);
    await joined;
    await gone.close();
  }
  const putter = await build(5);
  const joined = putter.bootstrap(bootstrap);
  await world.clock.advance(5000);
  await joined;
  const put = putter.put(keyOf("k"), bytesOf("v"));
  await world.clock.advance(20_000);
  assert.deepEqual((await put).holders.map(({ port }) => port).sort(), [1, 5]);
  await closeAll([first, putter]);
});
