import assert from "node:assert/strict";
import fc from "fast-check";
import { Agenda } from "../../lib/scheduler.ts";
import { VirtualWorld } from "../net/kademlia/support.ts";

function agenda(world: VirtualWorld, errors: Error[] = []): Agenda {
  return new Agenda(world.time, (error) => errors.push(error));
}

Deno.test("Entries run when they are due, in order, whatever order they came in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }),
      async (waits) => {
        const world = new VirtualWorld();
        const plan = agenda(world);
        const ran: number[] = [];
        for (const ms of waits) {
          plan.after(ms, () => {
            assert.ok(world.time.monotonic() >= ms);
            ran.push(ms);
          });
        }
        await world.pass(51);
        assert.deepEqual(ran, [...waits].sort((a, b) => a - b));
        assert.equal(plan.size, 0);
      },
    ),
    { seed: 3, numRuns: 50 },
  );
});

Deno.test("A clock that stands still between timers is not kept from going on by rounding", async () => {
  const world = new VirtualWorld();
  const plan = agenda(world);
  for (let i = 0; i < 200; i++) {
    let ran = false;
    plan.after(i * 0.1 + 1 / 3, () => ran = true);
    await world.pass(i * 0.1 + 0.7);
    assert.ok(ran);
  }
});

Deno.test("A cancelled entry does not run", async () => {
  const world = new VirtualWorld();
  const plan = agenda(world);
  plan.after(5, () => assert.fail("was cancelled")).cancel();
  await world.pass(10);
});

Deno.test("An entry that throws is reported and stops no other", async () => {
  const world = new VirtualWorld();
  const errors: Error[] = [];
  const plan = agenda(world, errors);
  let ran = false;
  plan.after(1, () => {
    throw new Error("first");
  });
  plan.after(2, () => ran = true);
  await world.pass(10);
  assert.deepEqual(errors.map((e) => e.message), ["first"]);
  assert.ok(ran);
});

Deno.test("A closed agenda runs nothing", async () => {
  const world = new VirtualWorld();
  const plan = agenda(world);
  plan.after(1, () => assert.fail("is closed"));
  plan.close();
  plan.after(1, () => assert.fail("is closed"));
  await world.pass(10);
});
