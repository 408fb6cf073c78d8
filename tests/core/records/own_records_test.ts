import assert from "node:assert/strict";
import { fingerprintOf } from "../../../core/model/identity.ts";
import { recordOf } from "../record_of.ts";
import type { ConnectionsBody } from "../../../core/model/record_body.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import { changed, Device, post, World } from "../accounts_world.ts";
import { claimOf } from "./published.ts";
import { delay } from "../../../lib/waiting.ts";
import { entry, identityOf } from "../../sim/users.ts";

const endpoint = { ip: "0.0.0.0", port: 7001 };

function devicesOf(world: World): ConnectionsBody["devices"] {
  const record = world.network.peek("alice", "connections");
  return record === undefined ? [] : recordOf(record, "connections").body.devices;
}

async function closeAll(...accounts: OpenAccount[]): Promise<void> {
  for (const { session } of accounts) await session.close();
}

Deno.test("A head goes out at once for the first post, and then at most every 30 s", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  await post(alice, 1);
  await world.clock.advance(10);
  assert.deepEqual(claimOf(world).heads, [{ device: alice.session.device, head: 1 }]);
  const putsBefore = device.directory.calls.put;
  for (let number = 2; number <= 20; number++) {
    await post(alice, number);
    await world.clock.advance(1_000);
  }
  assert.equal(claimOf(world).posts, 1);
  await world.clock.advance(15_000);
  assert.equal(claimOf(world).posts, 20);
  assert.equal(device.directory.calls.put - putsBefore, 1);
  await world.clock.advance(60_000);
  await post(alice, 21);
  await world.clock.advance(10);
  assert.equal(claimOf(world).posts, 21, "after a pause the first goes out at once again");
  await closeAll(alice);
});

Deno.test("Flushing publishes what the 30 s would still hold back", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await post(alice, 1);
  await world.clock.advance(10);
  await post(alice, 2);
  await world.run(alice.records.flush());
  assert.equal(claimOf(world).posts, 2);
  await closeAll(alice);
});

Deno.test("Heads that a crash kept back are published from the database after the next login", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await post(first, 1);
  await world.clock.advance(10);
  await post(first, 2);
  await closeAll(first);
  const second = await world.run(device.login("alice"));
  assert.deepEqual(second.records.heads(), [{ device: first.session.device, head: 2 }]);
  await world.run(second.records.pull());
  assert.equal(claimOf(world).posts, 2);
  await closeAll(second);
});

Deno.test("A device is announced with its link key, renewed, and expires 15 minutes after a crash", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await world.run(alice.records.announce(endpoint));
  const [announced] = devicesOf(world);
  assert.ok(announced);
  assert.deepEqual(announced.addresses, ["10.0.0.1"]);
  assert.equal(announced.port, 7001);
  const { publicKey } = alice.session.identity.linkKeys(alice.session.device);
  assert.deepEqual(announced.linkKey, publicKey);
  assert.deepEqual(
    alice.records.connections()?.value,
    world.network.peek("alice", "connections")?.value,
  );
  await world.clock.advance(3_600_000);
  const [renewed] = devicesOf(world);
  assert.ok(renewed && renewed.until > world.clock.now() + 9 * 60_000);
  await alice.session.close();
  await world.clock.advance(18 * 60_000);
  assert.deepEqual(devicesOf(world), []);
});

Deno.test("A login that finds nothing new commits nothing but the time of its announcement", async () => {
  const world = new World();
  const commits: string[] = [];
  const device = world.device({ stores: { onCommit: ({ what }) => void commits.push(what) } });
  const start = async (entering: Promise<OpenAccount>) => {
    const account = await world.run(entering);
    await world.run(Promise.all([account.records.announce(endpoint), account.records.pull()]));
    return account;
  };
  await closeAll(await start(device.register("alice")));
  assert.ok(commits.length > 1, "a new account notes more");
  await world.clock.advance(60_000);
  commits.length = 0;
  const again = await start(device.login("alice"));
  assert.deepEqual(commits, ["putNote"]);
  // An hour later the lists are noted as agreed on at that time.
  await closeAll(again);
  await world.clock.advance(3_600_000);
  commits.length = 0;
  await closeAll(await start(device.login("alice")));
  assert.deepEqual(commits, ["putNote", "putNote"]);
});

Deno.test("However many ask for it at a moment, one announcement is made", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  device.directory.latencyMs = 10;
  device.directory.calls.put = 0;
  await world.run(Promise.all(Array.from({ length: 5 }, () => alice.records.announce(endpoint))));
  assert.equal(device.directory.calls.put, 1);
  await closeAll(alice);
});

Deno.test("A logout in the middle of an announcement leaves no device announced", async () => {
  for (let afterMs = 0; afterMs <= 60; afterMs += 5) {
    const world = new World();
    const device = world.device();
    const alice = await world.run(device.register("alice"));
    device.directory.latencyMs = 20;
    const announcing = alice.records.announce(endpoint);
    await world.clock.advance(afterMs);
    await world.run(alice.records.withdraw());
    await world.run(announcing);
    await world.clock.advance(30_000);
    assert.deepEqual(devicesOf(world).filter((one) => one.present), [], `after ${afterMs} ms`);
    await closeAll(alice);
  }
});

Deno.test("Logging out takes out one's own device and no other", async () => {
  const world = new World();
  const here = world.device();
  const first = await world.run(here.register("alice"));
  await world.run(first.records.announce(endpoint));
  const second = await world.run(world.device().login("alice"));
  await world.run(second.records.announce(endpoint));
  await world.clock.advance(10_000);
  assert.equal(devicesOf(world).filter((one) => one.present).length, 2);
  await world.run(first.records.withdraw());
  const present = devicesOf(world).filter((one) => one.present);
  assert.deepEqual(present.map((one) => one.device), [second.session.device]);
  assert.equal(first.records.connections(), undefined);
  await world.clock.advance(600_000);
  assert.equal(
    devicesOf(world).filter((one) => one.present).length,
    1,
    "it is not announced again",
  );
  await closeAll(first, second);
});

Deno.test("Logging out is quick where the network is slow", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  await world.run(alice.records.announce(endpoint));
  device.directory.latencyMs = 60_000;
  const before = world.clock.monotonic();
  await world.run(alice.records.withdraw());
  assert.ok(world.clock.monotonic() - before <= 1_500);
  await closeAll(alice);
});

Deno.test("Two devices that are announced at the same moment are both announced in the end", async () => {
  for (const latencyMs of [0, 5, 50]) {
    const world = new World();
    const here = world.device();
    const there = world.device();
    const first = await world.run(here.register("alice"));
    const second = await world.run(there.login("alice"));
    here.directory.latencyMs = latencyMs;
    there.directory.latencyMs = latencyMs;
    await world.run(
      Promise.all([first.records.announce(endpoint), second.records.announce(endpoint)]),
    );
    await world.clock.advance(20_000);
    assert.equal(devicesOf(world).length, 2);
    await closeAll(first, second);
  }
});

Deno.test("The number of posts leaves out deleted ones, also while another device has not heard of the delete", async () => {
  const world = new World();
  const first = await world.user("alice");
  const { device } = first.session;
  for (let number = 1; number <= 3; number++) await post(first, number);
  await post(first, 4, { deletes: { device, number: 2 } });
  assert.equal(await first.records.posts(), 2);
  await world.clock.advance(60_000);
  assert.equal(claimOf(world).posts, 2);
  // In these tests posts stay where they were written.
  const second = await world.run(world.device().login("alice"));
  await post(second, 1);
  await world.clock.advance(60_000);
  assert.equal(claimOf(world).posts, 3);
  assert.equal(claimOf(world).heads.length, 2);
  assert.equal(await second.records.posts(), 3);
  await world.run(first.records.pull());
  assert.equal(claimOf(world).posts, 3);
  await closeAll(first, second);
});

Deno.test("Two devices that post at once both keep their heads", async () => {
  const world = new World();
  const here = world.device();
  const there = world.device();
  const first = await world.run(here.register("alice"));
  const second = await world.run(there.login("alice"));
  assert.notEqual(first.session.device, second.session.device);
  here.directory.latencyMs = 20;
  there.directory.latencyMs = 20;
  for (let number = 1; number <= 5; number++) {
    await Promise.all([post(first, number), post(second, number)]);
    await world.clock.advance(7_000);
  }
  await world.clock.advance(90_000);
  assert.equal(claimOf(world).heads.length, 2);
  assert.equal(claimOf(world).posts, 10);
  await closeAll(first, second);
});

Deno.test("The announced address is the configured one, else what others see, else where links listen", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const announce = async () => {
    await world.run(alice.records.announce(endpoint));
    await world.clock.advance(10_000);
    return devicesOf(world)[0]?.addresses;
  };
  device.directory.address = "::ffff:198.51.100.7";
  assert.deepEqual(await announce(), ["198.51.100.7"]);
  device.listening = { ip: "192.0.2.9", port: 7001 };
  assert.deepEqual(await announce(), ["198.51.100.7", "192.0.2.9"]);
  device.directory.address = undefined;
  assert.deepEqual(await announce(), ["192.0.2.9"]);
  device.listening = { ip: "::", port: 7001 };
  assert.deepEqual(await announce(), ["127.0.0.1"], "the node's own socket is bound there");
  await closeAll(alice);

  const configured = await world.user("bob", { reach: { announcedAddress: "203.0.113.5" } });
  await world.run(configured.records.announce(endpoint));
  const record = world.network.peek("bob", "connections");
  assert.ok(record);
  const [entry] = recordOf(record, "connections").body.devices;
  assert.deepEqual(entry?.addresses, ["203.0.113.5"]);
  await closeAll(configured);
});

Deno.test("An address that changes while another is being announced is announced after it", async () => {
  const world = new World();
  let putMs = 0;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: async (...put) => {
          await delay(world.clock, putMs);
          return await directory.put(...put);
        },
      }),
  });
  const alice = await world.run(device.register("alice"));
  putMs = 5_000;
  const announcing = alice.records.announce(endpoint);
  await world.clock.advance(100);
  device.directory.address = "198.51.100.7";
  await world.run(announcing);
  assert.deepEqual(devicesOf(world)[0]?.addresses, ["10.0.0.1"]);
  await world.clock.advance(10_000);
  assert.deepEqual(devicesOf(world)[0]?.addresses, ["198.51.100.7"]);
  await closeAll(alice);
});

Deno.test("Without any address nothing is announced until one is known", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  device.directory.address = undefined;
  const status = device.directory.status.bind(device.directory);
  device.directory.status = () => ({ ...status(), udp: { ip: "0.0.0.0", port: 8000 } });
  await world.run(alice.records.announce(endpoint));
  assert.deepEqual(devicesOf(world), []);
  device.directory.address = "198.51.100.7";
  await world.clock.advance(11_000);
  assert.deepEqual(devicesOf(world)[0]?.addresses, ["198.51.100.7"]);
  await closeAll(alice);
});

Deno.test("A copied data folder gets a device number of its own as soon as it meets the original", async () => {
  const world = new World();
  const device = world.device();
  const original = await world.run(device.register("alice"));
  await post(original, 1);
  await world.run(original.records.announce(endpoint));

  const copy = world.device();
  const sealed = await device.keys.read("alice");
  assert.ok(sealed);
  await copy.keys.write("alice", sealed);
  const store = await copy.stores.open("alice");
  for (const note of ["device", "presence", "public"]) {
    await store.putNote(note, await original.session.store.getNote(note));
  }
  await store.close();
  await post(original, 2);
  await world.clock.advance(400_000);
  const second = await world.run(copy.login("alice"));
  assert.notEqual(second.session.device, original.session.device);
  await closeAll(original, second);
});

Deno.test("A head beyond the local one, seen later in a session, draws the device number anew", async () => {
  const world = new World();
  const device = world.device();
  const original = await world.run(device.register("alice"));
  const copy = world.device();
  const sealed = await device.keys.read("alice");
  assert.ok(sealed);
  await copy.keys.write("alice", sealed);
  const store = await copy.stores.open("alice");
  await store.putNote("device", await original.session.store.getNote("device"));
  await store.close();
  copy.directory.reachable = false;
  const second = await world.run(copy.login("alice"));
  assert.equal(second.session.device, original.session.device, "it cannot know better yet");
  await post(original, 1);
  await post(original, 2);
  await world.clock.advance(40_000);
  const changes: number[] = [];
  second.session.onDeviceChange((number) => changes.push(number));
  copy.directory.reachable = true;
  await world.run(second.records.pull());
  assert.equal(changes.length, 1);
  assert.notEqual(second.session.device, original.session.device);
  await post(second, 1);
  await world.clock.advance(60_000);
  assert.equal(claimOf(world).posts, 3);
  assert.equal(claimOf(world).heads.length, 2);
  await closeAll(original, second);
});

Deno.test("Of two sessions announced under one device number one moves away", async () => {
  const world = new World();
  const device = world.device();
  const original = await world.run(device.register("alice"));
  const copy = Device.restart(world, device);
  copy.directory.reachable = false;
  const second = await world.run(copy.login("alice"));
  assert.equal(second.session.device, original.session.device);
  await world.run(original.records.announce(endpoint));
  await world.clock.advance(1_000);
  second.session.onDeviceChange(() => void second.records.announce({ ...endpoint, port: 7002 }));
  original.session.onDeviceChange(() => void original.records.announce(endpoint));
  copy.directory.reachable = true;
  await world.run(second.records.announce({ ...endpoint, port: 7002 }));
  await world.clock.advance(700_000);
  assert.notEqual(second.session.device, original.session.device);
  const ports = devicesOf(world).filter((one) => one.present).map((one) => one.port).sort();
  assert.deepEqual(ports, [7001, 7002]);
  await closeAll(original, second);
});

Deno.test("A clock that steps back does not keep records from being written", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await post(alice, 1);
  await world.clock.advance(10);
  const before = world.network.peek("alice", "public");
  const now = world.clock.now.bind(world.clock);
  world.clock.now = () => now() - 90_000;
  await world.clock.advance(40_000);
  await post(alice, 2);
  await world.clock.advance(40_000);
  const after = world.network.peek("alice", "public");
  assert.ok(before && after && after.sequence > before.sequence);
  assert.equal(claimOf(world).posts, 2);
  await closeAll(alice);
});

Deno.test("What waits is published and announced as soon as the node joins", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  device.directory.reachable = false;
  await post(alice, 1);
  await alice.lists.apply(entry("following", "bob", world.clock.now()));
  await world.run(alice.records.announce(endpoint));
  // What failed is tried again after 10 s at the earliest.
  await world.clock.advance(3_000);
  device.directory.reachable = true;
  await world.clock.advance(2_000);
  assert.equal(claimOf(world).posts, 1);
  assert.equal(claimOf(world).following, 1);
  assert.equal(devicesOf(world).length, 1);
  await closeAll(alice);
});

Deno.test("A pull is done when all own records have been read and merged", async () => {
  const world = new World();
  const here = world.device();
  const first = await world.run(here.register("alice"));
  const second = await world.run(world.device().login("alice"));
  await post(second, 1);
  await world.run(second.records.announce(endpoint));
  here.directory.latencyMs = 50;
  await world.run(first.records.pull());
  assert.deepEqual(first.records.heads(), second.records.heads());
  const { get, put } = here.directory.calls;
  await world.clock.advance(1_000);
  assert.deepEqual(here.directory.calls, { get, put, sample: 0 }, "nothing of it goes on");
  await closeAll(first, second);
});

Deno.test("Without a network a login knows what the network showed before", async () => {
  const world = new World();
  const here = world.device();
  const first = await world.run(here.register("alice"));
  const second = await world.run(world.device().login("alice"));
  await post(second, 1);
  await world.clock.advance(1_000);
  await world.run(first.records.pull());
  await closeAll(first, second);
  here.directory.reachable = false;
  const again = await world.run(here.login("alice"));
  assert.deepEqual(again.records.heads(), [{ device: second.session.device, head: 1 }]);
  await closeAll(again);
});

Deno.test("Somebody else's claim of the own name is told once", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  const { publicKey } = identityOf("mallory");
  world.network.addClash("alice", publicKey);
  await world.run(alice.records.pull());
  await world.clock.advance(60_000);
  await world.run(alice.records.pull());
  const clashes = device.events.filter((event) => event.event === "clash");
  assert.deepEqual(clashes, [{
    event: "clash",
    username: "alice",
    pinned: fingerprintOf(alice.session.self.key),
    other: fingerprintOf(publicKey),
  }]);
  await closeAll(alice);
});

Deno.test("After logout nothing is read or written any more", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  await world.run(alice.records.announce(endpoint));
  await post(alice, 1);
  await closeAll(alice);
  const calls = { ...device.directory.calls };
  await world.clock.advance(3_600_000);
  assert.deepEqual(device.directory.calls, calls);
});

Deno.test("A public record that nobody shows but that is still held is merged, not replaced", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  const { key, username } = identityEntry("bob");
  const updatedAt = world.clock.now();
  await first.lists.apply({ list: "following", username, key, updatedAt, present: true });
  await post(first, 1);
  await world.clock.advance(60_000);
  const file = await device.accounts.exportAccount("alice");
  await closeAll(first);
  let hidden = 3;
  const other = world.device({
    directory: (directory) =>
      changed(directory, {
        get: async (query, signal) => {
          const answer = await directory.get(query, signal);
          if (query.namespace !== "public" || hidden-- <= 0) return answer;
          return { answered: answer.answered, isAbsent: true, otherKeys: [] };
        },
      }),
  });
  await other.accounts.importAccount(file);
  const second = await world.run(other.login("alice"));
  await world.run(second.records.pull());
  await world.clock.advance(60_000);
  assert.equal(claimOf(world).posts, 1);
  assert.equal(claimOf(world).following, 1);
  assert.equal(second.lists.present("following").length, 1);
  await closeAll(second);
});

function identityEntry(username: string) {
  return { username, key: identityOf(username).publicKey };
}
