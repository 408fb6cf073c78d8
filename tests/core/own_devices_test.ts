/** What one device of a user does to the others: sends them away, changes the password. */

import assert from "node:assert/strict";
import type { ErrorCode } from "../../core/model/errors.ts";
import { isSentAway } from "../../core/model/record_body.ts";
import { signFresh } from "../../core/model/record_policy.ts";
import { delay } from "../../lib/waiting.ts";
import { World } from "./accounts_world.ts";
import { recordOf } from "./record_of.ts";
import { type SimMachine, simPassword, SimWorld } from "../sim/peers.ts";

const otherPassword = "quiet marble under the stairs";

/** A world in which alice is logged in on two machines, each of which has heard of the other. */
async function twoDevices(): Promise<[SimWorld, SimMachine, SimMachine]> {
  const world = new SimWorld({ seed: 20261127 });
  const [first] = await world.register("alice") as [SimMachine];
  const second = world.machine();
  await world.run(second.start());
  await world.run(second.login("alice"));
  await world.until("both are announced", async () => (await first.peer.devices()).length === 2);
  return [world, first, second];
}

/** Why a machine was logged out although its user did not ask for it. */
function reasons({ events }: SimMachine): (ErrorCode | undefined)[] {
  return events.flatMap((event) => event.event === "logout" ? [event.why?.code] : []);
}

async function numbers(machine: SimMachine): Promise<number[]> {
  return (await machine.peer.devices()).map(({ device }) => device);
}

Deno.test("Every device of a user is listed, with where it listens", async () => {
  const [world, first, second] = await twoDevices();
  const devices = await world.run(first.peer.devices());
  assert.deepEqual(
    devices.map((view) => [view.this, view.addresses]).sort(),
    [[false, [`${second.ip}:7000`]], [true, [`${first.ip}:7000`]]],
  );
  for (const { until } of devices) {
    const leftMs = Date.parse(until) - world.clock.now();
    assert.ok(leftMs > 0 && leftMs <= 900_000, until);
  }
  assert.deepEqual(await world.run(numbers(second)), devices.map(({ device }) => device));
  await world.run(second.peer.logout());
  assert.deepEqual((await world.run(first.peer.devices())).map((view) => view.this), [true]);
  await world.stop();
});

Deno.test("A device that another one removes logs out, says why, and does not come back by itself", async () => {
  const [world, first, second] = await twoDevices();
  const device = (await world.run(second.peer.devices())).find((view) => view.this)?.device ?? -1;
  const left = await world.run(first.peer.removeDevice({ device }));
  assert.deepEqual(left.map((view) => view.this), [true]);
  await world.until("it has left", () => Promise.resolve(reasons(second).length > 0), 310_000);
  assert.deepEqual(reasons(second), ["device_removed"]);
  await assert.rejects(second.peer.whoami(), { code: "not_logged_in" });
  await world.clock.advance(700_000);
  assert.deepEqual((await world.run(numbers(first))).includes(device), false);
  assert.equal((await world.run(first.peer.whoami())).username, "alice");

  // Its user may come back, and is not sent away again by what lies in the record.
  await world.run(second.login("alice"));
  await world.clock.advance(700_000);
  assert.equal((await world.run(second.peer.whoami())).username, "alice");
  assert.ok((await world.run(numbers(first))).includes(device));
  await world.run(first.peer.removeDevice({ device }));
  await world.until("it has left", () => Promise.resolve(reasons(second).length > 1), 310_000);
  await world.stop();
});

Deno.test("A device that sleeps through its removal learns of it hours later", async () => {
  const [world, first, second] = await twoDevices();
  const device = (await world.run(second.peer.devices())).find((view) => view.this)?.device ?? -1;
  second.sleep();
  second.directory.reachable = false;
  await world.run(first.peer.removeDevice({ device }));
  await world.clock.advance(6 * 3_600_000);
  second.directory.reachable = true;
  second.wake();
  await world.until("it has left", () => Promise.resolve(reasons(second).length > 0), 310_000);
  assert.deepEqual(reasons(second), ["device_removed"]);
  await world.stop();
});

Deno.test("What a device announces before it sees its removal does not bring it back", async () => {
  const world = new World();
  const [here, there] = [await world.user("alice"), await world.run(world.device().login("alice"))];
  for (const { records } of [here, there]) {
    await world.run(records.announce({ ip: "0.0.0.0", port: 7000 }));
  }
  const { device } = there.session;
  const inForce = () =>
    recordOf(
      world.network.peek("alice", "connections") ?? assert.fail("there is none"),
      "connections",
    );
  const find = () => inForce().body.devices.find((entry) => entry.device === device);
  const entry = find() ?? assert.fail("it is announced");
  // What the other device writes late is written by the test.
  await there.session.close();
  await world.run(here.records.sendAway(device));
  const now = Math.floor(world.clock.now());
  const sequence = inForce().sequence + 1;
  const body = { devices: [{ ...entry, updatedAt: now + 1_000, until: now + 900_000 }] };
  const content = { username: "alice", namespace: "connections", sequence, body } as const;
  await world.run(
    here.session.ports.directory.put(signFresh(content, now, here.session.identity)),
  );
  assert.equal(find()?.present, true);
  await world.clock.advance(6_000);
  assert.ok(isSentAway(find() ?? assert.fail("it is listed as sent away")));
  await here.session.close();
});

Deno.test("A device that leaves just after another one has moved does not put it back", async () => {
  const world = new World();
  const [here, there] = [await world.user("alice"), await world.run(world.device().login("alice"))];
  const announce = ({ records }: typeof here, port: number) =>
    world.run(records.announce({ ip: "0.0.0.0", port }));
  await announce(here, 7_000);
  await announce(there, 7_000);
  await announce(here, 7_001);
  await world.run(there.records.withdraw());
  const record = world.network.peek("alice", "connections") ?? assert.fail("there is one");
  const { devices } = recordOf(record, "connections").body;
  assert.deepEqual(
    devices.filter(({ present }) => present).map(({ device, port }) => [device, port]),
    [[here.session.device, 7_001]],
  );
  for (const { session } of [here, there]) await session.close();
});

Deno.test("A device that finds its entry wiped puts it back and tells all", async () => {
  const world = new World();
  const { records, session } = await world.user("alice");
  let told = 0;
  records.onMoved(() => told++);
  await world.run(records.announce({ ip: "0.0.0.0", port: 7_000 }));
  await world.clock.advance(20_000);
  assert.equal(told, 1);
  const { sequence } = world.network.peek("alice", "connections") ?? assert.fail("there is one");
  const now = Math.floor(world.clock.now());
  const content = { username: "alice", namespace: "connections", body: { devices: [] } } as const;
  const empty = signFresh({ ...content, sequence: sequence + 1 }, now, session.identity);
  await world.run(session.ports.directory.put(empty));
  await world.run(records.pull());
  assert.equal(told, 2);
  await world.clock.advance(20_000);
  await world.run(records.pull());
  assert.equal(told, 2);
  await session.close();
});

Deno.test("Neither the device itself nor one that is not announced can be removed", async () => {
  const [world, first] = await twoDevices();
  const devices = await world.run(first.peer.devices());
  const own = devices.find((view) => view.this)?.device ?? -1;
  const unused = [...Array(1024).keys()].find((n) => devices.every((view) => view.device !== n));
  for (const [device, message] of [[own, /Log out instead/], [unused ?? -1, /no such device/]]) {
    await assert.rejects(
      world.run(first.peer.removeDevice({ device: Number(device) })),
      { code: "invalid_argument", message: message as RegExp },
    );
  }
  assert.equal((await world.run(first.peer.devices())).length, 2);
  await world.stop();
});

Deno.test("After a change of password the other devices log out, and come back with the new one alone", async () => {
  const [world, first, second] = await twoDevices();
  await world.run(first.peer.changePassword({ old: simPassword, new: otherPassword }));
  await world.until("it has left", () => Promise.resolve(reasons(second).length > 0), 310_000);
  assert.deepEqual(reasons(second), ["password_changed"]);
  assert.deepEqual(reasons(first), []);
  await assert.rejects(world.run(second.login("alice")), { code: "wrong_password" });
  await world.run(second.peer.login({ username: "alice", password: otherPassword }));
  await world.clock.advance(700_000);
  for (const machine of [first, second]) {
    assert.equal((await world.run(machine.peer.whoami())).username, "alice");
  }
  await world.stop();
});

Deno.test("Two devices that come at the same moment know of each other in seconds", async () => {
  // Killed ones leave entries of where they were.
  for (const [end, apartMs] of [["stop", 0], ["stop", 60], ["crash", 0], ["crash", 60]] as const) {
    const [world, first, second] = await twoDevices();
    const [bob] = await world.register("bob") as [SimMachine];
    await world.run(first.peer.follow({ username: "bob" }));
    for (const machine of [first, second]) await world.run(Promise.resolve(machine[end]()));
    for (const machine of [first, second]) await world.run(machine.start());
    const come = async (machine: SimMachine, text: string, afterMs: number) => {
      await delay(world.clock, afterMs);
      await machine.login("alice");
      await machine.peer.post({ text });
    };
    await world.run(Promise.all([come(first, "from 0", 0), come(second, "from 1", apartMs)]));
    await world.clock.advance(6_000);
    await world.run(bob.peer.post({ text: "from bob" }));
    const all = ["from 0", "from 1", "from bob"];
    const hasAll = async (machine: SimMachine) =>
      (await machine.texts()).sort().join() === all.join();
    await world.until(
      `all posts are on both after a ${end}, ${apartMs} ms apart`,
      async () => await hasAll(first) && await hasAll(second),
      4_000,
    );
    await world.stop();
  }
});

Deno.test("Whom one device follows and who follows there, the others know in seconds", async () => {
  const [world, first, second] = await twoDevices();
  const [_bob, carol] = await world.register("bob", "carol") as [SimMachine, SimMachine];
  await world.clock.advance(10_000);
  await world.run(first.peer.follow({ username: "bob" }));
  // What carol sends reaches the first device alone.
  world.links.onFrame = ({ from, to, frame }) =>
    from.ip === carol.ip && to.ip === second.ip ? undefined : frame;
  await world.run(carol.peer.follow({ username: "alice" }));
  await world.run(second.peer.post({ text: "to whom, it does not know" }));
  await world.clock.advance(10_000);
  assert.deepEqual(await world.run(second.peer.followed()), ["bob"]);
  assert.deepEqual(await carol.texts(), ["to whom, it does not know"]);
  await world.stop();
});

Deno.test("A change made while the one before is being published is told to the other devices as well", async () => {
  for (let laterMs = 0; laterMs <= 1_400; laterMs += 200) {
    const [world, first, second] = await twoDevices();
    await world.register("bob", "carol");
    await world.clock.advance(10_000);
    first.directory.latencyMs = 200;
    const bob = first.peer.follow({ username: "bob" });
    await world.clock.advance(laterMs);
    await world.run(Promise.all([bob, first.peer.follow({ username: "carol" })]));
    await world.clock.advance(15_000);
    assert.deepEqual(await world.run(second.peer.followed()), ["bob", "carol"], `${laterMs} ms`);
    await world.stop();
  }
});
