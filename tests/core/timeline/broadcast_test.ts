import assert from "node:assert/strict";
import { Broadcast } from "../../../core/timeline/broadcast.ts";
import { nameOf, type UserRef } from "../../../core/model/user.ts";

const users = Array.from({ length: 9 }, (_, i): UserRef => ({
  username: `user_${i}`,
  key: new Uint8Array(32).fill(i),
}));

/** Four relays were sent a share each at time 0. */
function sent(): { broadcast: Broadcast; relays: UserRef[] } {
  const batch = { author: users[0] as UserRef, posts: [], heads: [] };
  const broadcast = new Broadcast(batch, 7, users);
  const relays = users.slice(0, 4);
  for (const relay of relays) broadcast.sent({ relay, users: users.slice(4) }, 0);
  return { broadcast, relays };
}

Deno.test("A relay is silent when it takes three times as long as half of them did", () => {
  const { broadcast, relays: [one, two, three] } = sent();
  assert.ok(one && two && three);
  assert.equal(broadcast.patienceMs(), 2_400, "most have not said anything yet");
  broadcast.ack(one, 100);
  assert.equal(broadcast.patienceMs(), 2_400);
  broadcast.ack(two, 300);
  assert.equal(broadcast.patienceMs(), 900);
  broadcast.ack(two, 100);
  assert.equal(broadcast.patienceMs(), 900, "the first word counts");
  broadcast.ack(three, 2_000);
  assert.equal(broadcast.patienceMs(), 900);
});

Deno.test("On a quick network a silent relay is replaced after 600 ms, on the slowest after 2.4 s", () => {
  const quick = sent();
  for (const relay of quick.relays) quick.broadcast.ack(relay, 20);
  assert.equal(quick.broadcast.patienceMs(), 600);
  const slow = sent();
  for (const relay of slow.relays) slow.broadcast.ack(relay, 3_000);
  assert.equal(slow.broadcast.patienceMs(), 2_400);
  const none = new Broadcast({ author: users[0] as UserRef, posts: [], heads: [] }, 7, users);
  assert.equal(none.patienceMs(), 600);
});

Deno.test("A relay has twice the time of half the acknowledgements to pass posts on", () => {
  const { broadcast, relays } = sent();
  const [one, two, three] = relays;
  assert.ok(one && two && three);
  broadcast.ack(one, 400);
  broadcast.ack(two, 400);
  assert.ok(!broadcast.hasHadTime(one, 1_199));
  assert.ok(broadcast.hasHadTime(one, 1_200));
  assert.ok(!broadcast.hasHadTime(three, 10_000), "it never said that it passes them on");
});

Deno.test("A broadcast waits while a relay has neither acknowledged nor failed", () => {
  const { broadcast, relays } = sent();
  assert.ok(broadcast.isWaiting);
  for (const relay of relays.slice(1)) broadcast.ack(relay, 10);
  assert.ok(broadcast.isWaiting);
  const failed = broadcast.takeFailed(({ relay }) => !broadcast.hasAcked(relay));
  assert.deepEqual(failed.map(({ relay }) => nameOf(relay)), [nameOf(relays[0] as UserRef)]);
  assert.ok(!broadcast.isWaiting);
  assert.deepEqual(broadcast.acked, relays.slice(1));
});
