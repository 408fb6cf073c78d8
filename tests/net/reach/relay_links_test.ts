import assert from "node:assert/strict";
import { linkKeys, until } from "../links/links_world.ts";
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
