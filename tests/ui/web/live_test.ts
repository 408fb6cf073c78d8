import assert from "node:assert/strict";
import type { PeerEvent, PostView, UnreadView } from "../../../core/api.ts";
import { countMs, LiveHub, namesMax, type News, paceMs } from "../../../ui/web/live.ts";

/** A clock that a test moves. */
class Clock {
  ms = 1000;
  readonly #timers: { at: number; fn: () => void }[] = [];
  readonly now = () => this.ms;
  readonly monotonic = () => this.ms;
  after(ms: number, fn: () => void) {
    const timer = { at: this.ms + ms, fn };
    this.#timers.push(timer);
    return { cancel: () => void this.#timers.splice(this.#timers.indexOf(timer), 1) };
  }

  /** Lets time pass, and what it brings. */
  async pass(ms: number): Promise<void> {
    const until = this.ms + ms;
    while (true) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.ms = Math.max(this.ms, next.at);
      next.fn();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    this.ms = until;
  }
}

const unread: UnreadView = { posts: 1, notifications: 2, requests: 3 };

function post(id: number, author = "bob"): PeerEvent {
  const post: PostView = {
    ...{ id: String(id), author, text: "secret words", reply_to: null },
    created_at: "2026-01-01T00:00:00.000Z",
  };
  return { event: "post", post };
}

function setUp() {
  const clock = new Clock();
  const hub = new LiveHub({ time: clock, unread: () => Promise.resolve(unread) });
  const told: News[] = [];
  const stop = hub.watch((news) => told.push(news));
  return { clock, hub, told, stop };
}

Deno.test("The first event after a quiet while is told at once", async () => {
  const { clock, hub, told } = setUp();
  hub.event(post(1), "alice");
  await clock.pass(0);
  const news = { posts: ["bob/1"], threads: ["bob/1"] };
  assert.deepEqual(told, [news]);
  await clock.pass(countMs);
  assert.deepEqual(told, [news, { unread }]);
  hub.read();
  await clock.pass(countMs);
  assert.deepEqual(told, [news, { unread }, { unread }]);
});

Deno.test("A thousand events a second become ten messages, which have no text and a bound", async () => {
  const { clock, hub, told } = setUp();
  for (let i = 0; i < 1000; i++) {
    hub.event(post(i), "alice");
    await clock.pass(1);
  }
  await clock.pass(countMs);
  const news = told.filter(({ unread }) => unread === undefined);
  assert.ok(news.length >= 8 && news.length <= 1000 / paceMs + 2, String(news.length));
  assert.ok(told.length - news.length <= 1000 / countMs + 1);
  assert.deepEqual(told[0]?.posts, ["bob/0"]);
  assert.ok(news.slice(1, -1).every(({ changed }) => changed?.includes("all")));
  assert.ok(!JSON.stringify(told).includes("secret"));
  for (const news of told) {
    assert.ok((news.threads?.length ?? 0) <= namesMax);
    assert.ok(JSON.stringify(news).length < 4000);
  }
});

Deno.test("More names than a message has room for become the word to look at everything", async () => {
  const { clock, hub, told } = setUp();
  hub.event(post(0), "alice");
  await clock.pass(0);
  for (let i = 0; i < namesMax; i++) {
    hub.event({ event: "deleted", author: "bob", id: String(i) }, "alice");
  }
  await clock.pass(paceMs);
  const full = told.at(-1);
  assert.equal(full?.changed, undefined);
  assert.equal(full?.deleted?.length, namesMax);
  for (let i = 0; i <= namesMax; i++) {
    hub.event({ event: "deleted", author: "bob", id: String(i) }, "alice");
  }
  await clock.pass(paceMs);
  assert.deepEqual(told.findLast(({ deleted }) => deleted !== undefined)?.changed, ["all"]);
});

Deno.test("A message says which kinds of things changed, and own posts apart from those of others", async () => {
  const { clock, hub, told } = setUp();
  const root = { author: "carol", id: "7" };
  const about = { from: "bob", post: null, at: "", read: false } as const;
  hub.event(post(1, "alice"), "alice");
  hub.event({ event: "thread", root }, "alice");
  hub.event(
    { event: "notification", notification: { id: "1", kind: "mention", ...about } },
    "alice",
  );
  hub.event({ event: "request", request: { id: "2", kind: "reply", ...about } }, "alice");
  hub.event({ event: "follower", username: "bob", following: true }, "alice");
  hub.event({ event: "network", joined: true, contacts: 4 }, "alice");
  await clock.pass(0);
  assert.deepEqual(told, [{
    own: true,
    threads: ["alice/1", "carol/7"],
    changed: ["notifications", "requests", "people", "peer"],
    notes: [{ kind: "mention", from: "bob" }],
  }]);
});

Deno.test("What no tab shows is told to none", async () => {
  const { clock, hub, told } = setUp();
  hub.event({ event: "warning", code: "disk_full", message: "The disk is full" }, "alice");
  await clock.pass(1000);
  assert.deepEqual(told, []);
});

Deno.test("A tab that was closed is told nothing, and without tabs nothing is kept", async () => {
  const { clock, hub, told, stop } = setUp();
  hub.event(post(1), "alice");
  stop();
  await clock.pass(1000);
  hub.event(post(2), "alice");
  const later: News[] = [];
  hub.watch((news) => later.push(news));
  await clock.pass(1000);
  assert.deepEqual([told, later], [[], []]);
  hub.event(post(3), "alice");
  await clock.pass(1000);
  assert.deepEqual(later[0]?.posts, ["bob/3"]);
});

Deno.test("What is unread is asked for once at a time, and again for what came meanwhile", async () => {
  const clock = new Clock();
  const asked: PromiseWithResolvers<UnreadView>[] = [];
  const hub = new LiveHub({
    time: clock,
    unread() {
      const waiting = Promise.withResolvers<UnreadView>();
      asked.push(waiting);
      return waiting.promise;
    },
  });
  const told: News[] = [];
  hub.watch((news) => told.push(news));
  hub.event(post(1), "alice");
  await clock.pass(countMs);
  assert.equal(asked.length, 1);
  hub.event(post(2), "alice");
  await clock.pass(1000);
  assert.equal(asked.length, 1);
  // What came is told of all the same.
  assert.deepEqual(told.map(({ posts }) => posts), [["bob/1"], ["bob/2"]]);
  asked[0]?.reject(new Error("no user"));
  for (let i = 0; i < 10; i++) await Promise.resolve();
  await clock.pass(countMs);
  asked[1]?.resolve(unread);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.deepEqual(told.at(-1), { unread });
  assert.equal(asked.length, 2);
  assert.equal(told.length, 3);
});
