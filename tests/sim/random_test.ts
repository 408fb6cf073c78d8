import assert from "node:assert/strict";
import { SeededRandom } from "./random.ts";

Deno.test("The same seed gives the same stream, another seed another", () => {
  const hex = (seed: number | string) => new SeededRandom(seed).bytes(19).toHex();
  assert.equal(hex(7), hex("7"));
  assert.notEqual(hex(7), hex(8));
  assert.equal(hex(7).length, 38);
});

Deno.test("A fork depends on its label, not on what was drawn before", () => {
  const a = new SeededRandom(1);
  const b = new SeededRandom(1);
  b.bytes(100);
  assert.equal(a.fork("x").word(), b.fork("x").word());
  assert.notEqual(a.fork("x").word(), a.fork("y").word());
});

function tally<T>(times: number, draw: () => T): Map<T, number> {
  const counts = new Map<T, number>();
  for (let i = 0; i < times; i++) {
    const drawn = draw();
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  return counts;
}

Deno.test("Drawn integers, choices and shuffles are even", () => {
  const random = new SeededRandom("even");
  const counts = tally(20_000, () => random.int(10));
  assert.equal(counts.size, 10);
  for (const count of counts.values()) assert.ok(count > 1_800 && count < 2_200, `${count}`);
  const firsts = tally(10_000, () => random.shuffle([0, 1, 2, 3, 4])[0]);
  assert.equal(firsts.size, 5);
  for (const count of firsts.values()) assert.ok(count > 1_800 && count < 2_200, `${count}`);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) if (random.chance(0.25)) hits++;
  assert.ok(hits > 2_300 && hits < 2_700);
  assert.throws(() => random.int(0), RangeError);
  assert.throws(() => random.pick([]), RangeError);
});
