import assert from "node:assert/strict";
import { Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { decode, encode } from "../../lib/msgpack.ts";

/** The common library as this program used it: it writes wide numbers as floats unless they are bigints. */
function reference(value: unknown): Uint8Array {
  return new Encoder({ useBigInt64: true }).encode(widened(value));
}

function widened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(widened);
  const isWide = typeof value === "number" && (value >= 2 ** 32 || value < -(2 ** 31));
  return isWide ? BigInt(value) : value;
}

/** Integers on both sides of every change of width. */
const edges = [0, 5, 7, 8, 15, 16, 31, 32, 48, 52].flatMap((bits) =>
  [2 ** bits - 1, 2 ** bits, 2 ** bits + 1].flatMap((n) => [n, -n])
);

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 53, 2 ** 60 + 2 ** 9, 2 ** 64 - 2_048, -(2 ** 63)),
  fc.constantFrom(...edges, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -0),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
  fc.string({ maxLength: 300, unit: "grapheme" }),
  fc.string({ maxLength: 40, unit: "binary" }),
  fc.uint8Array({ maxLength: 300 }),
);

Deno.test("encode writes what the common library writes, byte for byte", () => {
  const value = fc.array(fc.oneof(leaf, fc.array(fc.array(leaf), { maxLength: 20 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(value, (it) => assert.deepEqual(encode(it), reference(it))),
    { seed: 21, numRuns: 1_000 },
  );
});

Deno.test("encode writes strings, byte arrays and arrays around every change of their headers", () => {
  for (const length of [0, 1, 15, 16, 31, 32, 33, 255, 256, 257, 65_535, 65_536, 70_000]) {
    const values = ["x".repeat(length), new Uint8Array(length).fill(7), Array(length).fill(7)];
    for (const value of [...values, "é".repeat(length), "🐪".repeat(length)]) {
      assert.deepEqual(encode(value), reference(value), `${length}`);
    }
  }
});

Deno.test("encode puts U+FFFD where half a surrogate pair stands", () => {
  const limits = { maxBytes: 100, maxArrayLength: 1 };
  assert.equal(decode(encode("a\ud83d"), limits), "a\ufffd");
  assert.equal(decode(encode("\udc2aé"), limits), "\ufffdé");
});

Deno.test("encode refuses what could not be decoded", () => {
  const wrong = [
    undefined,
    0.5,
    NaN,
    Infinity,
    2 ** 64,
    -(2 ** 63) - 2_048,
    {},
    new Map([[1, 1]]),
    new Map([["a", 0.5]]),
    () => 1,
    Symbol("s"),
  ];
  for (const value of [...wrong, 1n << 64n, -(1n << 63n) - 1n, new Date(0), new Float64Array(2)]) {
    assert.throws(() => encode(value), TypeError);
    assert.throws(() => encode(["secret", [value]]), TypeError);
  }
  assert.deepEqual(encode("after"), reference("after"));
});

Deno.test("The buffer into which encode writes is empty afterwards", () => {
  const { slice } = Uint8Array.prototype;
  const written: Uint8Array[] = [];
  Uint8Array.prototype.slice = function (this: Uint8Array<ArrayBuffer>, ...range) {
    written.push(this);
    return slice.apply(this, range);
  };
  try {
    for (const length of [32, 5_000, 100_000]) {
      encode([1, new Uint8Array(length).fill(7)]);
      encode("é".repeat(length));
    }
  } finally {
    Uint8Array.prototype.slice = slice;
  }
  assert.equal(written.length, 6);
  for (const buffer of written) assert.ok(buffer.every((byte) => byte === 0));
});
