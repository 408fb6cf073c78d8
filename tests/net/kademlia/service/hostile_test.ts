import assert from "node:assert/strict";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import type { KademliaNode } from "../../../../net/kademlia/mod.ts";
import { findNode } from "../../../../net/kademlia/rpc/methods/find_node.ts";
import { findValue } from "../../../../net/kademlia/rpc/methods/find_value.ts";
import { ping } from "../../../../net/kademlia/rpc/methods/ping.ts";
import { store } from "../../../../net/kademlia/rpc/methods/store.ts";
import { encodeAnswer, encodeRequest } from "../../../../net/kademlia/rpc/wire.ts";
import { holding, naming, Puppet } from "../puppet.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  testWorld,
  textOf,
  virtualNetwork,
  virtualNode,
} from "../support.ts";
import vectors from "../rpcudp.json" with { type: "json" };
import type { DhtWorld } from "../../../sim/dht_world.ts";
import { SeededRandom } from "../../../sim/random.ts";

const from = { ip: "6.6.6.6", port: 6 };
const header = new Uint8Array(21);

/** A node whose every reported error fails the test. */
function strictNode(world: DhtWorld): Promise<KademliaNode> {
  return virtualNode(world, 0, { onError: (error) => assert.fail(error), storedValuesMax: 500 });
}

/** Pseudo-random numbers: a property library would take minutes for so many datagrams. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutated(data: Uint8Array, draw: (below: number) => number): Uint8Array {
  const copy = data.slice(0, draw(4) === 0 ? draw(data.length + 1) : data.length);
  for (let n = 1 + draw(4); n > 0 && copy.length > 0; n--) {
    // The kind and the message id stay mostly whole, or nothing behind them would ever be read.
    const at = draw(20) === 0 ? draw(copy.length) : Math.min(copy.length - 1, 21 + draw(60));
    copy[at] = draw(3) === 0 ? 0xc0 + draw(64) : draw(256);
  }
  if (draw(10) !== 0) return copy;
  const longer = new Uint8Array(copy.length + draw(2_000));
  longer.set(copy);
  return longer;
}

Deno.test("100,000 mutated datagrams throw nothing, leave nothing behind, and honest traffic goes on", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const friend = new Puppet(world, "6.0.0.1");
  friend.ping(node.address);
  await world.clock.advance(1_000);
  const seeds = vectors.cases.flatMap((
    one,
  ) => [Uint8Array.fromHex(one.request), Uint8Array.fromHex(one.response)]);
  const draw = numbers(3);
  for (let i = 0; i < 100_000; i++) {
    const data = mutated(seeds[draw(seeds.length)] ?? header, draw);
    const sender = { ip: `6.${draw(100)}.${draw(250)}.1`, port: 1 + draw(65_535) };
    world.network.inject(data, sender, node.address);
    if (i % 1_000 === 0) await world.clock.advance(50);
  }
  await world.clock.advance(10_000);
  const stats = node.stats();
  assert.ok(stats.openRequests <= 64);
  assert.ok(stats.contacts <= 1, "nobody of them ever answered");
  assert.ok(stats.values <= 500);
  friend.react.find_value = holding(bytesOf("v"));
  const key = keyOf("asked later");
  assert.equal(textOf((await world.clock.drive(node.get(key))).value), "v");
  await node.close();
});

Deno.test("Mutated answers to real questions throw nothing", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const puppet = new Puppet(world, "6.0.0.1");
  puppet.ping(node.address);
  await world.clock.advance(1_000);
  const draw = numbers(4);
  const contacts = Array.from(
    { length: 20 },
    (_, i) => new NodeContact(new Id(i, i, i, i, i), `7.0.${i}.1`, 1 + i),
  );
  for (let i = 0; i < 3_000; i++) {
    puppet.react.find_value = (data) => {
      const found = { value: bytesOf("v"), since: 5 };
      const answer = draw(2) ? { contacts } : { found, contacts: [] };
      return mutated(encodeAnswer(data, findValue, answer), draw);
    };
    await world.clock.drive(node.get(keyOf(`${i}`), { repair: false }));
    if (!node.joined) {
      puppet.ping(node.address);
      await world.clock.advance(5_000);
    }
  }
  await node.close();
});

Deno.test("Wrong types and lengths in every field of a request get no answer", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const asker = new Puppet(world, "6.0.0.1");
  const id = keyOf("id");
  const bad: unknown[] = [
    ["ping"],
    ["ping", [], 1],
    ["ping", [id, id]],
    ["ping", [id.subarray(1)]],
    ["ping", ["x".repeat(20)]],
    ["ping", { id }],
    ["ping", [[id]]],
    ["find_node", [id]],
    ["find_node", [id, id.subarray(0, 19)]],
    ["find_node", [id, id, id]],
    ["find_value", [id, 7]],
    ["store", [id, id]],
    ["store", [id, id, [1]]],
    ["store", [id, id, { a: 1 }]],
    ["store", [id, id, new Uint8Array(8_001)]],
    ["store", [id, id, "x".repeat(8_001)]],
    ["stun", [id]],
    ["sample", []],
    ["no_such_method", [id]],
    ["", []],
    [7, [id]],
    [null, null],
    "ping",
    {},
    null,
  ];
  const bodies: Uint8Array[] = bad.map((body) => encode(body));
  bodies.push(
    Uint8Array.fromHex("dd7fffffff"),
    Uint8Array.fromHex("92a470696e67dd7fffffff"),
    Uint8Array.fromHex("c1"),
    Uint8Array.fromHex("92a470696e6791c6ffffffff"),
  );
  bodies.push(new Uint8Array(8_000).fill(0x91), new Uint8Array(0));
  for (const body of bodies) {
    const data = new Uint8Array(21 + body.length);
    data.set(body, 21);
    world.network.inject(data, asker.contact, node.address);
  }
  for (let length = 0; length < 30; length++) {
    world.network.inject(new Uint8Array(length), asker.contact, node.address);
    world.network.inject(new Uint8Array(length).fill(1), asker.contact, node.address);
    world.network.inject(new Uint8Array(length).fill(2), asker.contact, node.address);
  }
  await world.clock.advance(5_000);
  assert.equal(asker.answers.length, 0);
  assert.equal(node.stats().values, 0);
  await node.close();
});

Deno.test("A request with a body over 8,192 bytes is no request", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const asker = new Puppet(world, "6.0.0.1");
  const value = { value: new Uint8Array(7_990) };
  const id = Id.from(keyOf("id"));
  const data = encodeRequest(id, store, { sender: id, target: id, value });
  const longer = new Uint8Array(21 + 8_193);
  longer.set(data);
  world.network.inject(longer, asker.contact, node.address);
  world.network.inject(data, asker.contact, node.address);
  await world.clock.advance(100);
  assert.equal(asker.answers.length, 1);
  await node.close();
});

Deno.test("Requests under the own id, or from nowhere, change nothing", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const messageId = new Id(1, 2, 3, 4, 5);
  const own = encodeRequest(messageId, ping, { sender: Id.from(node.id) });
  world.network.inject(own, from, node.address);
  const other = encodeRequest(messageId, ping, { sender: new Id(7, 7, 7, 7, 7) });
  for (const bad of ["0.0.0.0", "255.255.255.255", "nonsense", "", "ff02::1"]) {
    world.network.inject(other, { ip: bad, port: 1 }, node.address);
  }
  world.network.inject(other, { ip: "6.6.6.6", port: 0 }, node.address);
  world.network.inject(other, { ip: "6.6.6.6", port: 70_000 }, node.address);
  await world.clock.advance(5_000);
  assert.equal(node.stats().datagramsOut, 0);
  await node.close();
});

Deno.test("Own, unreachable and duplicate contacts in an answer are not asked", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const liar = new Puppet(world, "6.0.0.1");
  liar.ping(node.address);
  await world.clock.advance(1_000);
  const id = (n: number): Id => new Id(n, 0, 0, 0, 0);
  liar.react.find_node = naming([
    new NodeContact(Id.from(node.id), "7.0.0.1", 1),
    new NodeContact(id(1), node.address.ip, node.address.port),
    new NodeContact(id(2), "127.0.0.1", 1),
    new NodeContact(id(3), "192.168.0.1", 1),
    new NodeContact(id(4), "fe80::1", 1),
    new NodeContact(id(5), "7.0.0.2", 0),
    new NodeContact(id(6), "7.0.0.3", 9),
    new NodeContact(id(6), "7.0.0.3", 9),
    new NodeContact(id(6), "7.0.0.4", 9),
  ]);
  const asked: string[] = [];
  world.network.lose = (_from, to) => {
    asked.push(to.ip);
    return false;
  };
  await world.clock.drive(node.lookup(keyOf("k")));
  assert.deepEqual(
    asked,
    ["6.0.0.1", "7.0.0.3"].flatMap((ip) => ip === "6.0.0.1" ? [ip, node.address.ip] : [ip]),
  );
  await node.close();
});

Deno.test("A peer that answers with thousands of contacts is not believed", async () => {
  const world = testWorld();
  const node = await strictNode(world);
  const liar = new Puppet(world, "6.0.0.1");
  liar.ping(node.address);
  await world.clock.advance(1_000);
  liar.react.find_node = (data) => {
    const many = Array.from(
      { length: 3_000 },
      (_, i) => [keyOf(`${i}`), `7.${i >> 8}.${i & 255}.1`, 1],
    );
    const body = encode(many);
    const answer = new Uint8Array(21 + body.length);
    answer.set(data.subarray(0, 21));
    answer[0] = 1;
    answer.set(body, 21);
    return answer;
  };
  const before = world.network.sent;
  assert.deepEqual(await world.clock.drive(node.lookup(keyOf("k"))), []);
  assert.ok(world.network.sent - before < 20);
  await node.close();
});

Deno.test("A flood from one address is dropped beyond its rate, and honest look-ups go on", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 20);
  const [victim] = nodes;
  assert.ok(victim);
  const key = keyOf("k");
  await world.clock.drive(nodes[5]?.put(key, bytesOf("v")) ?? Promise.reject());
  const sender = Id.from(keyOf("flooder"));
  const flood = encodeRequest(new Id(1, 2, 3, 4, 5), findNode, { sender, target: sender });
  const before = victim.stats();
  for (let second = 0; second < 5; second++) {
    for (let i = 0; i < 20_000; i++) world.network.inject(flood, from, victim.address);
    assert.equal(textOf((await world.clock.drive(victim.get(key))).value), "v");
    await world.clock.advance(1_000);
  }
  const after = victim.stats();
  assert.ok(after.bytesOut - before.bytesOut < 6 * 20_000 + 20_000, "no amplification");
  assert.ok(after.dropped - before.dropped > 90_000);
  await closeAll(nodes);
});

Deno.test("Nested and oversized MessagePack is refused at the cost of its bytes", () => {
  const seeds = fc.uint8Array({ maxLength: 200 });
  const world = testWorld();
  const random = new SeededRandom(5);
  return strictNode(world).then(async (node) => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(0, 1), (body, kind) => {
        const data = new Uint8Array(21 + body.length);
        data[0] = kind;
        data.set(random.bytes(20), 1);
        data.set(body, 21);
        world.network.inject(data, from, node.address);
      }),
      { seed: 3, numRuns: 2_000 },
    );
    await node.close();
  });
});
