import assert from "node:assert/strict";
import { familyOf } from "../../../../lib/ip_address.ts";
import { holdersPerFamilyMin } from "../../../../net/kademlia/constants.ts";
import type { Candidate } from "../../../../net/kademlia/lookup/candidates.ts";
import { Lookup, type LookupOptions } from "../../../../net/kademlia/lookup/lookup.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";

/** Contact number `n` by distance from the target. */
function four(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `5.${n}.0.1`, 4000);
}
function six(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `2a01:${n}::1`, 4000);
}

function lookup(options: Partial<LookupOptions> & Pick<LookupOptions, "seeds">): Lookup {
  return new Lookup({
    target: new Id(0, 0, 0, 0, 0),
    own: new Id(-1, -1, -1, -1, -1),
    networksOf: () => [],
    k: 20,
    alpha: 3,
    paths: 1,
    answerRate: 1,
    reserve: () => [],
    radius: () => Infinity,
    ...options,
  });
}

/** Answers every query with what `named` says of the contact; returns whom it asked. */
function run(
  one: Lookup,
  named: (contact: NodeContact) => NodeContact[] = () => [],
): NodeContact[] {
  const asked: NodeContact[] = [];
  const queue: Candidate[] = one.start();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    asked.push(next.contact);
    queue.push(...one.reply(next, named(next.contact)));
  }
  assert.ok(one.finished);
  return asked;
}

function numbersOf(contacts: readonly NodeContact[]): number[] {
  return contacts.map(({ nodeId }) => nodeId.w0).sort((a, b) => a - b);
}

Deno.test("A lookup with seeds of both families follows what nodes of each name", () => {
  const one = lookup({ seeds: [four(50), six(60)] });
  const asked = run(one, (contact) => {
    if (contact.nodeId.w0 === 50) return [four(10), four(11)];
    return contact.nodeId.w0 === 60 ? [six(20), six(21)] : [];
  });
  assert.deepEqual(numbersOf(asked), [10, 11, 20, 21, 50, 60]);
  assert.deepEqual(numbersOf(one.result()), [10, 11, 20, 21, 50, 60]);
});

Deno.test("A node with both families is asked once, by the family of the path that asks", () => {
  const one = lookup({
    seeds: [four(1), six(1), four(2), six(2), four(3), six(3), four(4), six(4)],
  });
  const asked = run(one);
  assert.deepEqual(numbersOf(asked), [1, 2, 3, 4]);
  const bySix = asked.filter(({ ip }) => familyOf(ip) === 6);
  assert.ok(bySix.length > 0 && bySix.length < 4, "some by each");
});

Deno.test("A node that does not answer by one family is asked by the other, once", () => {
  const one = lookup({ seeds: [four(1), six(1)] });
  const [first] = one.start();
  assert.ok(first);
  const { ip } = first.contact;
  const [again, ...others] = one.failure(first);
  assert.deepEqual(others, []);
  assert.ok(again);
  assert.notEqual(familyOf(again.contact.ip), familyOf(ip));
  assert.deepEqual(one.failure(again), []);
  assert.ok(one.finished);
  assert.deepEqual(one.result(), []);
});

Deno.test("What a node says of an id does not replace the address that the own table vouches for", () => {
  const one = lookup({ seeds: [four(5), six(60)] });
  const asked = run(one, ({ nodeId }) => nodeId.w0 === 60 ? [six(5)] : []);
  assert.deepEqual(asked.map(({ ip }) => ip).sort(), [four(5).ip, six(60).ip].sort());
  // Not even where the other family's path comes first.
  const three = lookup({ seeds: [four(3), four(5), six(60)], alpha: 2 });
  const [, far] = three.start();
  assert.equal(far?.contact.ip, six(60).ip);
  assert.deepEqual(three.reply(far, [six(5)]).map(({ contact }) => contact.ip), [four(5).ip]);
  // Of a node that the table knows nothing of, both addresses are as good as what names them.
  const two = lookup({ seeds: [four(50), six(60)] });
  const named = run(two, ({ nodeId, ip }) => {
    return nodeId.w0 < 50 ? [] : [familyOf(ip) === 4 ? four(5) : six(5)];
  });
  assert.deepEqual(numbersOf(named), [5, 50, 60]);
});

Deno.test("A result has some nodes of each family, however far they are", () => {
  const near = Array.from({ length: 30 }, (_, i) => four(1 + i));
  const far = Array.from({ length: 30 }, (_, i) => six(101 + i));
  const one = lookup({ seeds: [...near, ...far] });
  run(one);
  const result = one.result();
  const sixes = result.filter(({ ip }) => familyOf(ip) === 6);
  assert.equal(sixes.length, holdersPerFamilyMin);
  assert.equal(result.length, 20 + holdersPerFamilyMin);
  assert.deepEqual(numbersOf(sixes), numbersOf(far.slice(0, holdersPerFamilyMin)));
  // A node that is known to have both counts for both.
  const both = lookup({ seeds: [...near, ...near.map(({ nodeId }) => six(nodeId.w0)), ...far] });
  run(both);
  assert.equal(both.result().length, 20);
});

Deno.test("Contacts that no path knows are asked on a path of their family", () => {
  const seeds = [four(50), six(60)];
  const one = lookup({
    seeds,
    radius: () => 1,
    reserve: () => [six(70), six(71), four(72), six(73)],
  });
  const asked: Candidate[] = [];
  const queue = one.start();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    asked.push(next);
    queue.push(...one.reply(next, []));
  }
  assert.equal(asked.length, 6);
  const familiesByPath = new Map<number, Set<number>>();
  for (const { path, contact } of asked) {
    const there = familiesByPath.get(path) ?? new Set();
    familiesByPath.set(path, there.add(familyOf(contact.ip)));
  }
  assert.ok([...familiesByPath.values()].every(({ size }) => size === 1));
});
