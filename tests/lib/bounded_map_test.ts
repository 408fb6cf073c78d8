import assert from "node:assert/strict";
import { BoundedMap, InFlight, TimedCache } from "../../lib/bounded_map.ts";
import { VirtualClock } from "../sim/clock.ts";

Deno.test("A cache holds so many values, and the one unused longest makes room", () => {
  const cache = new TimedCache<number>(new VirtualClock(), 3);
  for (const [i, name] of ["a", "b", "c"].entries()) cache.set(name, i, 1_000);
  assert.equal(cache.get("a"), 0);
  cache.set("d", 3, 1_000);
  assert.equal(cache.get("b"), undefined);
  assert.equal(cache.get("a"), 0);
  for (let i = 0; i < 1_000; i++) cache.set(`name ${i}`, i, 1_000);
  assert.equal(cache.size, 3);
});

Deno.test("A cached value counts until its time and can be dropped before", async () => {
  const clock = new VirtualClock();
  const cache = new TimedCache<number>(clock, 3);
  cache.set("a", 1, 1_000);
  cache.set("b", 2, 1_000);
  await clock.advance(999);
  assert.equal(cache.get("a"), 1);
  cache.delete("b");
  assert.equal(cache.get("b"), undefined);
  await clock.advance(1);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.size, 0);
});

Deno.test("Callers at the same time share a task, later ones begin their own", async () => {
  const flight = new InFlight<number>();
  let begun = 0;
  const task = () => Promise.resolve(++begun);
  assert.deepEqual(await Promise.all([flight.run("a", task), flight.run("a", task)]), [1, 1]);
  assert.equal(await flight.run("a", task), 2);
  const failing = () => Promise.reject(new RangeError("no"));
  await assert.rejects(flight.run("a", failing), RangeError);
  assert.equal(await flight.run("a", task), 3);
});

Deno.test("A bounded map drops the entry written longest ago, but not one that was touched since", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  assert.equal(map.touch("a"), 1);
  map.set("c", 3);
  assert.deepEqual([...map.entries()], [["a", 1], ["c", 3]]);
  assert.equal(map.get("a"), 1);
  map.set("d", 4);
  assert.deepEqual([...map.entries()], [["c", 3], ["d", 4]]);
  assert.equal(map.touch("a"), undefined);
});

Deno.test("An entry in use stays in a bounded map, whatever else is written or used", () => {
  const map = new BoundedMap<number, number>(10);
  map.set(0, 0);
  let random = 1;
  for (let i = 1; i < 5_000; i++) {
    random = (random * 48_271) % 2_147_483_647;
    if (random % 3 === 0) map.touch(i - (random % 10));
    else map.set(i, i);
    assert.equal(map.touch(0), 0);
    assert.ok(map.size <= 10);
  }
});

Deno.test("A bounded map that weighs its values keeps within the weight", () => {
  const map = new BoundedMap<string, string>({
    entriesMax: 10,
    weigh: (value) => value.length,
    weightMax: 6,
  });
  map.set("a", "xx");
  map.set("b", "xxx");
  map.set("a", "x");
  map.set("c", "xx");
  assert.deepEqual([...map.entries()].map(([key]) => key), ["b", "a", "c"]);
  map.set("d", "x");
  assert.deepEqual([...map.entries()].map(([key]) => key), ["a", "c", "d"]);
  map.delete("c");
  map.set("e", "xxxx");
  assert.deepEqual([...map.entries()].map(([key]) => key), ["a", "d", "e"]);
  map.clear();
  map.set("f", "xxxxxx");
  assert.equal(map.size, 1);
});

Deno.test("A timed cache keeps values for their time, and never more than there is room for", async () => {
  const clock = new VirtualClock();
  const cache = new TimedCache<number>(clock, 100);
  cache.set("one", 1, 1_200_000);
  await clock.advance(1_199_000);
  assert.equal(cache.get("one"), 1);
  await clock.advance(2_000);
  cache.set("two", 2, 1_200_000);
  assert.equal(cache.size, 1, "a new value sweeps out the old ones whose time is over");
  assert.equal(cache.get("one"), undefined);
  for (let n = 0; n < 250; n++) cache.set(String(n), n, 1_200_000);
  assert.equal(cache.size, 100);
  assert.equal(cache.get("249"), 249);
});
