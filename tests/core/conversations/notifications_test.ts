/** Notifications of whole peers, as a person or script meets them. */

import assert from "node:assert/strict";
import type { NotificationView, PeerEvent } from "../../../core/api.ts";
import { Notifications } from "../../../core/conversations/notifications.ts";
import { conversationBounds } from "../../../core/conversation_store.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { type SimMachine, simPassword, SimWorld } from "../../sim/peers.ts";
import { nothingUnwanted, testSession } from "../doubles.ts";

async function set<const N extends readonly string[]>(...names: N) {
  const world = new SimWorld({ seed: names.join(" ") });
  const machines = await world.register(...names);
  return { world, machines: machines as { [K in keyof N]: SimMachine } };
}

async function told({ peer }: SimMachine): Promise<readonly NotificationView[]> {
  return (await peer.notifications({})).notifications;
}

function summary({ kind, from, post, read }: NotificationView): string {
  return `${kind} ${from} ${post?.text ?? "-"}${read ? " (read)" : ""}`;
}

Deno.test("A follow, a mention and a reply are told as they come, counted, and read once", async () => {
  const { world, machines: [alice, bob] } = await set("alice", "bob");
  await world.run(bob.peer.follow({ username: "alice" }));
  await world.run(alice.peer.follow({ username: "bob" }));
  const post = await world.run(alice.peer.post({ text: "hello" }));
  await world.until("the post is there", async () => (await bob.texts()).includes("hello"));
  await world.run(
    bob.peer.post({ text: "@alice good", replyTo: { author: "alice", id: post.id } }),
  );
  await world.run(bob.peer.post({ text: "@alice better" }));
  await world.until(
    "all are told",
    async () => (await alice.peer.status()).unread.notifications === 3,
  );
  const all = await world.run(told(alice));
  assert.deepEqual(all.map(summary), [
    "mention bob @alice better",
    "reply bob @alice good",
    "follow bob -",
  ]);
  const events = alice.events.filter((event): event is PeerEvent & { event: "notification" } =>
    event.event === "notification"
  );
  assert.deepEqual(events.map(({ notification }) => notification), [...all].reverse());
  assert.equal((await world.run(alice.peer.notifications({ limit: 1 }))).unread, 3);
  await world.run(alice.peer.markRead({ what: "notifications" }));
  await world.run(bob.peer.post({ text: "@alice best" }));
  await world.until(
    "one is new",
    async () => (await alice.peer.status()).unread.notifications === 1,
  );
  const unread = await world.run(alice.peer.notifications({ unread: true }));
  assert.deepEqual(unread.notifications.map(summary), ["mention bob @alice best"]);
  await world.run(alice.stop());
  await world.run(alice.start());
  await world.run(alice.login());
  assert.equal((await world.run(alice.peer.status())).unread.notifications, 1);
  assert.deepEqual((await world.run(told(alice))).map(summary), [
    "mention bob @alice best",
    "mention bob @alice better (read)",
    "reply bob @alice good (read)",
    "follow bob - (read)",
  ]);
  await world.stop();
});

Deno.test("What a stranger says is a request, can be answered, and is put aside for good", async () => {
  const { world, machines: [alice, zed] } = await set("alice", "zed");
  await world.run(zed.peer.post({ text: "@alice hello" }));
  await world.until("it is there", async () => (await alice.peer.status()).unread.requests === 1);
  const { requests: [request] } = await world.run(alice.peer.requests({}));
  assert.equal(request && summary(request), "mention zed @alice hello");
  assert.deepEqual(await world.run(told(alice)), []);
  assert.deepEqual(await alice.texts(), []);
  const { author, id } = request?.post ?? assert.fail();
  // The answer goes to the stranger, who does not follow either.
  await world.run(alice.peer.post({ text: "hello zed", replyTo: { author, id } }));
  await world.until("it is told", async () => (await zed.peer.status()).unread.requests === 1);
  await world.run(alice.peer.dismiss({ username: "zed" }));
  assert.deepEqual(await world.run(alice.peer.requests({})), { requests: [], unread: 0 });
  await world.stop();
});

Deno.test("A post that is taken back is no longer in its notification", async () => {
  const { world, machines: [alice, bob] } = await set("alice", "bob");
  await world.run(alice.peer.follow({ username: "bob" }));
  const { id } = await world.run(bob.peer.post({ text: "@alice oops" }));
  await world.until("it is told", async () => (await told(alice)).length === 1);
  await world.run(bob.peer.deletePosts({ ids: [id] }));
  await world.until("it is gone", async () => (await alice.texts()).length === 0);
  assert.deepEqual((await world.run(told(alice))).map(summary), ["mention bob -"]);
  await world.stop();
});

Deno.test("The timeline remembers how far it was read", async () => {
  const { world, machines: [alice, bob] } = await set("alice", "bob");
  await world.run(alice.peer.follow({ username: "bob" }));
  for (const text of ["one", "two", "three"]) await world.run(bob.peer.post({ text }));
  await world.run(alice.peer.post({ text: "mine" }));
  await world.until("all are there", async () => (await alice.texts()).length === 4);
  const read = async () =>
    Object.fromEntries((await alice.timeline()).map((post) => [post.text, post.read]));
  assert.deepEqual(await read(), { mine: true, one: false, two: false, three: false });
  assert.equal((await world.run(alice.peer.status())).unread.posts, 3);
  const two = (await alice.timeline()).find(({ text }) => text === "two") ?? assert.fail();
  await world.run(alice.peer.markRead({ what: "timeline", id: two.id }));
  await world.run(alice.peer.markRead({ what: "timeline", id: "1" }));
  assert.deepEqual(await read(), { mine: true, one: true, two: true, three: false });
  await assert.rejects(alice.peer.markRead({ what: "timeline", id: "x" }), {
    code: "invalid_argument",
  });
  await world.run(alice.stop());
  await world.run(alice.start());
  await world.run(alice.login());
  assert.equal((await world.run(alice.peer.status())).unread.posts, 1);
  await world.stop();
});

Deno.test("A login on another device and a changed password are told", async () => {
  const { world, machines: [alice] } = await set("alice");
  const second = world.machine();
  await world.run(second.start());
  await world.run(second.login("alice"));
  for (let minute = 0; minute < 10 && (await told(alice)).length === 0; minute++) {
    await world.clock.advance(60_000);
  }
  const [first] = await world.run(told(alice));
  assert.match(first?.message ?? "", /on another device, number \d+/);
  assert.deepEqual(await world.run(told(second)), []);
  await world.run(second.peer.changePassword({ old: simPassword, new: `${simPassword} x` }));
  const isIn = async () => (await world.run(alice.peer.status())).user !== null;
  for (let minute = 0; minute < 60 && await isIn(); minute++) await world.clock.advance(60_000);
  const { conversations } = await alice.stores.open("alice");
  const kept = await conversations.notifications({ list: "notifications", limit: 9 });
  assert.match(kept[0]?.message ?? "", /password of alice was changed on another device/);
  await world.stop();
});

/** Notifications of a user whose database keeps twelve of them, and how often it was asked for many. */
async function few() {
  const base = new VirtualClock();
  const bounds = { ...conversationBounds, notifications: 12 };
  const store = await new MemoryStores({ conversations: bounds }).open("alice");
  const counts = { reads: 0 };
  const { notifications: read } = store.conversations;
  const conversations = {
    ...store.conversations,
    notifications: (query: Parameters<typeof read>[0]) => {
      if (query.limit > 1) counts.reads++;
      return read(query);
    },
  };
  const session = testSession({
    clock: base.view(),
    store: {
      conversations,
      getNote: (name) => store.getNote(name),
      putNote: (name, value) => store.putNote(name, value),
      timeline: (query) => store.timeline(query),
    },
  });
  const mutes = { ...nothingUnwanted };
  const notifications = new Notifications(session, mutes);
  await notifications.load();
  let next = 0;
  const tell = async (times: number) => {
    for (let n = 0; n < times; n++) {
      const from = `user_${next++}`;
      await notifications.tell({ list: "notifications", kind: "follow", from, at: 1 });
    }
  };
  return { base, session, mutes, notifications, counts, tell };
}

Deno.test("What the database forgets counts as unread no more", async () => {
  const { base, session, notifications, tell } = await few();
  const unread = () => notifications.unread("notifications");
  await tell(10);
  assert.equal(await unread(), 10);
  await tell(1);
  assert.equal(await unread(), 11);
  await tell(9);
  await base.advance(500);
  assert.equal(await unread(), 12);
  await notifications.markRead("notifications");
  assert.equal(await unread(), 0);
  await tell(3);
  await base.advance(500);
  assert.equal(await unread(), 3);
  session.end();
});

Deno.test("What is unread is counted twice a second at most, and anew once something else is muted", async () => {
  const { base, session, mutes, notifications, counts, tell } = await few();
  const unread = () => notifications.unread("notifications");
  await tell(5);
  Object.assign(mutes, { hidesNothing: false, hidesUser: (name: string) => name === "user_1" });
  for (let n = 0; n < 50; n++) {
    assert.equal(await unread(), 4);
    await base.advance(20);
  }
  assert.equal(counts.reads, 2);
  Object.assign(mutes, { version: 1, hidesUser: () => true });
  assert.equal(await unread(), 0);
  session.end();
});
