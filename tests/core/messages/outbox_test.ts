import assert from "node:assert/strict";
import type { DeviceEntry } from "../../../core/model/record_body.ts";
import type { Links, LinkTarget, SendResult } from "../../../core/ports.ts";
import { Outbox } from "../../../core/messages/outbox.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { only, testSession } from "../doubles.ts";
import { userNamed } from "../../sim/users.ts";

const bob = userNamed("bob");
const order = { kind: "follow", to: bob, body: { updatedAt: 1 } } as const;

function entryAt(port: number): DeviceEntry {
  const linkKey = new Uint8Array(32).fill(port);
  return {
    device: 1,
    linkKey,
    addresses: ["10.0.0.9"],
    port,
    until: 2e15,
    updatedAt: 1,
    present: true,
  };
}

/** Bob was known at port 1, and is at port 2 by what the network says. */
function setUp(
  results: Readonly<Record<number, SendResult>>,
  renews = true,
  moved: readonly DeviceEntry[] = [entryAt(2)],
) {
  const sent: number[] = [];
  const redialled: (number | undefined)[] = [];
  const heard: { atMs?: number } = {};
  const links = only<Links>({
    send: ({ port }: LinkTarget) => {
      sent.push(port);
      return results[port] ?? "unreachable";
    },
    redial: (target?: LinkTarget) => void redialled.push(target?.port),
  });
  const clock = new VirtualClock();
  const base = testSession({ clock: clock.view(), ports: { links } });
  const traced: string[] = [];
  const trace = (message: string) => void traced.push(message);
  const session = { ...base, settings: { ...base.settings, trace } };
  let known: readonly DeviceEntry[] = [entryAt(1)];
  const move = () => void (known = moved);
  const forgotten: string[] = [];
  const outbox = new Outbox(session, {
    devices: () => Promise.resolve([...known]),
    renewDevices: () => {
      if (renews) known = moved;
      return Promise.resolve(renews);
    },
    forgetDevices: ({ username }) => void forgotten.push(username),
  }, () => heard.atMs);
  return { clock, outbox, sent, forgotten, redialled, heard, traced, move };
}

Deno.test("A message goes to where a device listens, and nobody is looked up anew", async () => {
  const { outbox, sent, forgotten } = setUp({ 1: "queued" });
  const { devices, full } = await outbox.send(order);
  assert.deepEqual([devices, full], [1, 0]);
  assert.deepEqual(sent, [1]);
  assert.deepEqual(forgotten, []);
});

Deno.test("Whoever does not answer is looked up anew, and a message follows who has moved", async () => {
  const { outbox, sent, forgotten } = setUp({ 1: "delayed", 2: "queued" });
  const { devices } = await outbox.send(order);
  assert.equal(devices, 2);
  assert.deepEqual(sent, [1, 2]);
  assert.deepEqual(forgotten, []);
});

Deno.test("What waits for a commit goes to where the receiver is when that is done", async () => {
  const { outbox, sent, move } = setUp({ 1: "queued", 2: "queued" });
  const done = Promise.withResolvers<void>();
  const sending = outbox.send({ ...order, committed: done.promise });
  await new Promise((resolve) => setTimeout(resolve));
  move();
  done.resolve();
  assert.equal((await sending).devices, 1);
  assert.deepEqual(sent, [2]);
});

Deno.test("A message waits for a device that does not answer and has not moved", async () => {
  const { outbox, sent } = setUp({ 1: "delayed" }, false);
  assert.equal((await outbox.send(order)).devices, 1);
  assert.deepEqual(sent, [1]);
});

Deno.test("Where nothing can be sent to, devices are forgotten and looked up", async () => {
  const { outbox, sent, forgotten } = setUp({ 2: "full" });
  const { devices, full } = await outbox.send(order);
  assert.deepEqual([devices, full], [0, 1]);
  assert.deepEqual(sent, [1, 2]);
  assert.deepEqual(forgotten, ["bob"]);
});

Deno.test("A message to one device goes to no other", async () => {
  const { outbox, sent } = setUp({ 1: "delayed", 2: "queued" });
  await outbox.send({ ...order, device: 1 });
  assert.deepEqual(sent, [1, 2]);
  assert.equal((await outbox.send({ ...order, device: 5 })).devices, 0);
  assert.deepEqual(sent, [1, 2]);
});

Deno.test("What waits for a user who was heard a moment ago is dialled for at once", async () => {
  const { clock, outbox, redialled, heard } = setUp({ 1: "delayed" }, false);
  await outbox.send(order);
  heard.atMs = clock.monotonic();
  await clock.advance(5_000);
  await outbox.send(order);
  assert.deepEqual(redialled, []);
  heard.atMs = clock.monotonic();
  await clock.advance(4_999);
  await outbox.send(order);
  assert.deepEqual(redialled, [1]);
  const fine = setUp({ 1: "queued" });
  fine.heard.atMs = fine.clock.monotonic();
  await fine.outbox.send(order);
  assert.deepEqual(fine.redialled, []);
});

Deno.test("A device that is where it was before is not sent the same twice", async () => {
  const { outbox, sent } = setUp({ 1: "delayed", 3: "queued" }, true, [entryAt(1), entryAt(3)]);
  assert.equal((await outbox.send(order)).devices, 2);
  assert.deepEqual(sent, [1, 3]);
});

Deno.test("A message for one place goes nowhere else, and nothing is looked up", async () => {
  const { outbox, sent } = setUp({ 5: "delayed", 2: "queued" });
  assert.equal((await outbox.send({ ...order, entry: entryAt(5) })).devices, 1);
  assert.deepEqual(sent, [5]);
});

Deno.test("A message goes to the four devices that were announced last, or to as many as was said", async () => {
  const moved = [3, 8, 5, 7, 4, 6].map((port) => ({ ...entryAt(port), updatedAt: port }));
  const { outbox, sent } = setUp({ 1: "full" }, true, moved);
  await outbox.send(order);
  assert.deepEqual(sent, [1, 8, 7, 6, 5]);
  await outbox.send({ ...order, devicesMax: 2 });
  assert.deepEqual(sent.slice(5, 7), [8, 7]);
});

Deno.test("An entry that says that its device has left is no device", async () => {
  const gone = { ...entryAt(3), present: false };
  const { outbox } = setUp({}, true, [gone]);
  await outbox.send(order);
  assert.deepEqual(await outbox.devices(bob), []);
});

Deno.test("What hinders a message is told for the log", async () => {
  const fine = setUp({ 1: "queued" });
  await fine.outbox.send(order);
  assert.deepEqual(fine.traced, []);
  await fine.outbox.send({ ...order, device: 5 });
  assert.deepEqual(fine.traced, ["No route for follow to bob: no device is announced"]);
  const hindered = setUp({ 2: "full" });
  await hindered.outbox.send(order);
  assert.deepEqual(hindered.traced, [
    "follow to bob, device 1: unreachable, no address of it can be connected to",
    "follow to bob, device 1: too much waits for it already, it is tried again",
  ]);
  const slow = setUp({ 1: "delayed" }, false);
  await slow.outbox.send(order);
  assert.deepEqual(slow.traced, ["follow to bob, device 1: not connected yet, it waits"]);
});
