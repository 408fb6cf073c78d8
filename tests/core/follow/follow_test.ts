import assert from "node:assert/strict";
import { fingerprintOf } from "../../../core/model/identity.ts";
import type { UserRef } from "../../../core/model/user.ts";
import { Follows } from "../../../core/follow/follow.ts";
import { PendingFollows } from "../../../core/follow/pending_follows.ts";
import { VirtualClock } from "../../sim/clock.ts";
import {
  TestLists,
  TestMessenger,
  TestPendingFollows,
  TestPeople,
  testSession,
} from "../doubles.ts";
import { SeededRandom } from "../../sim/random.ts";
import { userNamed } from "../../sim/users.ts";

async function setUp(store = new TestPendingFollows(), lists = new TestLists()) {
  const base = new VirtualClock();
  const removed: string[] = [];
  const posts = new Map<string, number>();
  const session = testSession({
    clock: base.view(),
    ports: { random: new SeededRandom(1) },
    store: {
      pendingFollows: () => store.pendingFollows(),
      putPendingFollow: (request) => store.putPendingFollow(request),
      dropPendingFollow: (username, updatedAt) => store.dropPendingFollow(username, updatedAt),
      listEntries: (list) => Promise.resolve(lists.all(list)),
      feeds: (author) =>
        Promise.resolve(posts.has(author) ? [{ device: 1, floor: 1, ranges: [] }] : []),
      removeAuthor: (author) => {
        removed.push(author);
        posts.delete(author);
        return Promise.resolve(1);
      },
    },
  });
  const messenger = new TestMessenger();
  const people = new TestPeople();
  const fetched: string[] = [];
  const requests = new PendingFollows(session, messenger);
  const fetching = { fails: false, hangs: false };
  const follows = new Follows({
    mutes: { blocksName: () => false },
    session,
    people,
    lists,
    requests,
    sync: {
      fetch: (author) => {
        fetched.push(author.username);
        if (fetching.hangs) return new Promise(() => {});
        return fetching.fails ? Promise.reject(new Error("nobody there")) : Promise.resolve();
      },
    },
  });
  await follows.start();
  const acknowledge = (from: UserRef, id: Uint8Array, reason?: string) =>
    requests.handleAck({
      kind: "ack",
      from,
      to: session.self,
      time: 0,
      id: new Uint8Array(16),
      body: reason === undefined ? { id } : { id, reason },
    });
  return {
    base,
    session,
    store,
    lists,
    messenger,
    people,
    requests,
    follows,
    fetched,
    removed,
    posts,
    fetching,
    acknowledge,
  };
}

const bob = userNamed("bob");

Deno.test("Following tells the user, fetches the posts and says whether it was acknowledged", async () => {
  const { base, follows, people, messenger, lists, fetched, acknowledge, store } = await setUp();
  people.add("bob");
  const answer = follows.follow({ username: "Bob" });
  await base.until(() => messenger.sent.length === 1, 0);
  const [sent] = messenger.sent;
  assert(sent !== undefined);
  assert.equal(sent.kind, "follow");
  assert.deepEqual(sent.to, bob);
  await acknowledge(bob, sent.id);
  assert.deepEqual(await base.drive(answer, 0), {
    username: "bob",
    following: true,
    acknowledged: true,
  });
  assert.deepEqual(fetched, ["bob"]);
  assert.equal(lists.get("following", "bob")?.present, true);
  assert.equal(store.kept.size, 0);
});

Deno.test("An acknowledgement that is faster than the report of the sending counts", async () => {
  const { base, follows, people, messenger, requests, acknowledge } = await setUp();
  people.add("bob");
  messenger.onSend = ({ id }) => acknowledge(bob, id);
  const { acknowledged } = await base.drive(follows.follow({ username: "bob" }), 0);
  assert.deepEqual([acknowledged, requests.size, messenger.sent.length], [true, 0, 1]);
});

Deno.test("Where a user is is asked anew for a follow, whatever was known of it a moment ago", async () => {
  const { base, follows, people } = await setUp();
  people.add("bob");
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  assert.deepEqual(people.forgotten, ["bob"]);
});

Deno.test("A follow that waits is sent at once when its receiver is heard of, but not again and again", async () => {
  const { base, follows, people, messenger, requests } = await setUp();
  people.add("bob");
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  await base.advance(600_000);
  const { length } = messenger.sent;
  await base.advance(10_000);
  assert.equal(messenger.sent.length, length, "it waits for minutes by now");
  requests.heard("bob");
  await base.advance(0);
  assert.equal(messenger.sent.length, length + 1);
  for (let i = 0; i < 10; i++) {
    requests.heard("bob");
    requests.heard("carol");
    await base.advance(100);
  }
  assert.equal(messenger.sent.length, length + 1);
});

Deno.test("A follow that nobody acknowledges is answered after a moment and told again later", async () => {
  const { base, follows, people, messenger, store, requests, acknowledge } = await setUp();
  people.add("bob");
  messenger.devices = 0;
  const answer = await base.drive(follows.follow({ username: "bob" }), 2_000);
  assert.equal(answer.acknowledged, false);
  assert.equal(store.kept.size, 1);
  messenger.devices = 1;
  await base.until(() => messenger.sent.length === 4, 60_000);
  // A stranger's acknowledgement, or one of another message, does not count.
  const last = messenger.sent.at(-1);
  assert(last !== undefined);
  await acknowledge(userNamed("mallory"), last.id);
  await acknowledge(bob, new Uint8Array(16).fill(99));
  assert.equal(requests.size, 1);
  await acknowledge(bob, messenger.sent[2]?.id ?? last.id);
  assert.equal(requests.size, 0);
  assert.equal(store.kept.size, 0);
  const { length } = messenger.sent;
  await base.advance(3_600_000);
  assert.equal(messenger.sent.length, length);
});

Deno.test("Repetitions grow rarer, but come every five minutes for ever", async () => {
  const { base, follows, people, messenger } = await setUp();
  people.add("bob");
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  await base.advance(3_600_000);
  const inFirstHour = messenger.sent.length;
  assert(inFirstHour > 12 && inFirstHour < 25, String(inFirstHour));
  await base.advance(3_600_000);
  assert.equal(messenger.sent.length, inFirstHour + 12);
});

Deno.test("A request is told again after a restart", async () => {
  const first = await setUp();
  first.people.add("bob");
  await first.base.drive(first.follows.follow({ username: "bob" }), 2_000);
  first.session.end();
  const again = await setUp(first.store, first.lists);
  await again.base.until(() => again.messenger.sent.length === 1, 0);
  assert.equal(again.messenger.sent[0]?.kind, "follow");
});

Deno.test("A change whose entry a crash prevented is completed at the next start", async () => {
  const store = new TestPendingFollows();
  const lists = new TestLists();
  lists.add("following", "carol", 50);
  lists.add("following", "dave", 200);
  await store.putPendingFollow({ ...bob, kind: "follow", updatedAt: 100 });
  await store.putPendingFollow({ ...userNamed("carol"), kind: "unfollow", updatedAt: 100 });
  await store.putPendingFollow({ ...userNamed("dave"), kind: "unfollow", updatedAt: 100 });
  const { base, messenger, removed, posts, follows } = await setUp(store, lists);
  await base.settle();
  assert.deepEqual(messenger.sent.map(({ kind, to, body }) => [kind, to.username, body]), [
    ["follow", "bob", { updatedAt: 100 }],
    ["unfollow", "carol", { updatedAt: 100 }],
    ["follow", "dave", { updatedAt: 200 }],
  ]);
  assert.equal(lists.get("following", "bob")?.present, true);
  assert.equal(lists.get("following", "carol")?.present, false);
  posts.set("carol", 1);
  await follows.start();
  assert.deepEqual(removed, ["carol"]);
});

Deno.test("A change that the disk refuses leaves nothing behind, and nothing is told", async () => {
  const { base, follows, people, lists, messenger, requests, store } = await setUp();
  people.add("bob");
  lists.beforeApply = () => {
    throw new Error("disk full");
  };
  await assert.rejects(follows.follow({ username: "bob" }), /disk full/);
  await base.advance(3_600_000);
  assert.deepEqual([messenger.sent.length, requests.size, store.kept.size], [0, 0, 0]);
});

Deno.test("A message refused for its time is told again when that time has come", async () => {
  const { base, follows, people, messenger, acknowledge, session, requests } = await setUp();
  people.add("bob");
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  const { length } = messenger.sent;
  const last = messenger.sent.at(-1);
  assert(last !== undefined);
  await acknowledge(bob, last.id, "time");
  assert.equal(requests.size, 1);
  await base.advance(299_000);
  assert.equal(messenger.sent.length, length);
  await base.advance(10_000);
  assert.equal(messenger.sent.length, length + 1);
  assert.deepEqual(session.events, []);
});

Deno.test("Unfollowing tells the user and removes the posts", async () => {
  const { base, follows, lists, messenger, removed, posts, store, session } = await setUp();
  // Another device's clock is ahead: the change made here is later all the same.
  const ahead = session.ports.clock.now() + 60_000;
  lists.add("following", "bob", ahead);
  await base.settle();
  messenger.sent.length = 0;
  posts.set("bob", 20);
  const answer = await base.drive(follows.unfollow({ username: "bob" }), 2_000);
  assert.deepEqual(answer, { username: "bob", following: false, acknowledged: false });
  assert.deepEqual(removed, ["bob"]);
  assert.equal(lists.get("following", "bob")?.present, false);
  assert.equal(messenger.sent[0]?.kind, "unfollow");
  assert.equal(store.kept.get("bob")?.updatedAt, ahead + 1);
  await assert.rejects(follows.unfollow({ username: "bob" }), { code: "not_following" });
});

Deno.test("Posts that the disk refuses to remove are removed later", async () => {
  const { base, follows, lists, posts, removed, session } = await setUp();
  lists.add("following", "bob");
  posts.set("bob", 20);
  const { removeAuthor } = session.store;
  session.store.removeAuthor = () => Promise.reject(new Error("disk full"));
  const answer = await base.drive(follows.unfollow({ username: "bob" }), 2_000);
  assert.equal(answer.following, false);
  assert.deepEqual(session.events.map(({ event }) => event), ["warning"]);
  session.store.removeAuthor = removeAuthor;
  await follows.tidy();
  await follows.tidy();
  assert.deepEqual(removed, ["bob"]);
});

Deno.test("Posts of an author unfollowed just before a crash are removed at the next start", async () => {
  const lists = new TestLists();
  lists.merge({ list: "following", ...bob, updatedAt: 5, present: false });
  const store = new TestPendingFollows();
  const first = await setUp(store, lists);
  assert.deepEqual(first.removed, []);
  first.posts.set("bob", 3);
  await first.follows.start();
  assert.deepEqual(first.removed, ["bob"]);
});

Deno.test("Following oneself or nobody is refused, following twice changes nothing, and nothing is sent", async () => {
  const { follows, people, lists, messenger, requests } = await setUp();
  lists.merge({ list: "following", ...userNamed("carol"), updatedAt: 1, present: true });
  people.add("carol");
  await assert.rejects(follows.follow({ username: "alice" }), { code: "follow_self" });
  const already = { username: "carol", following: true, acknowledged: true, already: true };
  assert.deepEqual(await follows.follow({ username: "Carol" }), already);
  const same = { username: "carol", fingerprint: fingerprintOf(userNamed("carol").key) };
  assert.deepEqual(await follows.follow(same), already);
  await assert.rejects(follows.follow({ username: "nobody" }), { code: "unknown_user" });
  people.isSilent = true;
  await assert.rejects(follows.follow({ username: "nobody" }), { code: "not_joined" });
  await assert.rejects(follows.follow({ username: "b" }), { code: "invalid_username" });
  const typo = { username: "carol", fingerprint: "xyz".repeat(15) };
  await assert.rejects(follows.follow(typo), {
    code: "invalid_argument",
    message: `Cannot follow carol: "${typo.fingerprint.slice(0, 40)}" is not a fingerprint ` +
      "(16 hexadecimal digits).",
  });
  assert.equal(messenger.sent.length + requests.size, 0);
});

Deno.test("A pin is replaced only by the fingerprint of a key that was found", async () => {
  const { base, follows, people, lists, removed, posts } = await setUp();
  const old = userNamed("old bob").key;
  lists.merge({ list: "following", username: "bob", key: old, updatedAt: 1, present: true });
  posts.set("bob", 5);
  people.add("bob", { person: { key: old, pinned: true, otherKeys: [bob.key] } });
  const wrong = { username: "bob", fingerprint: "0123456789abcdef" };
  await assert.rejects(follows.follow(wrong), { code: "pin_clash" });
  assert.deepEqual(lists.get("following", "bob")?.key, old);
  const shown = fingerprintOf(bob.key).replace(/(....)/g, "$1 ").toUpperCase();
  const right = { username: "bob", fingerprint: shown };
  const answer = await base.drive(follows.follow(right), 2_000);
  assert.equal(answer.following, true);
  assert.deepEqual(lists.get("following", "bob")?.key, bob.key);
  assert.deepEqual(removed, ["bob"], "posts under the old key are somebody else's");
});

Deno.test("A clash that the network does not settle for the pin names both fingerprints", async () => {
  const { base, follows, people } = await setUp();
  const { public: record, ...old } = {
    ...userNamed("bob"),
    pinned: true,
    otherKeys: [userNamed("mallory").key],
    public: undefined,
  };
  assert.equal(record, undefined);
  people.add("bob");
  const find = people.find.bind(people);
  people.find = (username) => username === "bob" ? Promise.resolve(old) : find(username);
  await assert.rejects(follows.follow({ username: "bob" }), (error: Error & { code?: string }) => {
    assert.equal(error.code, "pin_clash");
    assert.match(error.message, new RegExp(fingerprintOf(bob.key)));
    assert.match(error.message, new RegExp(fingerprintOf(userNamed("mallory").key)));
    assert.match(error.message, /follow bob --fingerprint F/);
    return true;
  });
  const pinned = { username: "bob", fingerprint: fingerprintOf(bob.key) };
  assert.equal((await base.drive(follows.follow(pinned), 2_000)).following, true);
});

Deno.test("A pin that the network confirms is believed although others claim the name", async () => {
  const { base, follows, people, lists } = await setUp();
  people.add("bob", { person: { pinned: true, otherKeys: [userNamed("mallory").key] } });
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  assert.deepEqual(lists.get("following", "bob")?.key, bob.key);
});

Deno.test("What another device followed or unfollowed is fetched, removed, and told", async () => {
  const { base, lists, messenger, fetched, removed, posts, follows, session } = await setUp();
  const now = session.ports.clock.now();
  lists.add("following", "bob", now - 1_000);
  await base.drive(follows.settled(), 0);
  assert.deepEqual(fetched, ["bob"]);
  await base.until(() => messenger.sent.length === 1, 0);
  assert.deepEqual(messenger.sent[0]?.body, { updatedAt: now - 1_000 });
  posts.set("bob", 1);
  lists.merge({ list: "following", ...bob, updatedAt: now - 500, present: false });
  await base.drive(follows.settled(), 0);
  assert.deepEqual(removed, ["bob"]);
  await base.until(() => messenger.sent.length === 2, 0);
  assert.equal(messenger.sent[1]?.kind, "unfollow");
});

Deno.test("The posts of a user whom another device followed are not waited for", async () => {
  const { base, lists, fetched, fetching, follows, session, people } = await setUp();
  fetching.hangs = true;
  lists.add("following", "bob", session.ports.clock.now() - 1_000);
  await base.drive(follows.settled(), 0);
  assert.deepEqual(fetched, ["bob"]);
  // Those of a user whom this one has just followed are.
  people.add("carol");
  await base.drive(follows.follow({ username: "carol" }), 2_000);
  let isSettled = false;
  follows.settled().then(() => isSettled = true);
  await base.advance(10_000);
  assert.equal(isSettled, false);
});

Deno.test("What another device did long ago is not told again", async () => {
  const { base, lists, messenger, follows, session } = await setUp();
  lists.add("following", "bob", session.ports.clock.now() - 90_000_000);
  await base.drive(follows.settled(), 0);
  await base.advance(60_000);
  assert.deepEqual(messenger.sent, []);
});

Deno.test("A fetch that fails is a warning, not the failure of the follow", async () => {
  const { base, follows, people, fetching, session } = await setUp();
  people.add("bob");
  fetching.fails = true;
  const answer = await base.drive(follows.follow({ username: "bob" }), 2_000);
  assert.equal(answer.following, true);
  assert.deepEqual(session.events, [
    { event: "warning", code: "internal", message: "Cannot finish a follow: nobody there" },
  ]);
});

Deno.test("The requests of an ended session are silent", async () => {
  const { base, follows, people, messenger, session } = await setUp();
  people.add("bob");
  const answer = follows.follow({ username: "bob" });
  await base.until(() => messenger.sent.length === 1, 0);
  session.end();
  assert.equal((await base.drive(answer, 0)).acknowledged, false);
  await base.advance(3_600_000);
  assert.equal(messenger.sent.length, 1);
});

const token = new Uint8Array(16).fill(5);

Deno.test("An invite is accepted under its key, and its token goes out until it is acknowledged", async () => {
  const { base, follows, people, messenger, lists, store, fetched, acknowledge } = await setUp();
  people.add("bob");
  const answer = follows.accept({ inviter: bob, nodes: [], token });
  await base.until(() => messenger.sent.length === 1, 0);
  assert.deepEqual([...store.kept.values()].map((kept) => kept.token), [token]);
  await base.until(() => messenger.sent.length === 2, 10_000);
  const [first, again] = messenger.sent;
  assert(first !== undefined && again !== undefined);
  assert.deepEqual(again.body, first.body);
  assert.deepEqual((first.body as { token?: Uint8Array }).token, token);
  await acknowledge(bob, first.id);
  assert.deepEqual((await base.drive(answer, 0)).following, true);
  assert.deepEqual(lists.get("following", "bob")?.key, bob.key);
  assert.deepEqual(fetched, ["bob"]);
  assert.equal(store.kept.size, 0);
});

Deno.test("The token of an invite is presented also to a user who is followed already", async () => {
  const { base, follows, people, messenger, lists } = await setUp();
  people.add("bob");
  await base.drive(follows.follow({ username: "bob" }), 2_000);
  const before = lists.get("following", "bob");
  const { length } = messenger.sent;
  const nothing = await base.drive(follows.accept({ inviter: bob, nodes: [] }), 2_000);
  assert.equal(nothing.already, true);
  const repeated = messenger.sent.slice(length);
  assert(repeated.every(({ body }) => !("token" in (body as object))));
  await base.drive(follows.accept({ inviter: bob, nodes: [], token }), 2_000);
  assert.deepEqual(messenger.sent.at(-1)?.body, { updatedAt: before?.updatedAt, token });
  assert.deepEqual(lists.get("following", "bob"), before);
});

Deno.test("An invite whose name is known under another key is refused in words, and not followed", async () => {
  const { follows, people, lists } = await setUp();
  const invite = { inviter: { ...bob, key: userNamed("mallory").key }, nodes: [], token };
  people.add("bob", { person: { otherKeys: [invite.inviter.key] } });
  await assert.rejects(follows.accept(invite), {
    code: "pin_clash",
    message: /the network knows bob with .*compare with your friend/,
  });
  people.add("bob", { person: { pinned: true } });
  await assert.rejects(follows.accept(invite), { code: "pin_clash", message: /you know bob with/ });
  assert.equal(lists.get("following", "bob"), undefined);
});

Deno.test("An invite of oneself, of no user and of a silent network is refused in words", async () => {
  const { follows, people, session } = await setUp();
  const own = { inviter: session.self, nodes: [] };
  await assert.rejects(follows.accept(own), { code: "follow_self", message: /your own/ });
  const unknown = { code: "unknown_user", message: /another network/ };
  await assert.rejects(follows.accept({ inviter: bob, nodes: [] }), unknown);
  people.isSilent = true;
  await assert.rejects(follows.accept({ inviter: bob, nodes: [] }), { code: "not_joined" });
});

Deno.test("A user is followed back once, and told so", async () => {
  const { base, follows, messenger, lists, fetched } = await setUp();
  assert.equal(await follows.followBack(bob), true);
  assert.equal(await follows.followBack(bob), false);
  assert.equal(lists.get("following", "bob")?.present, true);
  await base.until(() => messenger.sent.length === 1, 0);
  assert.deepEqual(messenger.sent.map(({ kind, to }) => [kind, to]), [["follow", bob]]);
  assert.deepEqual(fetched, ["bob"]);
});
