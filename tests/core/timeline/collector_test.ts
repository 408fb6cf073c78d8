import assert from "node:assert/strict";
import { firstSnowflakeAt } from "../../../core/model/snowflake.ts";
import { Collector } from "../../../core/timeline/collector.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { testSession } from "../doubles.ts";

const lifespanMs = 180_000;

function setUp(old: number) {
  const base = new VirtualClock();
  const calls: { before: bigint; keep: string; at: number; removed: number }[] = [];
  const state = { old, failure: undefined as Error | undefined };
  const session = testSession({
    clock: base.view(),
    store: {
      collect: ({ before, keep, limit }) => {
        if (state.failure !== undefined) return Promise.reject(state.failure);
        const removed = Math.min(state.old, limit);
        state.old -= removed;
        calls.push({ before, keep, at: base.monotonic(), removed });
        return Promise.resolve(removed);
      },
    },
  });
  session.settings = { ...session.settings, lifespanMs };
  return { base, calls, session, state, collector: new Collector(session) };
}

Deno.test("The collector runs at login and every minute, and keeps own posts", async () => {
  const { base, calls, session, collector } = setUp(10);
  const startMs = base.now();
  collector.start();
  await base.advance(120_000);
  assert.deepEqual(calls.map(({ at }) => at), [0, 60_000, 120_000]);
  assert.deepEqual(
    calls.map(({ before }) => before),
    calls.map(({ at }) => firstSnowflakeAt(startMs + at - lifespanMs)),
  );
  assert(calls.every(({ keep }) => keep === "alice"));
  session.end();
  await base.advance(600_000);
  assert.equal(calls.length, 3);
  assert.equal(base.pending, 0);
});

Deno.test("Much to collect goes in bounded batches with pauses between them", async () => {
  const { base, calls, collector } = setUp(1_300);
  assert.equal(await base.drive(collector.collect(), 1_000), 1_300);
  assert.deepEqual(calls.map(({ removed }) => removed), [500, 500, 300]);
  assert.deepEqual(calls.map(({ at }) => at), [0, 5, 10]);
});

Deno.test("The end of the session ends a round between two batches", async () => {
  const { base, calls, session, collector } = setUp(1_000_000);
  collector.start();
  await base.until(() => calls.length === 3, 1_000);
  session.end();
  await base.advance(1_000);
  assert(calls.length <= 4);
});

Deno.test("Without a lifespan nothing is ever collected", async () => {
  const { base, calls, session } = setUp(10);
  const { lifespanMs: _, ...settings } = session.settings;
  session.settings = settings;
  const collector = new Collector(session);
  collector.start();
  assert.equal(await collector.collect(), 0);
  await base.advance(600_000);
  assert.deepEqual(calls, []);
  session.settings = { ...settings, lifespanMs };
  await base.advance(60_000);
  assert.equal(calls.length, 1, "and once one is set, within a minute");
});

Deno.test("A round that fails is a warning, and the next one runs", async () => {
  const { base, calls, session, state, collector } = setUp(10);
  state.failure = new Error("disk");
  collector.start();
  await base.settle();
  assert.deepEqual(session.events, [{ event: "warning", code: "disk_failed", message: "disk" }]);
  state.failure = undefined;
  await base.advance(60_000);
  assert.equal(calls.length, 1);
  session.end();
});
