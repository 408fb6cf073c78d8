import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { completed, nameBefore } from "../../../ui/views/compose.ts";
import { Draft } from "../../../ui/views/drafts.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { draftsIn, postAt, viewsWorld } from "./world.ts";

const utf8 = new TextEncoder();

Deno.test("A post is counted as posts are, and cannot be sent when it is too long or empty", async () => {
  const { views, settle } = viewsWorld();
  const compose = views.compose();
  await settle();
  assert.deepEqual([compose.view().count, compose.view().canSend], ["0 / 500", false]);
  compose.change("👋 two\nlines");
  assert.deepEqual([compose.view().count, compose.view().canSend], ["11 / 500", true]);
  compose.change("x".repeat(501));
  assert.match(compose.view().problem ?? "", /has 501 characters; a post has at most 500/);
  assert.equal(compose.view().canSend, false);
  assert.equal(await compose.send(), false);
  compose.change("ok");
  compose.warn("w".repeat(101));
  assert.match(compose.view().problem ?? "", /warning has 101 characters/);
  compose.warn("spoilers");
  compose.change(Array.from({ length: 11 }, (_, i) => `@user${i}`).join(" "));
  assert.match(compose.view().notice ?? "", /only the first 10 are told/);
  assert.equal(compose.view().canSend, true);
});

Deno.test("A draft is kept a moment after the last key, and is there again", async () => {
  const { views, settle, clock, files } = viewsWorld();
  const compose = views.compose();
  await settle();
  compose.change("begun");
  assert.deepEqual([compose.view().draft, compose.view().draftText], [
    "unsaved",
    "draft not saved yet",
  ]);
  await clock.advance(900);
  compose.change("begun, and more");
  await clock.advance(900);
  assert.equal(files.size, 0);
  await clock.advance(200);
  assert.deepEqual(compose.view().draftText, "draft saved");
  assert.deepEqual(files.get("draft-mia"), utf8.encode("begun, and more"));
  compose.change("at the end");
  await compose.close();
  const again = views.compose();
  assert.equal(again.view().state, "opening");
  await again.opened;
  assert.deepEqual([again.view().text, again.view().draft], ["at the end", "saved"]);
});

Deno.test("What is typed while the draft is read is not lost", async () => {
  const { views, settle, files } = viewsWorld();
  files.set("draft-mia", utf8.encode("old"));
  const compose = views.compose();
  compose.change("new");
  await settle();
  assert.equal(compose.view().text, "oldnew");
  await settle();
  assert.deepEqual(files.get("draft-mia"), utf8.encode("oldnew"));
});

Deno.test("A draft that a slow disk has not taken yet is there when it is opened again", async () => {
  const clock = new VirtualClock({ startMs: 0 });
  const disk = new Map<string, Uint8Array>([["draft-mia", utf8.encode("old")]]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const files = {
    ...draftsIn(disk),
    write: (name: string, bytes: Uint8Array) => promise.then(() => void disk.set(name, bytes)),
  };
  await Draft.open(files, clock, "draft-mia");
  disk.set("draft-mia", utf8.encode("by a menu"));
  const draft = await Draft.open(files, clock, "draft-mia");
  assert.equal(draft.text, "by a menu");
  draft.change("new");
  const kept = draft.keep();
  assert.equal((await Draft.open(files, clock, "draft-mia")).text, "new");
  resolve();
  await kept;
  assert.deepEqual(disk.get("draft-mia"), utf8.encode("new"));
  disk.set("draft-mia", utf8.encode("by another program"));
  assert.equal((await Draft.open(files, clock, "draft-mia")).text, "by another program");
});

Deno.test("What is published is no draft any more, and what is refused is one", async () => {
  const { peer, views, settle, files } = viewsWorld();
  const compose = views.compose();
  await settle();
  compose.change("hello");
  compose.warn(" spoilers ");
  const { post } = peer;
  peer.post = () => Promise.reject(new CamelliaError("clock_ahead", "The clock is ahead"));
  assert.equal(await compose.send(), false);
  assert.deepEqual([compose.view().problem, compose.view().state], [
    "The clock is ahead",
    "writing",
  ]);
  assert.equal(files.size, 1);
  views.missed();
  assert.equal(compose.view().problem, null, "a peer that has come back may take it");
  peer.post = post;
  const sending = compose.send();
  assert.equal(await sending, true);
  assert.equal(compose.view().state, "sent");
  assert.equal(files.size, 0);
  assert.deepEqual([compose.published?.text, compose.published?.warning], ["hello", "spoilers"]);
  await compose.close();
  assert.equal(files.size, 0);
});

Deno.test("An answer has the post that it answers, and a draft of its own", async () => {
  const { peer, views, settle, files } = viewsWorld();
  const post = postAt(1, { warning: "long", text: "what do you think?" });
  peer.store(post);
  const compose = views.compose({ author: "bob", id: post.id });
  await settle();
  const { answers } = compose.view();
  assert.equal(answers?.author.username, "bob");
  assert.deepEqual(answers?.row?.spans, [{ kind: "text", text: "what do you think?" }]);
  compose.change("a lot");
  await compose.close();
  assert.deepEqual([...files.keys()], [`draft-mia-bob-${post.id}`]);
  const gone = views.compose({ author: "eve", id: "3" });
  await settle();
  assert.deepEqual([gone.view().answers?.author.username, gone.view().answers?.row], ["eve", null]);
});

Deno.test("Names are completed: whom one answers, then users who are followed, then authors met", async () => {
  const { peer, views, settle } = viewsWorld();
  for (const name of ["carol", "carl"]) peer.following.add(name);
  peer.store(postAt(1, { author: "cara" }));
  views.open();
  await settle();
  const compose = views.compose({ author: "carmen", id: "3" });
  await settle();
  compose.change("hi @CA, and");
  const completion = compose.completion(6);
  assert.deepEqual(completion, { from: 4, to: 6, names: ["carmen", "carl", "carol", "cara"] });
  assert.ok(completion);
  assert.deepEqual(completed("hi @CA, and", completion, "carol"), {
    text: "hi @carol, and",
    cursor: 9,
  });
  assert.equal(compose.completion(5)?.names.length, 4);
  assert.equal(compose.completion(2), undefined);
  assert.equal(compose.completion(11), undefined);
});

Deno.test("A name is begun behind an @ that is no part of a word or an address", () => {
  assert.deepEqual(nameBefore("@", 1), { from: 1, begin: "" });
  assert.deepEqual(nameBefore("(@Ca", 4), { from: 2, begin: "ca" });
  for (const text of ["a@b", "https://x.test/@b", "@@b", "@b c"]) {
    assert.equal(nameBefore(text, text.length), undefined, text);
  }
  const completion = { from: 1, to: 3, names: [] };
  assert.deepEqual(completed("@ca x", completion, "carl"), { text: "@carl x", cursor: 6 });
  assert.deepEqual(completed("@ca", completion, "carl"), { text: "@carl ", cursor: 6 });
});
