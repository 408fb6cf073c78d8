import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { renderThread } from "../../../ui/output/render_thread.ts";
import { Machine } from "../fake_io.ts";
import type { FakePeer } from "../fake_peer.ts";
import { withTerminal } from "../menu/terminal.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";

const now = Date.UTC(2026, 0, 1);
const look = { paint: paintFor(false), columns: 60, now };

function post(author: string, id: string, to?: string, more: Partial<PostView> = {}): PostView {
  const [above = "", aboveId = ""] = to?.split("/") ?? [];
  return {
    id,
    author,
    text: `says ${author}`,
    created_at: new Date(now).toISOString(),
    reply_to: to === undefined ? null : { author: above, id: aboveId },
    ...more,
  };
}

async function withThread(missing = 0): Promise<Machine> {
  const m = await Machine.withAlice();
  m.host.prepare = (peer: FakePeer) => {
    const root = peer.arrive("bob", "a question");
    peer.arrive("carol", "an answer", { author: "bob", id: root.id });
    peer.missing = missing;
  };
  return m;
}

Deno.test("A thread is a tree, and says which posts are not here, hidden, or by whom is not known", () => {
  const root = { author: "bob", id: "1" };
  const posts = [
    post("bob", "1"),
    post("carol", "2", "bob/1", { verified: false }),
    post("dave", "3", "carol/2"),
    post("erin", "5", "gone/4"),
  ];
  const text = renderThread({ root, posts, missing: 1, hidden: 2 }, look);
  assert.deepEqual(text.split("\n").map((line) => line.replace(/ · .*/, "")), [
    "bob",
    "  says bob",
    "",
    "  carol",
    "    Whether this is by carol is not known yet.",
    "    says carol",
    "",
    "    dave",
    "      says dave",
    "",
    "↱ gone/4 is not shown here",
    "erin",
    "  says erin",
    "",
    "1 post is not here; 2 posts are hidden by your mutes",
  ]);
  const one = { root, posts: posts.slice(0, 1), missing: 0 };
  assert.doesNotMatch(renderThread(one, look), /not here/);
});

Deno.test("A chain of 10,000 replies is shown within the terminal's width", () => {
  const posts = Array.from(
    { length: 10_000 },
    (_, i) => post("bob", `${i + 1}`, i === 0 ? undefined : `bob/${i}`, { text: "x ".repeat(30) }),
  );
  const root = { author: "bob", id: "1" };
  const lines = renderThread({ root, posts, missing: 0 }, look).split("\n")
    .filter((line) => line.includes("x"));
  assert.ok(lines.every((line) => line.length <= 60));
});

Deno.test("camellia thread prints a thread as JSON and as text", async () => {
  const m = await withThread(2);
  const found = await m.json("thread", "bob/1000") as { posts: PostView[]; missing: number };
  assert.deepEqual(Object.keys(found), ["root", "posts", "missing"]);
  assert.deepEqual(found.posts.map(({ text }) => text), ["a question", "an answer"]);
  const { out } = await m.run("thread", "bob/1000");
  assert.match(out, /a question\n\n {2}carol .*\n {4}an answer\n\n2 posts are not here\n$/);
  assert.equal((await m.failure("thread", "bob/7")).error, "unknown_post");
  assert.equal((await m.run("thread", "nonsense")).code, 2);
});

Deno.test("The menu's timeline opens a thread, in which the person replies", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Timeline|thread|bob/1000|reply|carol/1001|I see|back|back|quit"
      .split("|"),
  );
  m.host.prepare = (peer) => {
    const root = peer.arrive("bob", "a question");
    peer.arrive("carol", "an answer", { author: "bob", id: root.id });
    peer.missing = 3;
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /3 posts are not here/);
  assert.deepEqual(m.host.started[0]?.peer.posts[0]?.reply_to, { author: "carol", id: "1001" });
  assert.deepEqual(m.answers, []);
});

Deno.test("thread --watch reads once more for all that happens while it reads", async () => {
  const m = await withThread();
  const [gate, second] = [1, 2].map(() => Promise.withResolvers<void>());
  const { prepare } = m.host;
  let reads = 0;
  m.host.prepare = (peer) => {
    prepare(peer);
    const { thread } = peer;
    peer.thread = async (request) => {
      if (++reads > 1) {
        second?.resolve();
        await gate?.promise;
      }
      return await thread.call(peer, request);
    };
  };
  const { io, ended } = m.start("thread", "bob/1000", "--watch", "--json");
  const lines = () => io.stdout.split("\n").filter((line) => line !== "");
  await second?.promise;
  const peer = m.host.started.at(-1)?.peer;
  assert.ok(peer);
  for (let n = 0; n < 30; n++) {
    peer.emit({ event: "thread", root: { author: "bob", id: "1000" } });
    await null;
  }
  peer.arrive("dave", "me too", { author: "bob", id: "1000" });
  gate?.resolve();
  await io.until(() => lines().length === 3);
  io.interrupt();
  assert.equal(await ended, 0);
  assert.equal(reads, 3);
});

Deno.test("thread --watch tells the posts of the thread, then each reply once, until interrupted", async () => {
  const m = await withThread();
  const { io, ended } = m.start("thread", "bob/1000", "--watch", "--json");
  const lines = () => io.stdout.split("\n").filter((line) => line !== "");
  await io.until(() => lines().length === 2);
  const peer = m.host.started.at(-1)?.peer;
  assert.ok(peer);
  peer.arrive("dave", "elsewhere");
  peer.arrive("dave", "me too", { author: "bob", id: "1000" });
  peer.emit({ event: "thread", root: { author: "bob", id: "1000" } });
  await io.until(() => lines().length === 3);
  io.interrupt();
  assert.equal(await ended, 0);
  const posts = lines().map((line) => (JSON.parse(line) as { post: PostView }).post.text);
  assert.deepEqual(posts, ["a question", "an answer", "me too"]);
});
