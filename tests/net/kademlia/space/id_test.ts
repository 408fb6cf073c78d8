import assert from "node:assert/strict";
import fc from "fast-check";
import {
  commonPrefixBits,
  compareDistance,
  Id,
  withPrefix,
} from "../../../../net/kademlia/space/id.ts";

const bytes = fc.uint8Array({ minLength: 20, maxLength: 20 });
const seed = { seed: 3 };

function toBig(id: Id): bigint {
  return BigInt(`0x${id}`);
}

Deno.test("An id keeps its bytes", () => {
  fc.assert(fc.property(bytes, (b) => assert.deepEqual(Id.from(b).toBytes(), b)), seed);
});

Deno.test("Distances compare as 160-bit numbers", () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (t, a, b) => {
      const [target, one, two] = [Id.from(t), Id.from(a), Id.from(b)];
      const difference = (toBig(one) ^ toBig(target)) - (toBig(two) ^ toBig(target));
      const expected = difference < 0n ? -1 : difference > 0n ? 1 : 0;
      assert.equal(Math.sign(compareDistance(target, one, two)), expected);
    }),
    seed,
  );
});

Deno.test("Close ids are told apart by their last bits", () => {
  const target = new Id(1, 2, 3, 4, 0);
  assert.ok(compareDistance(target, new Id(1, 2, 3, 4, 1), new Id(1, 2, 3, 4, 2)) < 0);
  assert.ok(compareDistance(target, new Id(1, 2, 3, 4, -1), new Id(1, 2, 3, 4, 2)) > 0);
  assert.equal(compareDistance(target, target, target), 0);
});

Deno.test("A point in a bucket's range shares exactly the bucket's bits", () => {
  fc.assert(
    fc.property(bytes, bytes, fc.integer({ min: 0, max: 159 }), (a, b, bits) => {
      const own = Id.from(a);
      assert.equal(commonPrefixBits(own, withPrefix(own, bits, Id.from(b))), bits);
    }),
    seed,
  );
});

Deno.test("Too few bytes make no id", () => {
  assert.throws(() => Id.from(new Uint8Array(19)), RangeError);
  assert.throws(() => Id.from(new Uint8Array(20), 1), RangeError);
});
