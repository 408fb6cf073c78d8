import assert from "node:assert/strict";
import type { PeerEvent, PostView, ProfileView } from "../../../core/api.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import {
  renderEvent,
  renderFollow,
  renderPost,
  renderProfile,
  renderStatus,
  renderSuggestions,
  renderTimeline,
} from "../../../ui/output/render.ts";
import { textWidth } from "../../../ui/terminal/width.ts";
import { FakePeer } from "../fake_peer.ts";

const now = Date.UTC(2026, 0, 10, 12);
const look = { paint: paintFor(false), columns: 40, now };

function postAt(msAgo: number, text: string): PostView {
  const created_at = new Date(now - msAgo).toISOString();
  return { id: "7", author: "bob", text, created_at, reply_to: null };
}

Deno.test("Ages are words up to a week, then dates", () => {
  const cases: readonly [number, string][] = [
    [-5000, "just now"],
    [59_000, "just now"],
    [60_000, "1 min ago"],
    [3_599_000, "59 min ago"],
    [3_600_000, "1 h ago"],
    [86_400_000, "yesterday"],
    [3 * 86_400_000, "3 days ago"],
    [8 * 86_400_000, "2026-01-02 12:00 UTC"],
  ];
  for (const [ago, words] of cases) {
    assert.equal(renderPost(postAt(ago, "hi"), look).split("\n")[0], `bob · ${words} · 7`);
  }
  const undated = { ...postAt(0, "hi"), created_at: "nonsense" };
  assert.match(renderPost(undated, look), /^bob · at an unknown time · 7\n/);
});

Deno.test("A post full of terminal escape sequences shows as harmless text", () => {
  const text = "\x1b[2J\x1b[H\x1b]0;owned\x07hi\x9b31m \u202ereversed\r\nsecond\tline\x1b[?1049h";
  const rendered = renderPost(postAt(0, text), look);
  assert.equal(rendered, "bob · just now · 7\n  hi reversed\n  second line");
  const [posted] = renderTimeline([{ ...postAt(0, "x"), author: "bob\x1b[31m" }], look).split("\n");
  assert.equal(posted, "bob · just now · 7");
});

Deno.test("Long posts are broken between words, replies name what they answer", () => {
  const post = { ...postAt(0, "word ".repeat(12).trim()), reply_to: { author: "carol", id: "5" } };
  const lines = renderPost(post, look).split("\n");
  assert.equal(lines[0], "bob · just now · 7 · in reply to carol/5");
  assert.ok(lines.slice(1).every((line) => line.length <= 40 && line.startsWith("  word")));
});

Deno.test("A post whose author's name is claimed by another key says so", () => {
  const clash = { pinned: "a".repeat(16), other: "b".repeat(16) };
  const [, ...lines] = renderPost({ ...postAt(0, "hi"), clash }, { ...look, columns: 90 }).split(
    "\n",
  );
  assert.deepEqual(lines, [
    `  Another key (${clash.other}) claims the name bob; you trust ${clash.pinned}`,
    "  hi",
  ]);
});

Deno.test("Posts and lists of names fit the terminal, with its last column free", () => {
  const names = Array.from({ length: 30 }, (_, i) => `somename_${i}`);
  const lists = { followers: names, following: names.slice(0, 2), posts: 0, online: true };
  for (const columns of [40, 80, 100, 200]) {
    const wide = { ...look, columns };
    const texts = [
      renderPost(postAt(0, "long words ".repeat(40)), wide),
      renderProfile({ ...FakePeer.view("bob"), ...lists }, wide),
    ];
    for (const line of texts.flatMap((text) => text.split("\n").slice(1))) {
      assert.ok(textWidth(line) < columns, `${columns}: ${line}`);
    }
  }
});

Deno.test("A profile shows clash and forks, and what to do", () => {
  const profile: ProfileView = {
    ...FakePeer.view("bob"),
    followers: ["alice", "carol"],
    following: [],
    posts: 1,
    online: false,
    clash: { pinned: "a".repeat(16), other: "b".repeat(16) },
    forks: 2,
  };
  const text = renderProfile(profile, look);
  assert.match(text, /^bob \([0-9a-f]{16}\) · offline · 1 post\n/);
  assert.match(text, /followers 2 {5}alice, carol\nfollowing 0 {5}none/);
  assert.match(text, /camellia follow bob --fingerprint b{16}/);
  assert.match(text, /2 posts twice/);
});

Deno.test("Of whom the network does not tell, followers are not said to be none", () => {
  const profile: ProfileView = {
    ...FakePeer.view("bob"),
    followers: [],
    following: [],
    posts: 5,
    online: false,
    unreachable: true,
  };
  const text = renderProfile(profile, look);
  assert.match(text, /· offline · 5 posts\nThe network does not answer: followers/);
  assert.doesNotMatch(text, /none/);
});

Deno.test("Follows say whether they were acknowledged; suggestions say why", () => {
  const offline = { username: "bob", following: true, acknowledged: false };
  assert.match(renderFollow(offline, look), /^You follow bob\. bob does not know yet/);
  const unfollowed = { username: "bob", following: false, acknowledged: true };
  assert.equal(renderFollow(unfollowed, look), "You no longer follow bob.");
  const reason = "follows carol\x1b[1m, as you do";
  const suggestion = { username: "bob", kind: "know" as const, reason };
  assert.match(renderSuggestions([suggestion], look), /^bob +may know +follows carol, as you do$/);
  assert.match(renderSuggestions([], look), /^No suggestions yet/);
  assert.match(renderTimeline([], look), /^Nothing here yet/);
});

Deno.test("The status says in words what is the matter", async () => {
  const peer = new FakePeer();
  const text = renderStatus(await peer.status(), look);
  assert.match(text, /user +no user is logged in/);
  assert.match(text, /in the network; 3 contacts/);
  peer.joined = false;
  assert.match(renderStatus(await peer.status(), look), /not in a network/);
  const sizes: readonly [number, string][] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1_000, "1.0 KB"],
    [1_500_000, "1.5 MB"],
    [1e9, "1.0 GB"],
    [1e12, "1.0 TB"],
    [5e15, "5000.0 TB"],
  ];
  for (const [bytes, told] of sizes) {
    const status = { ...await peer.status(), store: { posts: 0, bytes } };
    assert.match(renderStatus(status, look), new RegExp(`database +0 posts, ${told}\n`));
  }
});

Deno.test("Every event has a line, without anything unsafe in it", () => {
  const bad = "\x1b[31mbob";
  const events: PeerEvent[] = [
    { event: "post", post: { ...postAt(0, bad), author: bad } },
    { event: "follower", username: bad, following: true },
    { event: "follower", username: bad, following: false },
    { event: "network", joined: true, contacts: 1 },
    { event: "network", joined: false, contacts: 0 },
    { event: "clock", source: "ntp", offset_ms: 1.6 },
    { event: "clock", source: "system", offset_ms: 0 },
    { event: "clash", username: bad, pinned: "a", other: "b" },
    { event: "fork", author: bad, number: 3 },
    { event: "login", user: FakePeer.view("bob") },
    { event: "logout", username: bad },
    { event: "warning", code: "disk_full", message: bad },
  ];
  for (const event of events) {
    const text = renderEvent(event, look);
    assert.ok(text.length > 0);
    assert.ok(!text.includes("\x1b"), JSON.stringify(text));
  }
});

Deno.test("Colours stand around text only where they are wanted", () => {
  assert.equal(paintFor(true).error("x"), "\x1b[31mx\x1b[39m");
  assert.equal(paintFor(false).error("x"), "x");
});
