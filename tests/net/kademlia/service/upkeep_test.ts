import assert from "node:assert/strict";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { KademliaNode, MemoryStorage, storeAnything } from "../../../../net/kademlia/mod.ts";
import type { NodeStorage, StoredValue, ValuePolicy } from "../../../../net/kademlia/ports.ts";
import { numbered } from "../policies.ts";
import { Puppet } from "../puppet.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  SeededRandom,
  textOf,
  virtualNetwork,
  virtualNode,
  VirtualWorld,
} from "../support.ts";

const minute = 60_000;
const hour = 60 * minute;
const key = keyOf("k");

Deno.test("Idle buckets are refreshed hourly", async () => {
  const world = new VirtualWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 5 }, (_, i) => new Puppet(world, `6.0.${i}.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.pass(5 * minute);
  const queries = (): number => puppets.reduce((sum, p) => sum + p.count("find_node"), 0);
  const first = queries();
  await world.pass(50 * minute);
  assert.equal(queries(), first, "nothing within the hour");
  await world.pass(20 * minute);
  assert.ok(queries() > first);
  await node.close();
});

Deno.test("Of twenty holders one replicates an hour after the last store, and the others need not", async () => {
  const world = new VirtualWorld();
  const nodes = await virtualNetwork(world, 22, () => ({ policy: numbered }));
  await world.until(nodes[0]?.put(key, bytesOf("1 a")) ?? Promise.reject());
  let stores = 0;
  world.lose = (_from, _to, data) => {
    if (data[0] === 0 && textOf(data.subarray(21))?.includes("store")) stores++;
    return false;
  };
  await world.pass(59 * minute);
  assert.equal(stores, 0, "a store within the hour makes replication needless");
  await world.pass(30 * minute);
  assert.ok(stores >= 19 && stores <= 40, `${stores} stores`);
  await closeAll(nodes);
});

Deno.test("Replication brings a value back to k holders after most have died", async () => {
  const world = new VirtualWorld();
  const nodes = await virtualNetwork(world, 40, () => ({ policy: numbered }));
  await world.until(nodes[0]?.put(key, bytesOf("1 a")) ?? Promise.reject());
  const holders = nodes.filter((node) => node.stats().values === 1);
  assert.equal(holders.length, 20);
  for (const node of holders.slice(0, 15)) world.silence(node.address);
  const live = nodes.filter((node) => !holders.slice(0, 15).includes(node));
  const { value } = await world.until(live.at(-1)?.get(key) ?? Promise.reject());
  assert.equal(textOf(value), "1 a");
  await world.pass(2 * hour);
  assert.ok(live.filter((node) => node.stats().values === 1).length >= 20);
  await closeAll(nodes);
});

Deno.test("A newcomer closer to a key is handed its value, by the closest holder alone", async () => {
  const world = new VirtualWorld();
  const nodes = await virtualNetwork(world, 30, () => ({ policy: numbered }));
  await world.until(nodes[0]?.put(key, bytesOf("1 a")) ?? Promise.reject());
  const { w0, w1, w2, w3, w4 } = Id.from(key);
  const newcomer = new Puppet(world, "6.0.0.1", new Id(w0, w1, w2, w3, w4 ^ 1));
  for (const node of nodes) newcomer.ping(node.address);
  await world.pass(10_000);
  const { offered } = newcomer;
  assert.ok(offered.length >= 1 && offered.length <= 2, `${offered.length} stores`);
  assert.equal(offered[0], "1 a");
  await closeAll(nodes);
});

Deno.test("A record expires by its own date", async () => {
  const world = new VirtualWorld();
  const expiresAtMs = 1_800_000_000_000 + 10 * minute;
  const policy: ValuePolicy = {
    ...numbered,
    check: (_key, value) => ({ ok: true, decoded: value, expiresAtMs }),
  };
  const node = await virtualNode(world, 0, { policy });
  await world.until(node.put(key, bytesOf("1 a")));
  await world.pass(9 * minute);
  assert.equal(node.stats().values, 1);
  await world.pass(3 * minute);
  assert.equal(node.stats().values, 0);
  await assert.rejects(node.put(key, bytesOf("1 a")), /expired/);
  await node.close();
});

Deno.test("Id, contacts and values survive a restart: a node rejoins without its bootstrap node", async () => {
  const world = new VirtualWorld();
  const nodes = await virtualNetwork(world, 6);
  const storage = new MemoryStorage();
  const build = (): Promise<KademliaNode> =>
    KademliaNode.create({
      policy: storeAnything,
      time: world.time,
      random: new SeededRandom("restarts"),
      datagrams: world.datagrams("7.7.7.7", 1),
      storage,
    });
  const before = await build();
  const [bootstrap] = nodes;
  assert.ok(bootstrap);
  await world.until(
    before.bootstrap([{ host: bootstrap.address.ip, port: bootstrap.address.port }]),
  );
  await world.until(before.put(key, bytesOf("v")));
  await world.until(before.close());
  await bootstrap.close();
  const after = await build();
  assert.deepEqual(after.id, before.id);
  assert.equal(after.stats().values, 1);
  assert.equal(after.joined, false);
  assert.equal(await world.until(after.bootstrap([])), true);
  assert.equal(after.contacts().length, 5);
  await closeAll([...nodes, after]);
});

Deno.test("Values read from disk are judged like those from the wire", async () => {
  const world = new VirtualWorld();
  const nowMs = world.time.now();
  const stored = (text: string, expiresAtMs: number): StoredValue => ({
    key: keyOf(text),
    value: bytesOf(text),
    expiresAtMs,
    firstStoredAtMs: nowMs,
    storedAtMs: nowMs,
  });
  const storage = new MemoryStorage();
  await storage.saveValues(
    [stored("1 good", nowMs + hour), stored("2 bad", nowMs + hour), stored("3 old", nowMs - 1)],
    [],
  );
  const node = await virtualNode(world, 0, { storage, policy: numbered });
  assert.deepEqual([...node.values()].map((value) => textOf(value.value)), ["1 good"]);
  await node.close();
});

Deno.test("Changes are saved in batches, and a failing disk is reported and tried again", async () => {
  const world = new VirtualWorld();
  const errors: string[] = [];
  const batches: number[] = [];
  let broken = true;
  const memory = new MemoryStorage();
  const storage: NodeStorage = {
    load: () => memory.load(),
    saveId: (id) => memory.saveId(id),
    saveContacts: (contacts) => memory.saveContacts(contacts),
    saveValues(put, deleted) {
      if (broken) return Promise.reject(new Error("disk is full"));
      batches.push(put.length);
      return memory.saveValues(put, deleted);
    },
    close: () => memory.close(),
  };
  const onError = (error: Error): void => {
    errors.push(error.message);
  };
  const node = await virtualNode(world, 0, { storage, policy: numbered, onError });
  for (let i = 0; i < 30; i++) await world.until(node.put(keyOf(`${i}`), bytesOf(`${i} a`)));
  await world.pass(2_000);
  assert.ok(errors.includes("disk is full"));
  broken = false;
  await world.until(node.put(key, bytesOf("1 a")));
  await world.pass(2_000);
  assert.deepEqual(batches, [31]);
  await node.close();
  assert.equal((await memory.load()).values.length, 31);
});

Deno.test("Contacts are saved every few minutes, so that a crash does not lose them", async () => {
  const world = new VirtualWorld();
  const storage = new MemoryStorage();
  const node = await virtualNode(world, 0, { storage });
  new Puppet(world, "6.0.0.1").ping(node.address);
  await world.pass(8 * minute);
  assert.equal((await storage.load()).contacts.length, 1);
  await node.close();
});
