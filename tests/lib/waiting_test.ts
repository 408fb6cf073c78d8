import assert from "node:assert/strict";
import { abortable, delay, mapBounded, pause, settledWithin, within } from "../../lib/waiting.ts";
import { VirtualClock } from "../sim/clock.ts";

const stop = new DOMException("stop", "AbortError");

Deno.test("A delay lasts as long as the clock says, and an abort ends it without leaving a timer", async () => {
  const clock = new VirtualClock();
  await clock.drive(delay(clock, 500));
  assert.equal(clock.monotonic(), 500);
  const controller = new AbortController();
  const waiting = delay(clock, 500, controller.signal);
  controller.abort(stop);
  await assert.rejects(waiting, stop);
  assert.equal(clock.pending, 0);
  await assert.rejects(delay(clock, 500, controller.signal), stop);
});

Deno.test("A task within a time limit gives its value, its error, or nothing once the time is over", async () => {
  const clock = new VirtualClock();
  const limit = { clock, ms: 100 };
  assert.equal(await clock.drive(within(limit, () => Promise.resolve(7))), 7);
  await assert.rejects(clock.drive(within(limit, () => Promise.reject(new RangeError("no")))), {
    name: "RangeError",
  });
  let signal: AbortSignal | undefined;
  const hanging = within(limit, (given) => {
    signal = given;
    return new Promise(() => {});
  });
  assert.equal(await clock.drive(hanging), undefined);
  assert.equal(signal?.aborted, true);
  const failing = within(limit, (given) => delay(clock, 1_000, given));
  assert.equal(await clock.drive(failing), undefined);
  assert.equal(clock.pending, 0);
});

Deno.test("A time limit passes on the outer signal's reason", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const limit = { clock, ms: 100 };
  const hanging = within(limit, () => new Promise(() => {}), controller.signal);
  controller.abort(stop);
  await assert.rejects(clock.drive(hanging), stop);
  await assert.rejects(within(limit, () => Promise.resolve(1), controller.signal), stop);
  assert.equal(clock.pending, 0);
});

Deno.test("Waiting for a promise can be given up while the promise goes on", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  const waiting = abortable(promise, controller.signal);
  controller.abort(stop);
  await assert.rejects(waiting, stop);
  await assert.rejects(abortable(promise, controller.signal), stop);
  resolve(3);
  assert.equal(await promise, 3);
});

Deno.test("Work is done at most so many at a time, and comes back in order", async () => {
  const clock = new VirtualClock();
  let now = 0;
  let max = 0;
  const results = await clock.drive(mapBounded([5, 1, 4, 2, 3], 2, async (ms) => {
    max = Math.max(max, ++now);
    await delay(clock, ms);
    now--;
    return ms * 10;
  }));
  assert.deepEqual(results, [50, 10, 40, 20, 30]);
  assert.equal(max, 2);
  assert.deepEqual(await mapBounded([], 4, () => Promise.resolve(1)), []);
});

/** A signal that counts who listens to it. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener = (
    name: string,
    fn: EventListener,
    options?: AddEventListenerOptions,
  ) => {
    assert.deepEqual([name, options], ["abort", { once: true }]);
    listeners.add(fn);
    add.call(signal, name, fn, options);
  };
  signal.removeEventListener = (name: string, fn: EventListener) => {
    listeners.delete(fn);
    remove.call(signal, name, fn);
  };
  return { controller, signal, listeners };
}

Deno.test("What has been waited for leaves neither a timer nor a listener", async () => {
  const clock = new VirtualClock();
  const { signal, listeners } = countedSignal();
  const limit = { clock, ms: 100 };
  await clock.drive(delay(clock, 5, signal));
  await clock.drive(pause(clock, 5, signal));
  await clock.drive(within(limit, () => delay(clock, 5), signal));
  await clock.drive(within(limit, () => new Promise(() => {}), signal));
  await assert.rejects(within(limit, () => Promise.reject(stop), signal), stop);
  assert.equal(await abortable(Promise.resolve(3), signal), 3);
  await assert.rejects(abortable(Promise.reject(stop), signal), stop);
  await clock.settle();
  assert.equal(listeners.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("A pause ends at its time or with the signal, and never fails", async () => {
  const clock = new VirtualClock();
  await clock.drive(pause(clock, 500));
  assert.equal(clock.monotonic(), 500);
  const controller = new AbortController();
  const waiting = pause(clock, 500, controller.signal);
  controller.abort(stop);
  await waiting;
  await pause(clock, 500, controller.signal);
  assert.equal(clock.monotonic(), 500);
  assert.equal(clock.pending, 0);
});

Deno.test("Whether a promise settles within a time is told as soon as it is known", async () => {
  const clock = new VirtualClock();
  assert.equal(await clock.drive(settledWithin(clock, delay(clock, 99), 100)), true);
  assert.equal(clock.monotonic(), 99);
  assert.equal(await settledWithin(clock, Promise.reject(stop), 100), true);
  assert.equal(clock.pending, 0);
  assert.equal(await clock.drive(settledWithin(clock, new Promise(() => {}), 100)), false);
  assert.equal(clock.monotonic(), 199);
});

Deno.test("The error of a task that was given up does not count", async () => {
  const clock = new VirtualClock();
  const limit = { clock, ms: 100 };
  const late = within(limit, (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new RangeError("too late")));
    }));
  assert.equal(await clock.drive(late), undefined);
});
