import assert from "node:assert/strict";
import { Greeter } from "../../../core/replication/greeter.ts";
import type { PeerMessenger } from "../../../core/messages/messenger.ts";
import type { MessageBodyOf } from "../../../core/messages/kinds/mod.ts";
import type { OwnRecords, People } from "../../../core/session/interfaces.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { only, TestLists, TestMessenger, testSession } from "../doubles.ts";

/** A greeter, whom it greets, and when it rejoins. */
function setUp() {
  const clock = new VirtualClock();
  const session = testSession({
    clock: clock.view(),
    device: 7,
    store: {
      feeds: () =>
        Promise.resolve([{ device: 7, floor: 4, ranges: [] }, {
          device: 8,
          floor: 1,
          ranges: [],
        }]),
    },
  });
  const lists = new TestLists();
  const messenger = new TestMessenger();
  const rejoinedAt: number[] = [];
  const gone = new Set<string>();
  const heads = [{ device: 7, head: 3 }, { device: 9, head: 2 }];
  const greeter = new Greeter({
    session,
    lists,
    people: only<People>({ isGone: ({ username }) => gone.has(username) }),
    records: only<OwnRecords>({ heads: () => heads, connections: () => undefined }),
    messenger: messenger as unknown as PeerMessenger,
  }, async () => {
    rejoinedAt.push(clock.monotonic());
    await greeter.greetAll();
  });
  return { clock, session, lists, messenger, greeter, rejoinedAt, gone };
}

Deno.test("All whom the user follows, all followers and the own devices are greeted once each", async () => {
  const { clock, lists, messenger, greeter } = setUp();
  for (const name of ["bob", "carol"]) lists.add("followers", name);
  for (const name of ["carol", "dave"]) lists.add("following", name);
  await clock.drive(greeter.greetAll());
  assert.deepEqual(messenger.sent.map(({ kind, to }) => `${kind} ${to.username}`).sort(), [
    "hello alice",
    "hello bob",
    "hello carol",
    "hello dave",
  ]);
  // The heads that were published and those of the database, the higher ones.
  const { device, heads, connections } = messenger.sent[0]?.body as MessageBodyOf["hello"];
  assert.deepEqual([device, connections], [7, new Uint8Array()]);
  assert.deepEqual(heads.toSorted((a, b) => a.device - b.device), [
    { device: 7, head: 4 },
    { device: 8, head: 1 },
    { device: 9, head: 2 },
  ]);
});

Deno.test("After the session, or for a caller who has given up, no user is greeted", async () => {
  const { clock, session, messenger, greeter } = setUp();
  const over = AbortSignal.abort(new Error("enough"));
  await assert.rejects(clock.drive(greeter.greetAll(over)), /enough/);
  session.end();
  await clock.drive(greeter.greetAll());
  assert.deepEqual(messenger.sent, []);
});

Deno.test("An address that goes on changing is told after 2 s, 4 s and so on up to a minute", async () => {
  const { clock, session, greeter, rejoinedAt } = setUp();
  greeter.moved();
  await clock.advance(60_000);
  assert.deepEqual(rejoinedAt, [], "the login has not greeted anyone yet");
  await clock.drive(greeter.greetAll());
  const gaps: number[] = [];
  while (gaps.length < 8) {
    const startMs = clock.monotonic();
    greeter.moved();
    while (rejoinedAt.length <= gaps.length) await clock.advance(500);
    gaps.push((rejoinedAt.at(-1) ?? 0) - startMs);
  }
  assert.deepEqual(gaps.map((ms) => ms / 1_000), [2, 4, 8, 16, 32, 60, 60, 60]);
  session.end();
});

Deno.test("A change is told at once after a quiet while, and again soon after five minutes without one", async () => {
  const { clock, session, greeter, rejoinedAt } = setUp();
  await clock.drive(greeter.greetAll());
  await clock.advance(10_000);
  const wait = async () => {
    rejoinedAt.length = 0;
    const startMs = clock.monotonic();
    greeter.moved();
    await clock.advance(100_000);
    return rejoinedAt.map((at) => at - startMs);
  };
  assert.deepEqual(await wait(), [0]);
  greeter.moved();
  await clock.advance(0);
  // Five changes have made the pause longer, and five minutes of quiet make it short again.
  for (let i = 0; i < 5; i++) {
    greeter.moved();
    await clock.advance(100_000);
  }
  await clock.advance(300_000);
  assert.deepEqual(await wait(), [0]);
  rejoinedAt.length = 0;
  const startMs = clock.monotonic();
  await clock.drive(greeter.greetAll());
  greeter.moved();
  await clock.advance(100_000);
  assert.deepEqual(rejoinedAt.map((at) => at - startMs), [4_000]);
  session.end();
});

Deno.test("Users of whom the network does not tell are greeted again, those who are gone are not", async () => {
  const { clock, lists, messenger, greeter, gone } = setUp();
  for (const name of ["bob", "carol"]) lists.add("followers", name);
  gone.add("carol");
  messenger.devices = 0;
  const at: number[] = [];
  messenger.onSend = ({ to }) => void (to.username === "bob" && at.push(clock.monotonic()));
  await clock.drive(greeter.greetAll());
  await clock.advance(300_000);
  assert.deepEqual(at, [0, 4_000, 12_000, 28_000, 60_000]);
  assert.equal(messenger.sent.filter(({ to }) => to.username === "carol").length, 1);

  // Whoever is found is not greeted again.
  await clock.drive(greeter.greetAll());
  messenger.devices = 1;
  await clock.advance(300_000);
  assert.equal(at.length, 7);
});
