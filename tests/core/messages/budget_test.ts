import assert from "node:assert/strict";
import { BoundedMap } from "../../../lib/bounded_map.ts";
import { InboundBudget } from "../../../core/messages/budget.ts";
import { TokenBucket } from "../../../lib/token_bucket.ts";
import { pause, settledWithin } from "../../../lib/waiting.ts";
import { Slices } from "../../../lib/slices.ts";
import { VirtualClock } from "../../sim/clock.ts";

Deno.test("A bucket gives its burst at once, then its rate", async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket(clock, { perSecond: 10, burst: 20 });
  let taken = 0;
  while (bucket.take(1)) taken++;
  assert.equal(taken, 20);
  assert.equal(bucket.waitMs(1), 100);
  await clock.advance(500);
  assert.equal(bucket.take(6), false);
  assert.equal(bucket.take(5), true);
  await clock.advance(3_600_000);
  assert.equal(bucket.waitMs(20), 0);
  assert.equal(bucket.take(1_000), true, "more than the burst counts as the burst");
  assert.equal(bucket.take(1), false);
});

Deno.test("A bucket's debt is paid before anything more is given", async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket(clock, { perSecond: 10, burst: 20 });
  bucket.spend(50);
  assert.equal(bucket.waitMs(1), 3_100);
  await clock.advance(3_000);
  assert.equal(bucket.take(1), false);
  await clock.advance(100);
  assert.equal(bucket.take(1), true);
});

Deno.test("All strangers together get half of the budget, whoever they are", () => {
  const budget = new InboundBudget(new VirtualClock());
  let strangers = 0;
  for (let i = 0; i < 20_000; i++) if (budget.admit(`stranger${i}`, false, 100)) strangers++;
  assert.equal(strangers, 4_000);
  let known = 0;
  for (let i = 0; i < 20_000; i++) if (budget.admit(`known${i}`, true, 100)) known++;
  assert.equal(known, 4_000);
});

Deno.test("Strangers' bytes are bounded as well as their messages", () => {
  const budget = new InboundBudget(new VirtualClock());
  let strangers = 0;
  for (let i = 0; i < 1_000; i++) if (budget.admit(`stranger${i}`, false, 1_000_000)) strangers++;
  assert.equal(strangers, 33);
});

Deno.test("A sender's share is used up by messages that are the sender's, and by them alone", () => {
  const budget = new InboundBudget(new VirtualClock());
  for (let i = 0; i < 900; i++) assert(budget.admit("alice", true, 10));
  let charged = 0;
  while (budget.charge("alice", true, 10)) charged++;
  assert.equal(charged, 1_000);
  assert.equal(budget.admit("alice", true, 10), false);
  assert.equal(budget.admit("bob", true, 10), true);
});

Deno.test("A bounded map forgets what was written longest ago", () => {
  const map = new BoundedMap<string, number>(3);
  for (const [i, key] of ["a", "b", "c"].entries()) map.set(key, i);
  map.set("a", 9);
  map.set("d", 4);
  assert.deepEqual([...map.entries()], [["c", 2], ["a", 9], ["d", 4]]);
  assert.equal(map.delete("c"), true);
  assert.equal(map.size, 2);
  map.clear();
  assert.equal(map.has("a"), false);
});

Deno.test("A pause ends with its time or its signal, and leaves nothing behind", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  await clock.drive(pause(clock, 50));
  assert.equal(clock.monotonic(), 50);
  const paused = pause(clock, 1_000, controller.signal);
  controller.abort();
  await clock.drive(paused);
  await pause(clock, 1_000, controller.signal);
  assert.equal(clock.monotonic(), 50);
  assert.equal(clock.pending, 0);
});

Deno.test("Waiting for something with a limit says whether it came in time", async () => {
  const clock = new VirtualClock();
  assert.equal(await clock.drive(settledWithin(clock, pause(clock, 10), 20)), true);
  assert.equal(await clock.drive(settledWithin(clock, pause(clock, 30), 20)), false);
  assert.equal(await clock.drive(settledWithin(clock, Promise.reject(new Error()), 20)), true);
});

Deno.test("Long work gives way every few milliseconds, however many tasks do it", async () => {
  let now = 0;
  let turns = 0;
  const timers: (() => void)[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    after: (_: number, fn: () => void) => {
      turns++;
      timers.push(fn);
      return { cancel: () => {} };
    },
    status: () => ({ offsetMs: 0, source: "system" as const }),
    onChange: () => () => {},
  };
  const slices = new Slices(clock);
  let longest = 0;
  let since = 0;
  const work = async () => {
    for (let i = 0; i < 100; i++) {
      await slices.next();
      now += 1;
      longest = Math.max(longest, now - since);
    }
  };
  const all = Promise.all([work(), work(), work()]);
  let done = false;
  all.then(() => done = true);
  while (!done) {
    for (let i = 0; i < 50; i++) await null;
    since = now;
    for (const fn of timers.splice(0)) fn();
  }
  assert.equal(now, 300);
  assert.ok(longest <= 8, `${longest}`);
  assert.ok(turns >= 40);
});
