import assert from "node:assert/strict";
import { VirtualClock } from "./clock.ts";

Deno.test("Virtual timers run in order of time, equal ones in order of entry", async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  for (
    const [ms, name] of [[20, "c"], [10, "a"], [10, "b"], [0, "first"], [-5, "second"]] as const
  ) {
    clock.after(ms, () => ran.push(`${name}@${clock.monotonic()}`));
  }
  await clock.run(15);
  assert.deepEqual(ran, ["first@0", "second@0", "a@10", "b@10"]);
  assert.equal(clock.monotonic(), 15);
  await clock.advance(5);
  assert.equal(ran.at(-1), "c@20");
  assert.equal(clock.pending, 0);
});

Deno.test("Virtual time lets promises settle between two timers of the same moment", async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.after(1, async () => {
    for (let i = 0; i < 200; i++) await null;
    ran.push("chain");
  });
  clock.after(1, () => ran.push("next"));
  await clock.run(1);
  assert.deepEqual(ran, ["chain", "next"]);
});

Deno.test("A cancelled virtual timer never fires, however many there are", async () => {
  const clock = new VirtualClock();
  let fired = 0;
  const timers = Array.from({ length: 5_000 }, (_, i) => clock.after(i % 97, () => fired++));
  for (const [i, timer] of timers.entries()) if (i % 5 !== 0) timer.cancel();
  assert.equal(clock.pending, 1_000);
  let last = -1;
  for (let i = 0; i < 97; i += 7) {
    clock.after(i, () => {
      assert.ok(clock.monotonic() >= last);
      last = clock.monotonic();
    });
  }
  await clock.run(100);
  assert.equal(fired, 1_000);
});

Deno.test("Driving a promise runs virtual time until it settles", async () => {
  const clock = new VirtualClock();
  const wait = (ms: number) => new Promise<number>((resolve) => clock.after(ms, () => resolve(ms)));
  assert.equal(await clock.drive(wait(1_000)), 1_000);
  assert.equal(clock.monotonic(), 1_000);
  await assert.rejects(clock.drive(wait(500), 100), /still pending/);
  assert.equal(await clock.until(() => clock.monotonic() >= 1_500, 1_000), true);
  assert.equal(await clock.until(() => false, 10), false);
});

Deno.test("An exception in a virtual timer reaches whoever runs the clock", async () => {
  const clock = new VirtualClock();
  clock.after(1, () => {
    throw new TypeError("broken");
  });
  await assert.rejects(clock.run(2), /broken/);
  await clock.run(3);
});

Deno.test("Timers that rearm themselves at once are given up on", async () => {
  const clock = new VirtualClock({ eventsMax: 100 });
  const again = () => {
    clock.after(0, again);
  };
  again();
  await assert.rejects(clock.run(1), /more than 100 events/);
});

Deno.test("A peer's clock steps without touching its timers, and dies with the peer", async () => {
  const clock = new VirtualClock({ startMs: 1_000_000 });
  const node = clock.view({ offsetMs: -300 });
  const seen: number[] = [];
  const stop = node.onChange((status) => seen.push(status.offsetMs));
  let fired = 0;
  node.after(10, () => fired++);
  node.after(30, () => fired++);
  assert.equal(node.now(), 999_700);
  node.step(60_000);
  assert.equal(node.now(), 1_059_700);
  await clock.run(20);
  assert.equal(fired, 1);
  stop();
  node.step(1);
  assert.deepEqual(seen, [59_700]);
  node.stop();
  node.after(1, () => fired++);
  await clock.run(100);
  assert.equal(fired, 1);
  assert.equal(clock.pending, 0);
});
