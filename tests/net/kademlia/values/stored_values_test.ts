import assert from "node:assert/strict";
import fc from "fast-check";
import {
  HeldValues,
  type HeldValuesOptions,
} from "../../../../net/kademlia/values/stored_values.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import type { StoredValue } from "../../../../net/kademlia/ports.ts";

const own = new Id(0, 0, 0, 0, 0);
const day = 86_400_000;

/** A value whose key lies at distance `n` from the own id. */
function stored(n: number, heldSinceMs = 0, bytes = 10, expiresAtMs = 100 * day): StoredValue {
  const value = new Uint8Array(bytes).fill(n);
  return { key: new Id(n, 0, 0, 0, 0).toBytes(), value, expiresAtMs, heldSinceMs, storedAtMs: 0 };
}

function held(options: Partial<HeldValuesOptions> = {}): HeldValues {
  return new HeldValues({ own, ...options });
}

function distances(values: HeldValues): number[] {
  return [...values].map((value) => value.keyId.w0).sort((a, b) => a - b);
}

Deno.test("At the bound of records the farthest from the own id goes first", () => {
  const values = held({ valuesMax: 4 });
  for (const n of [5, 1, 4, 2, 3]) values.put(stored(n), 0);
  assert.deepEqual(distances(values).slice(0, 3), [1, 2, 3]);
  assert.ok(!distances(values).includes(5));
  assert.equal(values.put(stored(9), 0) && distances(values).length > 4, false);
});

Deno.test("At the bound of bytes the farthest goes first", () => {
  const values = held({ bytesMax: 5_000 });
  for (const n of [3, 1, 2]) values.put(stored(n, 0, 1_500), 0);
  assert.deepEqual(distances(values), [1, 2]);
  assert.ok(values.bytes <= 5_000);
  assert.equal(values.put(stored(7, 0, 1_500), 0), false);
});

Deno.test("A value that grows beyond the bound makes others go", () => {
  const values = held({ bytesMax: 5_000 });
  for (const n of [1, 2]) values.put(stored(n, 0, 1_500), 0);
  assert.ok(values.put(stored(1, 0, 4_000), 0));
  assert.deepEqual(distances(values), [1]);
});

Deno.test("A record held for long never goes before a fresh claim", () => {
  const values = held({ valuesMax: 3 });
  for (const n of [70, 80, 90]) values.put(stored(n, 0), day);
  for (let n = 1; n < 50; n++) assert.equal(values.put(stored(n, 2 * day), 2 * day), false);
  assert.deepEqual(distances(values), [70, 80, 90]);
});

Deno.test("How dear a value is can be decided outside", () => {
  const weight = (value: StoredValue): number => (value.value[0] ?? 0) % 2;
  const values = held({ valuesMax: 2, weight });
  for (const n of [9, 7, 2]) values.put(stored(n), 0);
  assert.ok(distances(values).every((n) => n % 2 === 1));
});

Deno.test("A flood of far values costs no ranking each", () => {
  let ranked = 0;
  const weight = (): number => {
    ranked++;
    return 0;
  };
  const values = held({ valuesMax: 100, weight });
  for (let n = 1; n <= 100; n++) values.put(stored(n), 0);
  for (let n = 0; n < 10_000; n++) assert.equal(values.put(stored(1_000 + n), 0), false);
  assert.ok(ranked < 20_000, `${ranked} times`);
});

Deno.test("An expired value is gone, at the read or at the sweep", () => {
  const gone: number[] = [];
  const values = held({ onGone: (value) => gone.push(value.keyId.w0) });
  values.put(stored(1, 0, 10, 100), 0);
  values.put(stored(2, 0, 10, 200), 0);
  values.put(stored(3, 0, 10, 300), 0);
  assert.ok(values.get(new Id(1, 0, 0, 0, 0), 99));
  assert.equal(values.get(new Id(1, 0, 0, 0, 0), 100), undefined);
  values.sweep(250);
  assert.deepEqual(gone, [1, 2]);
  assert.deepEqual(distances(values), [3]);
});

Deno.test("A held value keeps no datagram's buffer", () => {
  const values = held();
  const value = stored(1);
  values.put(value, 0);
  value.value.fill(0);
  assert.deepEqual(values.get(new Id(1, 0, 0, 0, 0), 0)?.value, new Uint8Array(10).fill(1));
});

Deno.test("Whatever is stored, the bounds hold and the count of bytes is right", () => {
  const puts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 900 })),
  );
  fc.assert(
    fc.property(puts, (list) => {
      const values = held({ valuesMax: 20, bytesMax: 8_000 });
      for (const [n, bytes] of list) values.put(stored(n, 0, bytes), 0);
      assert.ok(values.count <= 20 && values.bytes <= 8_000);
      assert.equal(values.bytes, [...values].reduce((sum, value) => sum + value.cost, 0));
    }),
    { seed: 3, numRuns: 200 },
  );
});
