import assert from "node:assert/strict";
import { CamelliaError } from "../../core/model/errors.ts";
import type { PeerEvent } from "../../core/api.ts";
import { signPost } from "../../core/model/post.ts";
import { identityOf } from "../sim/users.ts";
import { recordOf } from "./record_of.ts";
import type { SimMachine } from "../sim/peers.ts";
import { simPassword, SimWorld } from "../sim/peers.ts";

/** A world of these users, each on a machine of their own; runs the test and stops every peer. */
async function withUsers(
  names: readonly string[],
  test: (world: SimWorld, machines: SimMachine[]) => Promise<void>,
  settings = {},
): Promise<void> {
  const world = new SimWorld({ seed: 20261122, settings });
  const machines = await world.register(...names);
  await test(world, machines);
  await world.stop();
}

/** A machine whose peer runs, without a user. */
async function started(world: SimWorld): Promise<SimMachine> {
  const machine = world.machine();
  await world.run(machine.start());
  return machine;
}

/** The machines of as many users as a test names. */
type Three = [SimMachine, SimMachine, SimMachine];

async function shows(
  world: SimWorld,
  machine: SimMachine,
  texts: readonly string[],
): Promise<void> {
  await world.until(`the timeline ${texts}`, async () => {
    const shown = await machine.texts();
    return shown.length === texts.length && shown.every((text, i) => text === texts[i]);
  });
}

/** Posts, a moment after whatever was posted before. */
async function post(world: SimWorld, machine: SimMachine, text: string): Promise<void> {
  await world.clock.advance(5);
  await world.run(machine.peer.post({ text }));
}

Deno.test("People register, follow one another, post and read", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    const followed = await world.run(bob.peer.follow({ username: "alice" }));
    assert.deepEqual(followed, { username: "alice", following: true, acknowledged: true });
    assert.deepEqual(await bob.peer.followed(), ["alice"]);
    await post(world, alice, "one");
    await shows(world, bob, ["one"]);
    await world.run(carol.peer.follow({ username: "alice" }));
    await shows(world, carol, ["one"]);
    await world.run(carol.peer.follow({ username: "bob" }));
    await post(world, alice, "two");
    await post(world, bob, "three");
    await shows(world, carol, ["three", "two", "one"]);
    await shows(world, bob, ["three", "two", "one"]);
    await shows(world, alice, ["two", "one"]);
    assert(bob.events.some((event) => event.event === "post" && event.post.text === "two"));
    assert(alice.events.some((event) => event.event === "follower" && event.username === "carol"));
    await world.clock.advance(2_000);
    const profile = await world.run(carol.peer.profile({ username: "alice" }));
    assert.deepEqual(
      [profile.followers, profile.following, profile.posts, profile.online],
      [["bob", "carol"], [], 2, true],
    );
  });
});

Deno.test("A new follower gets the posts from another follower when the author is gone", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    await world.run(bob.peer.follow({ username: "alice" }));
    for (const text of ["one", "two"]) await post(world, alice, text);
    await shows(world, bob, ["two", "one"]);
    await world.run(alice.stop());
    const { acknowledged } = await world.run(carol.peer.follow({ username: "alice" }));
    assert.equal(acknowledged, false);
    await shows(world, carol, ["two", "one"]);
    // The follow is told when the author is back.
    await world.run(alice.start());
    await world.run(alice.login());
    await world.until("carol is a follower", async () => {
      return (await alice.peer.profile({})).followers.includes("carol");
    }, 600_000);
    await world.until("the follow is acknowledged", async () => {
      return (await carol.peer.status()).pending === 0;
    });
  });
});

Deno.test("A follower who was away gets what was missed, from the author or from others", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    for (const reader of [bob, carol]) await world.run(reader.peer.follow({ username: "alice" }));
    await world.run(carol.stop());
    await post(world, alice, "missed");
    await shows(world, bob, ["missed"]);
    await world.run(alice.stop());
    await world.run(carol.start());
    await world.run(carol.login());
    await shows(world, carol, ["missed"]);
  });
});

Deno.test("Posts made while nobody else was online reach the followers when they greet", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    await world.run(bob.stop());
    await post(world, alice, "to nobody");
    await world.run(alice.stop());
    await world.run(bob.start());
    await world.run(bob.login());
    await world.clock.advance(10_000);
    assert.deepEqual(await bob.texts(), []);
    await world.run(alice.start());
    await world.run(alice.login());
    await shows(world, bob, ["to nobody"]);
  });
});

Deno.test("Unfollowing removes the posts and stops new ones", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, alice, "one");
    await shows(world, bob, ["one"]);
    const { following, acknowledged } = await world.run(bob.peer.unfollow({ username: "alice" }));
    assert.deepEqual([following, acknowledged], [false, true]);
    assert.deepEqual(await bob.texts(), []);
    assert.deepEqual((await world.run(alice.peer.profile({}))).followers, []);
    await post(world, alice, "two");
    await world.clock.advance(20_000);
    assert.deepEqual(await bob.texts(), []);
  });
});

Deno.test("A second device has the own posts and lists, and both go on from there", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, alice, "from the first");
    await post(world, bob, "bob's");
    await world.clock.advance(5_000);
    const second = world.machine();
    await world.run(second.start());
    await world.run(second.login("alice"));
    await shows(world, second, ["bob's", "from the first"]);
    await post(world, second, "from the second");
    await shows(world, bob, ["from the second", "bob's", "from the first"]);
    await shows(world, alice, ["from the second", "bob's", "from the first"]);
    await world.run(second.peer.unfollow({ username: "bob" }));
    await world.until("the first device has unfollowed", async () => {
      return (await alice.peer.profile({})).following.length === 0;
    }, 600_000);
    await shows(world, alice, ["from the second", "from the first"]);
  });
});

Deno.test("The collector removes old posts of others, which do not come back, and keeps own ones", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, bob, "own");
    await post(world, alice, "old");
    await shows(world, bob, ["old", "own"]);
    await world.clock.advance(150_000);
    await post(world, alice, "new");
    await world.clock.advance(100_000);
    assert.deepEqual(await bob.texts(), ["new", "own"]);
    assert.deepEqual(await alice.texts(), ["new", "old"]);
    await world.run(bob.stop());
    await world.run(bob.start());
    await world.run(bob.login());
    await world.run(carol.peer.follow({ username: "alice" }));
    await shows(world, carol, ["new"]);
    await world.clock.advance(10_000);
    assert.deepEqual(await bob.texts(), ["new", "own"]);
  }, { lifespanMs: 180_000 });
});

Deno.test("After a logout nothing works but logging in, and nobody is announced", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.logout());
    for (
      const command of [
        () => alice.peer.whoami(),
        () => alice.peer.post({ text: "x" }),
        () => alice.peer.timeline({ limit: 1 }),
        () => alice.peer.follow({ username: "bob" }),
        () => alice.peer.unfollow({ username: "bob" }),
        () => alice.peer.profile({}),
        () => alice.peer.suggest(),
        () => alice.peer.logout(),
        () => alice.peer.exportAccount(),
      ]
    ) await assert.rejects(command, { code: "not_logged_in" });
    assert.equal((await alice.peer.status()).user, null);
    assert.equal((await alice.peer.status()).links.listening, null);
    assert.equal((await world.run(bob.peer.profile({ username: "alice" }))).online, false);
    assert.deepEqual(await alice.peer.users(), ["alice"]);
    const wrong = { username: "alice", password: `${simPassword}!` };
    await assert.rejects(world.run(alice.peer.login(wrong)), { code: "wrong_password" });
    await world.run(alice.login("alice"));
    assert.equal((await alice.peer.whoami()).username, "alice");
    assert.deepEqual(
      alice.events.filter(({ event }) => event === "login" || event === "logout")
        .map(({ event }) => event),
      ["login", "logout", "login"],
    );
  });
});

Deno.test("A user who is registered or logged in for the moment alone is announced to no one", async () => {
  await withUsers(["bob"], async (world, [bob]) => {
    assert.ok(bob);
    const { peer, directory, stores, keys } = await started(world);
    const alice = { username: "alice", password: simPassword, isBrief: true };
    // No database is opened for a moment.
    const { open } = stores;
    stores.open = () => Promise.reject(new Error("a database was opened"));
    await world.run(peer.register(alice));
    const before = directory.calls.put;
    await world.run(peer.login(alice));
    assert.equal(await keys.lastUser(), "alice");
    stores.open = open;
    assert.equal(directory.calls.put, before);
    assert.equal((await peer.status()).user, null);
    assert.equal((await peer.status()).links.listening, null);
    const query = { username: "alice", namespace: "connections" } as const;
    assert.equal((await world.run(directory.get(query))).record, undefined);
    assert.deepEqual(await peer.users(), ["alice"]);
    assert.equal((await world.run(bob.peer.profile({ username: "alice" }))).online, false);
    // The same peer may stay for a user later.
    await world.run(peer.login({ ...alice, isBrief: false }));
    await world.run(bob.peer.follow({ username: "alice" }));
    assert.equal((await peer.whoami()).username, "alice");
  });
});

Deno.test("A login for the moment is done on a full disk as well, with a warning", async () => {
  await withUsers([], async (world) => {
    const { peer, keys, events } = await started(world);
    const alice = { username: "alice", password: simPassword, isBrief: true };
    await world.run(peer.register(alice));
    keys.setLastUser = () => Promise.reject(new CamelliaError("disk_full", "Cannot write: full"));
    assert.equal((await world.run(peer.login(alice))).username, "alice");
    assert.deepEqual(events.at(-1), {
      event: "warning",
      code: "disk_full",
      message: "Cannot write: full",
    });
    keys.setLastUser = () => Promise.reject(new CamelliaError("disk_failed", "Cannot write"));
    await assert.rejects(world.run(peer.login(alice)), { code: "disk_failed" });
  });
});

Deno.test("Logins, logouts and the end may come in any order and at any time", async () => {
  const world = new SimWorld({ seed: 7 });
  const [alice] = await world.register("alice") as [SimMachine];
  const credentials = { username: "alice", password: simPassword };
  await world.run(alice.peer.logout());
  const outcomes = await world.run(Promise.allSettled([
    alice.peer.login(credentials),
    alice.peer.login(credentials),
    alice.peer.logout(),
    alice.peer.logout(),
    alice.peer.login(credentials),
  ]));
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === "fulfilled" ? "done" : outcome.reason.code),
    ["done", "already_logged_in", "done", "not_logged_in", "done"],
  );
  const { peer } = alice;
  await world.run(peer.logout());
  const login = assert.rejects(peer.login(credentials), { code: "interrupted" });
  await world.run(alice.stop());
  await world.run(login);
  await assert.rejects(peer.login(credentials), { code: "interrupted" });
  assert.equal(world.clock.pending, 0, "no timer is left");
});

Deno.test("A port in use fails the login cleanly, and the next attempt succeeds", async () => {
  const world = new SimWorld({ seed: 8 });
  const [alice] = await world.register("alice") as [SimMachine];
  await world.run(alice.peer.logout());
  const squatter = {
    publicKey: "",
    at: { ip: alice.ip, port: 7000 },
    deliver: () => {},
  };
  assert(world.links.listen(squatter));
  await assert.rejects(world.run(alice.login()), { code: "tcp_port_in_use" });
  await assert.rejects(alice.peer.whoami(), { code: "not_logged_in" });
  world.links.unlisten(squatter);
  await world.run(alice.login());
  await world.stop();
  assert.equal(world.clock.pending, 0, "no timer is left");
});

Deno.test("Without a network one logs in and reads; when it appears what was missed arrives", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, alice, "one");
    await shows(world, bob, ["one"]);
    await world.run(bob.stop());
    await post(world, alice, "two");
    bob.directory.reachable = false;
    await world.run(bob.start());
    await world.run(bob.login());
    assert.deepEqual(await bob.texts(), ["one"]);
    await post(world, bob, "offline");
    bob.directory.reachable = true;
    await shows(world, bob, ["offline", "two", "one"]);
  });
});

Deno.test("A follow finds somebody whose peer was killed and comes back elsewhere", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.profile({ username: "alice" }));
    alice.crash();
    const followed = await world.run(bob.peer.follow({ username: "alice" }));
    assert.equal(followed.acknowledged, false);
    await world.clock.advance(3_000);
    await world.run(alice.start());
    await world.run(alice.login());
    await post(world, alice, "before she knows");
    await world.until(
      "alice knows of bob",
      () => Promise.resolve(alice.events.some(({ event }) => event === "follower")),
      20_000,
    );
    await world.clock.advance(5_000);
    await post(world, alice, "after");
    await shows(world, bob, ["after", "before she knows"]);
    assert.equal((await world.run(bob.peer.status())).pending, 0);
  });
});

Deno.test("A peer tells in status and events whether others reach it, and where they see it", async () => {
  await withUsers(["alice"], async (world, [alice]) => {
    assert.ok(alice);
    const events: PeerEvent[] = [];
    alice.peer.subscribe((event) => event.event === "reach" && events.push(event));
    const reach = async () => (await world.run(alice.peer.status())).reach;
    await world.clock.advance(5_000);
    assert.deepEqual(await reach(), {
      state: "direct",
      relays: 0,
      outer_ip: alice.ip,
      addresses: [{ ip: alice.ip, reached: true }],
    });
    alice.directory.dialBack = false;
    await world.clock.advance(15 * 60_000 + 31_000);
    assert.deepEqual(await reach(), {
      state: "unreachable",
      relays: 0,
      outer_ip: alice.ip,
      addresses: [{ ip: alice.ip, reached: false }],
    });
    assert.deepEqual(events.at(-1), { event: "reach", ...await reach() });
  });
});

Deno.test("A listener that throws disturbs neither the peer nor other listeners", async () => {
  await withUsers(["alice"], async (world, machines) => {
    const [alice] = machines as [SimMachine];
    const seen: string[] = [];
    const stop = alice.peer.subscribe(() => {
      throw new Error("listener");
    });
    alice.peer.subscribe(({ event }) => event === "post" && seen.push(event));
    await post(world, alice, "x");
    assert.deepEqual(seen, ["post"]);
    stop();
  });
});

Deno.test("An acknowledged post survives a crash, and reaches the followers", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    alice.onCommit = ({ what }) => what === "addOwnPost" ? "crash-after" : undefined;
    alice.peer.post({ text: "just in time" });
    await world.clock.advance(100);
    assert.equal(alice.isRunning, false);
    alice.onCommit = () => undefined;
    await world.run(alice.start());
    await world.run(alice.login());
    assert.deepEqual(await alice.texts(), ["just in time"]);
    await shows(world, bob, ["just in time"]);
    await post(world, alice, "next");
    await shows(world, bob, ["next", "just in time"]);
  });
});

/** The device numbers of the posts on a timeline, newest first. */
async function devicesOf(machine: SimMachine): Promise<number[]> {
  return (await machine.timeline()).map(({ id }) => Number((BigInt(id) >> 12n) & 0x3ffn));
}

Deno.test("A restored data folder draws a new device number and gets back what it had lost", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, alice, "one");
    await world.run(alice.stop());
    const backup = world.machine();
    await backup.copyFrom(alice);
    await world.run(alice.start());
    await world.run(alice.login());
    await post(world, alice, "two");
    await shows(world, bob, ["two", "one"]);
    await world.clock.advance(60_000);
    await world.run(alice.stop());
    // Back to the state before "two".
    await alice.copyFrom(backup);
    await world.run(alice.start());
    await world.run(alice.login());
    await shows(world, alice, ["two", "one"]);
    await post(world, alice, "three");
    await shows(world, alice, ["three", "two", "one"]);
    await shows(world, bob, ["three", "two", "one"]);
    const [third, second, first] = await devicesOf(bob);
    assert.equal(second, first);
    assert.notEqual(third, second);
    assert.deepEqual((await world.run(bob.peer.profile({ username: "alice" }))).forks, undefined);
  });
});

/** The device that a user announces. */
function deviceOf(world: SimWorld, username: string): number | undefined {
  const record = world.directories.peek(username, "connections");
  const devices = record === undefined ? [] : recordOf(record, "connections").body.devices;
  return devices.find(({ present }) => present)?.device;
}

Deno.test("What was missed comes at once, also where the device number is drawn anew", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await world.run(alice.stop());
    const backup = world.machine();
    await backup.copyFrom(alice);
    // Announced anew meanwhile, which the copy does not know of.
    await world.run(alice.start());
    await world.run(alice.login());
    const before = deviceOf(world, "alice");
    await world.run(alice.stop());
    await post(world, bob, "missed");
    await world.clock.advance(60_000);
    await alice.copyFrom(backup);
    await world.run(alice.start());
    // Nodes answer sooner than records are stored.
    alice.directory.latencyMs = 10;
    const put = alice.directory.put.bind(alice.directory);
    alice.directory.put = async (record, signal) => {
      await new Promise<void>((resolve) => void world.clock.after(300, resolve));
      return await put(record, signal);
    };
    await world.run(alice.login());
    // Less than the silence after which an author counts as gone.
    await world.clock.advance(1_000);
    assert.notEqual(deviceOf(world, "alice"), before);
    assert.deepEqual(await alice.texts(), ["missed"]);
  });
});

Deno.test("Two copies of a data folder online at once end up as two devices", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, alice, "one");
    await shows(world, bob, ["one"]);
    await world.clock.advance(60_000);
    const copy = world.machine();
    await copy.copyFrom(alice);
    await world.run(copy.start());
    await world.run(copy.login());
    // Until both have read who announces what.
    await world.clock.advance(400_000);
    await post(world, copy, "from the copy");
    await post(world, alice, "from the first");
    const all = ["from the first", "from the copy", "one"];
    for (const machine of [alice, copy, bob]) await shows(world, machine, all);
    const [first, second] = await devicesOf(bob);
    assert.notEqual(first, second);
  });
});

Deno.test("Attack: a peer sleeps for two minutes, and is complete and announced within 5 s of waking", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    for (const reader of [bob, carol]) await world.run(reader.peer.follow({ username: "alice" }));
    await world.run(alice.peer.follow({ username: "bob" }));
    bob.sleep();
    for (let i = 0; i < 30; i++) {
      await post(world, alice, `missed ${i}`);
      await world.clock.advance(4_000);
    }
    const announced = () => world.directories.peek("bob", "connections")?.sequence ?? 0;
    const before = announced();
    bob.wake();
    await world.until("all is there", async () => (await bob.texts()).length === 30, 5_000);
    await world.until("bob is announced anew", () => Promise.resolve(announced() > before), 5_000);
    // What bob posts now reaches others as quickly.
    await post(world, bob, "awake");
    await world.until("alice has it", async () => (await alice.texts()).includes("awake"), 5_000);
  });
});

Deno.test("A post taken back goes from the timelines of followers, those who come later included", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    await world.run(bob.peer.follow({ username: "alice" }));
    for (const text of ["one", "two", "three"]) await post(world, alice, text);
    await shows(world, bob, ["three", "two", "one"]);
    const { posts: [, two] } = await alice.peer.timeline({ limit: 3 });
    await world.run(alice.peer.deletePosts({ ids: [two?.id ?? ""] }));
    await shows(world, bob, ["three", "one"]);
    assert(bob.events.some((event) => event.event === "deleted" && event.id === two?.id));
    await shows(world, alice, ["three", "one"]);
    await world.run(carol.peer.follow({ username: "alice" }));
    await shows(world, carol, ["three", "one"]);
    // A slow peer or a backup does not bring it back.
    await alice.crash();
    await world.run(alice.start());
    await world.run(alice.login());
    await post(world, alice, "four");
    for (const machine of machines) {
      await shows(world, machine, ["four", "three", "one"]);
      const found = await machine.peer.search({ query: "t* from:alice", limit: 9 }).catch(String);
      assert.match(String(found), /too many words/);
      const texts = async (query: string) =>
        (await machine.peer.search({ query, limit: 9 })).posts.map(({ text }) => text);
      assert.deepEqual([await texts("th* from:alice"), await texts("two")], [["three"], []]);
    }
  });
});

Deno.test("A post taken back goes from those who follow only a user who passed it on", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    await world.run(carol.peer.follow({ username: "bob" }));
    await post(world, alice, "@bob oh no");
    const asked = async () => (await bob.peer.requests({})).requests;
    await world.until("bob is asked", async () => (await asked()).length === 1);
    const name = (await asked())[0]?.post ?? assert.fail();
    await world.run(bob.peer.repost(name));
    await shows(world, carol, [""]);
    await world.until(
      "alice is told",
      async () => (await alice.peer.requests({})).requests.length === 1,
    );
    await world.run(alice.peer.deletePosts({ ids: [name.id] }));
    for (const reader of [bob, carol]) {
      await shows(world, reader, []);
      const { posts } = await reader.peer.search({ query: "oh", limit: 9 });
      assert.deepEqual(posts, []);
    }
    assert.ok(carol.events.some(({ event }) => event === "deleted"));
  });
});

Deno.test("Attack: a repost of what another key signed in a known user's name is not shown", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    for (const username of ["alice", "carol"]) await world.run(bob.peer.follow({ username }));
    await post(world, carol, "mine");
    await world.run(alice.peer.follow({ username: "carol" }));
    await shows(world, alice, ["mine"]);
    const { posts: [mine] } = await alice.peer.timeline({ limit: 1 });
    const repost = await world.run(alice.peer.repost(mine ?? { author: "", id: "" }));
    assert.equal(repost.repost_of?.verified, true);
    await shows(world, bob, ["", "mine"]);
    // Alice's program forges what carol said.
    const forged = signPost(
      { author: "carol", device: 1, number: 9, id: 9n << 22n | 1n << 12n, text: "forged" },
      identityOf("mallory"),
    );
    const open = alice.stores.open.bind(alice.stores);
    alice.stores.open = async (username) =>
      Object.assign(await open(username), { findPost: () => Promise.resolve(forged) });
    await world.run(alice.peer.logout());
    await world.run(alice.login());
    await world.run(alice.peer.repost({ author: "carol", id: forged.id.toString() }));
    await post(world, alice, "after");
    await shows(world, bob, ["after", "", "mine"]);
    const texts = bob.events.flatMap((event) =>
      event.event === "post" && event.post.repost_of ? [event.post.repost_of.text] : []
    );
    assert.deepEqual(texts, ["mine"]);
  });
});

Deno.test("What a user blocks is gone from both sides, and its follow is refused in words", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await world.run(bob.peer.follow({ username: "alice" }));
    await post(world, bob, "rude");
    await shows(world, alice, ["rude"]);
    assert.deepEqual(await world.run(alice.peer.block({ username: "Bob" })), {
      username: "bob",
      blocked: true,
    });
    assert.deepEqual([await alice.peer.followed(), await alice.peer.blocks()], [[], ["bob"]]);
    await shows(world, alice, []);
    await assert.rejects(alice.peer.follow({ username: "bob" }), {
      code: "invalid_argument",
      message: "Cannot follow bob: you have blocked them. Unblock them first.",
    });
    await post(world, bob, "ruder @alice");
    await post(world, alice, "for others");
    await world.clock.advance(30_000);
    assert.deepEqual(await alice.texts(), ["for others"]);
    const profile = await world.run(alice.peer.profile({}));
    assert.deepEqual([profile.followers, profile.following], [[], []]);
    // Bob follows anew.
    await world.run(bob.peer.unfollow({ username: "alice" }));
    await world.clock.advance(120_000);
    const refused = await world.run(bob.peer.follow({ username: "alice" }));
    assert.deepEqual([refused.acknowledged, refused.refused], [false, true]);
    await world.until("bob is told", () =>
      Promise.resolve(
        bob.events.some((event) => event.event === "warning" && event.code === "follow_refused"),
      ));
    assert.deepEqual((await world.run(alice.peer.profile({}))).followers, []);
    await world.run(alice.peer.unblock({ username: "bob" }));
    await world.run(bob.peer.unfollow({ username: "alice" }));
    await world.clock.advance(120_000);
    await world.run(bob.peer.follow({ username: "alice" }));
    await world.until("bob follows again", () => {
      const last = alice.events.findLast(({ event }) => event === "follower");
      return Promise.resolve(last?.event === "follower" && last.following);
    });
  });
});

Deno.test("A muted word hides posts and their events, and a follower is removed without a block", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await world.run(bob.peer.follow({ username: "alice" }));
    await world.run(alice.peer.mute({ what: "cats" }));
    await post(world, bob, "one");
    await post(world, bob, "My cats!");
    await post(world, bob, "two");
    await shows(world, alice, ["two", "one"]);
    assert.ok(
      !alice.events.some((event) => event.event === "post" && /cats/.test(event.post.text)),
    );
    // A page is as long as was asked for, whatever is hidden.
    const page = await alice.peer.timeline({ limit: 2 });
    assert.equal(page.posts.length, 2);
    assert.equal(page.hidden, 1);
    await world.run(alice.peer.unmute({ what: "cats" }));
    await shows(world, alice, ["two", "My cats!", "one"]);
    assert.deepEqual(await world.run(alice.peer.removeFollower({ username: "bob" })), {
      username: "bob",
    });
    await assert.rejects(alice.peer.removeFollower({ username: "bob" }), { code: "not_following" });
    await post(world, alice, "not pushed");
    assert.deepEqual((await world.run(alice.peer.profile({}))).followers, []);
  });
});

Deno.test("What a user says of themselves reaches others, and the later of two devices' texts counts", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    const text = { name: "Alice ✿", about: "writes", link: "https://example.org/" };
    assert.deepEqual(await world.run(alice.peer.about(text)), text);
    const seen = async () => {
      const { name, about, link } = await world.run(bob.peer.profile({ username: "alice" }));
      return { name, about, link };
    };
    assert.deepEqual(await seen(), text);
    const phone = world.machine();
    await world.run(phone.start());
    await world.run(phone.login("alice"));
    await world.clock.advance(1_000);
    await world.run(phone.peer.about({ about: "" }));
    await world.clock.advance(400_000);
    assert.deepEqual(await seen(), { ...text, about: undefined });
    // The first device has heard of it, and does not bring the old text back.
    await post(world, alice, "hi");
    await world.clock.advance(60_000);
    assert.equal((await world.run(alice.peer.profile({}))).about, undefined);
    assert.deepEqual(await seen(), { ...text, about: undefined });
  });
});

Deno.test("A follow that waits reaches a user as soon as that user is back and says something", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await alice.crash();
    await world.run(bob.peer.follow({ username: "alice" }));
    // By now it is repeated every five minutes.
    await world.clock.advance(1_800_000);
    await world.run(alice.start());
    await world.run(alice.login());
    const isFollowed = ({ event }: PeerEvent) => event === "follower";
    await world.until(
      "bob's follow",
      () => Promise.resolve(alice.events.some(isFollowed)),
      10_000,
    );
  });
});

Deno.test("What a stranger said is found by a search, marked, and is never shown under a forged name", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await post(world, alice, "My camellias bloom");
    await post(world, bob, "@alice do camellias bloom?");
    await world.until(
      "alice is asked",
      async () => (await alice.peer.requests({})).requests.length === 1,
    );
    const at = BigInt(bob.events.flatMap((it) => it.event === "post" ? [it.post.id] : [])[0] ?? 0);
    const { conversations } = await alice.stores.open("alice");
    const forged = ["bob", "dave"].map((author, i) =>
      signPost(
        { author, device: 1, number: 9, id: at + BigInt(i + 1), text: "camellias wither" },
        identityOf("mallory"),
      )
    );
    await conversations.addContext(forged.map((post) => ({ post, isConfirmed: false })), 0);
    const search = async () => {
      const { posts, hidden } = await alice.peer.search({ query: "camellias", limit: 9 });
      const said = posts.map(({ author, outside, verified }) => [author, outside, verified]);
      return { said, hidden };
    };
    const mine = ["alice", undefined, undefined];
    assert.deepEqual(await search(), {
      said: [["dave", true, false], ["bob", true, false], ["bob", true, true], mine],
      hidden: undefined,
    });
    await world.run(alice.peer.mute({ what: "dave", kind: "user" }));
    await world.run(alice.peer.follow({ username: "bob" }));
    await shows(world, alice, ["@alice do camellias bloom?", "My camellias bloom"]);
    assert.deepEqual(await search(), { said: [["bob", undefined, undefined], mine], hidden: 1 });
  });
});

Deno.test("What is muted is not told of either when it comes in during the login", async () => {
  await withUsers(["alice", "bob"], async (world, machines) => {
    const [alice, bob] = machines as [SimMachine, SimMachine];
    await world.run(alice.peer.follow({ username: "bob" }));
    await world.run(alice.peer.mute({ kind: "user", what: "bob" }));
    await world.run(alice.stop());
    await post(world, bob, "rude");
    await post(world, bob, "@alice ruder");
    await world.run(alice.start());
    await world.run(alice.login());
    await world.until(
      "the posts are here",
      async () => (await alice.peer.timeline({ limit: 9 })).hidden === 2,
    );
    await world.clock.advance(10_000);
    const told = alice.events.filter(({ event }) => ["post", "notification"].includes(event));
    assert.deepEqual(told, []);
  });
});

Deno.test("A reply by a muted user is not told of, and is there for others who open the thread", async () => {
  await withUsers(["alice", "bob", "carol"], async (world, machines) => {
    const [alice, bob, carol] = machines as Three;
    for (const reader of [bob, carol]) await world.run(reader.peer.follow({ username: "alice" }));
    await post(world, alice, "What do you think?");
    await shows(world, carol, ["What do you think?"]);
    await world.run(alice.peer.mute({ kind: "user", what: "bob" }));
    const { posts: [root] } = await bob.peer.timeline({ limit: 1 });
    const { author, id } = root ?? assert.fail();
    await world.run(bob.peer.post({ text: "Nothing good", replyTo: { author, id } }));
    const thread = (machine: SimMachine) => world.run(machine.peer.thread({ author, id }));
    await world.until("the reply is here", async () => {
      const { hidden } = await alice.peer.thread({ author, id, local: true });
      return hidden === 1;
    });
    const { posts, hidden } = await thread(carol);
    assert.deepEqual(posts.map(({ text }) => text), ["What do you think?", "Nothing good"]);
    assert.equal(hidden, undefined);
    const { notifications, unread } = await world.run(alice.peer.notifications({}));
    assert.deepEqual(notifications.map(({ from }) => from), ["carol"]);
    assert.equal(unread, 1);
  });
});
