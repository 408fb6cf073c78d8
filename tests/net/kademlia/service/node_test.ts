import assert from "node:assert/strict";
import { familyOf } from "../../../../lib/ip_address.ts";
import { newcomerStaysMs } from "../../../../net/kademlia/constants.ts";
import { findNode } from "../../../../net/kademlia/rpc/methods/find_node.ts";
import { findValue } from "../../../../net/kademlia/rpc/methods/find_value.ts";
import { decodeAnswer } from "../../../../net/kademlia/rpc/wire.ts";
import type { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { naming, Puppet } from "../puppet.ts";
import { KademliaNode, storeAnything } from "../../../../net/kademlia/mod.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  loopbackNetwork,
  loopbackNode,
  testWorld,
  textOf,
  virtualNode,
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
  const put = await nodes[7]?.put(keyOf("k"), bytesOf("v"), { until: "all" });
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

Deno.test("A node that comes back at another port is known there, however it ended and whenever it comes", async () => {
  const times = [0, 100, 700, 1_500, 2_500];
  const ways = (["close", "leave"] as const).flatMap((end) =>
    times.map((ms) => [end, ms] as const)
  );
  for (const [end, awayMs] of ways) {
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
    await moves[end]();
    await world.clock.advance(awayMs);
    const moved = await build(3, "moves");
    const joined = moved.bootstrap(bootstrap);
    await world.clock.advance(10_000);
    assert.ok(await joined);
    assert.deepEqual(stays.contacts().map(({ port }) => port), [3], `${end}, ${awayMs} ms`);
    await closeAll([stays, moved]);
  }
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

Deno.test("A node names contacts of the family that the asker asks by, and no others", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = [4, 6].flatMap((family) =>
    [1, 2, 3, 4].map((i) => new Puppet(world, family === 4 ? `6.${i}.0.1` : `2a01:${i}::1`))
  );
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, 8);
  for (const asker of [puppets[0], puppets[4]]) {
    assert.ok(asker);
    for (const method of [findNode, findValue]) {
      asker.answers.length = 0;
      asker.ask(node.address, method, {
        sender: asker.contact.nodeId,
        target: new Id(1, 2, 3, 4, 5),
      });
      await world.clock.advance(100);
      const contacts: readonly NodeContact[] =
        decodeAnswer(asker.answers[0] ?? new Uint8Array(0), findNode)?.contacts ?? [];
      assert.equal(contacts.length, 3, "all but the asker");
      const own = familyOf(asker.contact.ip);
      assert.ok(contacts.every(({ ip }) => familyOf(ip) === own));
    }
  }
  await node.close();
});

Deno.test("Attack: a node that names addresses of the other family has nobody asked there", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const [liar, named] = [new Puppet(world, "6.1.0.1"), new Puppet(world, "2a01:1::1")];
  liar.react.find_node = naming([named.contact]);
  liar.ping(node.address);
  await world.clock.advance(1_000);
  await world.clock.drive(node.lookup(named.contact.id));
  assert.ok(liar.count("find_node") > 0);
  assert.equal(named.requests.length, 0);
  await node.close();
});

Deno.test("A value is handed over once to a node that is met by both families", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  await world.clock.drive(node.put(keyOf("k"), bytesOf("v")));
  const id = Id.from(keyOf("k"));
  const [four, six] = [new Puppet(world, "6.1.0.1", id), new Puppet(world, "2a01:1::1", id)];
  four.ping(node.address);
  await world.clock.advance(1_000);
  six.ping(node.address);
  await world.clock.advance(newcomerStaysMs + 10_000);
  assert.equal(node.contacts().length, 2);
  assert.equal(node.stats().contacts, 1, "it is one node");
  assert.deepEqual([four.offered, six.offered], [["v"], []]);
  await node.close();
});

Deno.test("A newcomer's lookup asks whom a liar's friends have displaced", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0, { k: 4 });
  const target = keyOf("k");
  const { w0, w1, w2, w3, w4 } = Id.from(target);
  let count = 0;
  const at = (bits: number): Puppet =>
    new Puppet(world, `6.${count++}.0.1`, new Id(w0 ^ bits, w1, w2, w3, w4));
  const contactsOf = (puppets: readonly Puppet[]) => puppets.map(({ contact }) => contact);
  const nearest = Array.from({ length: 3 }, (_, i) => at((i + 1) << 10));
  const friends = Array.from({ length: 4 }, (_, i) => at((i + 1) << 20));
  for (const { react } of friends) react.find_node = naming(contactsOf(friends));
  const [honest, first] = [at(1 << 28), at(1 << 30)];
  honest.react.find_node = naming(contactsOf(nearest));
  first.react.find_node = naming(contactsOf([...friends, honest]));
  first.ping(node.address);
  await world.clock.advance(1_000);
  const found = await world.clock.drive(node.lookup(target));
  assert.deepEqual(
    found.slice(0, 3).map(({ ip }) => ip),
    contactsOf(nearest).map(({ ip }) => ip),
  );
  await node.close();
});
