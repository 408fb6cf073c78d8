import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { Mutes } from "../../../core/mutes/mutes.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { userNamed } from "../../sim/users.ts";
import { postAt } from "../../storage/posts.ts";
import { testSession } from "../doubles.ts";

const { key } = userNamed("bob");

async function setUp() {
  const stores = new MemoryStores();
  const store = await stores.open("alice");
  const base = new VirtualClock();
  const session = testSession({ clock: base.view(), store });
  const people = { pin: (name: string) => name === "bob" ? key : undefined };
  const start = async () => {
    const mutes = new Mutes({ session, people });
    await mutes.load();
    return mutes;
  };
  return { base, store, start, mutes: await start() };
}

function post(author: string, text: string, more: Partial<PostView> = {}): PostView {
  return { id: "7", author, text, created_at: "", reply_to: null, ...more };
}

Deno.test("A word, a user and a thread are told apart by what they look like", async () => {
  const { mutes, store } = await setUp();
  const cases: [string, string, string][] = [
    ["bob", "user", "bob"],
    [" Bob ", "user", "bob"],
    ["@stranger", "user", "stranger"],
    ["stranger", "word", "stranger"],
    ["some words", "word", "some words"],
    ["stranger/5", "thread", "stranger/5"],
    ["a/5", "word", "a/5"],
    ["bob/x", "word", "bob/x"],
  ];
  for (const [what, kind, named] of cases) {
    assert.deepEqual(await mutes.mute({ what }), { kind, what: named, until: null }, what);
  }
  assert.equal((await mutes.mute({ what: "bob", kind: "word" })).kind, "word");
  assert.equal((await mutes.mute({ what: "zoe", kind: "user" })).kind, "user");
  // The thread of a reply is the one of its root.
  const reply = postAt({ author: "bob", number: 1, replyTo: { author: "carol", id: 5n } });
  await store.addPosts("bob", [reply]);
  assert.equal((await mutes.mute({ what: `bob/${reply.id}` })).what, "carol/5");
});

Deno.test("The version is another one whenever what is hidden has changed, and only then", async () => {
  const { base, mutes } = await setUp();
  const versions = [mutes.version];
  const next = () => void versions.push(mutes.version);
  await mutes.mute({ what: "cats", forMs: 60_000 });
  next();
  await base.advance(61_000);
  next();
  await mutes.block({ username: "zed" });
  next();
  await mutes.unblock("zed");
  next();
  await mutes.mute({ what: "dogs" });
  next();
  await mutes.unmute({ what: "dogs" });
  next();
  assert.equal(new Set(versions).size, versions.length);
  await assert.rejects(mutes.mute({ what: "" }));
  assert.equal(mutes.version, versions.at(-1));
});

Deno.test("What makes no sense is refused", async () => {
  const { mutes } = await setUp();
  const wrong = [
    { what: "" },
    { what: " \u200b " },
    { what: "\ud800" },
    { what: "x".repeat(101) },
    { what: "@alice" },
    { what: "bob", kind: "thread" as const },
  ];
  for (const request of wrong) {
    await assert.rejects(mutes.mute(request), { code: "invalid_argument" });
  }
  await assert.rejects(mutes.mute({ what: "@b!" }), { code: "invalid_username" });
  await assert.rejects(mutes.unmute({ what: "never" }), { code: "invalid_argument" });
  for (let i = 0; i < 5_000; i++) await mutes.mute({ what: `word ${i}` });
  await assert.rejects(mutes.mute({ what: "one more" }), /5000 mutes are the most/);
  await mutes.mute({ what: "word 7", forMs: 60_000 });
});

Deno.test("Posts of muted users, with muted words, and in muted threads are hidden, own ones never", async () => {
  const { mutes } = await setUp();
  for (const what of ["bob", "cats", "carol/5"]) await mutes.mute({ what });
  const inThread = { reply_to: { author: "dave", id: "6" }, root: { author: "carol", id: "5" } };
  const original = { ...post("bob", "hi"), fingerprint: "", verified: true };
  const hidden = [
    post("bob", "hi"),
    post("dave", "My CATS"),
    post("dave", "hi", { warning: "cats" }),
    post("carol", "first", { id: "5" }),
    post("dave", "yes", { reply_to: { author: "carol", id: "5" } }),
    post("dave", "yes", inThread),
    post("dave", "", { repost_of: original }),
    post("dave", "", { repost_of: { ...original, author: "erin", text: "cats" } }),
  ];
  for (const one of hidden) assert.ok(mutes.hides(one), JSON.stringify(one));
  const shown = [
    post("dave", "concatenate @bob"),
    post("carol", "other", { id: "6" }),
    post("dave", "yes", { reply_to: { author: "carol", id: "6" } }),
    post("alice", "my cats", inThread),
  ];
  for (const one of shown) assert.ok(!mutes.hides(one), JSON.stringify(one));
  assert.ok(mutes.hidesUser("bob") && !mutes.hidesUser("carol"));
});

Deno.test("Mutes survive a restart, and end when their time is over or they are taken back", async () => {
  const { mutes, start, base, store } = await setUp();
  await mutes.mute({ what: "cats", forMs: 60_000 });
  await mutes.mute({ what: "dogs" });
  await mutes.mute({ what: "bob", kind: "word" });
  const again = await start();
  assert.deepEqual(again.list().map(({ what }) => what), ["bob", "cats", "dogs"]);
  assert.match(again.list()[1]?.until ?? "", /^\d{4}-.*Z$/);
  assert.ok(again.hides(post("dave", "cats")));
  await base.advance(59_000);
  assert.ok(again.hides(post("dave", "cats")));
  await base.advance(1_000);
  assert.ok(!again.hides(post("dave", "cats")));
  assert.ok(again.hides(post("dave", "dogs")));
  // A word that has become a name is found nevertheless.
  assert.equal((await again.unmute({ what: "bob" })).kind, "word");
  await again.unmute({ what: "dogs" });
  assert.deepEqual([again.list(), await store.unwanted.mutes()], [[], []]);
});

Deno.test("A blocked user is known by name and by key, also after a restart", async () => {
  const { mutes, start } = await setUp();
  await mutes.block({ username: "bob", key });
  await mutes.block({ username: "zoe" });
  const again = await start();
  assert.deepEqual(again.blocked(), ["bob", "zoe"]);
  const { key: other } = userNamed("carol");
  assert.ok(again.isBlocked({ username: "bob", key: other }));
  assert.ok(again.isBlocked({ username: "renamed", key }));
  assert.ok(!again.isBlocked({ username: "carol", key: other }));
  assert.ok(again.hides(post("zoe", "hi")) && again.hidesUser("bob"));
  await again.unblock("bob");
  assert.ok(!again.isBlocked({ username: "bob", key }));
  await assert.rejects(again.unblock("bob"), { code: "invalid_argument" });
});
