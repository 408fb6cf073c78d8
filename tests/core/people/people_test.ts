import assert from "node:assert/strict";
import { fingerprintOf } from "../../../core/model/identity.ts";
import { type SignedRecord, signRecord } from "../../../core/model/record.ts";
import {
  type DeviceEntry,
  type ListEntry,
  pageNamespaceOf,
} from "../../../core/model/record_body.ts";
import { expiryFor } from "../../../core/model/record_policy.ts";
import type { Directory, DirectoryAnswer, DirectoryQuery } from "../../../core/ports.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import type { Person } from "../../../core/session/interfaces.ts";
import { ListReader } from "../../../core/people/list_reader.ts";
import { pageOf } from "../../../core/model/list_pages.ts";
import type { SimDirectory } from "../../sim/directory.ts";
import { World } from "../accounts_world.ts";
import { entry, identityOf } from "../../sim/users.ts";

const endpoint = { ip: "0.0.0.0", port: 7001 };

/** A directory whose answers pass through `change`, and which counts how many it gives at a time. */
function answering(
  directory: SimDirectory,
  change: (query: DirectoryQuery, answer: DirectoryAnswer) => DirectoryAnswer,
  flow: { now: number; max: number } = { now: 0, max: 0 },
): Directory {
  return new Proxy(directory as Directory, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (name === "get") {
        return async (query: DirectoryQuery, signal?: AbortSignal) => {
          flow.max = Math.max(flow.max, ++flow.now);
          try {
            return change(query, await directory.get(query, signal));
          } finally {
            flow.now--;
          }
        };
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

async function closeAll(...accounts: OpenAccount[]): Promise<void> {
  for (const { session } of accounts) await session.close();
}

async function follow(who: OpenAccount, whom: OpenAccount): Promise<void> {
  const { username, key } = whom.session.self;
  const updatedAt = who.session.ports.clock.now();
  await who.lists.apply({ list: "following", username, key, updatedAt, present: true });
}

Deno.test("Somebody without a pin is found by the holders' vote, and nobody as nobody", async () => {
  const world = new World();
  const [alice, bob] = [await world.user("alice"), await world.user("bob")];
  const person = await world.run(alice.people.find("bob"));
  assert.deepEqual(person?.key, bob.session.self.key);
  assert.equal(person?.pinned, false);
  assert.equal(person?.public?.posts, 0);
  assert.equal(await world.run(alice.people.find("nobody")), undefined);
  await closeAll(alice, bob);
});

Deno.test("What was found is remembered for some 30 s, and asked for once however many ask", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  device.directory.latencyMs = 10;
  device.directory.calls.get = 0;
  await world.run(Promise.all(Array.from({ length: 10 }, () => alice.people.find("bob"))));
  await world.run(alice.people.find("bob"));
  assert.equal(device.directory.calls.get, 1);
  await world.clock.advance(31_000);
  await world.run(alice.people.find("bob"));
  assert.equal(device.directory.calls.get, 2);
  await closeAll(alice, bob);
});

Deno.test("One caller who gives up does not take the answer from the others", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  device.directory.latencyMs = 100;
  const controller = new AbortController();
  const first = alice.people.find("bob", controller.signal);
  const second = alice.people.find("bob");
  controller.abort(new DOMException("no more", "AbortError"));
  await assert.rejects(first, { name: "AbortError" });
  assert.ok(await world.run(second));
  await closeAll(alice, bob);
});

Deno.test("Pins are one's own key, the followed users', then the followers'", async () => {
  const world = new World();
  const alice = await world.user("alice");
  const now = world.clock.now();
  const follower = { ...entry("followers", "bob", now), key: new Uint8Array(32).fill(2) };
  await alice.lists.apply(follower);
  assert.deepEqual(await alice.people.pin("bob"), follower.key);
  const followed = { ...entry("following", "bob", now), key: new Uint8Array(32).fill(1) };
  await alice.lists.apply(followed);
  assert.deepEqual(await alice.people.pin("bob"), followed.key);
  assert.deepEqual(await alice.people.pin("alice"), alice.session.self.key);
  assert.equal(await alice.people.pin("carol"), undefined);
  await alice.lists.apply({ ...followed, updatedAt: now + 1, present: false });
  assert.deepEqual(await alice.people.pin("bob"), follower.key);
  await closeAll(alice);
});

Deno.test("A pinned user is believed against whoever else claims the name, and the clash is told once", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  const mallory = identityOf("mallory");
  const pinned = { ...entry("following", "bob", world.clock.now()), key: mallory.publicKey };
  await alice.lists.apply(pinned);
  for (let i = 0; i < 3; i++) {
    const person = await world.run(alice.people.find("bob"));
    assert.deepEqual(person?.key, mallory.publicKey);
    assert.equal(person?.pinned, true);
    assert.equal(person?.public, undefined);
    assert.deepEqual(person?.otherKeys, [bob.session.self.key]);
    await world.clock.advance(40_000);
  }
  assert.deepEqual(device.events.filter((event) => event.event === "clash"), [{
    event: "clash",
    username: "bob",
    pinned: fingerprintOf(mallory.publicKey),
    other: fingerprintOf(bob.session.self.key),
  }]);
  const clash = {
    pinned: fingerprintOf(mallory.publicKey),
    other: fingerprintOf(bob.session.self.key),
  };
  assert.deepEqual(alice.people.clash("bob"), clash);
  // Under another pin nobody else is known to claim the name.
  const { key } = bob.session.self;
  await alice.lists.apply({ ...pinned, key, updatedAt: world.clock.now() + 1 });
  assert.equal(alice.people.clash("bob"), undefined);
  await closeAll(alice, bob);
});

Deno.test("A pin set or taken back counts at once, whatever was remembered", async () => {
  const world = new World();
  const [alice, bob] = [await world.user("alice"), await world.user("bob")];
  assert.equal((await world.run(alice.people.find("bob")))?.pinned, false);
  await follow(alice, bob);
  assert.equal((await world.run(alice.people.find("bob")))?.pinned, true);
  const followed = alice.lists.get("following", "bob");
  assert.ok(followed);
  await alice.lists.apply({ ...followed, updatedAt: followed.updatedAt + 1, present: false });
  assert.equal((await world.run(alice.people.find("bob")))?.pinned, false);
  await closeAll(alice, bob);
});

Deno.test("Devices come from the network, are remembered while they are good, and are read again then", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  assert.deepEqual(await world.run(alice.people.devices(bob.session.self)), []);
  await world.run(bob.records.announce(endpoint));
  await world.clock.advance(6_000);
  const [found] = await world.run(alice.people.devices(bob.session.self));
  assert.equal(found?.port, 7001);
  device.directory.calls.get = 0;
  await world.run(alice.people.devices(bob.session.self));
  assert.equal(device.directory.calls.get, 0);
  alice.people.forgetDevices(bob.session.self, await alice.people.devices(bob.session.self));
  await world.run(alice.people.devices(bob.session.self));
  assert.equal(device.directory.calls.get, 1);
  await world.run(bob.records.withdraw());
  await world.clock.advance(16 * 60_000);
  assert.deepEqual(await world.run(alice.people.devices(bob.session.self)), []);
  await closeAll(alice, bob);
});

Deno.test("Devices that do not answer are read anew, at most once in a while", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  const user = bob.session.self;
  await world.run(bob.records.announce(endpoint));
  assert.equal((await world.run(alice.people.devices(user)))[0]?.port, 7001);
  await world.clock.advance(1_000);
  await world.run(bob.records.announce({ ...endpoint, port: 7002 }));
  assert.equal((await world.run(alice.people.devices(user)))[0]?.port, 7001);
  assert.equal(await world.run(alice.people.renewDevices(user)), true);
  assert.equal((await world.run(alice.people.devices(user)))[0]?.port, 7002);
  await world.clock.advance(1_000);
  await world.run(bob.records.announce({ ...endpoint, port: 7003 }));
  device.directory.calls.get = 0;
  assert.equal(await world.run(alice.people.renewDevices(user)), false, "too soon");
  assert.equal(device.directory.calls.get, 0);
  await world.clock.advance(5_000);
  assert.equal(await world.run(alice.people.renewDevices(user)), true);
  await world.clock.advance(6_000);
  assert.equal(await world.run(alice.people.renewDevices(user)), false, "nothing new");
  await closeAll(alice, bob);
});

Deno.test("A user who leaves is shown as online for half a minute at most, and read again only then", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  const { self } = bob.session;
  const isPresent = () => world.run(alice.people.isPresent(self));
  await world.run(bob.records.announce(endpoint));
  assert.equal(await isPresent(), true);
  await world.run(bob.records.withdraw());
  device.directory.calls.get = 0;
  await world.clock.advance(29_000);
  assert.deepEqual([await isPresent(), device.directory.calls.get], [true, 0]);
  await world.clock.advance(1_000);
  assert.deepEqual([await isPresent(), device.directory.calls.get], [false, 1]);
  await closeAll(alice, bob);
});

Deno.test("Where no node answers a user counts as online as long as the announcement does", async () => {
  const world = new World();
  const device = world.device();
  const [alice, bob] = [await world.run(device.register("alice")), await world.user("bob")];
  await world.run(bob.records.announce(endpoint));
  const isPresent = () => world.run(alice.people.isPresent(bob.session.self));
  assert.equal(await isPresent(), true);
  device.directory.reachable = false;
  await world.clock.advance(60_000);
  assert.equal(await isPresent(), true);
  // Nor where there is no time left to ask one.
  const gone = AbortSignal.abort();
  assert.equal(await world.run(alice.people.isPresent(bob.session.self, gone)), true);
  await closeAll(alice, bob);
});

Deno.test("Devices that were forgotten are read at once, also where none was announced", async () => {
  const world = new World();
  const [alice, bob] = [await world.user("alice"), await world.user("bob")];
  const { self } = bob.session;
  assert.deepEqual(await world.run(alice.people.devices(self)), []);
  await world.run(bob.records.announce(endpoint));
  assert.deepEqual(await world.run(alice.people.devices(self)), [], "believed for 5 s");
  alice.people.forgetDevices(self, []);
  assert.equal((await world.run(alice.people.devices(self))).length, 1);
  await closeAll(alice, bob);
});

Deno.test("What has been learnt of a user's devices since they were tried is not forgotten", async () => {
  const world = new World();
  const [alice, bob] = [await world.user("alice"), await world.user("bob")];
  const { self } = bob.session;
  await world.run(bob.records.announce(endpoint));
  const tried = await world.run(alice.people.devices(self));
  await world.clock.advance(1_000);
  await world.run(bob.records.announce({ ...endpoint, port: 7002 }));
  const { value } = bob.records.connections() ?? assert.fail("it is announced");
  alice.people.learn(self, value);
  alice.people.forgetDevices(self, tried);
  world.network.lose("bob", "connections");
  assert.equal((await world.run(alice.people.devices(self)))[0]?.port, 7002);
  await closeAll(alice, bob);
});

Deno.test("Once this device is announced users without a device are read again, also where one is being read", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const bob = await world.user("bob");
  const { self } = bob.session;
  assert.deepEqual(await world.run(alice.people.devices(self)), []);
  await world.run(bob.records.announce(endpoint));
  alice.people.forgetAbsent();
  assert.equal((await world.run(alice.people.devices(self))).length, 1);

  // The answer of a look-up from before counts no more.
  await world.run(bob.records.withdraw());
  alice.people.forgetDevices(self, await alice.people.devices(self));
  const before = alice.people.devices(self);
  alice.people.forgetAbsent();
  device.directory.calls.get = 0;
  const after = alice.people.devices(self);
  assert.equal(device.directory.calls.get, 1);
  assert.deepEqual(await world.run(Promise.all([before, after])), [[], []]);
  await closeAll(alice, bob);
});

Deno.test("Where no node answers nothing is remembered of a name", async () => {
  const world = new World();
  const device = world.device();
  const [alice, bob] = [await world.run(device.register("alice")), await world.user("bob")];
  device.directory.reachable = false;
  assert.equal(await world.run(alice.people.find("bob")), undefined);
  assert.deepEqual(await world.run(alice.people.devices(bob.session.self)), []);
  await world.run(bob.records.announce(endpoint));
  device.directory.reachable = true;
  assert.equal((await world.run(alice.people.find("bob")))?.username, "bob");
  assert.equal((await world.run(alice.people.devices(bob.session.self))).length, 1);
  await closeAll(alice, bob);
});

Deno.test("A connections record from a message is learnt only if it is the sender's own and in force", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const identity = identityOf("bob");
  const bob = { username: "bob", key: identity.publicKey };
  const now = world.clock.now();
  const entryOf = (port: number): DeviceEntry => ({
    device: 1,
    linkKey: new Uint8Array(32),
    addresses: ["10.0.0.9"],
    port,
    until: now + 600_000,
    updatedAt: now,
    present: true,
  });
  const made = (port: number, change: Partial<SignedRecord> = {}, signer = identity) =>
    signRecord({
      username: "bob",
      namespace: "connections",
      sequence: port,
      expiresAt: expiryFor("connections", now),
      body: { devices: [entryOf(port)] },
      ...change,
    }, signer).value;
  const refused = [
    new Uint8Array([1, 2, 3]),
    made(1, {}, identityOf("mallory")),
    made(1, { username: "carol" }),
    made(1, { expiresAt: now - 200_000 }),
    made(1, { expiresAt: now + 86_400_000 }),
    made(1, { namespace: "public:1:0", body: { entries: [] } }),
    made(1).map((byte, at) => at === 60 ? byte ^ 1 : byte),
  ];
  for (const value of refused) assert.equal(alice.people.learn(bob, value), false);
  device.directory.calls.get = 0;
  assert.equal(alice.people.learn(bob, made(7_100)), true);
  assert.equal(alice.people.learn(bob, made(7_099)), true, "an older one is valid, and not taken");
  const [known] = await world.run(alice.people.devices(bob));
  assert.equal(known?.port, 7_100);
  assert.equal(device.directory.calls.get, 0);
  await closeAll(alice);
});

Deno.test("Somebody's lists are read from their pages; one's own from memory", async () => {
  const world = new World();
  const [alice, bob] = [await world.user("alice"), await world.user("bob")];
  await follow(bob, alice);
  await bob.lists.apply(entry("followers", "carol", world.clock.now()));
  await bob.lists.apply(entry("followers", "gone", world.clock.now(), false));
  await world.clock.advance(5_000);
  const person = await world.run(alice.people.find("bob"));
  assert.ok(person);
  const lists = await world.run(alice.people.lists(person));
  assert.deepEqual(lists.map((one) => `${one.list} ${one.username}`).sort(), [
    "followers carol",
    "following alice",
  ]);
  const me = await world.run(bob.people.find("bob"));
  assert.ok(me);
  assert.equal((await world.run(bob.people.lists(me))).length, 2);
  await closeAll(alice, bob);
});

Deno.test("Of a user without a public record no page is read", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const { get } = device.directory.calls;
  const bob = { username: "bob", key: identityOf("bob").publicKey, pinned: true, otherKeys: [] };
  assert.deepEqual(await world.run(alice.people.lists(bob)), []);
  assert.equal(device.directory.calls.get, get);
  await closeAll(alice);
});

/** Alice reads the lists of bob, who follows many, over a directory that lies. */
async function readLists(
  world: World,
  lie: (query: DirectoryQuery, answer: DirectoryAnswer) => DirectoryAnswer,
) {
  const bob = await world.user("bob");
  for (let i = 0; i < 400; i++) {
    await bob.lists.apply(entry("following", `many_${i}`, world.clock.now()));
  }
  await world.clock.advance(5_000);
  const device = world.device({ directory: (directory) => answering(directory, lie) });
  const alice = await world.run(device.register("alice"));
  const person = await world.run(alice.people.find("bob"));
  assert.ok(person?.public && person.public.pages >= 4);
  return { alice, bob, person, pages: person.public.pages, generation: person.public.generation };
}

Deno.test("A page served in another's place is not believed, and the reading says that it is incomplete", async () => {
  const world = new World();
  const { alice, bob, person, pages } = await readLists(world, (query, answer) => {
    if (!query.namespace.endsWith(":1")) return answer;
    const record = world.network.peek("bob", query.namespace.replace(/:1$/, ":2"));
    return record === undefined ? answer : { ...answer, record };
  });
  const read = await world.run(new ListReader(alice.session).read(person));
  assert.equal(read.complete, false);
  assert.ok(read.entries.every((one) => pageOf(one.username, pages) !== 1));
  assert.ok(read.entries.length < 400 && read.entries.length > 100);
  await closeAll(alice, bob);
});

Deno.test("A page signed by somebody else is not believed", async () => {
  const world = new World();
  const mallory = identityOf("mallory");
  const { alice, bob, person } = await readLists(world, (query, answer) => {
    if (!query.namespace.endsWith(":1") || answer.record === undefined) return answer;
    return { ...answer, record: signRecord({ ...answer.record, sequence: 9e15 }, mallory) };
  });
  const read = await world.run(new ListReader(alice.session).read(person));
  assert.equal(read.complete, false);
  await closeAll(alice, bob);
});

Deno.test("A page that is missing at first is asked for again", async () => {
  const world = new World();
  let missed = 0;
  const { alice, bob, person } = await readLists(world, (query, answer) => {
    if (!query.namespace.endsWith(":1") || missed++ >= 2) return answer;
    return { answered: answer.answered, isAbsent: true, otherKeys: [] };
  });
  const read = await world.run(new ListReader(alice.session).read(person));
  assert.equal(read.complete, true);
  assert.equal(read.entries.length, 400);
  await closeAll(alice, bob);
});

Deno.test("A page that is missing for good is given up after three attempts", async () => {
  const world = new World();
  let asked = 0;
  const { alice, bob, person } = await readLists(world, (query, answer) => {
    if (!query.namespace.endsWith(":1")) return answer;
    asked++;
    return { answered: answer.answered, isAbsent: true, otherKeys: [] };
  });
  const read = await world.run(new ListReader(alice.session).read(person));
  assert.equal(read.complete, false);
  assert.equal(asked, 3);
  await closeAll(alice, bob);
});

Deno.test("A stale page never replaces a newer one that was seen", async () => {
  const world = new World();
  const held: { stale?: SignedRecord | undefined } = {};
  const { alice, bob, person, pages, generation } = await readLists(
    world,
    (query, answer) =>
      query.namespace === held.stale?.namespace ? { ...answer, record: held.stale } : answer,
  );
  const name = "somebody_new";
  const before = world.network.peek("bob", pageNamespaceOf(generation, pageOf(name, pages)));
  await bob.lists.apply(entry("following", name, world.clock.now()));
  await world.clock.advance(5_000);
  const has = (entries: readonly ListEntry[]) => entries.some((one) => one.username === name);
  const reader = new ListReader(alice.session);
  assert.ok(has((await world.run(reader.read(person))).entries));
  held.stale = before;
  await world.clock.advance(60_000);
  assert.ok(has((await world.run(reader.read(person))).entries));
  await closeAll(alice, bob);
});

Deno.test("Pages read a moment ago are believed only while they have as many entries as public says", async () => {
  const world = new World();
  let asked = 0;
  const { alice, bob, person, pages } = await readLists(world, (query, answer) => {
    if (query.namespace.startsWith("public:")) asked++;
    return answer;
  });
  const reader = new ListReader(alice.session);
  const read = async (whom: Person) => (await world.run(reader.read(whom))).entries.length;
  assert.equal(await read(person), 400);
  assert.equal(await read(person), 400);
  assert.equal(asked, pages, "the second reading needs no page");
  const changes = [["followers", 401], ["following", 402]] as const;
  for (const [list, count] of changes) {
    await bob.lists.apply(entry(list, `new_${list}`, world.clock.now()));
    await world.clock.advance(5_000);
    alice.people.forgetPerson("bob");
    const grown = await world.run(alice.people.find("bob"));
    assert.ok(grown?.public?.generation === person.public?.generation && grown !== undefined);
    assert.equal(await read(grown), count, `a longer list of ${list} is read again`);
  }
  assert.equal(asked, 3 * pages);
  await world.clock.advance(30_000);
  const later = await world.run(alice.people.find("bob"));
  assert.ok(later);
  assert.equal(await read(later), 402);
  assert.equal(asked, 4 * pages, "after 30 s pages are read again in any case");
  await closeAll(alice, bob);
});

Deno.test("An entry on a page where its name does not belong is not believed", async () => {
  const world = new World();
  const name = "somebody_new";
  const { alice, bob, person, pages } = await readLists(world, (query, answer) => {
    const { record } = answer;
    if (record === undefined || !("entries" in record.body)) return answer;
    if (query.namespace.endsWith(`:${pageOf(name, 4)}`)) return answer;
    const entries = [entry("following", name, world.clock.now())];
    return { ...answer, record: { ...record, body: { entries } } };
  });
  assert.equal(pages, 4);
  const read = await world.run(new ListReader(alice.session).read(person));
  assert.ok(read.entries.length > 0 && read.entries.every((one) => one.username !== name));
  await closeAll(alice, bob);
});

Deno.test("256 pages are read at a bounded number at a time", async () => {
  const world = new World();
  const flow = { now: 0, max: 0 };
  const bob = await world.user("bob");
  for (let i = 0; i < 6_000; i++) {
    const name = `followed_by_bob_${i}`.slice(-20);
    await bob.lists.apply(entry("following", name, world.clock.now()));
    await bob.lists.apply(entry("followers", name, world.clock.now()));
  }
  await world.clock.advance(30_000);
  const device = world.device({
    directory: (directory) => answering(directory, (_query, answer) => answer, flow),
  });
  const alice = await world.run(device.register("alice"));
  const person = await world.run(alice.people.find("bob"));
  assert.ok(person?.public);
  device.directory.latencyMs = 20;
  const before = world.clock.monotonic();
  const reader = new ListReader(alice.session);
  const [read] = await world.run(Promise.all([reader.read(person), reader.read(person)]));
  assert.equal(read.entries.length, 12_000);
  assert.equal(read.complete, true);
  assert.ok(flow.max <= 8, `${flow.max} at a time`);
  assert.ok(world.clock.monotonic() - before <= person.public.pages / 8 * 20 + 20);
  await closeAll(alice, bob);
});
