import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, DecodeError, encode } from "../../lib/msgpack.ts";

const limits = {
  maxBytes: 4_000_000,
  maxArrayLength: 1_000_000,
  maxDepth: 4,
  maxValues: 1_000,
};

Deno.test("The decoder lets through whatever the encoder writes within the limits", () => {
  const leaf = fc.oneof(
    fc.integer(),
    fc.maxSafeNat(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 300, unit: "grapheme" }),
    fc.uint8Array({ maxLength: 70_000 }),
  );
  const value = fc.array(fc.oneof(leaf, fc.array(fc.array(leaf))), { maxLength: 40 });
  fc.assert(
    fc.property(value, (it) => assert.deepEqual(decode(encode(it), limits), it)),
    { seed: 11, numRuns: 300 },
  );
  const longest = Array.from({ length: 999 }, (_, i) => i);
  assert.deepEqual(decode(encode(longest), limits), longest);
  assert.equal(decode(encode("x".repeat(70_000)), limits), "x".repeat(70_000));
});

Deno.test("The decoder refuses what nests too deep, holds too much, or announces too much", () => {
  const deep = new Uint8Array(1_000_000);
  for (let i = 0; i < deep.length; i += 3) {
    deep.set([0xdc, 0x07, 0xff].slice(0, deep.length - i), i);
  }
  const refused: readonly (readonly [Uint8Array, RegExp])[] = [
    [deep, /more than 1000 values/],
    [new Uint8Array([0x91, 0x91, 0x91, 0x91, 0x91, 0]), /nested deeper/],
    [encode(Array.from({ length: 1_000 }, () => 0)), /more than/],
    [new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]), /4294967295 entries/],
    [new Uint8Array(2_000).fill(0xdd, 0, 1).fill(0xff, 1, 5), /more than/],
    [new Uint8Array(2_000).fill(0x91), /nested deeper/],
    [new Uint8Array([0x81, 0, 0]), /map/],
    [new Uint8Array([0xde, 0, 0]), /map/],
    [new Uint8Array([0xd4, 0, 0]), /type/],
    [new Uint8Array([0xc1]), /type/],
    [new Uint8Array([0xc6, 0, 0, 1]), /too early/],
    [new Uint8Array([0xc4, 9, 1]), /too early/],
    [new Uint8Array([0x92, 1]), /too early/],
    [new Uint8Array(), /too early/],
    [new Uint8Array([1, 1]), /left over/],
  ];
  for (const [bytes, why] of refused) {
    assert.throws(() => decode(bytes, limits), (error: unknown) => {
      assert.ok(error instanceof DecodeError);
      assert.match(error.message, why);
      return true;
    });
  }
});

Deno.test("Random bytes never make the decoder do anything but decode or refuse", () => {
  const small = { ...limits, maxValues: 20, maxBytes: 100 };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        assert.ok(count(decode(bytes, small)) <= 20);
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
    }),
    { seed: 12, numRuns: 2_000 },
  );
});

/** Values in a value, itself counted. */
function count(value: unknown): number {
  return Array.isArray(value) ? value.reduce((sum: number, it) => sum + count(it), 1) : 1;
}

/** Arrays of 15 within one another, with 15 times the item in the innermost. */
function nested(item: readonly number[], depth: number): number[] {
  if (depth === 0) return [...item];
  const entry = nested(item, depth - 1);
  return [0x9f, ...Array.from({ length: 15 }, () => entry).flat()];
}

Deno.test("What holds too many values is refused before one of them is made", () => {
  let views = 0;
  class Watched extends Uint8Array<ArrayBuffer> {
    override subarray(start?: number, end?: number): Uint8Array<ArrayBuffer> {
      views++;
      return super.subarray(start, end);
    }
  }
  // No single header announces too much.
  const bytes = Watched.from(nested([0xc4, 0], 4));
  assert.throws(() => decode(bytes, limits), /more than 1000 values/);
  assert.equal(views, 0);
  decode(bytes, { ...limits, maxValues: 60_000 });
  assert.equal(views, 15 ** 4);
  const items = [[0x05], [0xa1, 0x61], [0x90], [0xc0], [0xc3], [0xca, 0, 0, 0, 0], [0xd1, 9, 9]];
  for (const item of items) {
    const input = Uint8Array.from(nested(item, 4));
    assert.throws(() => decode(input, { ...limits, maxDepth: 5 }), /more than 1000 values/);
  }
});
