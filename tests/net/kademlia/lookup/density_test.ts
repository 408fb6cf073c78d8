import { Exemption } from "../../../../lib/networks.ts";
import assert from "node:assert/strict";
import { DensityEstimate, expectedMs } from "../../../../net/kademlia/lookup/density.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { distance, Id } from "../../../../net/kademlia/space/id.ts";
import { RoutingTable } from "../../../../net/kademlia/table/routing_table.ts";

const target = new Id(0, 0, 0, 0, 0);

/** Contact number `n` by distance from the target. */
function at(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `${5 + (n >> 8) % 200}.${n & 255}.0.1`, 4000);
}

Deno.test("The holders' distance is guessed from the own neighbourhood at first", () => {
  const table = new RoutingTable(target, { k: 4, exemption: new Exemption(true) });
  const density = new DensityEstimate(table);
  for (let n = 1; n <= 3; n++) table.insert(at(n), 0);
  assert.equal(density.radius(), Infinity);
  for (let n = 4; n <= 9; n++) table.insert(at(n), 0);
  assert.ok(density.radius() >= distance(target, at(4).nodeId));
  assert.ok(density.radius() < distance(target, at(6).nodeId));
});

Deno.test("A neighbour that fails, comes back, goes or joins changes the guess at once", () => {
  const table = new RoutingTable(target, { k: 4, exemption: new Exemption(true) });
  const density = new DensityEstimate(table);
  const entries = [1, 2, 3, 4, 5, 6].map((n) => table.insert(at(n), 0));
  const [first, second] = entries;
  assert.ok(first && second);
  const radii = [density.radius()];
  for (
    const change of [
      (): void => table.failed(first),
      (): void => table.answered(first, 0),
      (): void => void table.evict(second),
      (): void => void table.insert(at(2), 0),
    ]
  ) {
    change();
    radii.push(density.radius());
  }
  const [all, without] = radii;
  assert.ok(all !== undefined && without !== undefined && without > all);
  assert.deepEqual(radii, [all, without, all, without, all]);
});

Deno.test("Lookups tell where holders are to be expected, though liars answered some of them", () => {
  const table = new RoutingTable(target, { k: 4, exemption: new Exemption(true) });
  const density = new DensityEstimate(table);
  // Whoever was born among liars knows no true neighbours.
  for (let n = 51; n <= 59; n++) table.insert(at(n), 0);
  assert.ok(density.radius() > distance(target, at(50).nodeId));
  // What every third lookup found is five times too far away; too few nodes tell nothing.
  for (let i = 0; i < 100; i++) {
    density.learn(target, (i % 3 === 0 ? [50, 60, 80, 100] : [5, 12, 15, 20]).map(at));
    density.learn(target, [1, 2, 3].map(at));
  }
  assert.ok(density.radius() >= distance(target, at(20).nodeId));
  assert.ok(density.radius() < distance(target, at(30).nodeId));
  // A network that grows shows in the own neighbourhood at once.
  for (let n = 1; n <= 4; n++) table.insert(at(n), 0);
  assert.ok(density.radius() < distance(target, at(6).nodeId));
});

Deno.test("Ids that an attacker places together make the network look no denser to the nodes beside them", () => {
  const k = 20;
  const table = new RoutingTable(target, { k, exemption: new Exemption(false) });
  const density = new DensityEstimate(table);
  for (let n = 1; n <= 40; n++) table.insert(at(1_000 * n), 0);
  const honest = density.radius();
  assert.ok(honest >= distance(target, at(20_000).nodeId));
  assert.ok(honest < distance(target, at(30_000).nodeId));
  const attackersAt = (first: number) =>
    Array.from(
      { length: 20 },
      (_, n) => new NodeContact(new Id(first, n << 20, 0, 0, 0), `90.${n}.0.1`, 4000),
    );
  const attackers = attackersAt(5_300);
  for (const attacker of attackers) table.insert(attacker, 0);
  const known = table.closest(target, k).filter(({ ip }) => ip.startsWith("90."));
  assert.ok(known.length > 10, "they stand among the k closest");
  // Four of them count in place of as many others.
  assert.ok(density.radius() >= distance(target, at(16_000).nodeId));
  assert.ok(density.radius() <= honest);
  // A lookup that found hardly anyone else tells nothing.
  density.learn(target, [at(10), at(20), ...attackersAt(53)]);
  assert.ok(density.radius() >= distance(target, at(16_000).nodeId));
  // One that found some tells how far k of them would reach: ten and four attackers, so ten sevenths as far.
  const found = Array.from({ length: 10 }, (_, i) => at(700 * (i + 1)));
  density.learn(target, [...found.slice(0, 7), ...attackers, ...found.slice(7)]);
  assert.ok(density.radius() >= distance(target, at(14_000).nodeId));
  assert.ok(density.radius() < distance(target, at(15_000).nodeId));
});

Deno.test("A nearer contact may be slower by as much as the hops take that it spares", () => {
  const expected = (ownMs: number, from: number): number =>
    expectedMs({ ownMs, averageMs: 90, from, radius: 2 });
  assert.equal(expected(50, 0.1), 50);
  assert.equal(expected(50, 1), 50);
  assert.equal(Math.round(expected(50, 2 ** 4.5)), 140);
});
