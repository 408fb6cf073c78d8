import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { delay } from "../../../lib/waiting.ts";
import { keyOf } from "../../../ui/views/post_row.ts";
import { postAt, viewsWorld } from "./world.ts";

const root = postAt(1, { author: "mia" });
const rootName = { author: "mia", id: root.id };

function replyAt(second: number, to: PostView, more: Partial<PostView> = {}): PostView {
  const reply_to = { author: to.author, id: to.id };
  return postAt(second, { reply_to, ...to === root ? {} : { root: rootName }, ...more });
}

function openWorld() {
  const world = viewsWorld();
  const first = replyAt(2, root);
  const second = replyAt(3, root, { author: "carol" });
  const below = replyAt(4, first, { author: "mia" });
  for (const post of [root, first, second, below]) world.peer.store(post);
  return { ...world, first, second, below };
}

Deno.test("A thread is a tree, and tells what is not among its rows", async () => {
  const { peer, views, settle, first, second, below } = openWorld();
  peer.missing = 1;
  peer.hidden = 2;
  const thread = views.thread(rootName);
  await settle();
  const view = thread.view();
  assert.deepEqual(view.rows.map(({ key, depth }) => [key, depth]), [
    [keyOf(root), 0],
    [keyOf(first), 1],
    [keyOf(below), 2],
    [keyOf(second), 1],
  ]);
  assert.deepEqual(view.rows.map(({ isOpened }) => isOpened), [true, false, false, false]);
  assert.equal(view.leftOut, "1 post is not here; 2 posts are hidden by your mutes");
  assert.equal(view.rows[1]?.answers?.text, "mia at 1");
  assert.deepEqual([view.isLoading, view.problem], [false, null]);
  thread.close();
});

Deno.test("What is here of a thread is shown before others have answered", async () => {
  const { peer, views, settle } = openWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.gate = promise;
  const thread = views.thread(rootName);
  await settle();
  assert.deepEqual([thread.view().rows.length, thread.view().isLoading], [4, true]);
  peer.store(replyAt(5, root));
  resolve();
  await settle();
  assert.deepEqual([thread.view().rows.length, thread.view().isLoading], [5, false]);
});

Deno.test("Replies take their places until the reader moves; then they wait", async () => {
  const { peer, views, settle, first } = openWorld();
  const thread = views.thread(rootName);
  await settle();
  peer.come(replyAt(5, first));
  await settle();
  assert.equal(thread.view().rows.length, 5);
  thread.select(keyOf(root));
  thread.select(keyOf(first));
  const before = thread.view().rows.map(({ key }) => key);
  peer.come(replyAt(6, root));
  peer.come(replyAt(7, first));
  peer.takeBack(first);
  await settle();
  const view = thread.view();
  assert.deepEqual(view.rows.map(({ key }) => key), before);
  assert.equal(view.waitingText, "2 more have come");
  assert.equal(view.rows.find(({ key }) => key === keyOf(first))?.state, "deleted");
  thread.showWaiting();
  assert.equal(thread.view().rows.length, 6);
  assert.equal(thread.view().waitingText, "");
  peer.come(replyAt(8, root));
  await settle();
  assert.equal(thread.view().rows.length, 7, "from now on what comes takes its place again");
});

Deno.test("A thread that comes in pieces is read again, and once for what comes at once", async () => {
  const { peer, views, clock, settle, first } = openWorld();
  const thread = views.thread(rootName);
  await settle();
  const calls = peer.calls.length;
  for (let i = 0; i < 500; i++) {
    peer.store(replyAt(10 + i, first));
    peer.emit({ event: "thread", root: rootName });
    await clock.advance(1);
  }
  await settle();
  assert.equal(thread.view().rows.length, 504);
  const asked = peer.calls.slice(calls).filter((name) => name === "thread").length;
  assert.ok(asked >= 5 && asked <= 20, String(asked));
});

Deno.test("A thread grows on the screen while more of it comes than can be read at once", async () => {
  const { peer, views, clock, settle, first } = openWorld();
  const thread = views.thread(rootName);
  await settle();
  const { thread: read } = peer;
  peer.thread = async (request) => {
    await delay(clock, 100);
    return await read(request);
  };
  for (let i = 0; i < 50; i++) {
    peer.store(replyAt(10 + i, first));
    peer.emit({ event: "thread", root: rootName });
    await clock.advance(10);
  }
  assert.ok(thread.view().rows.length > 20, String(thread.view().rows.length));
});

Deno.test("A thread that no user has is a problem, told in words", async () => {
  const { views, settle } = openWorld();
  const thread = views.thread({ author: "eve", id: "5" });
  await settle();
  assert.equal(thread.view().problem, "That thread is not here");
  assert.deepEqual(thread.view().rows, []);
});

Deno.test("A list quotes what its posts answer, also where that is not in it", async () => {
  const { peer, views, settle } = viewsWorld();
  for (let i = 0; i < 60; i++) peer.store(postAt(i));
  const old = postAt(2);
  const gone = { author: "eve", id: "7" };
  peer.store(postAt(70, { reply_to: { author: "bob", id: old.id } }));
  peer.store(postAt(71, { reply_to: gone }));
  views.open();
  await settle();
  const texts = views.home.view().rows.slice(0, 2).map(({ answers }) => answers?.text);
  assert.deepEqual(texts, [null, "bob at 2"]);
  peer.takeBack(old);
  await settle();
  assert.equal(views.home.view().rows[1]?.answers?.text, null);
  views.home.newest();
  await settle();
  const asked = peer.calls.filter((name) => name === "postsNamed").length;
  assert.equal(asked, 1, "what is not here is not asked for again and again");
});
