import assert from "node:assert/strict";
import { WriteQueue } from "../../storage/write_queue.ts";

Deno.test("Write queue runs one job at a time, in order, urgent ones first", async () => {
  const queue = new WriteQueue();
  const events: string[] = [];
  const job = (name: string) => async (): Promise<string> => {
    events.push(`${name} begins`);
    await Promise.resolve();
    events.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([
    queue.run(job("a")),
    queue.run(job("b")),
    queue.run(job("urgent"), true),
    queue.run(job("c")),
  ]);
  assert.deepEqual(results, ["a", "b", "urgent", "c"]);
  assert.deepEqual(
    events,
    ["a", "urgent", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

Deno.test("Write queue goes on after a job that failed", async () => {
  const queue = new WriteQueue();
  const results = await Promise.allSettled([
    queue.run(() => Promise.reject(new Error("full"))),
    queue.run(() => {
      throw new Error("at once");
    }),
    queue.run(() => Promise.resolve(5)),
  ]);
  assert.deepEqual(results.map((result) => result.status), ["rejected", "rejected", "fulfilled"]);
});

Deno.test("Write queue refuses more jobs than it can hold", async () => {
  const queue = new WriteQueue();
  const gate = Promise.withResolvers<void>();
  const first = queue.run(() => gate.promise);
  const waiting = Array.from({ length: 10_000 }, () => queue.run(() => Promise.resolve()));
  await assert.rejects(queue.run(() => Promise.resolve()), { code: "disk_failed" });
  gate.resolve();
  await Promise.all([first, ...waiting]);
  await queue.run(() => Promise.resolve());
});
