/** `notifications`, `requests` and `watch`, and their entries in the menu, with a peer in memory. */

import assert from "node:assert/strict";
import type { NotificationView, PeerEvent } from "../../../core/api.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import { renderEvent } from "../../../ui/output/render.ts";
import {
  isRepeated,
  renderNotifications,
  renderRequests,
} from "../../../ui/output/render_notifications.ts";
import { unreadText } from "../../../ui/views/status_words.ts";
import type { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";
import { withTerminal } from "../menu/terminal.ts";

const at = "2026-01-01T00:00:00.000Z";
const look = { paint: paintFor(false), columns: 80, now: Date.parse(at) };

function view(id: number, more: Partial<NotificationView> = {}): NotificationView {
  const from = more.from ?? "carol";
  const post = { id: `${id}`, author: from, text: `@alice ${id}`, created_at: at, reply_to: null };
  return { id: `${id}`, kind: "mention", from, post, at, read: false, ...more };
}

const follow = view(1, { kind: "follow", from: "bob", post: null, read: true });
const security: NotificationView = {
  ...view(2, { kind: "security", from: "alice", post: null }),
  message: "A key\x1b[2J is wrong.",
};
const told = [view(3), security, follow];

/** Alice's machine with a peer that runs, and what it has to tell. */
async function running() {
  const m = await Machine.withAlice();
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes('"ready"'));
  const peer = m.host.started.at(-1)?.peer ?? assert.fail();
  peer.told = { notifications: told, requests: [view(5, { from: "zed" }), view(4)] };
  const stop = async () => {
    up.io.interrupt();
    assert.equal(await up.ended, 0);
  };
  return { m, peer, stop };
}

function lines({ stdout }: { readonly stdout: string }): unknown[] {
  return stdout.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

Deno.test("notifications tells what there is, newest first, and marks as read what it is told to", async () => {
  const { m, stop } = await running();
  assert.deepEqual(await m.json("notifications"), { notifications: told, unread: 2 });
  const unread = { notifications: told.slice(0, 2), unread: 2 };
  assert.deepEqual(await m.json("notifications", "--unread"), unread);
  assert.deepEqual(await m.json("notifications", "--limit", "1"), {
    notifications: told.slice(0, 1),
    unread: 2,
  });
  assert.deepEqual(await m.json("notifications", "--unread", "--read"), unread);
  assert.deepEqual(await m.json("notifications", "--unread"), { notifications: [], unread: 0 });
  assert.equal((await m.run("notifications", "--unread")).out, "Nothing to tell you.\n");
  await stop();
});

Deno.test("notifications --watch tells those of the page oldest first, then each as it comes, once", async () => {
  const { m, peer, stop } = await running();
  const { markRead } = peer;
  const marked = Promise.withResolvers<void>();
  peer.markRead = async (request) => {
    await markRead(request);
    marked.resolve();
  };
  const { notifications } = peer;
  peer.notifications = async (request) => {
    const page = await notifications.call(peer, request);
    // What comes while the page is read is in it, and an event as well.
    peer.emit({ event: "notification", notification: security });
    return page;
  };
  const watching = m.start("notifications", "--watch", "--unread", "--json", "--read");
  await watching.io.until(() => lines(watching.io).length === 2);
  peer.arrive("bob", "no notification");
  peer.emit({ event: "request", request: view(7) });
  peer.emit({ event: "notification", notification: view(6) });
  await watching.io.until(() => lines(watching.io).length === 3);
  const wanted = [security, view(3), view(6)];
  assert.deepEqual(
    lines(watching.io),
    wanted.map((notification) => ({ event: "notification", notification })),
  );
  await marked.promise;
  assert.ok(peer.told.notifications.every(({ read }) => read));
  watching.io.interrupt();
  assert.equal(await watching.ended, 0);
  await stop();
});

Deno.test("notifications --watch --read marks many that come at once together", async () => {
  const { m, peer, stop } = await running();
  const [first, second, gate] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  let marks = 0;
  peer.markRead = async () => {
    (++marks === 1 ? first : second)?.resolve();
    await gate?.promise;
  };
  const watching = m.start("notifications", "--watch", "--json", "--read");
  await watching.io.until(() => lines(watching.io).length === 3);
  await first?.promise;
  for (let id = 10; id < 40; id++) peer.emit({ event: "notification", notification: view(id) });
  await watching.io.until(() => lines(watching.io).length === 33);
  assert.equal(marks, 1);
  gate?.resolve();
  await second?.promise;
  watching.io.interrupt();
  assert.equal(await watching.ended, 0);
  assert.equal(marks, 2);
  await stop();
});

Deno.test("requests tells what strangers say, and puts aside those of one of them", async () => {
  const { m, stop } = await running();
  const requests = [view(5, { from: "zed" }), view(4)];
  assert.deepEqual(await m.json("requests", "--read"), { requests, unread: 2 });
  const read = requests.map((one) => ({ ...one, read: true }));
  assert.deepEqual(await m.json("requests"), { requests: read, unread: 0 });
  assert.deepEqual(await m.json("requests", "--ignore", "zed"), {
    requests: read.slice(1),
    unread: 0,
  });
  await stop();
});

Deno.test("watch tells every event, one JSON document a line, until interrupted", async () => {
  const { m, peer, stop } = await running();
  const subscribed = Promise.withResolvers<void>();
  const { subscribe } = peer;
  peer.subscribe = (listener) => {
    const stop = subscribe(listener);
    subscribed.resolve();
    return stop;
  };
  const watching = m.start("watch", "--json");
  await subscribed.promise;
  const events: PeerEvent[] = [
    { event: "follower", username: "bob", following: true },
    { event: "notification", notification: follow },
    { event: "request", request: view(7) },
  ];
  for (const event of events) peer.emit(event);
  await watching.io.until(() => lines(watching.io).length === 3);
  assert.deepEqual(lines(watching.io), events);
  watching.io.interrupt();
  assert.equal(await watching.ended, 0);
  await stop();
});

Deno.test("Notifications as text have no escapes of strangers, and say what is unread", () => {
  const gone = view(8, { kind: "reply", post: null });
  const text = renderNotifications([...told, gone], look);
  assert.deepEqual(text.split("\n"), [
    "• carol mentions you · just now",
    "    carol · just now · 3",
    "      @alice 3",
    "• A key is wrong. · just now",
    "  bob follows you · just now",
    "• carol replies to you · just now",
    "    The post is no longer here.",
  ]);
  assert.equal(renderRequests([], look), "No stranger has written to you.");
  const repost = view(9, { kind: "repost", from: "dave" });
  assert.equal(
    renderEvent({ event: "request", request: repost }, look),
    "dave passed a post of yours on (a stranger: see requests)",
  );
  assert.equal(
    renderEvent({ event: "notification", notification: security }, look),
    "A key is wrong.",
  );
  assert.equal(
    unreadText({ posts: 1000, notifications: 1, requests: 0 }),
    "1000 or more posts, 1 notification",
  );
  assert.equal(unreadText({ posts: 0, notifications: 0, requests: 0 }), "");
});

Deno.test("People are not told twice of what has an event of its own", () => {
  const isTold = (notification: NotificationView) =>
    !isRepeated({ event: "notification", notification }, "alice");
  assert.equal(isTold(follow), false);
  assert.equal(isTold({ ...security, from: "bob" }), false);
  assert.equal(isTold(security), true);
  assert.equal(isTold(view(3)), true);
  assert.equal(isRepeated({ event: "request", request: view(3) }, "alice"), false);
});

Deno.test("The menu shows notifications and requests, marks them as read, and follows, ignores, mutes or blocks strangers", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Notifications|Timeline|back|Requests".split("|"),
    ..."zed|ignore|carol|follow|loud|mute|rude|block|quit".split("|"),
  );
  const titles: string[] = [];
  const { menu } = m.prompts;
  m.prompts.menu = (live, signal) => {
    titles.push(live.title(look));
    return menu(live, signal);
  };
  m.host.prepare = (peer: FakePeer) => {
    const strangers = ["zed", "carol", "loud", "rude"];
    peer.told = {
      notifications: told,
      requests: strangers.map((from, n) => view(9 - n, { from })),
    };
    peer.arrive("bob", "newest");
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /• carol mentions you/);
  assert.match(out, /• zed mentions you/);
  assert.match(out, /You follow carol\./);
  assert.match(out, /No stranger has written to you\./);
  const { peer } = m.host.started[0] ?? assert.fail();
  assert.deepEqual(peer.told.requests, []);
  assert.ok(peer.told.notifications.every(({ read }) => read));
  assert.deepEqual(peer.readUpTo, [peer.posts[0]?.id]);
  assert.ok(peer.following.has("carol") && !peer.following.has("zed"));
  assert.deepEqual(peer.muted.map(({ kind, what }) => `${kind} ${what}`), ["user loud"]);
  assert.deepEqual([...peer.blocked], ["rude"]);
  assert.match(titles.join("\n"), /new: 2 notifications, 4 requests/);
  assert.doesNotMatch(titles.at(-1) ?? "", /new:/);
  assert.deepEqual(m.answers, []);
});
