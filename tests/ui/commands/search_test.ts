import assert from "node:assert/strict";
import { Machine } from "../fake_io.ts";
import type { FakePeer } from "../fake_peer.ts";
import { withTerminal } from "../menu/terminal.ts";

async function withTea(prepare: (peer: FakePeer) => void = () => {}): Promise<Machine> {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => {
    for (const text of ["green tea", "coffee", "tea"]) peer.arrive("bob", text);
    const at = peer.posts.findIndex(({ text }) => text === "tea");
    peer.posts[at] = { ...peer.posts[at] as FakePeer["posts"][number], warning: "hot" };
    prepare(peer);
  };
  return m;
}

Deno.test("camellia search prints the posts that are found, and how long that took", async () => {
  const m = await withTea();
  const found = await m.json("search", "tea") as { posts: { text: string }[]; took_ms: number };
  assert.deepEqual(found.posts.map(({ text }) => text), ["tea", "green tea"]);
  assert.deepEqual(Object.keys(found), ["posts", "took_ms"]);
  const limited = await m.json("search", "green", "tea", "--limit", "1") as typeof found;
  assert.deepEqual(limited.posts.map(({ text }) => text), ["green tea"]);
  const older = await m.json("search", "tea", "--before", "1002") as typeof found;
  assert.deepEqual(older.posts.map(({ text }) => text), ["green tea"]);
  const { out } = await m.run("search", "tea");
  assert.match(
    out,
    /^bob · .* · 1002\n {2}Content warning: hot\n.*hidden.*\n\nbob · .*\n {2}green tea\n$/,
  );
  assert.match((await m.run("search", "tea", "--reveal")).out, /hot\n {2}tea\n/);
  assert.equal((await m.run("search", "rum")).out, "Nothing is found.\n");
});

Deno.test("camellia search says when not all posts are indexed, and what is no query", async () => {
  const m = await withTea((peer) => peer.indexed = 0.427);
  const { out } = await m.run("search", "tea");
  assert.match(
    out,
    /^The index is being built: the newest 42 % of the posts were searched\.\n\nbob/,
  );
  assert.equal((await m.json("search", "tea") as { indexed: number }).indexed, 0.427);
  const { error, message } = await m.failure("search", "***");
  assert.equal(error, "invalid_argument");
  assert.match(message, /^Cannot search: the query has no word in it\./);
  assert.equal((await m.run("search")).code, 2);
  assert.equal((await m.run("search", "x", "--limit", "0")).code, 2);
  assert.match((await m.run("search", "--help")).out, /since:2026-11-01/);
});

Deno.test("camellia search says what is not on the timeline, and how many posts the mutes hide", async () => {
  const m = await withTea((peer) => {
    peer.hidden = 2;
    const at = peer.posts.findIndex(({ text }) => text === "green tea");
    const green = peer.posts[at] as FakePeer["posts"][number];
    peer.posts[at] = { ...green, outside: true, verified: false };
  });
  assert.match(
    (await m.run("search", "tea")).out,
    / · 1000 · not on your timeline\n {2}Whether this is by bob is not known yet\.\n {2}green tea\n\n2 posts are hidden by your mutes\n$/,
  );
  assert.equal((await m.run("search", "rum")).out, "2 posts are hidden by your mutes\n");
});

Deno.test("The menu searches and shows pages of what is found", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Search|tea|older|newest|back|Search||"
      .split("|"),
    "Search",
    "rum",
    "quit",
  );
  m.host.prepare = (peer) => {
    for (let i = 0; i < 20; i++) peer.arrive("bob", `tea ${i}`);
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  for (const text of ["tea 19", "tea 13"]) assert.match(out, new RegExp(`${text}\\n`));
  assert.match(out, /Nothing is found\./);
  assert.deepEqual(m.answers, []);
  // What a search shows has not been read on the timeline.
  assert.ok(!m.host.started[0]?.peer.calls.includes("markRead"));
});
