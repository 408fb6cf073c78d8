import assert from "node:assert/strict";
import { Recent } from "../../lib/recent.ts";

function setUp() {
  const state = { now: 0, version: 1, stored: 7, reads: 0 };
  const gate = { open: Promise.resolve() };
  const recent = new Recent({
    time: { monotonic: () => state.now },
    ms: 500,
    version: () => state.version,
    read: async () => {
      state.reads++;
      const { stored } = state;
      await gate.open;
      return stored;
    },
  });
  return { state, gate, recent };
}

Deno.test("A value is read once in its time, and anew after that, after a word of the caller's, and with another version", async () => {
  const { state, recent } = setUp();
  for (state.now = 0; state.now < 500; state.now += 10) assert.equal(await recent.get(), 7);
  assert.equal(state.reads, 1);
  state.stored = 8;
  assert.equal(await recent.get(), 8);
  recent.forget();
  state.stored = 9;
  assert.equal(await recent.get(), 9);
  state.version++;
  state.stored = 10;
  assert.equal(await recent.get(), 10);
  assert.equal(state.reads, 4);
});

Deno.test("A change is applied to what was read, and not to what is being read", async () => {
  const { state, gate, recent } = setUp();
  recent.change((value) => value + 1);
  assert.equal(await recent.get(), 7);
  recent.change((value) => value + 1);
  recent.change((value) => value + 1);
  assert.equal(state.reads, 1);
  // The second change came while the first was being applied.
  state.stored = 9;
  assert.equal(await recent.get(), 9);
  recent.change((value) => value + 1);
  assert.equal(await recent.get(), 10);
  recent.forget();
  const opening = Promise.withResolvers<void>();
  gate.open = opening.promise;
  const under = recent.get();
  state.stored = 20;
  recent.change((value) => value + 1);
  opening.resolve();
  assert.equal(await under, 9);
  assert.equal(await recent.get(), 20);
});

Deno.test("What could not be read is read anew", async () => {
  const { gate, recent, state } = setUp();
  gate.open = Promise.reject(new Error("no disk"));
  await assert.rejects(recent.get(), /no disk/);
  gate.open = Promise.resolve();
  assert.equal(await recent.get(), 7);
  assert.equal(state.reads, 2);
});
