import assert from "node:assert/strict";
import { allAskedMax, Broadcast, type PlacedShare } from "../../../core/timeline/broadcast.ts";
import { nameOf, type UserRef } from "../../../core/model/user.ts";

const users = Array.from({ length: 9 }, (_, i): UserRef => ({
  username: `user_${i}`,
  key: new Uint8Array(32).fill(i),
}));

/** Four relays were sent a share each at time 0. */
function sent(isCold = false): { broadcast: Broadcast; shares: PlacedShare[] } {
  const batch = { author: users[0] as UserRef, posts: [], heads: [] };
  const broadcast = new Broadcast(batch, 7, users, isCold);
  const shares = users.slice(0, 4)
    .map((relay) => broadcast.sent({ relay, users: users.slice(4) }, 0));
  return { broadcast, shares };
}

Deno.test("A relay is silent when it takes three times as long as half of them did", () => {
  const { broadcast, shares: [one, two, three] } = sent();
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
  for (const share of quick.shares) quick.broadcast.ack(share, 20);
  assert.equal(quick.broadcast.patienceMs(), 600);
  const slow = sent();
  for (const share of slow.shares) slow.broadcast.ack(share, 3_000);
  assert.equal(slow.broadcast.patienceMs(), 2_400);
  const none = new Broadcast(
    { author: users[0] as UserRef, posts: [], heads: [] },
    7,
    users,
    false,
  );
  assert.equal(none.patienceMs(), 600);
});

Deno.test("A relay has twice the time of half the acknowledgements to pass posts on", () => {
  const { broadcast, shares: [one, two, three] } = sent();
  assert.ok(one && two && three);
  broadcast.ack(one, 400);
  broadcast.ack(two, 400);
  assert.ok(!broadcast.hasHadTime(one, 1_199, 0));
  assert.ok(broadcast.hasHadTime(one, 1_200, 0));
  assert.ok(!broadcast.hasHadTime(three, 10_000, 0), "it never said that it passes them on");
  // A follower who took 3 s to answer may have been told by then, too.
  assert.ok(!broadcast.hasHadTime(one, 3_399, 3_000));
  assert.ok(broadcast.hasHadTime(one, 3_400, 3_000));
});

Deno.test("A relay that has to open links has 1.5 s to pass posts on, however soon it acknowledges", () => {
  const { broadcast, shares } = sent(true);
  for (const share of shares) broadcast.ack(share, 20);
  const [one] = shares;
  assert.ok(one);
  assert.ok(!broadcast.hasHadTime(one, 1_519, 0));
  assert.ok(broadcast.hasHadTime(one, 1_520, 0));
});

Deno.test("Where a crowd opens links, a relay has four times the time of half the acknowledgements, 3 s at most", () => {
  for (const [ackedAt, passedAt] of [[500, 2_500], [700, 3_500], [900, 3_900]] as const) {
    const { broadcast, shares } = sent(true);
    for (const share of shares) broadcast.ack(share, ackedAt);
    const [one] = shares;
    assert.ok(one);
    assert.ok(!broadcast.hasHadTime(one, passedAt - 1, 0));
    assert.ok(broadcast.hasHadTime(one, passedAt, 0));
  }
});

Deno.test("A broadcast is under way once half of the relays have acknowledged", () => {
  const { broadcast, shares: [one, two] } = sent();
  assert.ok(one && two);
  assert.ok(!broadcast.isUnderWay);
  broadcast.ack(one, 10);
  assert.ok(!broadcast.isUnderWay);
  broadcast.ack(two, 10);
  assert.ok(broadcast.isUnderWay);
});

Deno.test("A second share is judged by its own acknowledgement, and changes no one's patience", () => {
  const { broadcast, shares } = sent();
  for (const share of shares) broadcast.ack(share, 300);
  const [one] = shares;
  assert.ok(one);
  const second = broadcast.sent({ relay: one.relay, users: users.slice(8) }, 1_000);
  assert.ok(broadcast.isWaiting);
  assert.equal(broadcast.patienceMs(), 900);
  assert.ok(broadcast.hasHadTime(one, 2_000, 0));
  assert.ok(!broadcast.hasHadTime(second, 2_000, 0));
  broadcast.ack(second, 1_500);
  assert.ok(!broadcast.hasHadTime(second, 2_099, 0));
  assert.ok(broadcast.hasHadTime(second, 2_100, 0));
  assert.equal(broadcast.patienceMs(), 900);
  assert.equal(broadcast.reached.length, 4, "each relay is counted once");
});

Deno.test("A broadcast waits while a relay has neither acknowledged nor failed", async () => {
  const { broadcast, shares } = sent();
  let isAnswered = false;
  const answered = broadcast.answered.then(() => isAnswered = true);
  assert.ok(broadcast.isWaiting);
  const [one, two, ...others] = shares;
  assert.ok(one && two);
  for (const share of others) broadcast.ack(share, 10);
  await Promise.resolve();
  assert.ok(broadcast.isWaiting && !isAnswered);
  broadcast.ack(one, 5);
  const failed = broadcast.takeFailed(20, (relay) => relay === one.relay);
  assert.deepEqual(failed.map(({ relay }) => nameOf(relay)), [nameOf(one.relay)]);
  broadcast.ack(two, 10);
  await answered;
  assert.ok(!broadcast.isWaiting);
  assert.deepEqual(broadcast.acked, [...others, one, two].map(({ relay }) => relay));
});

Deno.test("A broadcast waits no longer once the last relay that it waited for has failed", async () => {
  const { broadcast, shares } = sent();
  const [one, ...others] = shares;
  assert.ok(one);
  for (const share of others) broadcast.ack(share, 10);
  assert.ok(broadcast.isWaiting);
  broadcast.takeFailed(599, () => false);
  assert.ok(broadcast.isWaiting, "it has 600 ms");
  broadcast.takeFailed(600, () => false);
  await broadcast.answered;
  assert.ok(!broadcast.isWaiting);
});

Deno.test("Of relays that are silent at the same time sixteen are replaced, of more half", () => {
  const relays = Array.from({ length: 64 }, (_, i): UserRef => ({
    username: `user_${i}`,
    key: new Uint8Array(32).fill(i),
  }));
  const batch = { author: relays[0] as UserRef, posts: [], heads: [] };
  const broadcast = new Broadcast(batch, 7, relays, false);
  for (const relay of relays) broadcast.sent({ relay, users: relays.slice(0, 4) }, 0);
  const none = () => false;
  const counts = [2_399, 2_400, 3_000, 3_600, 4_200]
    .map((now) => broadcast.takeFailed(now, none).length);
  assert.deepEqual(counts, [0, 32, 16, 16, 0]);
});

/** So many followers. */
function crowdOf(size: number): UserRef[] {
  return Array.from(
    { length: size },
    (_, i) => ({ username: `user_${i}`, key: new Uint8Array(32) }),
  );
}

/** A broadcast to so many followers, of which nothing was sent. */
function unsent(followers: number, isCold = false): Broadcast {
  const order = crowdOf(followers);
  return new Broadcast({ author: order[0] as UserRef, posts: [], heads: [] }, 7, order, isCold);
}

/** Followers say so often whether the relay has passed the posts on, and are heard. */
function say(broadcast: Broadcast, hasPassed: boolean, times = 1): void {
  const [relay] = users;
  assert.ok(relay);
  for (let i = 0; i < times; i++) broadcast.said({ relay, hasPassed });
  assert.equal(broadcast.takeWords().length, times);
}

Deno.test("Of a crowd that is sampled, one word against a relay is the machine's, one in sixty-four a liar's", () => {
  const few = unsent(allAskedMax);
  const many = unsent(allAskedMax + 1);
  for (const broadcast of [few, many]) {
    say(broadcast, true, 126);
    assert.ok(!broadcast.isLacking);
    say(broadcast, false);
    assert.ok(broadcast.isLacking);
  }
  assert.ok(few.isDoubtful, "the others may be accomplices");
  assert.ok(!many.isDoubtful);
  say(many, false);
  assert.ok(many.isDoubtful);
  say(many, true);
  assert.ok(!many.isDoubtful);
  const first = unsent(allAskedMax + 1);
  say(first, false);
  assert.ok(!first.isDoubtful, "one word is one word, however few there are");
  say(first, false);
  assert.ok(first.isDoubtful);
});

/** A crowd with so many relays, which have all acknowledged after so long. */
function acknowledged(
  { followers = allAskedMax + 1, relays = 16, ackedAt = 201, isCold = false } = {},
): { broadcast: Broadcast; relays: UserRef[] } {
  const broadcast = unsent(followers, isCold);
  const all = crowdOf(relays);
  for (const relay of all) {
    broadcast.ack(broadcast.sent({ relay, users: users.slice(4) }, 0), ackedAt);
  }
  return { broadcast, relays: all };
}

Deno.test("Where acknowledgements are late and most relays of a crowd lack something, no word counts", () => {
  const words = (options: Parameters<typeof acknowledged>[0], noes: number) => {
    const { broadcast, relays } = acknowledged(options);
    for (const [i, relay] of relays.entries()) {
      broadcast.said({ relay, hasPassed: i >= noes });
      broadcast.said({ relay, hasPassed: true });
    }
    const { length } = broadcast.takeWords();
    assert.equal(broadcast.isLacking, length > 0);
    assert.equal(broadcast.takeWords().length, 0, "a word is heard once");
    return length;
  };
  assert.equal(words({}, 9), 0);
  assert.equal(words({}, 8), 32, "half of the relays may lie");
  assert.equal(words({ ackedAt: 200 }, 16), 32, "acknowledgements are in time");
  assert.equal(words({ relays: 15 }, 15), 30, "so few may be liars");
  assert.equal(words({ followers: allAskedMax }, 16), 32, "all are asked");
});

Deno.test("A crowd that opens its links is asked once half of the relays have had time to pass posts on", () => {
  const { broadcast } = acknowledged({ ackedAt: 100, isCold: true });
  assert.ok(!broadcast.isAnswerable(1_599));
  assert.ok(broadcast.isAnswerable(1_600));
  const { broadcast: open } = acknowledged({ ackedAt: 100 });
  assert.ok(open.isAnswerable(100), "links are open");
  const { broadcast: few } = acknowledged({ ackedAt: 100, isCold: true, followers: allAskedMax });
  assert.ok(few.isAnswerable(100), "few links open quickly");
  assert.ok(!unsentTo16().isAnswerable(10_000), "no relay has acknowledged");
});

/** A crowd whose 16 relays have said nothing. */
function unsentTo16(): Broadcast {
  const broadcast = unsent(allAskedMax + 1);
  for (const relay of crowdOf(16)) broadcast.sent({ relay, users: users.slice(4) }, 0);
  return broadcast;
}
