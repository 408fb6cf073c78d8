import assert from "node:assert/strict";
import type { PeerEvent } from "../../../core/api.ts";
import { CamelliaError } from "../../../core/model/errors.ts";
import { deviceMax } from "../../../core/model/snowflake.ts";
import { drawDevice } from "../../../core/session/device_number.ts";
import { readNumber, writeNumber } from "../../../core/session/notes.ts";
import { unknownUser } from "../../../core/session/unknown_user.ts";
import { warn } from "../../../core/session/warn.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SimDirectoryNetwork } from "../../sim/directory.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { SeededRandom } from "../../sim/random.ts";
import { World } from "../accounts_world.ts";
import { testSession } from "../doubles.ts";

Deno.test("A warning says what failed and why, and is silent after the logout", () => {
  const session = testSession({ clock: new VirtualClock().view() });
  warn(session, new CamelliaError("disk_full", "the disk is full"));
  warn(session, new Error("no luck"), "Cannot push posts");
  const told: PeerEvent[] = [
    { event: "warning", code: "disk_full", message: "the disk is full" },
    { event: "warning", code: "internal", message: "Cannot push posts: no luck" },
  ];
  assert.deepEqual(session.events, told);
  session.end();
  warn(session, new Error("too late"));
  assert.deepEqual(session.events, told);
});

Deno.test("A device number is drawn among all that are free, and any where none is", () => {
  const random = new SeededRandom("devices");
  const all = Array.from({ length: deviceMax + 1 }, (_, device) => device);
  for (const free of [[0], [deviceMax], [3, 700]]) {
    const taken = new Set(all.filter((device) => !free.includes(device)));
    const drawn = new Set(Array.from({ length: 40 }, () => drawDevice(random, taken)));
    assert.deepEqual([...drawn].sort((a, b) => a - b), free);
  }
  const drawn = Array.from({ length: 2_000 }, () => drawDevice(random, new Set(all)));
  assert.ok(drawn.every((device) => all.includes(device)));
  assert.ok(Math.max(...drawn) > 1_000 && Math.min(...drawn) < 24);
});

Deno.test("A number that was noted is read again; a damaged note is none", async () => {
  const store = await new MemoryStores().open("alice");
  assert.equal(await readNumber(store, "n"), undefined);
  for (const number of [0, 1_023, Number.MAX_SAFE_INTEGER]) {
    await writeNumber(store, "n", number);
    assert.equal(await readNumber(store, "n"), number);
  }
  await writeNumber(store, "n", 1_023);
  assert.equal(await readNumber(store, "n", 1_023), 1_023);
  assert.equal(await readNumber(store, "n", 1_022), undefined);
  await store.putNote("n", new Uint8Array([0x91, 0xc0]));
  assert.equal(await readNumber(store, "n"), undefined);
});

Deno.test("A name is unknown where the network says so; else it did not answer, or there is none to ask", () => {
  const clock = new VirtualClock().view();
  const session = testSession({ clock });
  const joined = {
    ports: { ...session.ports, directory: new SimDirectoryNetwork(clock).directory() },
  };
  assert.equal(unknownUser("show", "bob", true, joined).code, "unknown_user");
  assert.equal(unknownUser("show", "bob", false, joined).code, "no_answer");
  joined.ports.directory.reachable = false;
  assert.equal(unknownUser("follow", "bob", false, joined).code, "not_joined");
  assert.match(
    unknownUser("follow", "bob", false, joined).message,
    /^Cannot follow bob: no other node/,
  );
  const { directory } = joined.ports;
  const status = directory.status();
  directory.status = () => ({ ...status, hindrance: "no_udp" });
  assert.match(unknownUser("show", "bob", false, joined).message, /your network lets no UDP out/);
});

Deno.test("A session ends once: its signal, its jobs, its events and its database", async () => {
  const world = new World();
  const device = world.device();
  const { session } = await world.run(device.register("alice"));
  let runs = 0;
  const job = session.scheduler.job(() => void runs++);
  job.dueIn(10);
  const changes: number[] = [];
  const stop = session.onDeviceChange((number) => changes.push(number));
  await session.changeDevice(session.device);
  await session.changeDevice(7);
  stop();
  await session.changeDevice(8);
  assert.deepEqual(changes, [7]);
  assert.equal(session.device, 8);
  assert.equal(session.close(), session.close());
  await session.close();
  assert.equal(session.signal.aborted, true);
  session.emit({ event: "warning", code: "internal", message: "too late" });
  assert.deepEqual(device.events, []);
  await world.clock.advance(1_000);
  assert.equal(runs, 0);
  await assert.rejects(session.store.feeds("alice"));
});
