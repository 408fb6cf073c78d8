import assert from "node:assert/strict";
import { decode as referenceDecode, encode as referenceEncode } from "@msgpack/msgpack";
import fc from "fast-check";
import { encode } from "../../lib/msgpack.ts";
import { Reader } from "../../lib/msgpack_reader.ts";
import { Writer } from "../../lib/msgpack_writer.ts";

/** Everything that MessagePack knows but extensions. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.double(),
    fc.string({ maxLength: 60, unit: "grapheme" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 40 }), tie("value"), { maxKeys: 20 }),
  ),
})).value;

/** One call of each method of a reader, by number. */
const calls: readonly ((r: Reader) => unknown)[] = [
  (r) => r.array(100),
  (r) => r.map(100),
  (r) => r.bin(100),
  (r) => r.fixedBin(2),
  (r) => r.string(100),
  (r) => r.uint(),
  (r) => r.bool(),
  (r) => r.scalar(100),
  (r) => r.skip({ maxDepth: 4 }),
  (r) => r.value({ maxBytes: 100, maxArrayLength: 100, maxDepth: 4, maxValues: 30 }),
  (r) => r.peek(),
];

Deno.test("A reader reads what a writer wrote, value by value", () => {
  const id = new Uint8Array(20).fill(9);
  const w = new Writer(1_000);
  w.array(70_000);
  w.array(20);
  w.string("find_node");
  w.string("ü".repeat(40));
  w.bin(id);
  w.bin(new Uint8Array(300));
  for (const number of [0, 127, 128, 65_536, Number.MAX_SAFE_INTEGER]) w.integer(number);
  w.bool(true);
  w.bool(false);
  const bytes = new Uint8Array([0xff, ...w.take()]);
  const r = new Reader(bytes, 1);
  assert.equal(r.peek(), "array");
  assert.equal(r.array(70_000), 70_000);
  assert.equal(r.array(20), 20);
  assert.equal(r.string(9), "find_node");
  assert.equal(r.string(80), "ü".repeat(40));
  const at = r.fixedBin(20);
  assert.deepEqual(r.bytes.subarray(at, at + 20), id);
  assert.deepEqual(r.bin(300), new Uint8Array(300));
  const numbers = Array.from({ length: 5 }, () => r.uint());
  assert.deepEqual(numbers, [0, 127, 128, 65_536, Number.MAX_SAFE_INTEGER]);
  assert.deepEqual([r.bool(), r.finished(), r.bool(), r.finished()], [true, false, false, true]);
  assert.equal(r.failure, undefined);
});

Deno.test("A reader refuses what the caller did not ask for, and says empty values from then on", () => {
  const wrong: readonly (readonly [unknown, (r: Reader) => unknown])[] = [
    ["x", (r) => r.array(9)],
    [[], (r) => r.map(9)],
    [[1, 2], (r) => r.array(1)],
    ["xyz", (r) => r.bin(9)],
    [new Uint8Array(3), (r) => r.bin(2).length],
    [new Uint8Array(3), (r) => r.fixedBin(2) * 0],
    [new Uint8Array(1), (r) => r.fixedBin(2) * 0],
    [new Uint8Array(3), (r) => r.string(9).length],
    ["xyz", (r) => r.string(2).length],
    [-1, (r) => r.uint()],
    [-500, (r) => r.uint()],
    [1n << 53n, (r) => r.uint()],
    [1, (r) => Number(r.bool())],
    [null, (r) => Number(r.bool())],
    [[], (r) => r.scalar(9).length],
    [new Uint8Array(1), (r) => r.scalar(9).length],
    ["xyz", (r) => r.scalar(3).length],
  ];
  for (const [value, read] of wrong) {
    const r = new Reader(encode([value, 1]), 1);
    const got = read(r);
    assert.ok(r.failed, `${read}`);
    assert.ok(got === 0 || (got as Uint8Array).length === 0, `${read}: ${got}`);
    assert.equal(r.uint(), 0);
    assert.equal(r.peek(), "none");
    assert.ok(!r.finished());
  }
});

Deno.test("A reader passes over bytes only if they are all there and the same", () => {
  const r = new Reader(Uint8Array.from([1, 2, 3]), 1);
  assert.equal(r.passes(Uint8Array.from([2, 4])), false);
  assert.equal(r.passes(Uint8Array.from([2, 3, 0])), false);
  assert.equal(r.at, 1);
  assert.equal(r.passes(Uint8Array.from([2, 3])), true);
  assert.ok(r.finished());
});

Deno.test("A scalar comes as its whole encoding", () => {
  const scalar = fc.oneof(
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ maxLength: 300, unit: "grapheme" }),
  );
  fc.assert(
    fc.property(scalar, (value) => {
      const bytes = referenceEncode([value, 7]);
      const r = new Reader(bytes, 1);
      assert.deepEqual(r.scalar(2_000), bytes.subarray(1, -1));
      assert.equal(r.uint(), 7);
      assert.ok(r.finished());
    }),
    { seed: 31, numRuns: 500 },
  );
  assert.ok(failedAfter([0xa1, 0xff], (r) => r.scalar(9)), "not UTF-8");
});

function failedAfter(bytes: number[], read: (r: Reader) => unknown): boolean {
  const r = new Reader(new Uint8Array(bytes));
  read(r);
  return r.failed;
}

Deno.test("skip passes over exactly one value of any kind", () => {
  fc.assert(
    fc.property(anything, (value) => {
      const encoded = referenceEncode(value);
      const r = new Reader(new Uint8Array([...encoded, 7]));
      r.skip({ maxDepth: 100 });
      assert.equal(r.uint(), 7);
      assert.ok(r.finished());
      const short = new Reader(encoded.subarray(0, -1));
      short.skip({ maxDepth: 100 });
      assert.ok(short.failed);
    }),
    { seed: 32, numRuns: 500 },
  );
});

Deno.test("skip refuses extensions, and arrays and maps too deep or too many", () => {
  for (const first of [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]) {
    assert.ok(failedAfter([first, 1, 1, 1, 1, 1, 1], (r) => r.skip({})), `${first}`);
  }
  const depth = (maxDepth: number) => (r: Reader) => r.skip({ maxDepth });
  assert.ok(!failedAfter([0x91, 0x81, 0x01, 0x91, 0x00], depth(3)));
  assert.ok(failedAfter([0x91, 0x81, 0x01, 0x91, 0x00], depth(2)));
  const values = (maxValues: number) => (r: Reader) => r.skip({ maxValues });
  assert.ok(!failedAfter([0x92, 0x81, 0x01, 0x02, 0x00], values(5)));
  assert.ok(failedAfter([0x92, 0x81, 0x01, 0x02, 0x00], values(4)));
});

Deno.test("Random bytes and random calls never make a reader throw or read beyond the end", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.nat({ max: calls.length - 1 }), { maxLength: 20 }),
      (bytes, order) => {
        const r = new Reader(bytes);
        for (const index of order) {
          const hadFailed = r.failed;
          calls[index]?.(r);
          assert.ok(!hadFailed || r.failed);
        }
        if (r.failed) assert.ok(r.failure && !r.finished());
      },
    ),
    { seed: 33, numRuns: 20_000 },
  );
});

Deno.test("value agrees with the common library on integers of every width", () => {
  const widths = [1, 2, 4, 8].flatMap((size, i) => [[0xcc + i, size], [0xd0 + i, size]] as const);
  fc.assert(
    fc.property(
      fc.constantFrom(...widths),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.constantFrom(0, 0xff, undefined),
      ([head, size], content, high) => {
        if (high !== undefined) content.fill(high, 0, 2);
        const bytes = new Uint8Array([head, ...content.subarray(0, size)]);
        const r = new Reader(bytes);
        const mine = r.value({ maxBytes: 9, maxArrayLength: 0 });
        const theirs = referenceDecode(bytes, { useBigInt64: true }) as number | bigint;
        const isSafe = Number.isSafeInteger(Number(theirs));
        assert.equal(mine, isSafe ? Number(theirs) : theirs);
        assert.ok(r.finished());
      },
    ),
    { seed: 34, numRuns: 5_000 },
  );
});
