/** Attacks by a follower who follows and unfollows without a pause. */

import assert from "node:assert/strict";
import type { MessageOf } from "../../core/messages/kinds/mod.ts";
import { Followers } from "../../core/follow/followers.ts";
import type { OwnRecords } from "../../core/session/interfaces.ts";
import { nothingUnwanted, only, TestLists, TestMessenger, testSession } from "../core/doubles.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SimWorld } from "../sim/peers.ts";
import { userNamed } from "../sim/users.ts";

Deno.test("Attack: a follower follows and unfollows 119 times a second, and one change a minute counts", async () => {
  const base = new VirtualClock();
  const session = testSession({ clock: base.view() });
  const lists = new TestLists();
  const messenger = new TestMessenger();
  let greeted = 0;
  const followers = new Followers({
    mutes: nothingUnwanted,
    session,
    lists,
    messenger,
    records: only<OwnRecords>({}),
    greeter: { greet: () => Promise.resolve(void greeted++) },
    invites: { redeem: () => Promise.resolve() },
  });
  let commits = 0;
  lists.onChange(() => commits++);
  const toggle = (from: string, count: number) =>
    followers.handle(
      {
        kind: count % 2 === 1 ? "follow" : "unfollow",
        from: userNamed(from),
        to: session.self,
        time: session.ports.clock.now(),
        id: new Uint8Array(16).fill(count),
        body: { updatedAt: session.ports.clock.now() + count },
      } as MessageOf<"follow"> | MessageOf<"unfollow">,
    );
  for (let count = 1; count <= 119 * 60; count++) {
    await toggle("mallory", count);
    await base.advance(1_000 / 119);
  }
  for (const done of [session.events.length, commits, messenger.sent.length]) {
    assert(done >= 4 && done <= 5, `${done} in the first minute`);
  }
  assert(greeted <= 3, `${greeted} greetings`);
  // Others are told of as before.
  await toggle("bob", 1);
  assert.equal(session.events.at(-1)?.event === "follower", true);
  assert.equal(lists.get("followers", "bob")?.present, true);
});

Deno.test("Who changes a follow often is believed at last: the last change is repeated until it counts", async () => {
  const world = new SimWorld({ seed: "toggling" });
  const [alice, bob] = await world.register("alice", "bob");
  assert(alice !== undefined && bob !== undefined);
  for (let round = 0; round < 3; round++) {
    await world.run(bob.peer.follow({ username: "alice" }));
    await world.run(bob.peer.unfollow({ username: "alice" }));
  }
  await world.run(bob.peer.follow({ username: "alice" }));
  await world.until("the last change is acknowledged", async () => {
    return (await bob.peer.status()).pending === 0;
  }, 300_000);
  assert.deepEqual((await alice.peer.profile({})).followers, ["bob"]);
  const told = alice.events.filter(({ event }) => event === "follower");
  assert.deepEqual(told.at(-1), { event: "follower", username: "bob", following: true });
  await world.stop();
});
