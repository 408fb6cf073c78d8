import assert from "node:assert/strict";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Scheduler } from "../../lib/scheduler.ts";
import { testWorld } from "../net/kademlia/support.ts";
import { VirtualClock } from "../sim/clock.ts";
import type { DhtWorld } from "../sim/dht_world.ts";

function scheduler(world: DhtWorld, errors: Error[] = []): Scheduler {
  return new Scheduler(world.clock, (error) => errors.push(error));
}

Deno.test("Entries run when they are due, in order, whatever order they came in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }),
      async (waits) => {
        const world = testWorld();
        const plan = scheduler(world);
        const ran: number[] = [];
        for (const ms of waits) {
          plan.after(ms, () => {
            assert.ok(world.clock.monotonic() >= ms);
            ran.push(ms);
          });
        }
        await world.clock.advance(51);
        assert.deepEqual(ran, [...waits].sort((a, b) => a - b));
        assert.equal(plan.size, 0);
      },
    ),
    { seed: 3, numRuns: 50 },
  );
});

Deno.test("A clock that stands still between timers is not kept from going on by rounding", async () => {
  const world = testWorld();
  const plan = scheduler(world);
  for (let i = 0; i < 200; i++) {
    let ran = false;
    plan.after(i * 0.1 + 1 / 3, () => ran = true);
    await world.clock.advance(i * 0.1 + 0.7);
    assert.ok(ran);
  }
});

Deno.test("What a cancelled entry would have done is not kept until its time comes", async () => {
  const world = testWorld();
  const plan = scheduler(world);
  plan.after(1, () => {});
  const cancelled = (): WeakRef<object> => {
    const object = {};
    plan.after(5, () => assert.fail(`was cancelled: ${object}`)).cancel();
    return new WeakRef(object);
  };
  const ref = cancelled();
  // What a WeakRef was made of stays until the end of the turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  v8.setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  assert.equal(ref.deref(), undefined);
  assert.equal(plan.size, 2);
});

Deno.test("A cancelled entry does not run", async () => {
  const world = testWorld();
  const plan = scheduler(world);
  plan.after(5, () => assert.fail("was cancelled")).cancel();
  await world.clock.advance(10);
});

Deno.test("When all entries are cancelled no timer is left, and what is cancelled holds nothing", async () => {
  const clock = new VirtualClock();
  const plan = new Scheduler(clock, (error) => assert.fail(error));
  const timers = [3, 1, 2].map((ms) => plan.after(ms, () => assert.fail("was cancelled")));
  for (const [i, timer] of timers.entries()) {
    assert.equal(clock.pending, 1);
    timer.cancel();
    assert.equal(plan.size, [3, 2, 0][i]);
  }
  assert.equal(clock.pending, 0);
  let ran = 0;
  plan.after(2, () => ran++);
  plan.at(clock.monotonic() + 1, () => {
    for (const timer of timers) timer.cancel();
    plan.after(4, () => ran++);
  });
  await clock.advance(10);
  assert.deepEqual([ran, plan.size, clock.pending], [2, 0, 0]);
});

Deno.test("An entry that throws is reported and stops no other", async () => {
  const world = testWorld();
  const errors: Error[] = [];
  const plan = scheduler(world, errors);
  let ran = false;
  plan.after(1, () => {
    throw new Error("first");
  });
  plan.after(2, () => ran = true);
  await world.clock.advance(10);
  assert.deepEqual(errors.map((e) => e.message), ["first"]);
  assert.ok(ran);
});

Deno.test("A closed scheduler runs nothing", async () => {
  const world = testWorld();
  const plan = scheduler(world);
  plan.after(1, () => assert.fail("is closed"));
  plan.close();
  plan.after(1, () => assert.fail("is closed"));
  await world.clock.advance(10);
});

Deno.test("A job runs at the earliest time that it was given, and again when it says so", async () => {
  const world = testWorld();
  const plan = scheduler(world);
  const ran: number[] = [];
  const job = plan.job(() => {
    ran.push(Math.round(world.clock.monotonic()));
    if (ran.length < 3) job.dueIn(10);
  });
  assert.equal(job.isDue, false);
  job.dueIn(20);
  job.dueIn(5);
  job.dueIn(30);
  assert.equal(job.isDue, true);
  await world.clock.advance(100);
  assert.deepEqual(ran, [5, 15, 25]);
  assert.equal(job.isDue, false);
  job.dueIn(5);
  job.cancel();
  await world.clock.advance(10);
  assert.equal(ran.length, 3);
  job.dueIn(5);
  plan.close();
  await world.clock.advance(10);
  assert.equal(ran.length, 3);
});

Deno.test("What fails in a job, at once or later, is reported, and the job can run again", async () => {
  const world = testWorld();
  const errors: Error[] = [];
  const plan = scheduler(world, errors);
  let runs = 0;
  const job = plan.job(() => {
    if (++runs === 1) throw new Error("at once");
    return Promise.reject(new Error("later"));
  });
  job.dueIn(1);
  await world.clock.advance(2);
  job.dueIn(1);
  await world.clock.advance(2);
  assert.deepEqual(errors.map(({ message }) => message), ["at once", "later"]);
});

Deno.test("One timer serves all entries, and none is left when they are done or the scheduler is closed", async () => {
  const clock = new VirtualClock();
  const plan = new Scheduler(clock, (error) => assert.fail(error));
  const ran: number[][] = [];
  const note = (ms: number) => plan.after(ms, (nowMs) => ran.push([ms, nowMs]));
  for (const ms of [20, 10, 30, 10]) {
    note(ms);
    assert.equal(clock.pending, 1);
  }
  const cancelled = [note(15), note(40)];
  for (const entry of cancelled) entry.cancel();
  assert.equal(plan.size, 6);
  await clock.advance(12);
  assert.deepEqual([clock.pending, plan.size], [1, 3]);
  await clock.advance(30);
  assert.deepEqual(ran, [[10, 10], [10, 10], [20, 20], [30, 30]]);
  assert.deepEqual([clock.pending, plan.size], [0, 0]);
  note(5);
  assert.deepEqual([clock.pending, plan.size], [1, 1]);
  plan.close();
  note(5);
  assert.deepEqual([clock.pending, plan.size], [0, 0]);
});

Deno.test("A scheduler closed by what it runs stays closed", async () => {
  const clock = new VirtualClock();
  const plan = new Scheduler(clock, (error) => assert.fail(error));
  plan.after(1, () => plan.close());
  plan.after(2, () => assert.fail("is closed"));
  await clock.advance(5);
  assert.deepEqual([clock.pending, plan.size], [0, 0]);
});

Deno.test("A job that is asked for again at the same time or later is not moved", async () => {
  const clock = new VirtualClock();
  const errors: string[] = [];
  const plan = new Scheduler(clock, (error) => errors.push(error.message));
  const ran: number[] = [];
  const job = plan.job(() => {
    ran.push(clock.monotonic());
    // What is no error is told as one.
    return Promise.reject("a text");
  });
  job.dueIn(5);
  job.dueIn(5);
  job.dueIn(6);
  assert.equal(plan.size, 1);
  job.dueIn(-3);
  await clock.advance(10);
  assert.deepEqual(ran, [0]);
  assert.deepEqual(errors, ["a text"]);
});
