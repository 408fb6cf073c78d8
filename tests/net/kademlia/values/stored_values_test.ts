import assert from "node:assert/strict";
import fc from "fast-check";
import { limitedNetworks } from "../../../../lib/networks.ts";
import {
  type StoredEntry,
  StoredValues,
  type StoredValuesOptions,
} from "../../../../net/kademlia/values/stored_values.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import type { StoredValue } from "../../../../net/kademlia/ports.ts";

const own = new Id(0, 0, 0, 0, 0);
const day = 86_400_000;

type Item = readonly [key: Id, value: Omit<StoredValue, "key">];

/** A value whose key lies at distance `n` from the own id. */
function item(n: number, firstStoredAtMs = 0, bytes = 10, expiresAtMs = 100 * day): Item {
  const value = new Uint8Array(bytes).fill(n);
  return [new Id(n, 0, 0, 0, 0), { value, expiresAtMs, firstStoredAtMs, storedAtMs: 0 }];
}

function storage(options: Partial<StoredValuesOptions> = {}): StoredValues {
  const bounds = { valuesMax: 1_000, bytesMax: 1e6 };
  return new StoredValues({ own, networksOf: () => [], ...bounds, onChange() {}, ...options });
}

function distances(values: StoredValues): number[] {
  return [...values].map((value) => value.id.w0).sort((a, b) => a - b);
}

Deno.test("At the bound of records the farthest from the own id goes first", () => {
  const values = storage({ valuesMax: 4 });
  for (const n of [5, 1, 4, 2, 3]) values.put(...item(n), 0);
  assert.deepEqual(distances(values).slice(0, 3), [1, 2, 3]);
  assert.ok(!distances(values).includes(5));
  assert.equal(values.put(...item(9), 0) && distances(values).length > 4, false);
});

Deno.test("At the bound of bytes the farthest goes first", () => {
  const values = storage({ bytesMax: 5_000 });
  for (const n of [3, 1, 2]) values.put(...item(n, 0, 1_500), 0);
  assert.deepEqual(distances(values), [1, 2]);
  assert.ok(values.bytes <= 5_000);
  assert.equal(values.put(...item(7, 0, 1_500), 0), false);
});

Deno.test("Both bounds may be reached, and no byte or record more", () => {
  const items = [3, 2, 1].map((n) => item(n, 0, 100 * n));
  const all = storage();
  for (const one of items) all.put(...one, 0);
  for (const exact of [{ bytesMax: all.bytes }, { valuesMax: 3 }]) {
    const values = storage(exact);
    for (const one of items) assert.ok(values.put(...one, 0));
    assert.deepEqual(distances(values), [1, 2, 3]);
  }
  for (const less of [{ bytesMax: all.bytes - 1 }, { valuesMax: 2 }]) {
    const values = storage(less);
    assert.deepEqual(items.map((one) => values.put(...one, 0)), [true, true, true]);
    assert.deepEqual(distances(values), [1, 2]);
  }
});

Deno.test("A value that grows beyond the bound makes others go", () => {
  const values = storage({ bytesMax: 5_000 });
  for (const n of [1, 2]) values.put(...item(n, 0, 1_500), 0);
  assert.ok(values.put(...item(1, 0, 4_000), 0));
  assert.deepEqual(distances(values), [1]);
});

Deno.test("A record stored for long never goes before a fresh claim", () => {
  const values = storage({ valuesMax: 3 });
  for (const n of [70, 80, 90]) values.put(...item(n, 0), day);
  for (let n = 1; n < 50; n++) assert.equal(values.put(...item(n, 2 * day), 2 * day), false);
  assert.deepEqual(distances(values), [70, 80, 90]);
});

Deno.test("How dear a value is can be decided outside", () => {
  const weight = (value: StoredValue): number => (value.value[0] ?? 0) % 2;
  const values = storage({ valuesMax: 2, admission: { weight } });
  for (const n of [9, 7, 2]) values.put(...item(n), 0);
  assert.ok(distances(values).every((n) => n % 2 === 1));
});

Deno.test("A flood of far values costs no ranking each", () => {
  let ranked = 0;
  const weight = (): number => {
    ranked++;
    return 0;
  };
  const values = storage({ valuesMax: 100, admission: { weight } });
  for (let n = 1; n <= 100; n++) values.put(...item(n), 0);
  for (let n = 0; n < 10_000; n++) assert.equal(values.put(...item(1_000 + n), 0), false);
  assert.ok(ranked < 20_000, `${ranked} times`);
});

Deno.test("With little room left a value that would be the next to go is refused", () => {
  const weight = ({ value }: StoredValue): number => Number(value.length > 50);
  const values = storage({ bytesMax: 100_000, admission: { weight } });
  for (let n = 1; values.bytes < 98_600; n++) values.put(...item(n, 0, 100), 0);
  assert.equal(values.put(...item(999, 0, 50), 0), true, "there is room");
  for (let n = 1_000; n < 1_002; n++) values.put(...item(n, 0, 100), 0);
  const before = values.count;
  assert.ok(values.bytes + 250 <= 100_000, "it would fit");
  assert.equal(values.put(...item(5_000, 0, 50), 0), false);
  assert.equal(values.count, before);
  assert.equal(values.put(...item(0, 0, 100), 0), true, "one that stays is taken");
});

Deno.test("When room is short what exceeds the share of its network goes first, however heavy", () => {
  const networksOf = (ip: string) => limitedNetworks(ip, false) ?? [];
  const weight = ({ from }: StoredValue): number => from === undefined ? 1 : 2;
  const values = storage({ valuesMax: 160, networksOf, admission: { weight } });
  const put = (n: number, from?: string): boolean => {
    const [key, value] = item(n);
    return values.put(key, from === undefined ? value : { ...value, from }, 0);
  };
  for (let n = 1; n <= 100; n++) assert.ok(put(n, `9.9.9.${n}`), "as long as there is room");
  for (let n = 101; n <= 400; n++) put(n);
  const left = (): StoredEntry[] => [...values].filter(({ from }) => from !== undefined);
  assert.deepEqual(left().map(({ id }) => id.w0), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(put(401, "9.9.9.9"), false, "it would be the eleventh");
  assert.equal(put(0, "9.9.9.9"), true, "it takes the place of one that is farther away");
  for (let i = 0; i < 100; i++) put(500 + i, `8.${i}.9.9`);
  assert.ok(left().length > 100, "other networks have shares of their own");
});

Deno.test("When room is short one group has half of it", () => {
  const group = ({ value }: StoredValue): string => (value[0] ?? 0) % 2 === 0 ? "even" : "odd";
  const values = storage({ valuesMax: 100, admission: { group } });
  for (let n = 0; n < 100; n++) values.put(...item(2 * n), 0);
  for (let n = 500; n < 600; n++) values.put(...item(2 * n + 1), 0);
  const even = distances(values).filter((n) => n % 2 === 0);
  assert.ok(even.length === 50 || even.length === 51, `${even.length} of 100`);
  assert.equal(even.at(-1), 2 * even.length - 2, "the nearest ones");
});

Deno.test("An expired value is gone, at the read or at the sweep", () => {
  const gone: number[] = [];
  const forget = (key: Uint8Array): number => gone.push(Id.from(key).w0);
  const values = storage({ admission: { forget } });
  values.put(...item(1, 0, 10, 100), 0);
  values.put(...item(2, 0, 10, 200), 0);
  values.put(...item(3, 0, 10, 300), 0);
  assert.ok(values.get(new Id(1, 0, 0, 0, 0), 99));
  assert.equal(values.get(new Id(1, 0, 0, 0, 0), 100), undefined);
  values.sweep(250);
  assert.deepEqual(gone, [1, 2]);
  assert.deepEqual(distances(values), [3]);
});

Deno.test("Whatever is stored, the bounds hold and the count of bytes is right", () => {
  const puts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 900 })),
  );
  fc.assert(
    fc.property(puts, (list) => {
      const values = storage({ valuesMax: 20, bytesMax: 8_000 });
      for (const [n, bytes] of list) values.put(...item(n, 0, bytes), 0);
      assert.ok(values.count <= 20 && values.bytes <= 8_000);
      assert.equal(values.bytes, [...values].reduce((sum, value) => sum + value.cost, 0));
    }),
    { seed: 3, numRuns: 200 },
  );
});
