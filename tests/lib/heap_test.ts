import assert from "node:assert/strict";
import fc from "fast-check";
import { Heap } from "../../lib/heap.ts";

const heapOf = (numbers: readonly number[]): Heap<number> => {
  const heap = new Heap<number>((a, b) => a < b);
  for (const number of numbers) heap.push(number);
  return heap;
};

const drained = (heap: Heap<number>): number[] =>
  Array.from({ length: heap.size }, () => {
    const { first } = heap;
    assert.equal(heap.pop(), first);
    return first ?? NaN;
  });

const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

Deno.test("What was pushed in any order is popped in order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 })), (numbers) => {
      assert.deepEqual(drained(heapOf(numbers)), inOrder(numbers));
    }),
    { seed: 1 },
  );
});

Deno.test("What is kept is still popped in order, also after further pushes", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (before, after) => {
      const heap = heapOf(before);
      heap.keep((number) => number % 2 === 0);
      for (const number of after) heap.push(number);
      const kept = before.filter((number) => number % 2 === 0);
      assert.deepEqual(drained(heap), inOrder([...kept, ...after]));
    }),
    { seed: 1 },
  );
});

Deno.test("A heap without items has no first one", () => {
  const heap = heapOf([2, 1]);
  heap.clear();
  assert.equal(heap.size, 0);
  assert.equal(heap.first, undefined);
  assert.equal(heap.pop(), undefined);
  heap.push(5);
  assert.equal(heap.first, 5);
});
