import assert from "node:assert/strict";
import { Scheduler } from "../../lib/scheduler.ts";
import { onWake } from "../../lib/wake.ts";
import { VirtualClock } from "../sim/clock.ts";

function setUp() {
  const base = new VirtualClock();
  const clock = base.view();
  const scheduler = new Scheduler(clock, (error) => {
    throw error;
  });
  const woken: number[] = [];
  onWake(clock, scheduler, () => woken.push(base.monotonic()));
  return { base, clock, scheduler, woken };
}

Deno.test("A process that was stopped notices it within a second of going on", async () => {
  const { base, clock, woken } = setUp();
  await base.advance(10_500);
  clock.freeze();
  await base.advance(120_000);
  clock.thaw();
  await base.advance(1_000);
  assert.equal(woken.length, 1);
  assert(Number(woken[0]) <= 131_500);
  await base.advance(60_000);
  assert.equal(woken.length, 1);
});

Deno.test("A machine whose monotonic clock stood still while it slept notices it, too", async () => {
  const { base, clock, woken } = setUp();
  await base.advance(10_500);
  clock.step(120_000);
  await base.advance(1_000);
  assert.deepEqual(woken, [11_000]);
});

Deno.test("Short pauses, and clocks that are set back, are no sleep; the end of the scheduler ends it", async () => {
  const { base, clock, scheduler, woken } = setUp();
  await base.advance(500);
  clock.freeze();
  await base.advance(5_000);
  clock.thaw();
  await base.advance(10_000);
  clock.step(-120_000);
  await base.advance(10_000);
  clock.step(4_900);
  await base.advance(10_000);
  assert.deepEqual(woken, []);
  scheduler.close();
  clock.step(120_000);
  await base.advance(10_000);
  assert.deepEqual(woken, []);
});
