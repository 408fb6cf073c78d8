import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, DecodeError, encode } from "../../../core/model/msgpack.ts";
import { checkShape } from "../../../core/model/msgpack_shape.ts";

const limits = { maxDepth: 4, maxValues: 1_000 };

Deno.test("A shape check lets through whatever the encoder writes within the limits", () => {
  const leaf = fc.oneof(
    fc.integer(),
    fc.maxSafeNat(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 300, unit: "grapheme" }),
    fc.uint8Array({ maxLength: 70_000 }),
    fc.double({ min: -1, max: 1 }),
  );
  const value = fc.array(fc.oneof(leaf, fc.array(fc.array(leaf))), { maxLength: 40 });
  fc.assert(
    fc.property(value, (it) => checkShape(encode(it), limits)),
    { seed: 11, numRuns: 300 },
  );
  checkShape(encode(Array.from({ length: 999 }, (_, i) => i)), limits);
  checkShape(encode("x".repeat(70_000)), limits);
});

Deno.test("A shape check refuses what nests too deep, holds too much, or announces too much", () => {
  const deep = new Uint8Array(1_000_000);
  for (let i = 0; i < deep.length; i += 3) {
    deep.set([0xdc, 0x07, 0xff].slice(0, deep.length - i), i);
  }
  const refused: readonly (readonly [Uint8Array, RegExp])[] = [
    [deep, /more than 1000 values/],
    [new Uint8Array([0x91, 0x91, 0x91, 0x91, 0x91, 0]), /nested deeper/],
    [encode(Array.from({ length: 1_000 }, () => 0)), /more than/],
    [new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]), /more than/],
    [new Uint8Array([0x81, 0, 0]), /map/],
    [new Uint8Array([0xde, 0, 0]), /type/],
    [new Uint8Array([0xd4, 0, 0]), /type/],
    [new Uint8Array([0xc1]), /type/],
    [new Uint8Array([0xc6, 0, 0, 1]), /too early/],
    [new Uint8Array([0xc4, 9, 1]), /too early/],
    [new Uint8Array([0x92, 1]), /too early/],
    [new Uint8Array(), /too early/],
    [new Uint8Array([1, 1]), /left over/],
  ];
  for (const [bytes, why] of refused) {
    assert.throws(() => checkShape(bytes, limits), (error: unknown) => {
      assert.ok(error instanceof DecodeError);
      assert.match(error.message, why);
      return true;
    });
  }
});

Deno.test("Random bytes that pass the shape check never make the decoder do anything but decode or refuse", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        checkShape(bytes, limits);
        decode(bytes, { maxBytes: 100, maxArrayLength: 1_000 });
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
    }),
    { seed: 12, numRuns: 2_000 },
  );
});
