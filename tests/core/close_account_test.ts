/** Closing an account, as its other devices, its followers and newcomers see it. */

import assert from "node:assert/strict";
import { fingerprintOf } from "../../core/model/identity.ts";
import type { PublicBody } from "../../core/model/record_body.ts";
import type { SignedRecord } from "../../core/model/record.ts";
import { emptyRecords } from "../../core/accounts/close.ts";
import { World } from "./accounts_world.ts";
import { type SimMachine, simPassword, SimWorld } from "../sim/peers.ts";

const account = { username: "alice" };

/** alice on two machines, and bob, each of whom follows the other. */
async function aliceAndBob(): Promise<[SimWorld, SimMachine, SimMachine, SimMachine]> {
  const world = new SimWorld({ seed: 20261127 });
  const [alice, bob] = await world.register("alice", "bob") as [SimMachine, SimMachine];
  const second = world.machine();
  await world.run(second.start());
  await world.run(second.login("alice"));
  await world.run(alice.peer.follow({ username: "bob" }));
  await world.run(bob.peer.follow({ username: "alice" }));
  await world.clock.advance(5_000);
  return [world, alice, bob, second];
}

function publicOf(world: SimWorld): SignedRecord<PublicBody> {
  return world.directories.peek("alice", "public") as SignedRecord<PublicBody>;
}

/** Whether the sealed keys on the network are none. */
function hasNoKeys(world: SimWorld): boolean {
  const body = world.directories.peek("alice", "private")?.body;
  return body !== undefined && "sealed" in body && body.sealed.length === 0;
}

Deno.test("A closed account is told to all who look, and nothing of it is left but that", async () => {
  const [world, alice, bob] = await aliceAndBob();
  const before = publicOf(world);
  const [words] = [
    await world.run(alice.peer.recoveryWords({ ...account, password: simPassword })),
  ];
  const fingerprint = fingerprintOf(before.publicKey);
  const closedView = await world.run(alice.peer.closeAccount(account));
  assert.deepEqual(closedView, { ...account, fingerprint });
  await assert.rejects(alice.peer.whoami(), { code: "not_logged_in" });
  assert.deepEqual(await alice.peer.users(), []);
  assert.equal(await alice.keys.lastUser(), undefined);

  const { body } = publicOf(world);
  assert.deepEqual([body.isClosed, body.heads, body.pages], [true, [], 0]);
  assert.ok(hasNoKeys(world));
  const store = await alice.stores.open("alice");
  assert.deepEqual(await store.listEntries("following"), [], "the database is another one");
  await store.close();
  for (let page = 0; page < before.body.pages; page++) {
    const record = world.directories.peek("alice", `public:${before.body.generation}:${page}`);
    assert.deepEqual(record?.body, { entries: [] });
  }
  await world.until("bob has lost a follower", async () => {
    return (await bob.peer.profile({})).followers.length === 0;
  });
  const closed = { code: "account_closed", message: /this account was closed/ };
  await world.clock.advance(40_000);
  await assert.rejects(world.run(bob.peer.profile(account)), closed);
  await world.run(bob.peer.unfollow(account));
  await assert.rejects(world.run(bob.peer.follow(account)), closed);
  await assert.rejects(world.run(alice.login("alice")), closed);
  const recovery = { ...account, password: simPassword, words: words.join(" ") };
  await assert.rejects(world.run(alice.peer.recover(recovery)), closed);
  const registration = { ...account, password: simPassword };
  await assert.rejects(world.run(alice.peer.register(registration)), { code: "name_taken" });
  await world.stop();
});

Deno.test("Followers of a closed account are told once: friends at once, others when they look", async () => {
  const world = new SimWorld({ seed: 20261128 });
  const [alice, bob, carol] = await world.register("alice", "bob", "carol") as [
    SimMachine,
    SimMachine,
    SimMachine,
  ];
  await world.run(alice.peer.follow({ username: "bob" }));
  await world.run(bob.peer.follow(account));
  await world.run(carol.peer.follow(account));
  await world.clock.advance(5_000);
  const told = async ({ peer }: SimMachine) =>
    (await peer.notifications({})).notifications.filter(({ from, kind }) =>
      from === "alice" && kind === "security"
    )
      .map(({ message }) => message);
  await world.run(alice.peer.closeAccount(account));
  await world.until("bob is told", async () => (await told(bob)).length > 0, 5_000);
  assert.match(String((await told(bob))[0]), /^alice has closed the account: no more posts come/);
  await world.until("carol is told", async () => (await told(carol)).length > 0, 310_000);
  // Later looks say nothing new, not even after a start.
  await world.run(bob.stop());
  await world.run(bob.start());
  await world.run(bob.login("bob"));
  await world.clock.advance(700_000);
  assert.deepEqual([(await told(bob)).length, (await told(carol)).length], [1, 1]);
  await world.run(bob.peer.unfollow(account));
  await world.stop();
});

Deno.test("A device that is online when another one closes the account logs out, and undoes nothing", async () => {
  const [world, alice, , second] = await aliceAndBob();
  await world.run(alice.peer.closeAccount(account));
  await world.run(second.peer.post({ text: "too late" }));
  const reasons = () =>
    second.events.flatMap((event) => event.event === "logout" ? [event.why?.code] : []);
  await world.until("it has left", () => Promise.resolve(reasons().length > 0), 310_000);
  assert.deepEqual(reasons(), ["account_closed"]);
  await world.clock.advance(60_000);
  assert.equal(publicOf(world).body.isClosed, true);
  assert.ok(hasNoKeys(world));
  await assert.rejects(world.run(second.login("alice")), { code: "account_closed" });
  await world.stop();
});

Deno.test("A device that was off meanwhile is told at its next login, or soon after", async () => {
  const [world, alice, , second] = await aliceAndBob();
  await world.run(second.stop());
  await world.run(alice.peer.closeAccount(account));
  second.directory.reachable = false;
  await world.run(second.start());
  await world.run(second.login("alice"));
  second.directory.reachable = true;
  await world.until(
    "it has left",
    async () => await second.peer.status().then((s) => !s.user),
    310_000,
  );
  assert.equal(publicOf(world).body.isClosed, true);
  await world.stop();
});

Deno.test("An account is closed by its name alone, and not without the network", async () => {
  const [world, alice] = await aliceAndBob();
  await assert.rejects(world.run(alice.peer.closeAccount({ username: "bob" })), {
    code: "invalid_argument",
  });
  alice.directory.reachable = false;
  await assert.rejects(world.run(alice.peer.closeAccount(account)), { code: "not_joined" });
  assert.equal((await alice.peer.profile({})).following.length, 1);
  assert.equal(publicOf(world).body.isClosed, undefined);
  await world.stop();
});

Deno.test("The last record of a closed account lives for a year", async () => {
  const [world, alice] = await aliceAndBob();
  await world.run(alice.peer.closeAccount(account));
  const days = (publicOf(world).expiresAt - world.clock.now()) / 86_400_000;
  assert.ok(days > 364.9 && days <= 365, `${days} days`);
  await world.stop();
});

Deno.test("A device that meets the emptied keys before anything else neither keeps nor replaces them", async () => {
  const world = new World();
  const here = await world.user("alice");
  const device = world.device();
  const there = await world.run(device.login("alice"));
  const kept = await device.keys.read("alice");
  await world.run(emptyRecords(here.session, here, { generation: 0, pages: 0 }));
  const emptied = world.network.peek("alice", "private")?.value;
  await world.run(there.records.sealed.pull());
  assert.equal((await there.session.leaving).code, "account_closed");
  assert.deepEqual(world.network.peek("alice", "private")?.value, emptied);
  assert.deepEqual(await device.keys.read("alice"), kept);
  for (const { session } of [here, there]) await session.close();
});
