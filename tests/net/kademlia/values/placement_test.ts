import assert from "node:assert/strict";
import type { Candidate } from "../../../../net/kademlia/lookup/candidates.ts";
import { Lookup, type LookupOptions } from "../../../../net/kademlia/lookup/lookup.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { distance, Id } from "../../../../net/kademlia/space/id.ts";
import { Placement } from "../../../../net/kademlia/values/placement.ts";

const target = new Id(0, 0, 0, 0, 0);
const own = new Id(-1, -1, -1, -1, -1);

/** Contact number `n` by distance from the target. */
function at(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `${5 + (n >> 8) % 200}.${n & 255}.0.1`, 4000);
}

/** Contacts `from` to `to`, both included, every `step`-th. */
function range(from: number, to: number, step = 1): NodeContact[] {
  const contacts: NodeContact[] = [];
  for (let n = from; n <= to; n += step) contacts.push(at(n));
  return contacts;
}

/** A lookup of the 4 closest, which are expected within a distance of 10. */
function lookup(options: Partial<LookupOptions> & Pick<LookupOptions, "seeds">): Lookup {
  return new Lookup({
    target,
    own,
    k: 4,
    alpha: 3,
    paths: 1,
    answerRate: 1,
    reserve: () => [],
    networksOf: () => [],
    nearAtOnce: 4,
    radius: () => distance(target, at(10).nodeId),
    ...options,
  });
}

function numberOf({ contact }: Candidate): number {
  return contact.nodeId.w0;
}

/** A walk in which every node answers at once and names `named`; what it is sent early, and who accepts it. */
function walk(
  one: Lookup,
  placement: Placement,
  named: (n: number) => NodeContact[],
  until: () => boolean = () => false,
): number[] {
  const early: number[] = [];
  const open = one.start();
  for (let next = open.shift(); next !== undefined && !until(); next = open.shift()) {
    open.push(...one.reply(next, named(numberOf(next))));
    if (!placement.answered(next)) continue;
    early.push(numberOf(next));
    placement.stored(next, "accepted");
  }
  return early;
}

Deno.test("A node that is near enough is sent the value as soon as it has answered, a far one is not", () => {
  const one = lookup({ seeds: [at(50)] });
  const placement = new Placement(one, own);
  const early = walk(one, placement, () => [...range(2, 8, 2), at(30)]);
  assert.deepEqual(early.sort(), [2, 4, 6, 8]);
  assert.deepEqual(placement.rest(), []);
  assert.ok(placement.isSettled);
});

Deno.test("A put is settled once most of the k closest have accepted, and not before", () => {
  const one = lookup({ seeds: range(2, 8, 2) });
  const placement = new Placement(one, own);
  const asked = one.start();
  for (const candidate of asked) one.reply(candidate, []);
  for (const [i, candidate] of asked.entries()) {
    assert.equal(placement.isSettled, i > 2, `${i} accepted`);
    assert.ok(placement.answered(candidate));
    placement.stored(candidate, "accepted");
  }
  assert.deepEqual(placement.fates, { accepted: 4, refused: 0, silent: 0, open: 0 });
});

Deno.test("Nodes that have not answered yet count among the k closest", () => {
  const one = lookup({ seeds: range(2, 8, 2) });
  const placement = new Placement(one, own);
  const [a, b] = one.start();
  assert.ok(a && b);
  for (const candidate of [a, b]) {
    one.reply(candidate, []);
    placement.answered(candidate);
    placement.stored(candidate, "accepted");
  }
  assert.ok(!placement.isSettled);
  assert.deepEqual(placement.fates, { accepted: 2, refused: 0, silent: 0, open: 2 });
});

Deno.test("As many that refuse keep a put from being settled", () => {
  const one = lookup({ seeds: range(2, 8, 2) });
  const placement = new Placement(one, own);
  for (const candidate of one.start()) {
    one.reply(candidate, []);
    placement.answered(candidate);
    placement.stored(candidate, numberOf(candidate) <= 4 ? "accepted" : "refused");
  }
  assert.ok(!placement.isSettled);
  assert.deepEqual(placement.fates, { accepted: 2, refused: 2, silent: 0, open: 0 });
});

Deno.test("Without an estimate of the density nothing is stored early, and a put waits for all", () => {
  const one = lookup({ seeds: range(2, 8, 2), radius: () => Infinity });
  const placement = new Placement(one, own);
  assert.deepEqual(walk(one, placement, () => []), []);
  const rest = placement.rest();
  assert.deepEqual(rest.map(numberOf), [2, 4, 6, 8]);
  for (const candidate of rest) placement.stored(candidate, "accepted");
  assert.ok(!placement.isSettled);
  assert.ok(!placement.isWaiting);
});

Deno.test("Where there are fewer than k nodes, or few are near, a put waits for all", () => {
  for (const seeds of [range(2, 6, 2), [at(2), at(4), at(60), at(61)]]) {
    const one = lookup({ seeds });
    const placement = new Placement(one, own);
    walk(one, placement, () => []);
    for (const candidate of placement.rest()) placement.stored(candidate, "accepted");
    assert.ok(!placement.isSettled);
  }
});

Deno.test("Accomplices that one path alone knows do not settle a put", () => {
  const one = lookup({ seeds: [at(40), at(50)], paths: 2 });
  const placement = new Placement(one, own);
  const [liar, honest] = one.start();
  assert.ok(liar && honest);
  // Four that look as dense as the network is: all accept, while the other path is on its way.
  for (const accomplice of one.reply(liar, range(2, 8, 2))) {
    one.reply(accomplice, range(2, 8, 2));
    assert.ok(placement.answered(accomplice));
    placement.stored(accomplice, "accepted");
  }
  assert.ok(!placement.isSettled);
  // The other path finds others as well: now the place is crowded, and all have to be asked.
  const found = one.reply(honest, range(1, 7, 2));
  for (const candidate of found) {
    one.reply(candidate, []);
    if (placement.answered(candidate)) placement.stored(candidate, "accepted");
  }
  assert.ok(!placement.isSettled);
  const stored = [...found, ...placement.rest()].map(numberOf);
  for (const n of [1, 3, 5]) assert.ok(stored.includes(n), `${n} is a place`);
});

Deno.test("Accomplices that another path knows as well settle a put as any nodes do", () => {
  const one = lookup({ seeds: [at(40), at(50)], paths: 2 });
  const placement = new Placement(one, own);
  walk(one, placement, (n) => n < 40 ? [] : range(2, 8, 2));
  assert.ok(placement.isSettled);
});

Deno.test("The own node counts as one of the k closest where it is one, and is not asked", () => {
  const near = new Id(5, 0, 0, 0, 0);
  const one = lookup({ seeds: range(2, 8, 2), own: near });
  const placement = new Placement(one, near);
  assert.deepEqual(walk(one, placement, () => []).sort(), [2, 4, 6]);
  assert.ok(placement.isOwnNear);
  assert.ok(placement.isSettled);
  assert.deepEqual(placement.fates, { accepted: 3, refused: 0, silent: 0, open: 0 });
  assert.deepEqual(placement.rest(), []);
});

Deno.test("However many nodes are named, early stores are bounded", () => {
  const radius = (): number => distance(target, at(1_000).nodeId);
  const one = lookup({ seeds: [at(2_000)], nearAtOnce: 1, radius });
  const placement = new Placement(one, own);
  let next = 1_000;
  // Each names one that is nearer than itself.
  const early = walk(one, placement, () => [at(--next)], () => next < 900);
  assert.equal(early.length, 12);
});
