import assert from "node:assert/strict";
import fc from "fast-check";
import { candidatesPerLookupMax } from "../../../../net/kademlia/constants.ts";
import { CandidateList } from "../../../../net/kademlia/lookup/candidates.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";

const target = new Id(0, 0, 0, 0, 0);

/** A contact by its distance from the target. */
function at(distance: number): NodeContact {
  return new NodeContact(new Id(distance, 0, 0, 0, 0), "5.0.0.1", 4000);
}

function distancesOf(list: CandidateList): number[] {
  return list.all.map(({ contact }) => contact.nodeId.w0);
}

Deno.test("Candidates come nearest first, each once, with all paths that know it", () => {
  const learned = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 2, 4)));
  fc.assert(
    fc.property(learned, (contacts) => {
      const own = 7;
      const list = new CandidateList(target, at(own).nodeId);
      const known = new Map<number, number>();
      for (const [distance, bit] of contacts) {
        list.learn(at(distance), bit);
        if (distance !== own) known.set(distance, (known.get(distance) ?? 0) | bit);
      }
      assert.deepEqual(distancesOf(list), [...known.keys()].sort((a, b) => a - b));
      for (const { contact, known: bits } of list.all) {
        assert.equal(bits, known.get(contact.nodeId.w0));
      }
    }),
    { seed: 5, numRuns: 200 },
  );
});

Deno.test("A full list takes nearer candidates for its farthest, unless that one was asked", () => {
  const list = new CandidateList(target, target);
  const full = Array.from({ length: candidatesPerLookupMax }, (_, i) => 10 * (i + 1));
  for (const distance of full) list.learn(at(distance), 1);
  assert.deepEqual(distancesOf(list), full);
  const farthest = 10 * candidatesPerLookupMax;
  list.learn(at(farthest + 1), 1);
  assert.deepEqual(distancesOf(list), full, "a farther one finds no room");
  list.learn(at(5), 1);
  assert.deepEqual(distancesOf(list), [5, ...full.slice(0, -1)]);
  list.learn(at(farthest - 15), 1);
  const [last, before] = [list.all.at(-1), list.all.at(-2)];
  assert.equal(before?.contact.nodeId.w0, farthest - 20);
  assert.equal(last?.contact.nodeId.w0, farthest - 15);
  if (last !== undefined) last.state = "asked";
  list.learn(at(6), 1);
  assert.equal(list.all.at(-1), last);
  assert.equal(list.all.length, candidatesPerLookupMax);
  assert.ok(!distancesOf(list).includes(6));
});
