import assert from "node:assert/strict";
import fc from "fast-check";
import { Alarms } from "../../../net/system/alarms.ts";
import { SystemClock } from "../../../net/system/system_time.ts";

/** Alarms on a clock that stands still until it is told to go on, and the timers of its runtime. */
class World {
  nowMs = 0;
  /** Timers of the runtime that are set, by when they are due. */
  readonly timers = new Map<symbol, { readonly dueMs: number; readonly fn: () => void }>();
  /** How many timers of the runtime were set. */
  set = 0;
  readonly alarms = new Alarms(() => this.nowMs, (fn, ms) => {
    assert.ok(Number.isInteger(ms) && ms >= 0 && ms < 2 ** 31, `${ms} ms`);
    const handle = Symbol();
    this.set++;
    this.timers.set(handle, { dueMs: this.nowMs + ms, fn });
    return () => this.timers.delete(handle);
  });

  /** Lets time pass; the runtime's timers fire one after another, on time. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.timers].sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (next === undefined || next[1].dueMs > end) break;
      this.nowMs = next[1].dueMs;
      this.timers.delete(next[0]);
      next[1].fn();
    }
    this.nowMs = end;
  }
}

Deno.test("Alarms run in the order of their times, none early and none more than 1 ms late", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true })), (waits) => {
      const world = new World();
      const ran: number[] = [];
      for (const ms of waits) {
        world.alarms.set(ms, () => {
          assert.ok(world.nowMs >= ms && world.nowMs <= ms + 1, `${ms} at ${world.nowMs}`);
          ran.push(ms);
        });
      }
      world.advance(60);
      assert.deepEqual(ran, waits.toSorted((a, b) => a - b));
      assert.equal(world.timers.size, 0);
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("Of alarms for the same time the one that was set first runs first", () => {
  const world = new World();
  const ran: number[] = [];
  for (let i = 0; i < 20; i++) world.alarms.set(5, () => void ran.push(i));
  world.advance(5);
  assert.deepEqual(ran, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("A cancelled alarm does not run, and cancelling twice or too late changes nothing", () => {
  const world = new World();
  const ran: string[] = [];
  const early = world.alarms.set(1, () => void ran.push("early"));
  const cancelled = world.alarms.set(2, () => void ran.push("cancelled"));
  world.alarms.set(3, () => void ran.push("late"));
  cancelled.cancel();
  cancelled.cancel();
  world.advance(2);
  early.cancel();
  world.advance(2);
  assert.deepEqual(ran, ["early", "late"]);
  assert.equal(world.timers.size, 0);
});

Deno.test("Without an alarm that is to come no timer keeps the process from its end", () => {
  const world = new World();
  const alarms = [5, 3, 9].map((ms) => world.alarms.set(ms, () => {}));
  assert.equal(world.timers.size, 1);
  for (const alarm of alarms) alarm.cancel();
  assert.equal(world.timers.size, 0);
  assert.equal(world.alarms.size, 0);
  world.alarms.set(4, () => world.alarms.set(100, () => {}).cancel());
  const last = world.alarms.set(4, () => {});
  world.alarms.set(4, () => last.cancel());
  world.advance(4);
  assert.equal(world.timers.size, 0);
  assert.equal(world.alarms.size, 0);
});

Deno.test("An alarm may cancel another that is due at the same time", () => {
  const world = new World();
  const ran: string[] = [];
  world.alarms.set(1, () => second.cancel());
  const second = world.alarms.set(1, () => void ran.push("second"));
  world.alarms.set(1, () => void ran.push("third"));
  world.advance(1);
  assert.deepEqual(ran, ["third"]);
});

Deno.test("What is set for now while alarms run has a turn of its own", () => {
  const world = new World();
  let runs = 0;
  const again = (): void => {
    if (runs++ < 5) world.alarms.set(0, again);
  };
  world.alarms.set(0, again);
  assert.equal(runs, 0);
  const turns = world.set;
  world.advance(0);
  assert.equal(runs, 6);
  assert.equal(world.set - turns, 5);
});

Deno.test("An alarm that throws keeps no other from its turn", () => {
  const world = new World();
  const ran: number[] = [];
  for (const ms of [1, 1, 2]) {
    world.alarms.set(ms, () => {
      ran.push(ms);
      throw new Error("as planned");
    });
  }
  for (let i = 0; i < 3; i++) assert.throws(() => world.advance(5), /as planned/);
  assert.deepEqual(ran, [1, 1, 2]);
  assert.equal(world.timers.size, 0);
});

Deno.test("Cancelled alarms take no more than four times the room of those to come", () => {
  const world = new World();
  let runs = 0;
  for (let i = 0; i < 100; i++) world.alarms.set(60_000 + i, () => void runs++);
  for (let i = 0; i < 10_000; i++) {
    world.alarms.set(30_000 + i, () => assert.fail("it was cancelled")).cancel();
    assert.ok(world.alarms.size <= 405, `${world.alarms.size} places`);
  }
  assert.ok(world.set < 10, "the first alarm is not waited for anew each time");
  world.advance(70_000);
  assert.equal(runs, 100);
});

Deno.test("A wait of months is waited for", () => {
  const world = new World();
  let isOver = false;
  world.alarms.set(2 ** 33, () => isOver = true);
  world.advance(2 ** 33 - 1);
  assert.ok(!isOver);
  world.advance(1);
  assert.ok(isOver);
});

Deno.test("The system's clock calls once the time is over, and not before the call returns", async () => {
  const clock = new SystemClock();
  for (const ms of [0, -5, NaN, 3.4]) {
    const setAt = clock.monotonic();
    let isSet = false;
    await new Promise<void>((resolve) => {
      clock.after(ms, () => {
        assert.ok(isSet);
        resolve();
      });
      isSet = true;
    });
    if (ms > 0) assert.ok(clock.monotonic() - setAt >= ms);
  }
});
