import assert from "node:assert/strict";
import { Coalesced } from "../../lib/coalesced.ts";

/** Work whose runs a test ends. */
function setUp() {
  const runs: PromiseWithResolvers<void>[] = [];
  const work = new Coalesced(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, work };
}

Deno.test("Those who ask during a run share the next one", async () => {
  const { runs, work } = setUp();
  const first = work.run();
  await null;
  assert.equal(runs.length, 1);
  let ended = 0;
  const others = Array.from({ length: 50 }, () => work.run().then(() => ended++));
  runs[0]?.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([runs.length, ended], [2, 0]);
  runs[1]?.resolve();
  await Promise.all([first, ...others]);
  assert.deepEqual([runs.length, ended], [2, 50]);
  const later = work.run();
  await null;
  runs[2]?.resolve();
  await later;
  assert.equal(runs.length, 3);
});

Deno.test("A failure is told, unless the work is asked for anew meanwhile", async () => {
  const { runs, work } = setUp();
  const failing = work.run();
  await null;
  runs[0]?.reject(new Error("no"));
  await assert.rejects(failing, /no/);
  const both = [work.run()];
  await null;
  both.push(work.run());
  runs[1]?.reject(new Error("no"));
  await new Promise((resolve) => setTimeout(resolve));
  runs[2]?.resolve();
  await Promise.all(both);
  assert.equal(runs.length, 3);
});
