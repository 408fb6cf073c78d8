import assert from "node:assert/strict";
import type { AckBody } from "../../../core/messages/kinds/ack.ts";
import type { MessageOf } from "../../../core/messages/kinds/mod.ts";
import type { UserRef } from "../../../core/model/user.ts";
import { Followers, followersMax } from "../../../core/follow/followers.ts";
import { VirtualClock } from "../../sim/clock.ts";
import type { OwnRecords } from "../../../core/session/interfaces.ts";
import { only, TestLists, TestMessenger, testSession } from "../doubles.ts";
import { userNamed } from "../../sim/users.ts";

const bob = userNamed("bob");

function setUp() {
  const base = new VirtualClock();
  const session = testSession({ clock: base.view() });
  const lists = new TestLists();
  const messenger = new TestMessenger();
  const pulls: (() => void)[] = [];
  const records = only<OwnRecords>({
    pull: () => {
      for (const pull of pulls) pull();
      return Promise.resolve();
    },
  });
  const greeted: string[] = [];
  const blocked = new Set<string>();
  const greeter = {
    greet: ({ username }: UserRef): Promise<void> => {
      greeted.push(username);
      return Promise.resolve();
    },
  };
  /** Tokens presented, and by whom; while `fails`, the disk does. */
  const redeemed: (readonly [string, number | undefined])[] = [];
  const invites = {
    fails: false,
    redeem({ username }: UserRef, token: Uint8Array): Promise<void> {
      if (this.fails) return Promise.reject(new Error("the disk is full"));
      redeemed.push([username, token[0]]);
      return Promise.resolve();
    },
  };
  const followers = new Followers({
    ...{ session, lists, messenger, records, greeter, invites },
    mutes: { isBlocked: ({ username }) => blocked.has(username) },
  });
  let ids = 0;
  const message = (kind: "follow" | "unfollow", updatedAt: number, from = bob) =>
    ({
      kind,
      from,
      to: session.self,
      time: session.ports.clock.now(),
      id: new Uint8Array(16).fill(++ids),
      body: { updatedAt },
    }) as MessageOf<"follow"> | MessageOf<"unfollow">;
  return {
    base,
    session,
    lists,
    messenger,
    followers,
    message,
    pulls,
    greeted,
    blocked,
    invites,
    redeemed,
  };
}

Deno.test("A follow enters the list, is acknowledged and announced", async () => {
  const { followers, lists, messenger, message, session } = setUp();
  const follow = message("follow", 100);
  await followers.handle(follow);
  assert.deepEqual(lists.get("followers", "bob"), {
    list: "followers",
    ...bob,
    updatedAt: 100,
    present: true,
  });
  assert.deepEqual(messenger.sent.map(({ kind, to, body }) => [kind, to, body]), [
    ["ack", bob, { id: follow.id }],
  ]);
  assert.deepEqual(session.events, [{ event: "follower", username: "bob", following: true }]);
});

Deno.test("Repeated and reordered requests are acknowledged and change nothing", async () => {
  const { followers, lists, messenger, message, session } = setUp();
  await followers.handle(message("unfollow", 200));
  await followers.handle(message("follow", 100));
  await followers.handle(message("unfollow", 200));
  assert.equal(lists.get("followers", "bob")?.present, false);
  assert.equal(messenger.sent.length, 3);
  assert.deepEqual(session.events, []);
  await followers.handle(message("follow", 300));
  await followers.handle(message("follow", 400));
  assert.equal(lists.get("followers", "bob")?.updatedAt, 400);
  assert.equal(session.events.length, 1);
});

Deno.test("Who follows, or follows anew, is greeted, so that what was posted meanwhile is fetched", async () => {
  const { followers, message, greeted } = setUp();
  await followers.handle(message("follow", 200));
  await followers.handle(message("follow", 100));
  assert.equal(greeted.length, 1);
  await followers.handle(message("unfollow", 300));
  assert.equal(greeted.length, 1);
  await followers.handle(message("follow", 400));
  assert.equal(greeted.length, 2);
  // That bob has unfollowed in between was not seen.
  await followers.handle(message("follow", 600));
  assert.deepEqual(greeted, ["bob", "bob", "bob"]);
});

Deno.test("A follower who follows again, having heard nothing, is greeted again, but not all the time", async () => {
  const { base, followers, message, greeted } = setUp();
  for (let i = 0; i < 3; i++) await followers.handle(message("follow", 100));
  assert.deepEqual(greeted, ["bob"]);
  await base.advance(2_000);
  for (let i = 0; i < 3; i++) await followers.handle(message("follow", 100));
  assert.deepEqual(greeted, ["bob", "bob"]);
  await base.advance(2_000);
  await followers.handle(message("unfollow", 50));
  assert.equal(greeted.length, 2);
});

Deno.test("A user who is blocked while the follow is committed is no follower", async () => {
  const { followers, lists, messenger, message, session, greeted, blocked } = setUp();
  lists.beforeApply = () => void blocked.add("bob");
  await followers.handle(message("follow", 100));
  assert.equal(lists.get("followers", "bob")?.present, false);
  assert.deepEqual(messenger.sent.map(({ kind, body }) => [kind, (body as AckBody).reason]), [
    ["ack", "blocked"],
  ]);
  assert.deepEqual([session.events, greeted], [[], []]);
});

Deno.test("A change dated far ahead is refused with the reason", async () => {
  const { followers, lists, messenger, message, session } = setUp();
  await followers.handle(message("follow", session.ports.clock.now() + 600_001));
  await followers.handle(message("follow", Number.MAX_SAFE_INTEGER));
  assert.equal(lists.get("followers", "bob"), undefined);
  const reasons = messenger.sent.map(({ body }) => "reason" in body && body.reason);
  assert.deepEqual(reasons, ["time", "time"]);
  await followers.handle(message("follow", session.ports.clock.now() + 600_000));
  assert.equal(lists.get("followers", "bob")?.present, true);
});

Deno.test("The last place of the list is given away, and a user who leaves needs none", async () => {
  const { followers, lists, messenger, message, session } = setUp();
  const reasons = () => messenger.sent.splice(0).map(({ body }) => "reason" in body && body.reason);
  const present = lists.present.bind(lists);
  let others = followersMax - 1;
  lists.present = (list) => [
    ...present(list),
    ...new Array(others).fill({ list, ...userNamed("carol"), updatedAt: 1, present: true }),
  ];
  await followers.handle(message("follow", 100));
  assert.equal(lists.get("followers", "bob")?.present, true);
  await followers.handle(message("unfollow", 200));
  assert.deepEqual(reasons(), [false, false]);
  others = followersMax;
  await followers.handle(message("unfollow", 300, userNamed("dave")));
  assert.deepEqual(reasons(), [false], "who leaves needs no place");
  await followers.handle(message("follow", 300, userNamed("erin")));
  assert.deepEqual(reasons(), ["full"]);
  await followers.handle(message("follow", 100, session.self));
  assert.deepEqual(reasons(), [], "no user follows oneself");
});

Deno.test("A full list takes no further followers", async () => {
  const { followers, lists, messenger, message } = setUp();
  lists.present = () =>
    new Array(followersMax).fill({ list: "followers", ...bob, updatedAt: 1, present: true });
  await followers.handle(message("follow", 100));
  assert.equal(lists.get("followers", "bob"), undefined);
  assert.equal("reason" in (messenger.sent[0]?.body ?? {}), true);
});

Deno.test("Whoever pushes unwanted posts is told when the user unfollowed, once in a while", async () => {
  const { base, followers, lists, messenger } = setUp();
  lists.merge({ list: "following", ...bob, updatedAt: 77, present: false });
  await followers.unwanted(bob);
  await followers.unwanted(bob);
  assert.deepEqual(messenger.sent.map(({ kind, body }) => [kind, body]), [["unfollow", {
    updatedAt: 77,
  }]]);
  await base.advance(599_999);
  await followers.unwanted(bob);
  assert.equal(messenger.sent.length, 1);
  await base.advance(1);
  await followers.unwanted(bob);
  assert.equal(messenger.sent.length, 2);
  lists.add("following", "carol", 5);
  await followers.unwanted(userNamed("carol"));
  assert.equal(messenger.sent.length, 2, "posts of a followed user are wanted");
});

Deno.test("Before somebody unknown is told, the own records are read: another device may follow", async () => {
  const { followers, lists, messenger, pulls, session } = setUp();
  await followers.unwanted(userNamed("carol"));
  assert.deepEqual(messenger.sent[0]?.body, { updatedAt: session.ports.clock.now() - 600_000 });
  pulls.push(() => lists.add("following", "bob", 5));
  await followers.unwanted(bob);
  assert.equal(messenger.sent.length, 1);
});

Deno.test("A follower's token is taken before the acknowledgement, of an unfollower or refused one none", async () => {
  const { followers, message, messenger, redeemed, invites, session } = setUp();
  const withToken = (updatedAt: number, first: number, from = bob) => {
    const made = message("follow", updatedAt, from);
    return { ...made, body: { updatedAt, token: new Uint8Array(16).fill(first) } } as
      | MessageOf<"follow">
      | MessageOf<"unfollow">;
  };
  invites.fails = true;
  await assert.rejects(followers.handle(withToken(100, 1)), /full/);
  assert.equal(messenger.sent.length, 0);
  invites.fails = false;
  // The sender repeats what was not acknowledged.
  await followers.handle(withToken(100, 1));
  assert.equal(messenger.sent.length, 1);
  assert.deepEqual(redeemed, [["bob", 1]]);
  await followers.handle(message("unfollow", 300));
  await followers.handle(withToken(200, 2));
  const carol = userNamed("carol");
  await followers.handle(withToken(session.ports.clock.now() + 3_600_000, 3, carol));
  assert.deepEqual(redeemed, [["bob", 1]]);
});
