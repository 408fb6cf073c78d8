import assert from "node:assert/strict";
import type { ConversationStore } from "../../../core/conversation_store.ts";
import { mentionsOf } from "../../../core/model/mentions.ts";
import type { FeedState } from "../../../core/model/feed.ts";
import { type Post, type PostName, signPost } from "../../../core/model/post.ts";
import { openPost } from "../model/open_post.ts";
import { parseSnowflake, snowflakeTimeMs } from "../../../core/model/snowflake.ts";
import type { Head } from "../../../core/model/record_body.ts";
import type { Store } from "../../../core/ports.ts";
import { postView } from "../../../core/session/views.ts";
import { Publisher } from "../../../core/timeline/publish.ts";
import { VirtualClock } from "../../sim/clock.ts";
import type { OwnRecords } from "../../../core/session/interfaces.ts";
import { identityOf } from "../../sim/users.ts";
import { only, testSession } from "../doubles.ts";

/** A store of own posts. */
class OwnPosts implements
  Pick<
    Store,
    "addOwnPost" | "conversations" | "findPost" | "feeds" | "feedPosts" | "floorProof"
  > {
  readonly posts: Post[] = [];
  /** With each post, to whom it is on its way. */
  readonly mentioned: (readonly string[])[] = [];
  /** Posts of others. */
  readonly others: Post[] = [];
  /** Posts of users who are not followed, outside the timeline. */
  readonly outside: Post[] = [];
  /** Posts of others that their authors have taken back. */
  readonly takenBack: Post[] = [];
  readonly conversations: ConversationStore = only<ConversationStore>({
    isTakenBack: (post) => Promise.resolve(this.takenBack.includes(post)),
    contextPost: ({ author, id }) =>
      Promise.resolve(this.outside.find((post) => post.author === author && post.id === id)),
  });
  failure: Error | undefined;
  /** Whether a failing commit happens nevertheless. */
  commitsBeforeFailing = false;

  async addOwnPost(post: Post, mentioned: readonly string[] = []): Promise<void> {
    this.mentioned.push(mentioned);
    await null;
    const { failure } = this;
    this.failure = undefined;
    if (failure === undefined || this.commitsBeforeFailing) this.posts.push(post);
    if (failure !== undefined) throw failure;
  }

  findPost({ author, id }: PostName): Promise<Post | undefined> {
    const taken = this.posts.flatMap(({ deletes }) =>
      deletes === undefined ? [] : [deletes.number]
    );
    return Promise.resolve(
      [...this.posts, ...this.others].find((post) =>
        post.author === author && post.id === id && post.deletes === undefined &&
        !taken.includes(post.number)
      ),
    );
  }

  feeds(): Promise<FeedState[]> {
    const devices = new Set(this.posts.map((post) => post.device));
    return Promise.resolve([...devices].map((device) => {
      const floor = this.posts.filter((post) => post.device === device).length;
      return { device, floor, ranges: [] };
    }));
  }

  feedPosts(query: { device: number; from: number; to: number }): Promise<Post[]> {
    return Promise.resolve(
      this.posts.filter(({ device, number }) =>
        device === query.device && number >= query.from && number <= query.to
      ),
    );
  }

  floorProof(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

function setUp(store = new OwnPosts()) {
  const base = new VirtualClock();
  const clock = base.view();
  const session = testSession({ clock, store });
  const pushed: Post[] = [];
  const heads: Head[] = [];
  const committedBeforePush: boolean[] = [];
  const told: string[] = [];
  const publisher = () =>
    new Publisher({
      session,
      delivery: {
        push: (post, committed) => {
          committed.then(() => {
            pushed.push(post);
            committedBeforePush.push(store.posts.includes(post));
          }, () => {});
        },
      },
      mentions: {
        named: ({ text }) => mentionsOf({ author: session.self.username, text }),
        concerned: (posts) => Promise.resolve(posts.map(mentionsOf)),
        tookBack: () => Promise.resolve(),
        added: (post, names) => void told.push(...names.map((name) => `${name} ${post.text}`)),
      },
      records: only<OwnRecords>({
        headMoved: (head) => void heads.push(head),
        redraw: () => {
          Object.assign(session, { device: session.device + 1 });
          return Promise.resolve();
        },
      }),
    });
  return { base, clock, session, store, pushed, heads, told, committedBeforePush, publisher };
}

Deno.test("A post is committed with the users whom it mentions, who are told after that", async () => {
  const { publisher, store, told } = setUp();
  await publisher().post({ text: "@bob and @carol" });
  assert.deepEqual(store.mentioned, [["bob", "carol"]]);
  assert.deepEqual(told, ["bob @bob and @carol", "carol @bob and @carol"]);
  store.failure = new Error("the disk is full");
  await assert.rejects(publisher().post({ text: "@dave" }));
  assert.equal(told.length, 2);
});

Deno.test("A post is committed before it is pushed, and its head announced", async () => {
  const { publisher, store, pushed, heads, session, committedBeforePush } = setUp();
  const view = await publisher().post({ text: "hello" });
  const [post] = store.posts;
  assert.ok(post);
  assert.deepEqual(view, postView(post));
  assert.deepEqual(pushed, [post]);
  assert.deepEqual(committedBeforePush, [true]);
  assert.deepEqual(heads, [{ device: 7, head: 1 }]);
  assert.deepEqual(openPost(post.signed), post);
  assert.equal(post.author, "alice");
  assert.deepEqual(session.events, [{ event: "post", post: view }]);
});

Deno.test("Posts made at the same time get consecutive numbers and rising ids", async () => {
  const { publisher, store } = setUp();
  const one = publisher();
  await Promise.all(Array.from({ length: 50 }, (_, i) => one.post({ text: `post ${i}` })));
  assert.deepEqual(
    store.posts.map(({ number }) => number),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  assert.deepEqual(
    store.posts.map(({ text }) => text),
    Array.from({ length: 50 }, (_, i) => `post ${i}`),
  );
  assert(store.posts.every((post, i) => i === 0 || post.id > (store.posts[i - 1]?.id ?? 0n)));
});

Deno.test("Ids rise through a restart and a clock that is set back", async () => {
  const { publisher, clock, store } = setUp();
  await publisher().post({ text: "before" });
  clock.step(-50_000);
  await publisher().post({ text: "after" });
  const [before, after] = store.posts;
  assert(before !== undefined && after !== undefined);
  assert(after.id > before.id);
  assert.equal(after.number, 2);
});

Deno.test("Posting is refused while the next id would lie over 60 s ahead of the clock", async () => {
  const { publisher, clock, base, store } = setUp();
  const one = publisher();
  await one.post({ text: "before" });
  clock.step(-90_000);
  await assert.rejects(one.post({ text: "refused" }), { code: "clock_ahead" });
  await assert.rejects(publisher().post({ text: "refused" }), { code: "clock_ahead" });
  await base.advance(30_000);
  await one.post({ text: "after" });
  assert.deepEqual(store.posts.map(({ text }) => text), ["before", "after"]);
  assert.deepEqual(store.posts.map(({ number }) => number), [1, 2]);
});

Deno.test("More than 4,096 posts in a millisecond wait for the next", async () => {
  const { publisher, base, clock, store } = setUp();
  const one = publisher();
  const startMs = clock.now();
  const all = Promise.all(Array.from({ length: 4_100 }, () => one.post({ text: "x" })));
  await base.drive(all, 10);
  const times = store.posts.map(({ id }) => snowflakeTimeMs(id) - startMs);
  assert.equal(times[4_095], 0);
  assert.equal(times[4_096], 1);
  assert.equal(parseSnowflake(store.posts[4_096]?.id ?? 0n).sequence, 0);
  assert.equal(base.monotonic(), 1);
});

Deno.test("After a commit that failed the database decides which number is next", async () => {
  for (const happened of [false, true]) {
    const { publisher, store, pushed } = setUp();
    const one = publisher();
    await one.post({ text: "first" });
    store.failure = new Error("disk");
    store.commitsBeforeFailing = happened;
    await assert.rejects(one.post({ text: "second" }), /disk/);
    await one.post({ text: "third" });
    assert.deepEqual(store.posts.map(({ number }) => number), happened ? [1, 2, 3] : [1, 2]);
    assert.deepEqual(pushed.map(({ text }) => text), ["first", "third"]);
  }
});

Deno.test("A device number drawn anew begins a feed of its own", async () => {
  const { publisher, session, store } = setUp();
  const one = publisher();
  await one.post({ text: "old" });
  session.device = 8;
  await one.post({ text: "new" });
  session.device = 7;
  await one.post({ text: "old again" });
  assert.deepEqual(store.posts.map(({ device, number }) => [device, number]), [[7, 1], [8, 1], [
    7,
    2,
  ]]);
});

Deno.test("A refused post leaves no trace", async () => {
  const { publisher, store, pushed } = setUp();
  const one = publisher();
  await assert.rejects(one.post({ text: " \n" }), { code: "empty_post" });
  await assert.rejects(one.post({ text: "x".repeat(501) }), { code: "post_too_long" });
  await assert.rejects(one.post({ text: "\ud800" }), { code: "invalid_text" });
  const replyTo = { author: "bob", id: "x" };
  await assert.rejects(one.post({ text: "x", replyTo }), { code: "invalid_argument" });
  const nobody = { author: "B!", id: "1" };
  await assert.rejects(one.post({ text: "x", replyTo: nobody }), { code: "invalid_username" });
  assert.deepEqual([store.posts, pushed], [[], []]);
  const unknown = { author: "Bob", id: "5" };
  await assert.rejects(one.post({ text: "yes", replyTo: unknown }), { code: "unknown_post" });
  const warning = "x".repeat(101);
  await assert.rejects(one.post({ text: "x", warning }), { code: "invalid_argument" });
  assert.deepEqual([store.posts, pushed], [[], []]);
  const reply = await one.post({ text: "yes", replyTo: unknown, force: true });
  assert.deepEqual(reply.reply_to, { author: "bob", id: "5" });
  assert.deepEqual(store.posts.map(({ number }) => number), [1]);
});

Deno.test("Nothing is posted after the session has ended", async () => {
  const { publisher, session, store } = setUp();
  session.end();
  await assert.rejects(publisher().post({ text: "late" }));
  assert.deepEqual(store.posts, []);
});

Deno.test("An author who posts more in one hour than followers keep is told so once", async () => {
  const { session, publisher, base } = setUp();
  const author = publisher();
  const warnings = () => session.events.filter((event) => event.event === "warning");
  for (let i = 0; i < 600; i++) await author.post({ text: `post ${i}` });
  assert.deepEqual(warnings(), []);
  for (let i = 0; i < 3; i++) await author.post({ text: `more ${i}` });
  assert.equal(warnings().length, 1);
  assert.match(JSON.stringify(warnings()), /over_quota.*600 posts in one hour/);
  await base.advance(3_600_000);
  await author.post({ text: "the next hour" });
  assert.equal(warnings().length, 1);
});

Deno.test("Attack: a clock that ran 400 days ahead dates a post, and its author is not locked out of posting", async () => {
  const { publisher, clock, store } = setUp();
  clock.step(400 * 86_400_000);
  const one = publisher();
  await one.post({ text: "ahead" });
  clock.step(-400 * 86_400_000);
  for (const author of [one, publisher()]) await author.post({ text: "now" });
  const [ahead, ...now] = store.posts;
  assert.deepEqual(now.map(({ number, text }) => [number, text]), [[1, "now"], [2, "now"]]);
  for (const post of now) {
    assert.notEqual(post.device, ahead?.device);
    assert(Math.abs(snowflakeTimeMs(post.id) - clock.now()) < 60_000);
  }
});

/** A post of another user, made before all others. */
function otherPost(number: number, more: { replyTo?: PostName; root?: PostName } = {}): Post {
  const content = { author: "bob", device: 0, number, id: BigInt(number) << 22n, text: "Bob's" };
  return signPost({ ...content, ...more }, identityOf("bob"));
}

Deno.test("A reply names the root of its thread where it answers a reply", async () => {
  const { publisher, store } = setUp();
  const one = publisher();
  const carols = { author: "carol", id: 3n };
  const first = otherPost(1);
  const second = otherPost(2, { replyTo: first });
  const third = otherPost(4, { replyTo: second, root: carols });
  store.others.push(first, second, third);
  const replyTo = ({ author, id }: Post) => ({ author, id: id.toString() });
  const views = [];
  for (const post of [first, second, third]) {
    views.push(await one.post({ text: "yes", replyTo: replyTo(post) }));
  }
  assert.deepEqual(views.map(({ reply_to }) => reply_to), [first, second, third].map(replyTo));
  assert.deepEqual(views.map(({ root }) => root), [
    undefined,
    replyTo(first),
    { author: "carol", id: "3" },
  ]);
});

Deno.test("A repost passes on what its author signed, of a repost the post in it", async () => {
  const { publisher, store, pushed, session } = setUp();
  const one = publisher();
  const bobs = otherPost(1);
  store.others.push(bobs);
  const name = { author: "Bob", id: bobs.id.toString() };
  await assert.rejects(one.repost({ ...name, id: "77" }), { code: "unknown_post" });
  const view = await one.repost(name);
  assert.deepEqual([view.text, view.author], ["", "alice"]);
  assert.deepEqual([view.repost_of?.text, view.repost_of?.author], ["Bob's", "bob"]);
  assert.deepEqual(session.events, [{ event: "post", post: view }]);
  const again = await one.repost({ author: "alice", id: view.id });
  assert.equal(again.repost_of?.id, name.id);
  assert.deepEqual(pushed.map(({ repostOf }) => repostOf), [bobs, bobs]);
  // A reply to a repost goes to the author of the post in it.
  const reply = await one.post({ text: "yes", replyTo: { author: "alice", id: view.id } });
  assert.deepEqual(reply.reply_to, { author: "bob", id: name.id });
  // What its author has taken back is not passed on by way of an earlier repost.
  store.takenBack.push(bobs);
  await assert.rejects(one.repost({ author: "alice", id: view.id }), { code: "unknown_post" });
});

Deno.test("Own posts are taken back, all that are named or none", async () => {
  const { publisher, store, session, heads } = setUp();
  const one = publisher();
  store.others.push(otherPost(1));
  const ids = [];
  for (const text of ["one", "two", "three"]) ids.push((await one.post({ text })).id);
  const [first = "", second = "", third = ""] = ids;
  const bobs = otherPost(1).id.toString();
  for (const wrong of ["5", bobs, "x"]) {
    const code = wrong === "x" ? "invalid_argument" : "unknown_post";
    await assert.rejects(one.delete([first, wrong]), { code });
  }
  assert.equal(store.posts.length, 3);
  session.events.length = 0;
  assert.deepEqual(await one.delete([third, first, third]), [third, first]);
  assert.deepEqual(store.posts.slice(3).map(({ deletes, text }) => [deletes, text]), [
    [{ device: 7, number: 3 }, ""],
    [{ device: 7, number: 1 }, ""],
  ]);
  assert.deepEqual(
    session.events,
    [third, first].map((id) => {
      return { event: "deleted", author: "alice", id };
    }),
  );
  assert.deepEqual(heads.at(-1), { device: 7, head: 5 });
  await assert.rejects(one.delete([first]), { code: "unknown_post" });
  await one.delete([second]);
});
