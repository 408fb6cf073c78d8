import assert from "node:assert/strict";
import { savedContactsMax } from "../../../../net/kademlia/constants.ts";
import { MemoryStorage } from "../../../../net/kademlia/mod.ts";
import { SeededRandom } from "../../../sim/random.ts";
import { Puppet } from "../puppet.ts";
import { closeAll, testWorld, virtualNetwork, virtualNode } from "../support.ts";

Deno.test("Any node serves as bootstrap node; dead ones in the list do no harm", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 5);
  const last = nodes.at(-1);
  assert.ok(last);
  const node = await virtualNode(world, 99);
  const joined = await world.clock.drive(node.bootstrap([
    { host: "9.9.9.9", port: 1 },
    { host: last.address.ip, port: last.address.port },
  ]));
  assert.ok(joined);
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, 5);
  await closeAll([...nodes, node]);
});

Deno.test("Names and addresses both work; a name that cannot be resolved is reported", async () => {
  const world = testWorld();
  const [first] = await virtualNetwork(world, 1);
  assert.ok(first);
  const errors: string[] = [];
  const node = await virtualNode(world, 99, {
    resolve: (host) =>
      host === "dht.example"
        ? Promise.resolve(["::ffff:5.0.0.1", "not an address"])
        : Promise.reject(new Error("no such host")),
    onError: (error) => errors.push(error.message),
  });
  const { port } = first.address;
  assert.equal(await world.clock.drive(node.bootstrap([{ host: "nowhere.example", port }])), false);
  assert.match(errors.join(), /Cannot join through nowhere.example/);
  assert.equal(await world.clock.drive(node.bootstrap([{ host: "dht.example", port: 0 }])), false);
  assert.equal(await world.clock.drive(node.bootstrap([{ host: "dht.example", port }])), true);
  await closeAll([first, node]);
});

Deno.test("A node is not joined through an address of a family that the machine lacks", async () => {
  const world = testWorld();
  const [four, six] = [new Puppet(world, "6.0.0.1"), new Puppet(world, "2a01:1::1")];
  const node = await virtualNode(world, 0, {
    resolve: () => Promise.resolve([four.contact.ip, six.contact.ip]),
    families: () => [4],
  });
  const name = [{ host: "both.example", port: 7000 }];
  assert.equal(await world.clock.drive(node.bootstrap(name)), true);
  assert.ok(four.count("ping") > 0);
  assert.equal(six.requests.length, 0);
  await node.close();
});

Deno.test("The neighbourhood is known, and told, before the far end of the table is filled", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 40);
  const [first] = nodes;
  assert.ok(first);
  const node = await virtualNode(world, 99);
  const { ip: host, port } = first.address;
  let nearMs: number | undefined;
  const near = Promise.withResolvers<void>();
  const joining = node.bootstrap([{ host, port }], undefined, () => {
    nearMs = world.clock.monotonic();
    near.resolve();
  });
  await world.clock.drive(near.promise);
  // What is stored now lies where the others look for it.
  const key = node.id.map((byte) => byte ^ 0xff);
  const { accepted } = await world.clock.drive(node.put(key, Uint8Array.of(7), { until: "all" }));
  assert.ok(accepted >= 20, `${accepted}`);
  assert.ok(await world.clock.drive(joining));
  assert.ok(world.clock.monotonic() > (nearMs ?? Infinity));
  const reader = nodes.at(-1);
  assert.ok(reader);
  const { value } = await world.clock.drive(reader.get(key));
  assert.deepEqual(value, Uint8Array.of(7));
  await closeAll([...nodes, node]);
});

Deno.test("With nobody there joining says so, and may be tried again", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const bootstrap = [{ host: "6.0.0.1", port: 7000 }];
  assert.equal(await world.clock.drive(node.bootstrap(bootstrap)), false);
  assert.equal(await world.clock.drive(node.bootstrap([])), false);
  const late = new Puppet(world, "6.0.0.1");
  assert.equal(await world.clock.drive(node.bootstrap(bootstrap)), true);
  assert.ok(late.count("ping") >= 1);
  await node.close();
});

Deno.test("Joining again after an outage finds the contacts of this run, with no other node to ask", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const only = new Puppet(world, "6.0.0.1");
  only.ping(node.address);
  await world.clock.advance(1_000);
  world.network.lose = () => true;
  await world.clock.drive(node.lookup(node.id));
  await world.clock.advance(10_000);
  assert.equal(node.joined, false);
  assert.equal(await world.clock.drive(node.bootstrap([])), false);
  world.network.lose = () => false;
  assert.equal(await world.clock.drive(node.bootstrap([])), true);
  assert.equal(node.joined, true);
  await node.close();
});

Deno.test("A bootstrap node that loses datagrams is asked again", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppet = new Puppet(world, "6.0.0.1");
  let losses = 2;
  world.network.lose = (_from, to) => to.ip === puppet.contact.ip && losses-- > 0;
  assert.equal(await world.clock.drive(node.bootstrap([{ host: "6.0.0.1", port: 7000 }])), true);
  await node.close();
});

Deno.test("Joining can be aborted", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const abort = new AbortController();
  const joining = node.bootstrap([{ host: "6.0.0.1", port: 7000 }], abort.signal);
  const rejected = assert.rejects(joining, /enough/);
  await world.clock.advance(10);
  abort.abort(new Error("enough"));
  await rejected;
  await node.close();
});

Deno.test("After joining, a node knows all of a small network, and all know it", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 15);
  await world.clock.advance(5_000);
  for (const node of nodes) assert.equal(node.contacts().length, 14);
  await closeAll(nodes);
});

Deno.test("Of the last run's contacts the nearest of each family are greeted", async () => {
  const world = testWorld();
  const puppets = [4, 6].map((family) => new Puppet(world, family === 4 ? "6.0.0.1" : "2a01:1::1"));
  const gone = (ip: string) => ({ id: new SeededRandom(ip).bytes(20), ip, port: 7000 });
  const contacts = [4, 6].flatMap((family, i) => [
    ...Array.from(
      { length: savedContactsMax },
      (_, n) => gone(family === 4 ? `7.${n >> 8}.${n & 255}.1` : `2a0f:${n + 1}::1`),
    ),
    ...puppets.slice(i, i + 1).map(({ contact }) => contact),
  ]);
  const storage = new MemoryStorage();
  await storage.saveContacts(contacts);
  const node = await virtualNode(world, 0, { storage });
  assert.ok(await world.clock.drive(node.bootstrap([])));
  await world.clock.advance(1_000);
  assert.deepEqual(node.contacts().map(({ ip }) => ip).sort(), ["2a01:1::1", "6.0.0.1"]);
  await node.close();
});
