/** Invites between whole peers in the simulation. */

import assert from "node:assert/strict";
import { readInvite, writeInvite } from "../../core/model/invite.ts";
import type { SimMachine } from "../sim/peers.ts";
import { SimWorld } from "../sim/peers.ts";
import { userNamed } from "../sim/users.ts";

async function withUsers(
  names: readonly string[],
  test: (world: SimWorld, machines: SimMachine[]) => Promise<void>,
): Promise<void> {
  const world = new SimWorld({ seed: 20261127 });
  const machines = await world.register(...names);
  await test(world, machines);
  await world.stop();
}

type Three = [SimMachine, SimMachine, SimMachine];

const followingOf = async ({ peer }: SimMachine) => (await peer.profile({})).following;

Deno.test("One invite makes two users follow each other, once", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    const made = await world.run(alice.peer.invite({ once: true }));
    assert(made.expires !== null);
    const { inviter, token, expires } = readInvite(made.invite);
    assert.deepEqual(inviter.username, "alice");
    assert.equal(token?.length, 16);
    assert.equal(expires, Date.parse(made.expires));
    await world.run(alice.peer.post({ text: "welcome" }));
    await world.run(bob.peer.enter(made));
    const accepted = await world.run(bob.peer.accept(made));
    assert.deepEqual(accepted, { username: "alice", following: true, acknowledged: true });
    await world.until("bob has the post", async () => (await bob.texts()).includes("welcome"));
    await world.until("alice follows bob", async () => (await followingOf(alice)).includes("bob"));
    await world.run(bob.peer.post({ text: "thanks" }));
    await world.until("alice has it", async () => (await alice.texts()).includes("thanks"));
    assert.deepEqual(
      alice.events.filter(({ event }) => event === "invited"),
      [{ event: "invited", username: "bob" }],
    );
    // The second to use it follows, and is not followed.
    assert.equal((await world.run(carol.peer.accept(made))).following, true);
    await world.clock.advance(10_000);
    assert.deepEqual(await followingOf(alice), ["bob"]);
    // Nor does the first bring it to life again.
    await world.run(alice.peer.unfollow({ username: "bob" }));
    await world.run(bob.peer.accept(made));
    await world.clock.advance(10_000);
    assert.deepEqual(await followingOf(alice), []);
  });
});

Deno.test("A token works when the inviter comes back, and not after it has expired", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    const early = await world.run(alice.peer.invite({ once: true, expiresInMs: 3_600_000 }));
    const late = await world.run(alice.peer.invite({ once: true }));
    await world.run(alice.stop());
    await world.run(bob.peer.accept(late));
    const accepting = carol.peer.accept(early);
    assert.equal((await world.run(accepting)).acknowledged, false);
    await world.clock.advance(3_600_000);
    await world.run(alice.start());
    await world.run(alice.login());
    await world.until(
      "alice follows bob",
      async () => (await followingOf(alice)).includes("bob"),
      900_000,
    );
    const followers = async () => (await alice.peer.profile({})).followers.length === 2;
    await world.until("carol is heard, too", followers, 900_000);
    assert.deepEqual(await followingOf(alice), ["bob"]);
    await assert.rejects(world.run(carol.peer.accept(early)), { code: "invite_expired" });
  });
});

Deno.test("An invite without a token makes one follow the other, and never expires", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob] = machines as Three;
    const made = await world.run(alice.peer.invite({}));
    assert.equal(made.expires, null);
    assert.equal(readInvite(made.invite).token, undefined);
    await world.run(bob.peer.accept(made));
    await world.clock.advance(10_000);
    assert.deepEqual(await followingOf(alice), []);
    await assert.rejects(world.run(alice.peer.accept(made)), { code: "follow_self" });
    const { inviter } = readInvite(made.invite);
    const forged = writeInvite({ inviter: { ...inviter, key: userNamed("eve").key }, nodes: [] });
    await assert.rejects(world.run(bob.peer.accept({ invite: forged })), { code: "pin_clash" });
    await assert.rejects(world.run(bob.peer.accept({ invite: "x" })), { code: "invalid_invite" });
  });
});
