import assert from "node:assert/strict";
import {
  KademliaNode,
  MemoryStorage,
  type NodeStorage,
  storeAnything,
  type StoredValue,
} from "../../../../net/kademlia/mod.ts";
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
import { SeededRandom } from "../../../sim/random.ts";

const minute = 60_000;
const hour = 60 * minute;
const key = keyOf("k");

Deno.test("Id, contacts and values survive a restart: a node rejoins without its bootstrap node", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 6);
  const storage = new MemoryStorage();
  const build = (): Promise<KademliaNode> =>
    KademliaNode.create({
      policy: storeAnything,
      time: world.clock,
      random: new SeededRandom("restarts"),
      datagrams: world.network.open({ ip: "7.7.7.7", port: 1 }),
      storage,
    });
  const before = await build();
  const [bootstrap] = nodes;
  assert.ok(bootstrap);
  await world.clock.drive(
    before.bootstrap([{ host: bootstrap.address.ip, port: bootstrap.address.port }]),
  );
  await world.clock.drive(before.put(key, bytesOf("v")));
  await world.clock.drive(before.close());
  await bootstrap.close();
  const after = await build();
  assert.deepEqual(after.id, before.id);
  assert.equal(after.stats().values, 1);
  assert.equal(after.joined, false);
  assert.equal(await world.clock.drive(after.bootstrap([])), true);
  assert.equal(after.contacts().length, 5);
  await closeAll([...nodes, after]);
});

Deno.test("Values read from disk are judged like those from the wire", async () => {
  const world = testWorld();
  const nowMs = world.clock.now();
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
  const world = testWorld();
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
  for (let i = 0; i < 30; i++) await world.clock.drive(node.put(keyOf(`${i}`), bytesOf(`${i} a`)));
  await world.clock.advance(2_000);
  assert.ok(errors.includes("disk is full"));
  broken = false;
  await world.clock.drive(node.put(key, bytesOf("1 a")));
  await world.clock.advance(2_000);
  assert.deepEqual(batches, [31]);
  await node.close();
  assert.equal((await memory.load()).values.length, 31);
});

Deno.test("Contacts are saved every few minutes, so that a crash does not lose them", async () => {
  const world = testWorld();
  const storage = new MemoryStorage();
  const node = await virtualNode(world, 0, { storage });
  new Puppet(world, "6.0.0.1").ping(node.address);
  await world.clock.advance(8 * minute);
  assert.equal((await storage.load()).contacts.length, 1);
  await node.close();
});
