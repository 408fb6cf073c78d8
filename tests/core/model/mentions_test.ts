import assert from "node:assert/strict";
import {
  addresseesOf,
  addressOf,
  mentionsMax,
  mentionsOf,
  namedIn,
} from "../../../core/model/mentions.ts";
import { type Post, type PostContent, signPost } from "../../../core/model/post.ts";
import { identityOf } from "../../sim/users.ts";

Deno.test("Names behind an @ are found, folded, each once, in the order of the text", () => {
  const found: [string, string[]][] = [
    ["hi @mia", ["mia"]],
    ["@mia, @bob: hello. @Mia!", ["mia", "bob"]],
    ["(@mia_2)\n@bob’s \u{1F338}@eve", ["mia_2", "bob", "eve"]],
    ["say @mia.", ["mia"]],
    ["日本語 @mia", ["mia"]],
  ];
  for (const [text, names] of found) assert.deepEqual(namedIn(text), names, text);
});

Deno.test("What only looks like a mention is none", () => {
  const texts = [
    "bob@example.org",
    "https://example.org/@bob",
    "@bo",
    "@1bob",
    `@${"b".repeat(21)}`,
    "@@bob",
    "@bob@example.org",
    "é@bob",
    "@bobé",
    "@",
    "a.@bob",
    "@\u212Aate",
  ];
  for (const text of texts) assert.deepEqual(namedIn(text), [], text);
});

Deno.test("Ten mentions of one post count, and none of its author", () => {
  const names = Array.from({ length: 50 }, (_, i) => `user_${i}`);
  const text = `@alice ${names.map((name) => `@${name}`).join(" ")}`;
  assert.equal(namedIn(text).length, 51);
  assert.deepEqual(mentionsOf({ author: "alice", text }), names.slice(0, mentionsMax));
});

Deno.test("A post speaks to those whom it answers, reposts and mentions, and never to its author", () => {
  const post = (author: string, text: string, more: Partial<PostContent> = {}): Post =>
    signPost({ author, device: 1, number: 2, id: 4096n, text, ...more }, identityOf(author));
  const reply = post("alice", "@bob @carol", { replyTo: { author: "dave", id: 1n } });
  assert.deepEqual(addresseesOf(reply), ["bob", "carol", "dave"]);
  assert.equal(addressOf(reply, "dave"), "reply");
  assert.equal(addressOf(reply, "bob"), "mention");
  assert.equal(addressOf(reply, "erin"), undefined);
  const repost = post("alice", "", { repostOf: post("bob", "@carol") });
  assert.deepEqual(addresseesOf(repost), ["bob"]);
  assert.equal(addressOf(repost, "bob"), "repost");
  assert.equal(addressOf(repost, "carol"), undefined);
  const own = post("alice", "@alice", { replyTo: { author: "alice", id: 1n } });
  assert.deepEqual(addresseesOf(own), []);
  assert.equal(addressOf(own, "alice"), undefined);
});

Deno.test("A reply speaks to the user who began the thread, too", () => {
  const id = 5n;
  const place = { author: "carol", device: 1, number: 1, id: 9n, text: "yes" };
  const reply = { ...place, replyTo: { author: "bob", id }, root: { author: "alice", id } };
  assert.deepEqual(addresseesOf(reply), ["bob", "alice"]);
  assert.equal(addressOf(reply, "alice"), "reply");
  assert.deepEqual(addresseesOf({ ...reply, author: "alice" }), ["bob"]);
  assert.equal(addressOf({ ...reply, author: "alice" }, "alice"), undefined);
});
