import assert from "node:assert/strict";
import { ReadMark } from "../../../core/timeline/read_mark.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { idAt, postAt } from "../../storage/posts.ts";
import { nothingUnwanted, testSession } from "../doubles.ts";

async function setUp() {
  const base = new VirtualClock();
  const stores = new MemoryStores();
  const store = await stores.open("alice");
  const counts: bigint[] = [];
  const session = testSession({
    clock: base.view(),
    store: {
      getNote: (name) => store.getNote(name),
      putNote: (name, value) => store.putNote(name, value),
      timeline: (query) => store.timeline(query),
      countNewer: (query) => {
        counts.push(query.than);
        return store.countNewer(query);
      },
    },
  });
  const add = (...numbers: number[]) =>
    store.addPosts("bob", numbers.map((number) => postAt({ author: "bob", number })));
  const mutes = { ...nothingUnwanted, version: 0 };
  return { base, session, store, mutes, counts, add };
}

Deno.test("Where no mark is, what is here has been read, and what comes later has not", async () => {
  const { session, mutes, add } = await setUp();
  await add(1, 2);
  const mark = new ReadMark(session, mutes);
  await mark.load();
  assert.equal(await mark.unread(), 0);
  await add(3);
  const again = new ReadMark(session, mutes);
  await again.load();
  assert.equal(await again.unread(), 1);
  assert.equal(again.has({ author: "bob", id: idAt(2) }), true);
  assert.equal(again.has({ author: "bob", id: idAt(3) }), false);
  assert.equal(again.has({ author: "alice", id: idAt(3) }), true);
});

Deno.test("A mark does not go back, and a damaged one counts as none of what is here", async () => {
  const { session, store, mutes, add } = await setUp();
  const mark = new ReadMark(session, mutes);
  await mark.load();
  await add(1, 2, 3);
  await mark.set(idAt(2));
  await mark.setText(idAt(1).toString());
  assert.equal(await mark.unread(), 1);
  await store.putNote("read timeline", new Uint8Array([0xc1]));
  const damaged = new ReadMark(session, mutes);
  await damaged.load();
  assert.equal(await damaged.unread(), 3);
});

Deno.test("However often the count is asked for, it is counted twice a second, and anew after reading", async () => {
  const { base, session, mutes, counts, add } = await setUp();
  const mark = new ReadMark(session, mutes);
  await mark.load();
  await add(1);
  for (let n = 0; n < 50; n++) {
    await mark.unread();
    await base.advance(20);
  }
  assert.equal(counts.length, 2);
  await mark.set(idAt(1));
  assert.equal(await mark.unread(), 0);
  assert.equal(counts.length, 3);
});

Deno.test("What is muted does not count as unread, from the moment on at which it is muted", async () => {
  const { session, store, mutes, add } = await setUp();
  const mark = new ReadMark(session, mutes);
  await mark.load();
  await add(...Array.from({ length: 450 }, (_, i) => i + 1));
  await store.addPosts("carol", [postAt({ author: "carol", number: 9 })]);
  await store.addPosts("alice", [postAt({ author: "alice", number: 451 })]);
  await mark.set(idAt(10));
  assert.equal(await mark.unread(), 440);
  const hides = ({ text }: { text: string }) => /5$/.test(text);
  Object.assign(mutes, { hidesNothing: false, version: 1, hides });
  assert.equal(await mark.unread(), 396);
  Object.assign(mutes, { version: 2, hides: () => true });
  assert.equal(await mark.unread(), 0);
});
