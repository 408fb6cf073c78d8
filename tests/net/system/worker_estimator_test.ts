import assert from "node:assert/strict";
import { localEstimator } from "../../../lib/guessing.ts";
import {
  type EstimateAnswer,
  type EstimateRequest,
  type EstimatingWorker,
  WorkerEstimator,
} from "../../../net/system/worker_estimator.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** A Worker that answers when the test says so. */
class FakeWorker implements EstimatingWorker {
  onmessage: Worker["onmessage"] = null;
  onerror: Worker["onerror"] = null;
  readonly asked: EstimateRequest[] = [];
  ended = false;

  postMessage(request: EstimateRequest): void {
    this.asked.push(request);
  }

  terminate(): void {
    this.ended = true;
  }

  answer(answer: EstimateAnswer): void {
    this.onmessage?.call(this as unknown as Worker, new MessageEvent("message", { data: answer }));
  }

  fail(message: string): boolean {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.onerror?.call(this as unknown as Worker, event);
    return event.defaultPrevented;
  }
}

function setUp() {
  const clock = new VirtualClock();
  const workers: FakeWorker[] = [];
  const estimator = new WorkerEstimator(clock, () => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  });
  return { clock, workers, estimator };
}

Deno.test("A Worker estimates as the thread itself does", async () => {
  const clock = new SystemClock();
  const estimator = new WorkerEstimator(clock);
  try {
    const preparing = estimator.prepare();
    for (const password of ["camellia1", "seven green lanterns drift"]) {
      assert.deepEqual(
        await estimator.estimate(password, ["alice"]),
        await localEstimator.estimate(password, ["alice"]),
      );
    }
    await preparing;
  } finally {
    estimator.end();
  }
});

Deno.test("One Worker serves all questions, and starts with the first", async () => {
  const { workers, estimator } = setUp();
  assert.equal(workers.length, 0);
  const preparing = estimator.prepare();
  const estimates = ["a", "b"].map((password) => estimator.estimate(password, ["alice"]));
  assert.equal(workers.length, 1);
  const [worker] = workers as [FakeWorker];
  const [first, second, third] = worker.asked as [
    EstimateRequest,
    EstimateRequest,
    EstimateRequest,
  ];
  assert.equal(first.estimate, undefined);
  assert.deepEqual(third.estimate, { password: "b", related: ["alice"] });
  worker.answer({ id: third.id, guessability: { score: 4, hints: [] } });
  worker.answer({ id: first.id });
  worker.answer({ id: second.id, guessability: { score: 1, hints: ["short"] } });
  await preparing;
  assert.deepEqual((await Promise.all(estimates)).map(({ score }) => score), [1, 4]);
});

Deno.test("The Worker ends a minute after its last answer, and another one starts when it is needed", async () => {
  const { clock, workers, estimator } = setUp();
  const asked = async () => {
    const estimating = estimator.estimate("a", []);
    const worker = workers.at(-1);
    worker?.answer({ id: worker.asked.at(-1)?.id ?? 0, guessability: { score: 0, hints: [] } });
    await estimating;
  };
  await asked();
  await clock.advance(59_000);
  await asked();
  await clock.advance(59_000);
  assert.deepEqual(workers.map(({ ended }) => ended), [false]);
  // While it works it is not idle, however long that takes.
  const slow = estimator.prepare();
  await clock.advance(120_000);
  assert.deepEqual(workers.map(({ ended }) => ended), [false]);
  workers[0]?.answer({ id: workers[0].asked.at(-1)?.id ?? 0 });
  await slow;
  await clock.advance(60_000);
  assert.deepEqual(workers.map(({ ended }) => ended), [true]);
  await asked();
  assert.deepEqual(workers.map(({ ended }) => ended), [true, false]);
});

Deno.test("What goes wrong in the Worker fails what was asked of it, and nothing else", async () => {
  const { workers, estimator } = setUp();
  const preparing = estimator.prepare();
  const estimating = estimator.estimate("a", []);
  assert.equal(workers[0]?.fail("out of memory"), true);
  for (const each of [preparing, estimating]) await assert.rejects(each, /out of memory/);
  assert.equal(workers[0]?.ended, true);
  const again = estimator.estimate("a", []);
  assert.equal(workers.length, 2);
  estimator.end();
  await assert.rejects(again, /the program ends/);
  assert.equal(workers[1]?.ended, true);
  estimator.end();
});
