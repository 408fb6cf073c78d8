import assert from "node:assert/strict";
import { noticeAt, postAt, viewsWorld } from "./world.ts";

Deno.test("Notifications tell who did what, and whether it was read", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.notifications = [
    noticeAt(4, { kind: "security", post: null, message: "The password was changed", from: "mia" }),
    noticeAt(3, { kind: "repost", post: null }),
    noticeAt(2, { kind: "follow", post: null, read: true }),
    noticeAt(1),
  ];
  views.notifications.open();
  await settle();
  const { rows } = views.notifications.view();
  assert.deepEqual(rows.map(({ text }) => text), [
    "The password was changed",
    "passed a post of yours on",
    "follows you",
    "replies to you",
  ]);
  assert.deepEqual(rows.map(({ isUnread }) => isUnread), [true, true, false, true]);
  assert.deepEqual(rows.map(({ isPostGone }) => isPostGone), [false, true, false, false]);
  assert.equal(rows[3]?.post?.key, `bob/${postAt(1).id}`);
  assert.deepEqual(rows[0]?.offers, []);
  assert.deepEqual(rows[1]?.offers.map(({ deed }) => deed), ["follow", "mute", "block"]);
});

Deno.test("A notification that comes stands on top, or waits while the reader reads", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.notifications = [noticeAt(2), noticeAt(1)];
  views.notifications.open();
  await settle();
  peer.emit({ event: "notification", notification: noticeAt(10) });
  peer.emit({ event: "notification", notification: noticeAt(9) });
  peer.emit({ event: "request", request: noticeAt(11) });
  await settle();
  const keys = () => views.notifications.view().rows.map(({ key }) => key);
  assert.deepEqual(keys(), ["10", "9", "2", "1"]);
  views.notifications.select("2");
  peer.emit({ event: "notification", notification: noticeAt(12) });
  peer.emit({ event: "notification", notification: noticeAt(12) });
  await settle();
  assert.deepEqual(keys(), ["10", "9", "2", "1"]);
  peer.emit({ event: "notification", notification: noticeAt(2) });
  await settle();
  assert.equal(views.notifications.view().waitingText, "1 newer arrived");
  peer.told.notifications = [noticeAt(12), noticeAt(10), noticeAt(9), noticeAt(2), noticeAt(1)];
  views.notifications.newest();
  await settle();
  assert.deepEqual(keys(), ["12", "10", "9", "2", "1"]);
  assert.equal(views.notifications.view().waiting, 0);
});

Deno.test("What was seen is read for the peer, and stays marked for the reader", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.notifications = [noticeAt(1)];
  views.open();
  views.notifications.open();
  await settle();
  assert.equal(views.frame().unread.notifications, 1);
  const { markRead } = peer;
  peer.markRead = () => Promise.reject(new Error("gone"));
  views.notifications.seen();
  await settle();
  peer.markRead = markRead;
  for (let i = 0; i < 5; i++) views.notifications.seen();
  await settle();
  assert.equal(views.frame().unread.notifications, 0);
  assert.equal(peer.calls.filter((name) => name === "markRead").length, 1);
  assert.equal(views.notifications.view().rows[0]?.isUnread, true);
});

Deno.test("A post that its author takes back is no longer shown with its notification", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.notifications = [noticeAt(1)];
  views.notifications.open();
  await settle();
  peer.takeBack(postAt(1));
  await settle();
  const [row] = views.notifications.view().rows;
  assert.deepEqual([row?.post, row?.isPostGone], [null, true]);
});

Deno.test("A stranger's request can be answered by following, muting, blocking or hiding", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.requests = [noticeAt(3), noticeAt(2, { from: "carol" }), noticeAt(1)];
  views.open();
  views.requests.open();
  await settle();
  const offers = views.requests.view().rows[0]?.offers;
  assert.deepEqual(offers?.map(({ label }) => label), ["Follow", "Mute", "Block", "Hide"]);
  assert.equal(await views.deeds.run({ deed: "dismiss", username: "bob" }), true);
  await settle();
  assert.deepEqual(views.requests.view().rows.map(({ who }) => who.username), ["carol"]);
  assert.equal(views.deeds.view().said?.text, "The requests of bob are hidden.");
  await views.deeds.run({ deed: "follow", username: "carol" });
  await settle();
  const [first] = views.requests.view().rows;
  assert.equal(first?.offers[0]?.deed, "unfollow");
  peer.told.requests = [];
  views.requests.newest();
  await settle();
  assert.equal(views.requests.view().emptyText, "No stranger has written to you.");
});

Deno.test("A long list is read in steps, up to a bound", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.notifications = Array.from({ length: 1_200 }, (_, i) => noticeAt(1_200 - i));
  views.notifications.open();
  await settle();
  assert.equal(views.notifications.view().rows.length, 100);
  for (let i = 0; i < 15; i++) {
    views.notifications.older();
    await settle();
  }
  assert.equal(views.notifications.view().rows.length, 1_000);
  assert.equal(views.notifications.view().hasOlder, false);
});

Deno.test("What waits still waits when the list is read again, and requests come live as well", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.told.requests = [
    noticeAt(2, { from: "carol" }),
    noticeAt(1, { post: postAt(1, { warning: "w" }) }),
  ];
  views.requests.open();
  await settle();
  views.requests.select("1");
  peer.told.requests.unshift(noticeAt(3));
  peer.emit({ event: "request", request: noticeAt(3) });
  await settle();
  assert.equal(views.requests.view().waiting, 1);
  await views.deeds.run({ deed: "dismiss", username: "carol" });
  await settle();
  const { rows, waiting } = views.requests.view();
  assert.deepEqual([rows.map(({ key }) => key), waiting], [["1"], 1]);
  assert.equal(rows[0]?.post?.state, "warned");
  views.requests.reveal("1");
  assert.equal(views.requests.view().rows[0]?.post?.state, "shown");
  views.requests.select("1", true);
  peer.emit({ event: "request", request: noticeAt(4) });
  await settle();
  assert.equal(views.requests.view().rows[0]?.key, "1", "nothing stands above what waits");
  views.requests.newest();
  await settle();
  peer.emit({ event: "request", request: noticeAt(4) });
  await settle();
  assert.equal(views.requests.view().rows[0]?.key, "4");
  views.requests.close();
  peer.emit({ event: "request", request: noticeAt(5) });
  await settle();
  assert.equal(views.requests.view().rows[0]?.key, "4");
});
