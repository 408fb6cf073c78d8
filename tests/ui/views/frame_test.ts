import assert from "node:assert/strict";
import { postAt, viewsWorld } from "./world.ts";

Deno.test("The frame tells the network in a few words, and that the peer does not answer", async () => {
  const { peer, views, settle } = viewsWorld();
  const shows = async (text: string, tone: string) => {
    views.refresh();
    await settle();
    assert.deepEqual(views.frame().network, { text, tone });
  };
  assert.deepEqual(views.frame().network, { text: "", tone: "plain" });
  await shows("3 peers ⇅ ok", "good");
  peer.reach = { ...peer.reach, state: "relayed", relays: 2 };
  await shows("3 peers ⇅ by relays", "good");
  peer.reach = { ...peer.reach, state: "unreachable" };
  await shows("3 peers ⇅ not reachable", "warning");
  peer.joined = false;
  peer.carriage = { hindrance: "no_network" };
  await shows("no network", "warning");
  const { status } = peer;
  peer.status = () => Promise.reject(new Error("gone"));
  await shows("the peer does not answer", "warning");
  assert.equal(views.frame().isAnswering, false);
  peer.status = status;
  peer.joined = true;
  peer.reach = { ...peer.reach, state: "unknown" };
  await shows("3 peers ⇅ …", "plain");
});

Deno.test("The state of the peer is asked for once for many events", async () => {
  const { peer, views, clock, settle } = viewsWorld();
  views.open();
  await settle();
  peer.calls.length = 0;
  for (let i = 0; i < 1_000; i++) {
    peer.emit({ event: "network", joined: true, contacts: i });
    await clock.advance(1);
  }
  await settle();
  const asked = peer.calls.filter((name) => name === "status").length;
  assert.ok(asked >= 3 && asked <= 6, String(asked));
  assert.ok(views.reach().some(({ label, tone }) => label === "reach" && tone === "good"));
  views.close();
  peer.emit({ event: "network", joined: true, contacts: 1 });
  await settle();
  assert.equal(clock.pending, 0, "nothing waits once the screens are closed");
});

Deno.test("After events may have been missed, all that is loaded is read again", async () => {
  const { peer, views, settle } = viewsWorld([1, 2]);
  views.open();
  views.notifications.open();
  views.people.open("followers");
  const root = { author: "bob", id: postAt(1).id };
  const thread = views.thread(root);
  await settle();
  views.home.select(views.home.view().rows[1]?.key ?? "");
  // What has happened meanwhile, no event has told of.
  peer.store(postAt(3, { reply_to: root }));
  peer.told.notifications = [{
    ...{ id: "1", kind: "follow", from: "carol", post: null, read: false },
    at: postAt(3).created_at,
  }];
  peer.followers.add("carol");
  peer.following.add("carol");
  views.missed();
  await settle();
  assert.deepEqual(
    views.home.view().rows.map(({ name }) => name.id),
    [3, 2, 1].map((s) => postAt(s).id),
  );
  assert.equal(views.home.view().anchor, `bob/${postAt(1).id}`);
  assert.equal(views.notifications.view().rows.length, 1);
  assert.equal(thread.view().rows.length, 2);
  assert.equal(views.people.view("followers").rows[0]?.key, "carol");
  assert.equal(views.desk.relations.of("carol").isFollowed, true);
});

Deno.test("What could not be read while the peer was gone is read when it is back", async () => {
  const { peer, views, settle } = viewsWorld([1]);
  const { CamelliaError } = await import("../../../core/model/errors.ts");
  const { timeline, notifications } = peer;
  const gone = () => Promise.reject(new CamelliaError("no_peer", "The peer does not answer"));
  peer.timeline = gone;
  peer.notifications = gone;
  views.open();
  views.notifications.open();
  const thread = views.thread({ author: "bob", id: "7" });
  await settle();
  assert.equal(views.home.view().problem, "The peer does not answer");
  Object.assign(peer, { timeline, notifications });
  peer.store(postAt(5, { id: "7" }));
  views.missed();
  await settle();
  assert.deepEqual([views.home.view().problem, views.home.view().rows.length], [null, 2]);
  assert.equal(views.notifications.view().emptyText, "Nothing to tell you.");
  assert.equal(thread.view().rows.length, 1);
});
