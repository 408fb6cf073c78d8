import assert from "node:assert/strict";
import { Exemption } from "../../../../lib/networks.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { compareDistance, Id, withPrefix } from "../../../../net/kademlia/space/id.ts";
import { RoutingTable } from "../../../../net/kademlia/table/routing_table.ts";
import { RoutingTables } from "../../../../net/kademlia/table/routing_tables.ts";
import { SeededRandom } from "../../../sim/random.ts";

const random = new SeededRandom("tables");
const own = Id.random(random);
const options = { k: 4, exemption: new Exemption(true) };

let nets = 0;
function four(id: Id): NodeContact {
  return new NodeContact(id, `${5 + (nets >> 8)}.${nets++ & 255}.0.1`, 4000);
}
function six(id: Id): NodeContact {
  return new NodeContact(id, `2a01:${(++nets).toString(16)}::1`, 4000);
}

/** Ids in the range of one bucket. */
function ids(count: number, bits = 0): Id[] {
  return Array.from({ length: count }, () => withPrefix(own, bits, Id.random(random)));
}

Deno.test("A table full of one family has room for the other", () => {
  const tables = new RoutingTables(own, options);
  for (const id of ids(5)) tables.insert(four(id), 0);
  assert.equal(tables.size, 4);
  const [id] = ids(1);
  assert.ok(id);
  assert.equal(tables.consider(four(id), true, 1).kind, "nothing");
  assert.equal(tables.consider(six(id), true, 1).kind, "verify");
  assert.ok(tables.insert(six(id), 1));
  assert.equal(tables.size, 5);
});

Deno.test("An id at an address of the other family stands beside it and takes no place", () => {
  const tables = new RoutingTables(own, options);
  const [id] = ids(1);
  assert.ok(id);
  const known = four(id);
  const entry = tables.insert(known, 0);
  assert.ok(entry);
  const other = six(id);
  assert.equal(tables.hasTwin(other), true);
  assert.equal(
    tables.consider(other, true, 1).kind,
    "verify",
    "the old address is not in question",
  );
  tables.insert(other, 1);
  assert.equal(tables.find(known), entry);
  assert.ok(tables.find(other));
  assert.equal(tables.size, 1, "it is one node");
  assert.deepEqual([...tables].length, 2);
  // Within a family an id stays where it was proved.
  assert.equal(tables.consider(six(id), true, 2).kind, "check");
  assert.equal(tables.insert(six(id), 2), undefined);
  tables.failed(entry);
  assert.equal(tables.live, 1, "by the other family it is alive");
  assert.equal(tables.evict(entry), undefined);
  assert.equal(tables.find(known), undefined);
  assert.ok(tables.find(other));
  assert.equal(tables.hasTwin(other), false);
});

Deno.test("Both tables are asked as if they were one, and each by itself", () => {
  const tables = new RoutingTables(own, options);
  const one = new RoutingTable(own, options);
  const all = [...ids(3), ...ids(3, 5), ...ids(4, 30)];
  for (const [i, id] of all.entries()) {
    one.insert(four(id), 0);
    if (i % 3 !== 1) tables.insert(four(id), 0);
    if (i % 3 !== 0) tables.insert(six(id), 0);
  }
  assert.equal(tables.size, all.length);
  for (const target of [own, ...all]) {
    const names = (contacts: NodeContact[]) => contacts.map(({ nodeId }) => `${nodeId.toBytes()}`);
    assert.deepEqual(names(tables.closest(target, 4)), names(one.closest(target, 4)));
    assert.equal(tables.countCloserThanOwn(target, 9), one.countCloserThanOwn(target, 9));
    const seeds = tables.seeds(target, 20);
    assert.equal(seeds.length, [...tables].length);
    const isInOrder = (a: NodeContact, b: NodeContact) =>
      compareDistance(target, a.nodeId, b.nodeId) <= 0;
    assert.ok(seeds.every((seed, i) => i === 0 || isInOrder(seeds[i - 1] ?? seed, seed)));
    assert.ok(tables.of(6).closest(target, 20).every(({ ip }) => ip.includes(":")));
    assert.ok(tables.of(4).closest(target, 20).every(({ ip }) => !ip.includes(":")));
  }
});
