import assert from "node:assert/strict";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { inTurns } from "../../../../net/kademlia/service/filling.ts";
import { commonPrefixBits, Id } from "../../../../net/kademlia/space/id.ts";
import { naming, Puppet } from "../puppet.ts";
import { closeAll, testWorld, virtualNetwork, virtualNode } from "../support.ts";

/** The node's own id. */
const own = new Id(0, 0, 0, 0, 0);

/** An id that shares exactly so many leading bits with the own one. */
function sharing(bits: number, n: number): Id {
  return new Id((1 << (31 - bits)) | (n << 4), n, 0, 0, 0);
}

/**
 * A node joins a network of puppets: twenty next to it, three that share two bits with it, and what each of
 * these three names.
 */
async function joined(named: readonly (readonly NodeContact[])[], world = testWorld()) {
  const node = await virtualNode(world, 0, { id: own.toBytes() });
  const near = Array.from(
    { length: 20 },
    (_, i) => new Puppet(world, `6.${i}.0.1`, sharing(10, i)),
  );
  const three = named.map((_, i) => new Puppet(world, `7.${i}.0.1`, sharing(2, i)));
  const [first] = near;
  assert.ok(first);
  const all = [...near, ...three].map(({ contact }) => contact);
  for (const puppet of near) puppet.react.find_node = naming(all);
  three.forEach((puppet, i) => puppet.react.find_node = naming(named[i] ?? []));
  const { ip: host, port } = first.contact;
  await world.clock.drive(node.bootstrap([{ host, port }]));
  await world.clock.advance(5_000);
  const inBucket = node.contacts().map(({ id }) => Id.from(id))
    .filter((id) => commonPrefixBits(own, id) === 2);
  const ids = new Set(inBucket.map(String));
  await node.close();
  return { has: (contact: NodeContact) => ids.has(String(contact.nodeId)), size: ids.size };
}

Deno.test("A newcomer fills a bucket with nodes that contacts name, each of which has answered a ping", async () => {
  const world = testWorld();
  const named = Array.from(
    { length: 12 },
    (_, i) => new Puppet(world, `8.${i}.0.1`, sharing(2, 10 + i)),
  );
  const [mute] = named;
  assert.ok(mute);
  mute.silent = true;
  const contacts = named.map(({ contact }) => contact);
  const { has, size } = await joined([contacts, contacts, contacts], world);
  assert.deepEqual(named.map(({ contact }) => has(contact)), [false, ...Array(11).fill(true)]);
  assert.equal(size, 14);
  for (const puppet of named.slice(1)) assert.ok(puppet.count("ping") > 0);
});

Deno.test("Names are taken from each answer in turns, each once: a liar's list is a part of them", () => {
  const named = (n: number) => new NodeContact(sharing(2, n), `8.${n}.0.1`, 7000);
  const [theirs, some, others] = [[1, 2, 3, 4, 5], [6], [7, 1, 8]].map((list) => list.map(named));
  assert.ok(theirs && some && others);
  const order = inTurns([theirs, some, others]).map(({ ip }) => Number(ip.split(".")[1]));
  assert.deepEqual(order, [1, 6, 7, 2, 3, 8, 4, 5]);
  assert.deepEqual(inTurns([]), []);
});

Deno.test("No more nodes are looked for nearer than the 20th closest: all of these were found", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0, { id: own.toBytes() });
  const puppets = Array.from(
    { length: 25 },
    (_, i) => new Puppet(world, `6.${i}.0.1`, sharing(i < 15 ? 4 : 0, i)),
  );
  const all = puppets.map(({ contact }) => contact);
  for (const puppet of puppets) puppet.react.find_node = naming(all, puppet.contact.nodeId);
  const [first] = puppets;
  assert.ok(first);
  const { ip: host, port } = first.contact;
  await world.clock.drive(node.bootstrap([{ host, port }]));
  assert.equal(node.contacts().length, 25);
  const targets = puppets.flatMap(({ requests }) => requests).flatMap(({ args }) =>
    "target" in args ? [args.target] : []
  );
  assert.ok(targets.some((target) => target.equals(own)));
  const others = targets.filter((target) => !target.equals(own));
  assert.deepEqual([...new Set(others.map((target) => commonPrefixBits(own, target)))], [0]);
  await node.close();
});

Deno.test("Tables are full after joins, at a few queries each", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 60);
  await world.clock.advance(5_000);
  const node = await virtualNode(world, 60);
  const [first] = nodes;
  assert.ok(first);
  const { ip: host, port } = first.address;
  await world.clock.drive(node.bootstrap([{ host, port }]));
  await world.clock.advance(2_000);
  const ids = nodes.map(({ id }) => Id.from(id));
  for (let bits = 0; bits < 2; bits++) {
    const there = ids.filter((id) => commonPrefixBits(Id.from(node.id), id) === bits).length;
    const known = node.contacts().filter(({ id }) =>
      commonPrefixBits(Id.from(node.id), Id.from(id)) === bits
    ).length;
    assert.ok(known >= Math.min(there, 20) - 2, `${known} of ${there} share ${bits} bits`);
  }
  // Who was asked for names entered by the answer; others are pinged once, and ping it once.
  const { datagramsOut, contacts } = node.stats();
  assert.ok(datagramsOut < 2 * contacts, `${datagramsOut} for ${contacts} contacts`);
  await closeAll([...nodes, node]);
});
