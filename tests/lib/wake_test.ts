import assert from "node:assert/strict";
import { Scheduler } from "../../lib/scheduler.ts";
import type { Time } from "../../lib/time.ts";
import { onWake } from "../../lib/wake.ts";
import { VirtualClock } from "../sim/clock.ts";

/** A clock as the system's is, or with `isTelling` one that tells of its jumps, as a simulation's does. */
function setUp(isTelling: boolean) {
  const base = new VirtualClock();
  const clock = base.view();
  const looked: Time = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, fn) => clock.after(ms, fn),
  };
  const scheduler = new Scheduler(clock, (error) => {
    throw error;
  });
  const woken: number[] = [];
  onWake(isTelling ? clock : looked, scheduler, () => woken.push(base.monotonic()));
  return { base, clock, scheduler, woken };
}

Deno.test("A process that was stopped notices it within a second of going on", async () => {
  for (const isTelling of [false, true]) {
    const { base, clock, woken } = setUp(isTelling);
    await base.advance(10_500);
    clock.freeze();
    await base.advance(120_000);
    clock.thaw();
    await base.advance(1_000);
    assert.equal(woken.length, 1);
    assert(Number(woken[0]) <= 131_500);
    await base.advance(60_000);
    assert.equal(woken.length, 1);
  }
});

Deno.test("A machine whose monotonic clock stood still while it slept notices it, too", async () => {
  for (const isTelling of [false, true]) {
    const { base, clock, woken } = setUp(isTelling);
    await base.advance(10_500);
    clock.step(120_000);
    await base.advance(1_000);
    assert.deepEqual(woken, [11_000]);
  }
});

Deno.test("Short pauses, and clocks that are set back, are no sleep; the end of the scheduler ends it", async () => {
  for (const isTelling of [false, true]) {
    const { base, clock, scheduler, woken } = setUp(isTelling);
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
  }
});

Deno.test("A clock that tells of its jumps is looked at after one, and not before", async () => {
  const { base, clock } = setUp(true);
  await base.advance(60_000);
  assert.equal(clock.pending, 0);
  clock.step(-1);
  assert.equal(clock.pending, 1);
  await base.advance(1_000);
  assert.equal(clock.pending, 0);
});
