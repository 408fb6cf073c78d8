import assert from "node:assert/strict";
import type { DeviceView } from "../../../core/api.ts";
import { Machine } from "../fake_io.ts";

const own = {
  device: 5,
  this: true,
  addresses: ["127.0.0.1:7000"],
  until: "2026-01-01T00:15:00.000Z",
};
const other: DeviceView = {
  device: 17,
  this: false,
  addresses: ["[2001:db8::1]:7000", "relay/192.0.2.1:7000"],
  until: "2026-01-01T00:10:00.000Z",
};

/** A machine whose user is logged in on another one, too. */
async function withOther(): Promise<Machine> {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => peer.others = [other];
  return m;
}

Deno.test("devices lists the own devices, and remove tells which are left", async () => {
  const m = await withOther();
  assert.deepEqual(await m.json("devices"), { devices: [own, other] });
  const { out } = await m.run("devices");
  assert.equal(
    out,
    "   5  this device      127.0.0.1:7000\n" +
      "  17  until 00:10 UTC  [2001:db8::1]:7000, relay/192.0.2.1:7000\n",
  );
  assert.deepEqual(await m.json("devices", "remove", "17"), { devices: [own] });
  assert.match((await m.run("devices", "remove", "17")).out, /^The device is removed, .*\n {3}5 /);
});

Deno.test("A device that is no number of one is wrong usage", async () => {
  const m = await withOther();
  for (const number of ["1024", "1.5", "x"]) {
    const { code, message } = await m.failure("devices", "remove", number);
    assert.equal(code, 2);
    assert.match(message, /is not a whole number from 0 to 1023/);
  }
  assert.equal((await m.failure("devices", "remove")).code, 2);
});

Deno.test("A peer that another device logs out says why, and ends", async () => {
  const m = await Machine.withAlice();
  const { io, ended } = m.start("up");
  await io.until(() => io.stdout.includes("ready"));
  const message = "Another device of alice has removed this one";
  const why = { code: "device_removed", message } as const;
  m.host.started.at(-1)?.peer.emit({ event: "logout", username: "alice", why });
  assert.equal(await ended, 0);
  assert.match(io.stdout, new RegExp(`${message}\n$`));
});
