import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { utf8 } from "../../../core/model/bytes.ts";
import { draftsOf } from "../../../ui/commands/post_input.ts";
import { Machine } from "../fake_io.ts";
import type { FakePeer } from "../fake_peer.ts";

/** The posts that a command printed, a JSON document a line. */
function posted(out: string): PostView[] {
  return out.trim().split("\n").map((line) => JSON.parse(line).post);
}

/** A machine whose peers remember what was posted for the next command. */
async function withPosts(...texts: string[]): Promise<{ m: Machine; posts: PostView[] }> {
  const m = await Machine.withAlice();
  let last: FakePeer | undefined;
  m.host.prepare = (peer) => {
    peer.posts.push(...last?.posts ?? []);
    last = peer;
  };
  const posts = [];
  for (const text of texts) posts.push((await m.json("post", text) as { post: PostView }).post);
  return { m, posts };
}

Deno.test("A reply names the post that it answers, and may have a content warning", async () => {
  const { m } = await withPosts();
  const { post } = await m.json("reply", "bob/7", "yes", "--warn", "spoilers") as {
    post: PostView;
  };
  assert.deepEqual(post.reply_to, { author: "bob", id: "7" });
  assert.deepEqual([post.text, post.warning], ["yes", "spoilers"]);
  m.io.stdin = utf8("from a pipe\n");
  const { post: piped } = await m.json("reply", "bob/7", "-") as { post: PostView };
  assert.equal(piped.text, "from a pipe");
});

Deno.test("A repost prints the post in it, and a delete the ids that are gone", async () => {
  const { m, posts: [one, two] } = await withPosts("one", "two");
  assert.ok(one && two);
  const { post } = await m.json("repost", `alice/${one.id}`) as { post: PostView };
  assert.equal(post.repost_of?.text, "one");
  assert.deepEqual(await m.json("delete", one.id, two.id), { deleted: [one.id, two.id] });
  assert.equal((await m.failure("delete", one.id)).error, "unknown_post");
  assert.equal((await m.failure("repost", `alice/${two.id}`)).error, "unknown_post");
  const text = await m.run("delete", post.id);
  assert.match(text.out, /^The post is deleted\. Peers that have it are asked to forget it/);
});

Deno.test("Each line of standard input becomes a post, in order; empty ones do not", async () => {
  const { m } = await withPosts();
  m.io.stdin = utf8("one\n\ntwo\r\n three\n");
  const { code, out } = await m.run("--json", "post", "--lines", "--warn", "many");
  assert.equal(code, 0);
  assert.deepEqual(posted(out).map(({ text, warning }) => [text, warning]), [
    ["one", "many"],
    ["two", "many"],
    [" three", "many"],
  ]);
  m.io.stdin = utf8("four\nfive");
  assert.equal((await m.run("post", "--lines")).out, "2 posted\n");
});

Deno.test("Lines of JSON are posts with all that a post has", async () => {
  const { m } = await withPosts();
  const lines = [
    { text: "one\nof two lines", warning: "w" },
    { text: "two", reply_to: "bob/5" },
    { text: "three", reply_to: { author: "carol", id: "6" }, id: "77" },
  ];
  m.io.stdin = utf8(lines.map((line) => JSON.stringify(line)).join("\n"));
  const { out } = await m.run("--json", "post", "--jsonl");
  assert.deepEqual(posted(out).map(({ text, warning, reply_to }) => [text, warning, reply_to]), [
    ["one\nof two lines", "w", null],
    ["two", undefined, { author: "bob", id: "5" }],
    ["three", undefined, { author: "carol", id: "6" }],
  ]);
});

Deno.test("The first line that is refused ends it, and its number is told", async () => {
  const { m } = await withPosts();
  const cases: [string, RegExp][] = [
    ["{", /it is not JSON/],
    ["3", /not a JSON object/],
    ['["x"]', /not a JSON object/],
    ['{"text":5}', /text is not a text/],
    ["{}", /text is not a text/],
    ['{"text":"x","reply_to":"bob"}', /AUTHOR\/ID/],
    ['{"text":"x","reply_to":{"author":"bob"}}', /id is not a text/],
  ];
  for (const [bad, why] of cases) {
    m.io.stdin = utf8(`{"text":"fine"}\n\n${bad}\n{"text":"never"}`);
    const { code, out, err } = await m.run("--json", "post", "--jsonl");
    assert.equal(code, 1, bad);
    assert.deepEqual(posted(out).map(({ text }) => text), ["fine"]);
    const { error } = JSON.parse(err);
    assert.equal(error.code, "invalid_argument");
    assert.match(error.message, /^Line 3, after 1 posted: /);
    assert.match(error.message, why);
  }
});

Deno.test("Standard input that is no text is refused as a whole", async () => {
  const { m } = await withPosts();
  m.io.stdin = new Uint8Array([0x68, 0xff, 0x0a]);
  assert.equal((await m.failure("post", "--lines")).error, "invalid_text");
  m.io.stdin = new Uint8Array(16 * 1024 * 1024 + 1);
  assert.equal((await m.failure("post", "--lines")).error, "post_too_long");
});

Deno.test("What does not go together is wrong usage", async () => {
  const m = new Machine();
  const cases: [string[], RegExp][] = [
    [["post", "--lines", "--jsonl"], /do not go together/],
    [["post", "x", "--lines"], /leave the text out/],
    [["post", "x", "--jsonl"], /leave the text out/],
    [["follow", "bob", "carol", "--fingerprint", "0123456789abcdef"], /one name only/],
    [["follow"], /missing required argument 'user'/],
    [["delete"], /missing required argument 'id'/],
    [["delete", "x"], /"x" is not the id of a post/],
    [["reply", "bob", "x"], /AUTHOR\/ID/],
    [["reply", "bob/1"], /missing required argument 'text'/],
    [["repost", "bob/x"], /AUTHOR\/ID/],
  ];
  for (const [args, why] of cases) {
    const { code, message } = await m.failure(...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(message, why);
  }
});

Deno.test("Lines keep their numbers where others are empty", () => {
  assert.deepEqual(
    draftsOf("\n a\n\r\n\nb", "lines").map(({ line, read }) => [line, read().text]),
    [
      [2, " a"],
      [5, "b"],
    ],
  );
});

Deno.test("Several users are followed and unfollowed, a line each, up to the first that is refused", async () => {
  const { m } = await withPosts();
  const { out } = await m.run("--json", "follow", "bob", "carol");
  const followed = out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(followed.map(({ username, following }) => [username, following]), [
    ["bob", true],
    ["carol", true],
  ]);
  const { code, out: some, err } = await m.run("follow", "dave", "unknown", "erin");
  assert.equal(code, 1);
  assert.equal(some, "You follow dave.\n");
  assert.match(err, /unknown/);
});
