import assert from "node:assert/strict";
import { linkKeys, until } from "../links/links_world.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { HoldingDoor } from "./holding_door.ts";
import { type LoopbackPeer, loopbackPeer } from "./loopback_peer.ts";

/** A relay, a device that only relays reach, and a sender. */
async function three(): Promise<{
  relay: LoopbackPeer;
  device: LoopbackPeer;
  sender: LoopbackPeer;
  frames: Uint8Array[];
  target: () => { linkKey: Uint8Array; addresses: string[]; port: number };
  end: () => Promise<void>;
}> {
  const relay = loopbackPeer();
  relay.links.listen();
  const device = loopbackPeer([relay]);
  const sender = loopbackPeer();
  const keys = linkKeys();
  const frames: Uint8Array[] = [];
  await device.links.open(keys.secretKey, (frame) => frames.push(frame));
  await sender.links.open(linkKeys().secretKey, () => {});
  device.client.start();
  await until(() => device.client.addresses().length === 1, "a reservation");
  return {
    relay,
    device,
    sender,
    frames,
    target: () => ({ linkKey: keys.publicKey, addresses: device.client.addresses(), port: 1 }),
    async end() {
      device.client.close();
      for (const { links } of [sender, device, relay]) await links.end();
    },
  };
}

Deno.test("Frames reach a device through a relay alone, in order, the largest too", async () => {
  const { sender, relay, frames, target, end } = await three();
  try {
    const sent = Array.from({ length: 50 }, (_, i) => new Uint8Array(100 + i).fill(i));
    sent.push(new Uint8Array(1_048_576).fill(7));
    for (const frame of sent) assert.equal(sender.links.send(target(), frame), "queued");
    await until(() => frames.length === sent.length, "all frames");
    assert.deepEqual(frames.map((frame) => frame.length), sent.map((frame) => frame.length));
    assert.deepEqual(frames[7], sent[7]);
    assert.ok(relay.relay.status().bytes > 1_048_576);
  } finally {
    await end();
  }
});

Deno.test("A relay sends to its own devices though its home router leads nothing back that goes to the outer address", async () => {
  const { relay, frames, target, end } = await three();
  try {
    // Nothing listens there: what is said there does not come back in.
    relay.places.push({ ip: "127.0.0.1", port: 1 });
    await relay.links.open(linkKeys().secretKey, () => {});
    const through = { ...target(), addresses: ["relay/127.0.0.1:1"] };
    assert.equal(relay.links.send(through, new Uint8Array(100)), "queued");
    await until(() => frames.length === 1, "the frame");
  } finally {
    await end();
  }
});

Deno.test("A probe through a relay tells whether the device is there", async () => {
  const { device, sender, target, end } = await three();
  try {
    const there = target();
    assert.equal(await sender.links.probe(there, 5_000), true);
    device.client.stop();
    await until(() => device.client.addresses().length === 0, "the end of the reservation");
    assert.equal(await sender.links.probe(there, 5_000), false);
  } finally {
    await end();
  }
});

Deno.test("Another device behind the same relay gets nothing that is not for it", async () => {
  const { relay, sender, frames, target, end } = await three();
  const other = loopbackPeer([relay]);
  const keys = linkKeys();
  const others: Uint8Array[] = [];
  try {
    await other.links.open(keys.secretKey, (frame) => others.push(frame));
    other.client.start();
    await until(() => other.client.addresses().length === 1, "a reservation");
    sender.links.send(target(), Uint8Array.of(1));
    const { port } = target();
    const there = { linkKey: keys.publicKey, addresses: other.client.addresses(), port };
    sender.links.send(there, Uint8Array.of(2));
    await until(() => frames.length === 1 && others.length === 1, "both frames");
    assert.deepEqual([frames[0], others[0]], [Uint8Array.of(1), Uint8Array.of(2)]);
  } finally {
    other.client.close();
    await other.links.end();
    await end();
  }
});

Deno.test("A relay that hangs holds no frame up for long: it goes through another relay", async () => {
  const relays = [loopbackPeer(), loopbackPeer()];
  const doors = relays.map((relay) => new HoldingDoor(relay));
  const device = loopbackPeer(relays);
  const sender = loopbackPeer([], new HastyClock());
  const keys = linkKeys();
  const frames = new Set<number>();
  try {
    await device.links.open(keys.secretKey, ([first = -1]) => void frames.add(first));
    await sender.links.open(linkKeys().secretKey, () => {});
    device.client.start();
    await until(() => device.client.addresses().length === 2, "two reservations");
    const target = { linkKey: keys.publicKey, addresses: device.client.addresses(), port: 1 };
    const isThere = async (index: number) => {
      assert.equal(sender.links.send(target, new Uint8Array(200).fill(index)), "queued");
      await until(() => frames.has(index), `frame ${index}`);
    };
    await isThere(1);
    const used = doors.find(({ circuitBytes }) => circuitBytes > 0);
    await until(() => (used?.receipts ?? 0) > 0, "a receipt");
    used?.hold();
    await isThere(2);
    await isThere(3);
    const other = doors.find((door) => door !== used);
    assert.ok((other?.circuitBytes ?? 0) > 0);
  } finally {
    device.client.close();
    for (const door of doors) door.close();
    for (const { links } of [sender, device, ...relays]) await links.end();
  }
});

/** Time that is four times as fast, so that the test is. */
class HastyClock extends SystemClock {
  override monotonic(): number {
    return 4 * super.monotonic();
  }

  override after(ms: number, fn: () => void) {
    return super.after(ms / 4, fn);
  }
}
