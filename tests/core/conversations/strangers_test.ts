import assert from "node:assert/strict";
import { ofOneMax, StrangersBudget } from "../../../core/conversations/strangers.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { testSession } from "../doubles.ts";

const dayMs = 86_400_000;

async function setUp() {
  const base = new VirtualClock();
  const clock = base.view();
  const store = await new MemoryStores().open("alice");
  const session = testSession({ clock, store });
  const open = async () => {
    const budget = new StrangersBudget(session);
    await budget.load();
    return budget;
  };
  const use = async (budget: StrangersBudget, name: string, times: number) => {
    for (let n = 0; n < times; n++) {
      const note = budget.noteWith(name);
      await store.putNote(note.name, note.value);
      budget.took(name);
    }
  };
  return { base, clock, store, session, open, use };
}

Deno.test("A stranger's budget is one of the day, and survives a restart", async () => {
  const { base, session, open, use } = await setUp();
  const budget = await open();
  await use(budget, "zed", ofOneMax);
  assert.deepEqual([budget.has("zed"), budget.has("yan")], [false, true]);
  assert.equal((await open()).has("zed"), false);
  await base.advance(dayMs);
  assert.equal((await open()).has("zed"), true);
  session.end();
});

Deno.test("A clock that steps back over midnight begins no new day, and one that was days ahead stops nothing", async () => {
  const { clock, session, open, use } = await setUp();
  const budget = await open();
  clock.step(dayMs);
  await use(budget, "zed", ofOneMax);
  clock.step(-dayMs);
  assert.equal(budget.has("zed"), false);
  clock.step(10 * dayMs);
  await use(budget, "zed", ofOneMax);
  clock.step(-10 * dayMs);
  assert.equal(budget.has("zed"), true);
  session.end();
});

Deno.test("A damaged note of strangers counts as none", async () => {
  const { store, session, open } = await setUp();
  await store.putNote("strangers", new Uint8Array([0xc1]));
  assert.equal((await open()).has("zed"), true);
  session.end();
});
