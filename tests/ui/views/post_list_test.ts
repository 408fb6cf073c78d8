import assert from "node:assert/strict";
import { waitingMax } from "../../../ui/views/post_list_state.ts";
import { compareIds, windowMax } from "../../../ui/views/post_window.ts";
import { postAt, viewsWorld } from "./world.ts";

/** The seconds at which the posts of the rows were written. */
function secondsOf(rows: readonly { readonly at: string }[]): number[] {
  return rows.map(({ at }) => (Date.parse(at) - Date.UTC(2026, 0, 1)) / 1000);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

Deno.test("Home shows the newest posts, and older ones when asked", async () => {
  const { views, settle } = viewsWorld(range(1, 120));
  views.home.open();
  assert.equal(views.home.view().loading, "first");
  await settle();
  assert.deepEqual(secondsOf(views.home.view().rows), range(71, 120).reverse());
  assert.equal(views.home.view().hasOlder, true);
  views.home.older();
  await settle();
  views.home.older();
  await settle();
  const view = views.home.view();
  assert.deepEqual(secondsOf(view.rows), range(1, 120).reverse());
  assert.deepEqual([view.hasOlder, view.hasNewer, view.loading], [false, false, null]);
});

Deno.test("A window over 10,000 posts does not grow, and comes back to every post", async () => {
  const { peer, views, settle } = viewsWorld();
  // Stored in the order of the timeline: storing looks for the place.
  for (const second of range(1, 10_000)) peer.timelinePosts.push(postAt(10_001 - second));
  views.home.open();
  await settle();
  const down: number[] = [];
  for (let i = 0; i < 300; i++) {
    const { rows, hasOlder } = views.home.view();
    assert.ok(rows.length <= windowMax);
    down.push(...secondsOf(rows));
    views.home.select(rows.at(-1)?.key ?? "");
    if (!hasOlder) break;
    views.home.older();
    await settle();
  }
  assert.equal(new Set(down).size, 10_000);
  assert.equal(views.home.view().hasNewer, true);
  const up: number[] = [];
  for (let i = 0; i < 300; i++) {
    const { rows, hasNewer } = views.home.view();
    assert.ok(rows.length <= windowMax);
    up.push(...secondsOf(rows));
    views.home.select(rows[0]?.key ?? "");
    if (!hasNewer) break;
    views.home.newer();
    await settle();
  }
  assert.equal(new Set(up).size, 10_000);
});

Deno.test("A reader who goes down while the newest posts are read again stays where they are", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  views.home.open();
  await settle();
  views.home.newest();
  views.home.select(views.home.view().rows[3]?.key ?? "");
  await settle();
  assert.equal(views.home.view().isLive, false);
  peer.come(postAt(11));
  await settle();
  assert.equal(views.home.view().rows.length, 10, "the new one waits");
  // Asked from there, the list goes to the top.
  views.home.newest();
  await settle();
  assert.deepEqual([views.home.view().isLive, views.home.view().rows.length], [true, 11]);
});

Deno.test("A post that comes stands on top while the reader is there, and waits while they read", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  views.home.open();
  await settle();
  peer.come(postAt(11));
  await settle();
  assert.deepEqual(secondsOf(views.home.view().rows), range(1, 11).reverse());
  const read = views.home.view().rows[4]?.key ?? "";
  views.home.select(read);
  const before = views.home.view().rows.map(({ key }) => key);
  peer.come(postAt(12));
  peer.come(postAt(13));
  await settle();
  const view = views.home.view();
  assert.deepEqual(view.rows.map(({ key }) => key), before);
  assert.deepEqual([view.waiting, view.waitingText], [2, "2 newer arrived"]);
  assert.equal(view.anchor, read);
  views.home.newer();
  await settle();
  assert.deepEqual(secondsOf(views.home.view().rows), range(1, 13).reverse());
  assert.deepEqual([views.home.view().waiting, views.home.view().anchor], [0, read]);
});

Deno.test("What waited stands on top once the reader asks for the newest", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  views.home.open();
  await settle();
  views.home.select(views.home.view().rows[9]?.key ?? "");
  // One comes late, into the middle.
  peer.come(postAt(5.5));
  peer.come(postAt(12));
  await settle();
  assert.equal(views.home.view().waiting, 2);
  views.home.newest();
  await settle();
  const view = views.home.view();
  assert.deepEqual(secondsOf(view.rows), [12, 10, 9, 8, 7, 6, 5.5, 5, 4, 3, 2, 1]);
  assert.deepEqual([view.waiting, view.isLive], [0, true]);
});

Deno.test("A post that comes while its page is read is neither lost nor shown twice", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 3));
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.gate = promise;
  views.home.open();
  await settle();
  peer.come(postAt(4));
  await settle();
  assert.deepEqual(views.home.view().rows, []);
  peer.takeBack(postAt(2));
  resolve();
  await settle();
  const { rows } = views.home.view();
  assert.deepEqual(secondsOf(rows), [4, 3, 2, 1]);
  assert.deepEqual(rows.map(({ state }) => state), ["shown", "shown", "deleted", "shown"]);
});

Deno.test("A thousand events a second are told of some thirty times", async () => {
  const { peer, views, clock, told, settle } = viewsWorld(range(1, 10));
  views.home.open();
  await settle();
  told.times = 0;
  for (const second of range(11, 1_010)) {
    peer.come(postAt(second));
    await clock.advance(1);
  }
  assert.ok(told.times >= 20 && told.times <= 35, String(told.times));
  await settle();
  assert.equal(views.home.view().rows.length, windowMax);
  assert.deepEqual(secondsOf(views.home.view().rows.slice(0, 3)), [1_010, 1_009, 1_008]);
});

Deno.test("Posts that wait are counted up to a bound", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  views.home.open();
  await settle();
  views.home.select(views.home.view().rows[3]?.key ?? "");
  for (const second of range(11, waitingMax + 50)) peer.come(postAt(second));
  await settle();
  assert.equal(views.home.view().waitingText, "1000 or more newer arrived");
  assert.equal(views.home.view().waiting, waitingMax);
  assert.equal(views.home.view().rows.length, 10);
});

Deno.test("A post that its author takes back keeps its place, and its text is gone", async () => {
  const { peer, views, settle } = viewsWorld([1, 2, 3]);
  views.home.open();
  await settle();
  peer.takeBack(postAt(2));
  await settle();
  const [, row] = views.home.view().rows;
  assert.deepEqual([row?.state, row?.spans], ["deleted", []]);
  views.home.newest();
  await settle();
  assert.deepEqual(secondsOf(views.home.view().rows), [3, 1]);
});

Deno.test("The line stands above what was read, and tells since when and how much is new", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  peer.mark = postAt(7).id;
  const status = peer.status.bind(peer);
  peer.status = async () => ({
    ...await status(),
    unread: { posts: 3, notifications: 0, requests: 0 },
  });
  views.home.open();
  views.refresh();
  await settle();
  const { line, rows } = views.home.view();
  assert.equal(line?.above, rows[3]?.key);
  const date = new Date(rows[3]?.at ?? "");
  const time = [date.getHours(), date.getMinutes()].map((n) => String(n).padStart(2, "0"));
  assert.equal(line?.text, `new since ${time.join(":")} (3 unread)`);
  assert.deepEqual(rows.map(({ isUnread }) => isUnread).slice(0, 4), [true, true, true, false]);
});

Deno.test("What was before the reader's eyes is no longer counted, wherever the mark stands", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  peer.mark = postAt(5).id;
  const status = peer.status.bind(peer);
  peer.status = async () => {
    const posts = peer.timelinePosts.filter(({ id }) => compareIds(id, peer.mark) > 0).length;
    return { ...await status(), unread: { posts, notifications: 0, requests: 0 } };
  };
  views.open();
  await settle();
  const { rows } = views.home.view();
  const see = async (from: number, to: number) => {
    views.home.seen(rows.slice(from, to).map(({ key }) => key));
    await settle();
    return views.frame().unread.posts;
  };
  assert.equal(await see(0, 0), 5);
  assert.equal(await see(0, 2), 3);
  assert.equal(peer.mark, postAt(5).id);
  assert.match(views.home.view().line?.text ?? "", /\(3 unread\)$/);
  assert.equal(await see(4, 6), 2);
  assert.equal(peer.mark, postAt(6).id);
  assert.equal(await see(0, 6), 0);
  assert.equal(peer.mark, postAt(10).id);
});

Deno.test("What was before the reader's eyes is marked as read, up to the first that was not", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 10));
  peer.mark = postAt(5).id;
  views.home.open();
  await settle();
  const { rows } = views.home.view();
  views.home.seen(rows.slice(0, 2).map(({ key }) => key));
  await settle();
  assert.equal(peer.mark, postAt(5).id);
  const { markRead } = peer;
  peer.markRead = () => Promise.reject(new Error("gone"));
  views.home.seen([rows[4]?.key ?? ""]);
  await settle();
  peer.markRead = markRead;
  views.home.seen(rows.slice(3, 6).map(({ key }) => key));
  await settle();
  assert.equal(peer.mark, postAt(7).id);
  views.home.seen([rows[2]?.key ?? ""]);
  await settle();
  assert.equal(peer.mark, postAt(10).id);
  views.home.seen(rows.map(({ key }) => key));
  assert.equal(peer.calls.filter((name) => name === "markRead").length, 2);
  // The line stays for as long as the list is not loaded anew.
  assert.equal(views.home.view().line?.above, rows[5]?.key);
});

Deno.test("What stands just above the mark has to be held before anything is marked as read", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 120));
  peer.mark = postAt(20).id;
  views.home.open();
  await settle();
  views.home.seen(views.home.view().rows.map(({ key }) => key));
  await settle();
  assert.equal(peer.mark, postAt(20).id);
  views.home.older();
  await settle();
  views.home.older();
  await settle();
  views.home.seen(views.home.view().rows.map(({ key }) => key));
  await settle();
  assert.equal(peer.mark, postAt(120).id);
});

Deno.test("All is marked as read at the reader's wish", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 120));
  views.home.open();
  await settle();
  views.home.markAllRead();
  await settle();
  assert.equal(peer.mark, postAt(120).id);
});

Deno.test("A page that cannot be read is told of, and can be asked for again", async () => {
  const { peer, views, settle } = viewsWorld([1]);
  peer.user = undefined;
  const { timeline } = peer;
  const { CamelliaError } = await import("../../../core/model/errors.ts");
  peer.timeline = () => Promise.reject(new CamelliaError("no_peer", "Cannot reach the peer"));
  views.home.open();
  await settle();
  assert.equal(views.home.view().problem, "Cannot reach the peer");
  peer.timeline = timeline;
  views.home.newest();
  await settle();
  assert.deepEqual([views.home.view().problem, views.home.view().rows.length], [null, 1]);
});

Deno.test("What mutes hide is counted once, however often the reader goes down and up", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 400));
  peer.hidden = 2;
  views.home.open();
  await settle();
  assert.equal(views.home.view().hidden, 2);
  const go = async (way: "older" | "newer", times: number) => {
    for (let i = 0; i < times; i++) {
      const { rows } = views.home.view();
      views.home.select(rows.at(way === "older" ? -1 : 0)?.key ?? "");
      views.home[way]();
      await settle();
    }
  };
  await go("older", 6);
  assert.equal(views.home.view().hidden, 14);
  await go("newer", 6);
  await go("older", 3);
  assert.equal(views.home.view().hidden, 14);
  views.home.newest();
  await settle();
  assert.equal(views.home.view().hidden, 2);
});

Deno.test("After a mute the rows around the one that is read are read again, and the reader stays there", async () => {
  const { peer, views, settle } = viewsWorld(range(1, 200));
  for (const second of range(1, 20)) peer.store(postAt(100 + second + 0.5, { author: "eve" }));
  views.home.open();
  await settle();
  for (let i = 0; i < 2; i++) {
    views.home.select(views.home.view().rows.at(-1)?.key ?? "");
    views.home.older();
    await settle();
  }
  const read = `bob/${postAt(110).id}`;
  views.home.select(read);
  const { mute } = peer;
  peer.mute = (request) => {
    const others = peer.timelinePosts.filter(({ author }) => author !== "eve");
    peer.timelinePosts.splice(0, Infinity, ...others);
    return mute(request);
  };
  await views.deeds.run({ deed: "mute", username: "eve" });
  await settle();
  const view = views.home.view();
  assert.equal(view.anchor, read);
  assert.ok(view.rows.every(({ author }) => author.username === "bob"));
  assert.deepEqual(secondsOf(view.rows), range(61, 160).reverse());
  assert.deepEqual([view.hasNewer, view.hasOlder, view.isLive], [true, true, false]);
  peer.unfollow = (request) => {
    peer.timelinePosts.splice(peer.timelinePosts.findIndex(({ id }) => id === postAt(110).id), 1);
    return Promise.resolve({ ...request, following: false, acknowledged: true });
  };
  await views.deeds.run({ deed: "unfollow", username: "dan" });
  await settle();
  assert.equal(views.home.view().anchor, `bob/${postAt(109).id}`, "the one below takes its place");
});

Deno.test("A load that is superseded changes nothing, also where it fails late", async () => {
  const { peer, views, settle } = viewsWorld([1]);
  const { promise, reject } = Promise.withResolvers<never>();
  const { timeline } = peer;
  peer.timeline = () => promise;
  views.home.newest();
  const { promise: slow, resolve } = Promise.withResolvers<void>();
  peer.timeline = timeline;
  peer.gate = slow;
  views.home.newest();
  reject(new Error("late"));
  await settle();
  assert.deepEqual([views.home.view().loading, views.home.view().problem], ["first", null]);
  resolve();
  await settle();
  assert.equal(views.home.view().rows.length, 1);
});

Deno.test("Rows stay the same for as long as nothing changes, and are made anew when ages do", async () => {
  const { peer, views, settle, clock } = viewsWorld([1, 2]);
  views.open();
  await settle();
  const { rows } = views.home.view();
  views.home.select(rows[1]?.key ?? "");
  assert.equal(views.home.view().rows, rows);
  await clock.advance(3 * 60_000);
  assert.notEqual(views.home.view().rows, rows);
  const later = views.home.view().rows;
  views.home.reveal(rows[0]?.key ?? "");
  assert.notEqual(views.home.view().rows, later);
  peer.takeBack(postAt(2));
  await settle();
  assert.equal(views.home.view().rows[0]?.state, "deleted");
});

Deno.test("A reply is counted once, also where it waits and is told of twice", async () => {
  const { peer, views, settle } = viewsWorld([1, 2]);
  views.home.open();
  await settle();
  const [, row] = views.home.view().rows;
  views.home.select(row?.key ?? "");
  const reply = postAt(3, { author: "carol", reply_to: row?.name ?? null });
  peer.come(reply);
  await settle();
  peer.emit({ event: "post", post: reply });
  await settle();
  assert.deepEqual(views.home.view().rows.map(({ replies }) => replies), [0, 1]);
  assert.equal(views.home.view().waiting, 1);
});

Deno.test("A post that comes late, below what was read, counts as read", async () => {
  const { peer, views, settle } = viewsWorld([1, 5, 9]);
  peer.mark = postAt(5).id;
  views.home.open();
  await settle();
  peer.come(postAt(3));
  peer.come(postAt(7));
  peer.come(postAt(8, { author: "mia" }));
  await settle();
  const unread = views.home.view().rows.map(({ isUnread }) => isUnread);
  assert.deepEqual(secondsOf(views.home.view().rows), [9, 8, 7, 5, 3, 1]);
  assert.deepEqual(unread, [true, false, true, false, false, false]);
});

Deno.test("Events do not pile up where they come faster than changes are told", async () => {
  const { peer, views, told, settle } = viewsWorld([1]);
  views.home.open();
  await settle();
  const before = told.times;
  for (const second of range(2, 501)) peer.come(postAt(second));
  assert.equal(views.home.view().rows[0]?.key, `bob/${postAt(501).id}`);
  assert.equal(told.times, before);
});
