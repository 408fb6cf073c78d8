import assert from "node:assert/strict";
import fc from "fast-check";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { IdIndex, type Indexed } from "../../../../net/kademlia/space/id_index.ts";

class Thing implements Indexed<Thing> {
  readonly id: Id;
  next: Thing | undefined;

  constructor(word: number, rest: number) {
    this.id = new Id(word, 0, 0, 0, rest);
  }
}

Deno.test("An index finds what a map with texts of ids finds, though first words are shared", () => {
  const steps = fc.array(
    fc.record({ word: fc.nat(2), rest: fc.nat(3), isRemoved: fc.boolean() }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const index = new IdIndex<Thing>();
      const map = new Map<string, Thing>();
      for (const { word, rest, isRemoved } of steps) {
        const thing = new Thing(word, rest);
        const name = thing.id.toString();
        const before = map.get(name);
        assert.equal(index.get(thing.id), before);
        if (!isRemoved) {
          assert.equal(index.set(thing), before);
          map.set(name, thing);
        } else {
          // One of the same id is not the same.
          assert.equal(index.remove(thing), false);
          if (before !== undefined) assert.equal(index.remove(before), true);
          map.delete(name);
        }
        assert.equal(index.size, map.size);
        assert.deepEqual(new Set(index), new Set(map.values()));
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("One that is set in the place of another comes where that came", () => {
  const index = new IdIndex<Thing>();
  for (const word of [1, 2, 3]) index.set(new Thing(word, 0));
  index.set(new Thing(2, 0));
  assert.deepEqual([...index].map(({ id }) => id.w0), [1, 2, 3]);
});
