import assert from "node:assert/strict";
import {
  AddressGroups,
  type Candidate,
  CandidateList,
} from "../../../../net/kademlia/lookup/candidates.ts";
import { Nearness } from "../../../../net/kademlia/lookup/nearness.ts";
import { PathFamilies } from "../../../../net/kademlia/lookup/path_families.ts";
import { Places } from "../../../../net/kademlia/lookup/places.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { distance, Id } from "../../../../net/kademlia/space/id.ts";

const target = new Id(0, 0, 0, 0, 0);
const k = 4;

/** Contact number `n` by distance from the target. */
function at(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `5.${n & 255}.0.1`, 4000);
}

/** The places of a value among contacts that a path knows, where the k closest are expected within 10. */
function among(known: readonly number[], radius = distance(target, at(10).nodeId)) {
  const candidates = new CandidateList(target, new Id(-1, -1, -1, -1, -1));
  for (const n of known) candidates.learn(at(n), 1 << (n % 2));
  const nearness = new Nearness(target, k, () => radius);
  const places = new Places({
    k,
    candidates,
    groups: new AddressGroups(() => []),
    nearness,
    families: new PathFamilies(known.map(at), 2),
  });
  return {
    places,
    nearness,
    all: candidates.all,
    learn: (n: number) => candidates.learn(at(n), 1),
  };
}

function numbersOf(candidates: readonly Candidate[]): number[] {
  return candidates.map(({ contact }) => contact.nodeId.w0);
}

Deno.test("The outlook leaves out the silent, and tells which paths know others", () => {
  const { places, all } = among([1, 3, 5, 7, 9, 11]);
  const [first] = all;
  assert.ok(first);
  first.state = "slow";
  const outlook = places.outlook();
  assert.deepEqual(outlook.places.map(({ contact }) => contact.nodeId.w0), [3, 5, 7, 9]);
  assert.deepEqual([outlook.isPlain, outlook.paths], [true, 0b10]);
  assert.deepEqual(places.among((candidate) => candidate.hasAnswered), []);
});

Deno.test("An outlook is not plain where too few are known or near, in a crowd, or without an estimate", () => {
  const isPlain = (known: number[], radius?: number) =>
    among(known, radius).places.outlook().isPlain;
  assert.ok(isPlain([2, 4, 6, 8, 10]));
  assert.ok(!isPlain([2, 4, 6]));
  assert.ok(!isPlain([2, 4, 60, 80]));
  assert.ok(!isPlain([1, 2, 3, 4, 5]), "five within half of the distance where four are expected");
  assert.ok(!isPlain([2, 4, 6, 8], Infinity));
});

Deno.test("An outlook is not plain while an attacker's nodes are seen around the target", () => {
  // The rings that the attacker has filled have no room for a further node, so that there is no crowd.
  const known = [2, 4, 6, 8, 10];
  const { places, nearness } = among(known);
  assert.ok(places.outlook().isPlain);
  nearness.isBesieged = true;
  assert.ok(!places.outlook().isPlain);
});

Deno.test("The places stay as they are until a nearer node is known, or one of them is silent or is not", () => {
  const { places, all, learn } = among([2, 4, 6, 8, 20]);
  const first = places.upcoming();
  assert.deepEqual(numbersOf(first), [2, 4, 6, 8]);
  learn(30);
  learn(6);
  const [two] = all;
  assert.ok(two);
  two.state = "answered";
  assert.equal(places.upcoming(), first);
  learn(7);
  assert.deepEqual(numbersOf(places.upcoming()), [2, 4, 6, 7]);
  two.state = "slow";
  assert.deepEqual(numbersOf(places.outlook().places), [4, 6, 7, 8]);
  two.state = "answered";
  assert.deepEqual(numbersOf(places.upcoming()), [2, 4, 6, 7]);
});

Deno.test("Where fewer than k are known the next one is a place, however far it is", () => {
  const { places, learn } = among([2, 4]);
  assert.deepEqual(numbersOf(places.upcoming()), [2, 4]);
  learn(90);
  assert.deepEqual(numbersOf(places.upcoming()), [2, 4, 90]);
});
