import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareBytes,
  concat,
  copyOf,
  equalBytes,
  fromHex,
  toHex,
  utf8,
} from "../../../core/model/bytes.ts";

const runs = { seed: 1, numRuns: 300 };
const bytes = fc.uint8Array({ maxLength: 40 });

Deno.test("Hex digits and bytes are two forms of one thing", () => {
  fc.assert(fc.property(bytes, (b) => equalBytes(fromHex(toHex(b)) ?? utf8("?"), b)), runs);
  assert.equal(toHex(Uint8Array.of(0, 171, 255)), "00abff");
  assert.deepEqual(fromHex("00ABff"), Uint8Array.of(0, 171, 255));
  for (const wrong of ["0", "0g", " 00", "00 ", "0x00"]) assert.equal(fromHex(wrong), undefined);
});

Deno.test("Hex digits of a view are the view's alone", () => {
  assert.equal(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)), "0203");
});

Deno.test("concat puts parts behind one another and shares no memory with them", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
      assert.equal(toHex(concat(...parts)), parts.map(toHex).join(""));
    }),
    runs,
  );
  const part = Uint8Array.of(1);
  const whole = concat(part);
  part[0] = 9;
  assert.deepEqual(whole, Uint8Array.of(1));
});

Deno.test("copyOf shares no memory with the original", () => {
  const original = Uint8Array.of(1, 2, 3).subarray(1);
  const copy = copyOf(original);
  original[0] = 9;
  assert.deepEqual(copy, Uint8Array.of(2, 3));
});

Deno.test("compareBytes orders like the hex digits, shorter first", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const [x, y] = [toHex(a), toHex(b)];
      assert.equal(Math.sign(compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0);
      assert.equal(equalBytes(a, b), x === y);
    }),
    runs,
  );
});
