import assert from "node:assert/strict";
import { InFlight } from "../../lib/bounded_map.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
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
