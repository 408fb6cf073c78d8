import assert from "node:assert/strict";
import { type Family, familyOf } from "../../lib/ip_address.ts";
import { bytesOf, keyOf, testWorld, textOf } from "../net/kademlia/support.ts";
import { addressIn, type FamilyNode, familyNode, join } from "./dht_families.ts";

/** As many nodes of each kind, joined through the first, which has both families. */
async function network(both: number, four: number, six: number) {
  const world = testWorld();
  const kinds: Family[][] = [
    ...Array<Family[]>(both).fill([4, 6]),
    ...Array<Family[]>(four).fill([4]),
    ...Array<Family[]>(six).fill([6]),
  ];
  const nodes: FamilyNode[] = [];
  for (const [i, families] of kinds.entries()) {
    const one = await familyNode(world, i, families);
    const [first] = nodes;
    if (first) assert.ok(await join(world, one, first), `node ${i} joins`);
    nodes.push(one);
  }
  await world.clock.advance(5_000);
  const close = () => Promise.all(nodes.map(({ node }) => node.close()));
  return { world, nodes, close };
}

Deno.test("Nodes with one family alone meet in those with both, and dial no address they cannot reach", async () => {
  const { world, nodes, close } = await network(12, 25, 25);
  const [four, six, both] = [nodes.at(14), nodes.at(-3), nodes.at(3)];
  assert.ok(four && six && both);
  const pairs = [[four, six], [six, four], [both, four], [both, six], [four, both], [six, both]];
  for (const [n, [writer, reader]] of pairs.entries()) {
    assert.ok(writer && reader);
    const key = keyOf(`key ${n}`);
    await world.clock.drive(writer.node.put(key, bytesOf(`value ${n}`)));
    const { value } = await world.clock.drive(reader.node.get(key));
    assert.equal(textOf(value), `value ${n}`, `of ${writer.families} to ${reader.families}`);
  }
  const through = [addressIn(4, 0), addressIn(6, 0)];
  for (const { node, families, socket } of nodes) {
    const strange = node.contacts().filter(({ ip }) => !families.includes(familyOf(ip)));
    assert.deepEqual(strange, [], "no contact of the other family is kept");
    const asked = [...socket.lost].filter((ip) => !through.includes(ip));
    assert.deepEqual(asked, [], "but for the name that it joined through");
  }
  await close();
});
