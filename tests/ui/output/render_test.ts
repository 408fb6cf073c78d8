import type { Carriage } from "../../../core/ports.ts";
import assert from "node:assert/strict";
import type { PeerEvent, PostView, ProfileView, StatusView } from "../../../core/api.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import {
  renderEvent,
  renderFollow,
  renderProfile,
  renderStatus,
  renderSuggestions,
} from "../../../ui/output/render.ts";
import { renderPost, renderTimeline } from "../../../ui/output/render_post.ts";
import { textWidth } from "../../../ui/terminal/width.ts";
import { FakePeer } from "../fake_peer.ts";

const now = Date.UTC(2026, 0, 10, 12);
const look = { paint: paintFor(false), columns: 40, now };

function postAt(msAgo: number, text: string): PostView {
  const created_at = new Date(now - msAgo).toISOString();
  return { id: "7", author: "bob", text, created_at, reply_to: null };
}

Deno.test("Without a now, times are exact", () => {
  const [head] = renderPost(postAt(60_000, "hi"), { ...look, now: undefined }).split("\n");
  assert.equal(head, "bob · 2026-01-10T11:59:00.000Z · 7");
});

Deno.test("Ages are words up to a week, then dates", () => {
  const cases: readonly [number, string][] = [
    [-5000, "just now"],
    [59_000, "just now"],
    [60_000, "1 min ago"],
    [3_599_000, "59 min ago"],
    [3_600_000, "1 h ago"],
    [86_399_000, "23 h ago"],
    [86_400_000, "yesterday"],
    [2 * 86_400_000 - 1, "yesterday"],
    [2 * 86_400_000, "2 days ago"],
    [7 * 86_400_000 - 1, "6 days ago"],
    [7 * 86_400_000, "2026-01-03 12:00 UTC"],
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
  const hostile = { ...postAt(0, "x"), author: "bob\x1b[31m" };
  const [posted] = renderTimeline({ posts: [hostile] }, look).split("\n");
  assert.equal(posted, "bob · just now · 7");
});

Deno.test("Long posts are broken between words, replies name what they answer", () => {
  const post = { ...postAt(0, "word ".repeat(12).trim()), reply_to: { author: "carol", id: "5" } };
  const lines = renderPost(post, look).split("\n");
  assert.equal(lines[0], "bob · just now · 7 · in reply to carol/5");
  assert.ok(lines.slice(1).every((line) => line.length <= 40 && line.startsWith("  word")));
});

Deno.test("A content warning stands in place of the text until that is asked for", () => {
  const post = { ...postAt(0, "the \x1b[31mbutler"), warning: "spoilers\x1b[2J" };
  assert.deepEqual(renderPost(post, { ...look, columns: 80 }).split("\n").slice(1), [
    "  Content warning: spoilers",
    "  The text is hidden; --reveal shows it.",
  ]);
  assert.deepEqual(renderPost(post, { ...look, reveal: true }).split("\n").slice(1), [
    "  Content warning: spoilers",
    "  the butler",
  ]);
});

Deno.test("A repost shows the post in it with its author, and says where that is not sure", () => {
  const original = { ...postAt(60_000, "hi"), author: "carol", id: "5" };
  const fingerprint = "a".repeat(16);
  const repost_of = { ...original, fingerprint, verified: true };
  const wide = { ...look, columns: 100 };
  assert.equal(
    renderPost({ ...postAt(0, ""), repost_of }, wide),
    "bob reposted · just now · 7\n  carol · 1 min ago · 5\n    hi",
  );
  const doubtful = renderPost(
    { ...postAt(0, ""), repost_of: { ...repost_of, verified: false } },
    wide,
  );
  assert.match(
    doubtful,
    /\n {2}You have no key of carol: whether this is theirs is not known\.\n {2}carol/,
  );
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
    const listed = texts[1]?.split("\n").slice(2, -1) ?? [];
    assert.ok(listed.length > 0 && listed.every((line) => /^ {16}somename/.test(line)));
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
  assert.match(text, /Published 2 posts twice/);
  assert.match(renderProfile({ ...profile, forks: 1 }, look), /Published 1 post twice/);
  assert.doesNotMatch(renderProfile({ ...profile, forks: 0 }, look), /twice/);
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
  const twice = { ...offline, already: true } as const;
  assert.match(renderFollow(twice, look), /^You follow bob\. bob does not know yet/);
  assert.equal(renderFollow({ ...twice, acknowledged: true }, look), "You follow bob already.");
  assert.match(renderFollow({ ...offline, refused: true }, look), /bob, who does not want that/);
  const unfollowed = { username: "bob", following: false, acknowledged: true };
  assert.equal(renderFollow(unfollowed, look), "You no longer follow bob.");
  const reason = "follows carol\x1b[1m, as you do";
  const suggestion = { username: "bob", kind: "know" as const, reason };
  assert.equal(
    renderSuggestions([suggestion, { ...suggestion, kind: "popular" }], look),
    `bob${" ".repeat(18)}may know  follows carol, as you do\n` +
      `bob${" ".repeat(18)}popular   follows carol, as you do`,
  );
  assert.match(renderSuggestions([], look), /^No suggestions yet/);
  assert.match(renderTimeline({ posts: [] }, look), /^Nothing here yet/);
  assert.equal(
    renderTimeline({ posts: [], hidden: 1 }, look),
    "1 post is hidden by your mutes",
  );
  assert.match(
    renderTimeline({ posts: [postAt(0, "x")], hidden: 2 }, look),
    /\n\n2 posts are hidden by your mutes$/,
  );
});

Deno.test("The status has a line for each part of a peer", async () => {
  const peer = new FakePeer();
  const status = await peer.status();
  const lines = renderStatus(status, look).split("\n");
  const id = "00".repeat(20);
  assert.deepEqual(lines, [
    "user        no user is logged in",
    "network     in the network; 3 contacts",
    `node        ${id} on 127.0.0.1:8000 (UDP), 5 records held`,
    "posts       not received before a user logs in",
    "reach       others reach you directly at 127.0.0.1",
    "clock       system, +2 ms",
    "database    0 posts, 4.1 KB",
    "pending     0 pending follow requests",
    "unread      nothing",
    "process     version 0.0.0, pid 1, up 3 seconds",
  ]);
  const store = { posts: 1, bytes: 7, indexed: 0.999 };
  assert.match(
    renderStatus({ ...status, store }, look),
    /^database +1 post, 7 bytes; the index for searches is being built, 99 %$/m,
  );
  peer.user = FakePeer.view("bob");
  const synced_at = new Date(now - 120_000).toISOString();
  const lineOf = async (changes: Partial<StatusView>) => {
    const text = renderStatus({ ...await peer.status(), ...changes }, look);
    return text.split("\n").map((line) => line.slice(12));
  };
  const [user, , , posts] = await lineOf({});
  assert.equal(user, `bob (${peer.user.fingerprint})`);
  assert.equal(posts, "received on 127.0.0.1:7000 (TCP), 1 link open");
  const clockLine = async (offset_ms: number) =>
    (await lineOf({ clock: { offset_ms, source: "ntp", synced_at } }))[5];
  assert.equal(await clockLine(0), "ntp, +0 ms, set 2 min ago");
  assert.equal(await clockLine(-5.4), "ntp, -5 ms, set 2 min ago");
  const reachLine = async (reach: StatusView["reach"]) => (await lineOf({ reach }))[4] ?? "";
  const nowhere = { relays: 1, outer_ip: null, addresses: [] };
  const four = { ip: "80.1.2.3", reached: true };
  const six = { ip: "2a01:1::2", reached: true };
  const direct = { state: "direct", relays: 0, outer_ip: four.ip, addresses: [four, six] } as const;
  assert.equal(await reachLine(direct), "others reach you directly at 80.1.2.3 and 2a01:1::2");
  const firewalled = { ...direct, addresses: [four, { ...six, reached: false }] };
  assert.equal(
    await reachLine(firewalled),
    "others reach you directly at 80.1.2.3, but not at 2a01:1::2",
  );
  assert.equal(
    await reachLine({ ...firewalled, relays: 2 }),
    "others reach you directly at 80.1.2.3, and through 2 relays where they cannot",
  );
  assert.equal(
    await reachLine({ ...nowhere, state: "mapped", relays: 0 }),
    "others reach you directly, because your router lets them in as it was asked to",
  );
  const refused = [{ ...four, reached: false }];
  assert.equal(
    await reachLine({ ...nowhere, state: "relayed", addresses: refused }),
    "others reach you through 1 relay: your router lets no connection in",
  );
  const untried = [{ ...four, reached: null }];
  for (const addresses of [[], untried]) {
    assert.equal(
      await reachLine({ ...nowhere, state: "relayed", addresses }),
      "others reach you through 1 relay; whether they can connect directly is not known yet",
    );
  }
  assert.equal(
    await reachLine({ ...nowhere, state: "relayed", addresses: [four] }),
    "others reach you through 1 relay alone, as your settings say",
  );
  assert.match(await reachLine({ ...nowhere, state: "unreachable" }), /Forward TCP port 7000 to/);
  assert.equal(
    await reachLine({ ...nowhere, state: "unknown", addresses: [{ ...four, reached: null }] }),
    "not known yet: no other node has tried to connect at 80.1.2.3",
  );
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

Deno.test("Status and events tell blocked UDP, a missing network and missing nodes apart", async () => {
  const peer = new FakePeer();
  const status = await peer.status();
  const cases: readonly (readonly [Carriage & { readonly joined: boolean }, RegExp])[] = [
    [{ joined: true, carrier: "tcp" }, /your network lets no UDP out, so nodes are asked by TCP/i],
    [
      { joined: false, hindrance: "no_udp" },
      /your network lets no UDP out, and no node answers by TCP/i,
    ],
    [{ joined: false, hindrance: "no_network" }, /this machine has no network/i],
    [{ joined: false, hindrance: "no_node" }, /none is there at the addresses that were asked/i],
  ];
  for (const [way, text] of cases) {
    assert.match(renderStatus({ ...status, node: { ...status.node, ...way } }, look), text);
    assert.match(renderEvent({ event: "network", contacts: 2, ...way }, look), text);
  }
  const node = { ...status.node, joined: true, carrier: "udp" as const };
  assert.match(renderStatus({ ...status, node }, look), /in the network; 3 contacts/);
});

Deno.test("Every event has a line, without anything unsafe in it", () => {
  const bad = "\x1b[31mbob";
  const reach = {
    event: "reach",
    relays: 0,
    outer_ip: "80.1.2.3",
    addresses: [{ ip: "80.1.2.3", reached: true }],
  } as const;
  const bob = FakePeer.view("bob");
  const events: readonly (readonly [event: PeerEvent, told: string | RegExp])[] = [
    [{ event: "post", post: { ...postAt(0, bad), author: bad } }, "bob · just now · 7\n  bob"],
    [{ event: "follower", username: bad, following: true }, "bob follows you"],
    [{ event: "follower", username: bad, following: false }, "bob no longer follows you"],
    [{ event: "network", joined: true, contacts: 1 }, "In the network with 1 contact"],
    [{ event: "network", joined: true, contacts: 2 }, "In the network with 2 contacts"],
    [
      { event: "network", joined: false, contacts: 0 },
      "No node of the network answers; trying on",
    ],
    [{ ...reach, state: "direct" }, "Others reach you directly at 80.1.2.3"],
    [{ ...reach, state: "direct", outer_ip: null, addresses: [] }, "Others reach you directly"],
    [{ ...reach, state: "unknown" }, "Others see you at 80.1.2.3"],
    [
      { ...reach, state: "unknown", outer_ip: null, addresses: [] },
      "Others have not told yet where they see you",
    ],
    [
      { ...reach, state: "mapped" },
      "Others reach you directly at 80.1.2.3, because your router lets them in as it was asked to",
    ],
    [
      { ...reach, state: "relayed", relays: 2, addresses: [{ ip: "80.1.2.3", reached: false }] },
      "Others reach you through 2 relays: your router lets no connection in",
    ],
    [
      { ...reach, state: "unreachable" },
      /^Others cannot connect .* Forward the TCP port of \[DEFAULT\] LISTENING_PORT to this/,
    ],
    [{ event: "clock", source: "ntp", offset_ms: 1.6 }, "Clock set by NTP: 2 ms"],
    [
      { event: "clock", source: "system", offset_ms: 0 },
      "No NTP server answers; using the system's clock",
    ],
    [
      { event: "clash", username: bad, pinned: "a", other: "b" },
      "Another key (b) claims the name bob; you trust a",
    ],
    [
      { event: "fork", author: bad, number: 3 },
      "bob published two posts as number 3; the first was kept",
    ],
    [{ event: "login", user: bob }, `Logged in as bob (${bob.fingerprint})`],
    [{ event: "logout", username: bad }, "Logged out bob"],
    [{ event: "warning", code: "disk_full", message: bad }, "bob"],
  ];
  for (const [event, told] of events) {
    const text = renderEvent(event, look);
    if (typeof told === "string") assert.equal(text, told);
    else assert.match(text, told);
  }
});

Deno.test("Colours stand around text only where they are wanted", () => {
  assert.equal(paintFor(true).error("x"), "\x1b[31mx\x1b[39m");
  assert.equal(paintFor(false).error("x"), "x");
});
