import assert from "node:assert/strict";
import { Mutex, Slots } from "../../lib/slots.ts";

Deno.test("A mutex runs one task after another, also after one that failed", async () => {
  const mutex = new Mutex();
  const story: string[] = [];
  const task = (name: string, fails = false) => async () => {
    story.push(`${name} begins`);
    await null;
    story.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const results = await Promise.allSettled([
    mutex.run(task("a")),
    mutex.run(task("b", true)),
    mutex.run(task("c")),
  ]);
  assert.deepEqual(story, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal(mutex.size, 0);
});

Deno.test("A mutex refuses more tasks than may wait", async () => {
  const mutex = new Mutex();
  let open = () => {};
  const gate = new Promise<void>((resolve) => open = resolve);
  const waiting = Array.from({ length: 10_000 }, () => mutex.run(() => gate));
  await assert.rejects(mutex.run(() => gate), RangeError);
  open();
  await Promise.all(waiting);
  await mutex.run(() => gate);
});

Deno.test("Slots run so many tasks at once and no more, in order", async () => {
  const slots = new Slots(3);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.allSettled(Array.from({ length: 20 }, (_, i) =>
    slots.run(async () => {
      begun.push(i);
      most = Math.max(most, ++running);
      for (let turns = 0; turns < i % 4; turns++) await null;
      running--;
      if (i % 5 === 0) throw new Error("fails");
    })));
  assert.equal(most, 3);
  assert.deepEqual(begun, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("Tasks that run and wait are counted, up to the bound", async () => {
  const slots = new Slots(1, 2);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const running = gates.map(({ promise }) => slots.run(() => promise));
  assert.equal(slots.size, 2);
  await assert.rejects(slots.run(() => Promise.resolve()), RangeError);
  assert.equal(slots.size, 2);
  for (const [i, { resolve }] of gates.entries()) {
    resolve();
    await running[i];
    assert.equal(slots.size, 1 - i);
  }
  assert.equal(await slots.run(() => Promise.resolve(7)), 7);
});

Deno.test("Fewer slots let those that run go on, and more begin at once", async () => {
  const slots = new Slots(3);
  const gates = Array.from({ length: 8 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const running = gates.map(({ promise }, i) =>
    slots.run(() => {
      begun.push(i);
      return promise;
    })
  );
  slots.resize(1);
  for (const i of [0, 1]) {
    gates[i]?.resolve();
    await running[i];
  }
  assert.deepEqual(begun, [0, 1, 2], "two of three ended, and one place is left");
  gates[2]?.resolve();
  await running[2];
  assert.deepEqual(begun, [0, 1, 2, 3]);
  slots.resize(3);
  await null;
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5]);
  for (const { resolve } of gates) resolve();
  await Promise.all(running);
  assert.equal(slots.size, 0);
});
