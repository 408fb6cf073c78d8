import assert from "node:assert/strict";
import { decode as referenceDecode } from "@msgpack/msgpack";
import fc from "fast-check";
import { fromHex } from "../../core/model/bytes.ts";
import {
  asArray,
  asBigInteger,
  asBoolean,
  asBytes,
  asBytesUpTo,
  asInteger,
  asString,
  attempt,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";

const limits = { maxBytes: 10_000, maxArrayLength: 1_000 };

/** Everything that Camellia writes. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -40, max: 300 }),
    fc.string({ maxLength: 60, unit: "grapheme" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
  ),
})).value;

function refuses(hex: string, message: RegExp): void {
  const bytes = fromHex(hex);
  assert(bytes);
  assert.throws(() => decode(bytes, limits), (error) => {
    assert(error instanceof DecodeError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("decode reads back what encode wrote", () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = encode(v);
      if (bytes.length <= limits.maxBytes) assert.deepEqual(decode(bytes, limits), v);
    }),
    { seed: 2, numRuns: 500 },
  );
});

Deno.test("What encode returned is the caller's alone, of whatever length", () => {
  for (const length of [1, 3_000, 200_000]) {
    const text = "x".repeat(length);
    const bytes = encode(text);
    assert.equal(bytes.buffer.byteLength, bytes.length);
    const before = bytes.slice();
    encode("y".repeat(length));
    assert.deepEqual(bytes, before);
    bytes.fill(0);
    assert.deepEqual(encode(text), before);
  }
});

Deno.test("decode agrees with the common library on all that both take", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const mine = attempt(() => ({ value: decode(bytes, limits) }));
      if (mine === undefined) return;
      const theirs = referenceDecode(bytes, { useBigInt64: true });
      assert.deepEqual(mine.value, plain(theirs));
    }),
    { seed: 3, numRuns: 20_000 },
  );
});

/** Integers below 2^53 as numbers, as our decoder has them. */
function plain(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(plain);
  return typeof v === "bigint" && Number.isSafeInteger(Number(v)) ? Number(v) : v;
}

Deno.test("decode returns byte arrays as views and integers beyond 2^53 as bigints", () => {
  const bytes = encode([Uint8Array.of(1, 2), (1n << 60n) + 1n, 2 ** 53 - 1]);
  const [view, big, safe] = asArray(decode(bytes, limits), "array", 3);
  assert(view instanceof Uint8Array && view.buffer === bytes.buffer);
  assert.equal(big, (1n << 60n) + 1n);
  assert.equal(safe, 2 ** 53 - 1);
});

Deno.test("decode refuses what is too long, too deep, cut off or left over", () => {
  assert.throws(() => decode(new Uint8Array(10_001), limits), DecodeError);
  refuses("91".repeat(17) + "00", /nested deeper than 16/);
  refuses("dc03e9" + "00".repeat(1_001), /1001 entries/);
  refuses("ddffffffff", /4294967295 entries/);
  refuses("dc0100c0c0", /too early/);
  refuses("9201", /too early/);
  refuses("c403aaaa", /too early/);
  refuses("a36161", /too early/);
  refuses("c6ffffffff00", /too early/);
  refuses("cd01", /too early/);
  refuses("", /too early/);
  refuses("0000", /left over/);
});

Deno.test("decode refuses maps, extensions, floats, the unused type and bad UTF-8", () => {
  for (
    const type of ["80", "de0000", "c700aa", "d4aa00", "ca00000000", "cb0000000000000000", "c1"]
  ) {
    refuses(type, /is not expected/);
  }
  refuses("a1ff", /not UTF-8/);
  refuses("a3eda080", /not UTF-8/);
  refuses("a2c080", /not UTF-8/);
});

Deno.test("decode allocates nothing for what an array's header announces", () => {
  // 3,300 nested headers of 1,000 entries each: 26 MB at once if they were believed.
  const bytes = new Uint8Array(9_900);
  for (let i = 0; i < bytes.length; i += 3) bytes.set([0xdc, 0x03, 0xe8], i);
  assert.throws(() => decode(bytes, limits), DecodeError);
});

Deno.test("decode keeps a byte order mark and decodes long and non-ASCII strings", () => {
  for (const text of ["\ufeffa", "é", "x".repeat(33), "🐪".repeat(20), ""]) {
    assert.equal(decode(encode(text), limits), text);
  }
});

Deno.test("The readers of values take what fits and refuse the rest with DecodeError", () => {
  const copy = Uint8Array.of(1, 2);
  assert.deepEqual(asBytes(copy, "key", 2), copy);
  assert.notEqual(asBytes(copy, "key", 2), copy);
  assert.equal(asInteger(5n, "n"), 5);
  assert.equal(asBigInteger(5, "n"), 5n);
  assert.equal(asBigInteger((1n << 63n) - 1n, "n"), (1n << 63n) - 1n);
  assert.equal(asString("abc", "s", 3), "abc");
  assert.deepEqual(asArray([1, 2], "a", 1, 3), [1, 2]);
  assert.equal(asBoolean(false, "b"), false);
  const wrong: (() => unknown)[] = [
    () => asBytes(copy, "key", 3),
    () => asBytes([1, 2], "key", 2),
    () => asBytesUpTo(copy, "key", 1),
    () => asInteger(-1, "n"),
    () => asInteger(6, "n", 0, 5),
    () => asInteger(1.5, "n"),
    () => asInteger(Number.NaN, "n"),
    () => asInteger(1n << 53n, "n"),
    () => asInteger("1", "n"),
    () => asBigInteger(1n << 63n, "n"),
    () => asBigInteger(-1n, "n"),
    () => asString("abcd", "s", 3),
    () => asString("\ud800", "s", 3),
    () => asString(1, "s", 3),
    () => asArray({}, "a"),
    () => asArray([1], "a", 2),
    () => asArray([1, 2, 3, 4], "a", 1, 3),
    () => asBoolean(0, "b"),
  ];
  for (const read of wrong) assert.throws(read, DecodeError, String(read));
});

Deno.test("attempt turns DecodeError into undefined and lets other errors pass", () => {
  assert.equal(attempt(() => asInteger("1", "n")), undefined);
  assert.equal(attempt(() => 7), 7);
  assert.throws(() =>
    attempt(() => {
      throw new TypeError("a bug");
    }), TypeError);
});

Deno.test("Maps with strings as keys are encoded, and decoded where the limits allow them", () => {
  const map = new Map<string, unknown>([["kind", "x"], ["of", [1, new Map([["a", null]])]]]);
  const bytes = encode(map);
  const limits = { maxBytes: 100, maxArrayLength: 2, maxMapLength: 2 };
  assert.deepEqual(decode(bytes, limits), map);
  const many = new Map(Array.from({ length: 300 }, (_, i) => [`key ${i}`, i]));
  assert.deepEqual(
    decode(encode(many), { maxBytes: 9_999, maxArrayLength: 0, maxMapLength: 300 }),
    many,
  );
  assert.throws(() => decode(bytes, { ...limits, maxMapLength: 1 }), /2 pairs/);
  assert.throws(() => decode(bytes, { maxBytes: 100, maxArrayLength: 2 }), /map/);
  assert.throws(() => decode(bytes, { ...limits, maxDepth: 2 }), /nested deeper/);
});

Deno.test("Maps with other keys, a key twice or pairs missing are refused", () => {
  const limits = { maxBytes: 100, maxArrayLength: 2, maxMapLength: 16 };
  for (
    const bytes of [[0x81, 1, 1], [0x82, 0xa1, 97, 1, 0xa1, 97, 2], [0x82, 0xa1, 97, 1], [0x8f]]
  ) {
    assert.throws(() => decode(new Uint8Array(bytes), limits), DecodeError);
  }
});
