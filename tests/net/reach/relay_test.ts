import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { x25519Shared } from "../../../lib/x25519.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { type LinkKeyPair, makeLinkKeyPair } from "../../../net/links/link_keys.ts";
import {
  aliveEveryMs,
  circuitIdleMs,
  circuitRate,
  circuitsPerDevice,
  lateMsMax,
  silentMsMax,
} from "../../../net/reach/relay_limits.ts";
import type { FoundRelay } from "../../../net/reach/relay_client.ts";
import {
  circuitNameBytes,
  keyBytes,
  knockAnswer,
  proofOf,
  relayHead,
  sayings,
} from "../../../net/reach/relay_protocol.ts";
import type { PipeEnd } from "./pipes.ts";
import { RelayWorld, type SimDevice, type SimRelay } from "./relay_world.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const code = { granted: 0, refused: 2, unreachable: 4, unsupported: 7 } as const;

/** A world with one relay and a device that is reached through it. */
async function reached(): Promise<{ world: RelayWorld; relay: SimRelay; device: SimDevice }> {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const device = world.device("81.0.0.1", [relay]);
  device.client.start();
  await world.clock.advance(100);
  assert.deepEqual(device.client.addresses(), ["relay/80.0.0.1:7000"]);
  return { world, relay, device };
}

Deno.test("Relays and devices speak in the bytes of docs/PROTOCOL.md, section 5", () => {
  assert.deepEqual([...relayHead("reserve", Uint8Array.of(9))], [0x43, 1, 1, 9]);
  assert.deepEqual([...relayHead("take")], [0x43, 1, 2]);
  assert.deepEqual([...relayHead("knock")], [0x43, 1, 3]);
  assert.deepEqual([...knockAnswer], [0x43, 1]);
  assert.deepEqual(sayings, { challenge: 1, reserved: 2, refused: 3, call: 4, alive: 5 });
  assert.deepEqual([keyBytes, circuitNameBytes], [32, 16]);
});

Deno.test("What a sender says to a relay arrives at the device, and what the device says comes back", async () => {
  const { world, relay, device } = await reached();
  const { end, reader, reply } = await world.ask(relay, device.keys.publicKey);
  assert.equal(reply, code.granted);
  const [taken] = device.received;
  assert.ok(taken);
  await writeAll(end, utf8("to the device"));
  const there = new ByteReader(taken);
  assert.deepEqual(await world.clock.drive(there.take(13)), utf8("to the device"));
  await writeAll(taken, utf8("and back"));
  assert.deepEqual(await world.clock.drive(reader.take(8)), utf8("and back"));
  assert.equal(relay.relay.status().circuits, 1);
  assert.equal(relay.relay.status().bytes, 21);
  end.close();
  await world.clock.advance(10);
  taken.close();
  await world.clock.advance(10);
  assert.equal(relay.relay.status().circuits, 0);
  device.client.close();
});

Deno.test("A device keeps three relays, in different networks where there are such, and replaces one that stops", async () => {
  const world = new RelayWorld();
  const near = ["80.0.0.1", "80.0.0.2", "80.0.0.3", "80.0.0.4"].map((ip) => world.relay(ip));
  const far = ["85.0.0.1", "86.0.0.1"].map((ip) => world.relay(ip));
  const device = world.device("81.0.0.1", [...near, ...far]);
  device.client.start();
  await world.clock.advance(100);
  const kept = () => device.client.addresses().sort();
  assert.deepEqual(kept(), ["80.0.0.1", "85.0.0.1", "86.0.0.1"].map((ip) => `relay/${ip}:7000`));
  const [stopped] = far;
  assert.ok(stopped);
  stopped.isOn = false;
  stopped.ends.forEach((end) => end.close());
  await world.clock.advance(1_500);
  assert.deepEqual(kept(), ["80.0.0.1", "80.0.0.2", "86.0.0.1"].map((ip) => `relay/${ip}:7000`));
  device.client.stop();
  await world.clock.advance(100);
  assert.deepEqual(kept(), []);
  assert.equal(near[0]?.relay.status().reservations, 0);
  device.client.close();
});

Deno.test("A relay that falls silent without closing is replaced within 10 s", async () => {
  const world = new RelayWorld();
  const [mute, good] = [world.relay("80.0.0.1"), world.relay("85.0.0.1")];
  const device = world.device("81.0.0.1", [mute]);
  device.client.start();
  await world.clock.advance(100);
  const [end] = mute.ends;
  assert.ok(end);
  end.write = () => Promise.resolve(1);
  const other = world.device("82.0.0.1", [mute, good]);
  other.client.start();
  await world.clock.advance(10_000);
  assert.deepEqual(device.client.addresses(), [], "given up, and avoided for 2 s");
  assert.ok(other.client.addresses().includes("relay/85.0.0.1:7000"));
  device.client.close();
  other.client.close();
});

Deno.test("After an outage of the own line the relays of before are used again, though no node names them", async () => {
  const world = new RelayWorld();
  const relays = ["80.0.0.1", "85.0.0.1", "90.0.0.1"].map((ip) => world.relay(ip));
  let isFound = true;
  const device = world.device("81.0.0.1", [], {
    find: () => Promise.resolve(isFound ? relays.map(({ place }) => place) : []),
  });
  device.client.start();
  await world.clock.advance(15_000);
  const announced = device.client.addresses();
  assert.equal(announced.length, 3);
  isFound = false;
  for (const relay of relays) {
    relay.isOn = false;
    for (const end of relay.ends) end.write = () => Promise.resolve(1);
  }
  await world.clock.advance(10_000);
  assert.equal(device.client.count, 0);
  assert.deepEqual(device.client.addresses(), announced, "they are likely to come back");
  const { changes } = device;
  await world.clock.advance(60_000);
  assert.deepEqual(device.client.addresses(), []);
  assert.ok(device.changes > changes, "that is told");
  for (const relay of relays) relay.isOn = true;
  await world.clock.advance(2_000);
  assert.equal(device.client.count, 3);
  assert.deepEqual(device.client.addresses(), announced, "in the same order");
  device.client.stop();
  for (const { ends } of relays) for (const end of ends) end.close();
  await world.clock.advance(10_000);
  assert.equal(device.client.count, 0);
  device.client.close();
});

/** What is written to these waits until the promise is resolved. */
function hold(ends: readonly PipeEnd[]): PromiseWithResolvers<void> {
  const held = Promise.withResolvers<void>();
  for (const end of ends) {
    const { write } = end;
    end.write = async (bytes) => {
      await held.promise;
      return await write.call(end, bytes);
    };
  }
  return held;
}

/** Lines end that led to a relay. */
function cut(relay: SimRelay): void {
  relay.ends.splice(0).forEach((end) => end.close());
}

/** A device that keeps relays at these addresses, and how many outages it was told of. */
function deviceWithRelays(ips: readonly string[]) {
  const world = new RelayWorld();
  const relays = ips.map((ip) => world.relay(ip));
  const told = { outages: 0 };
  const device = world.device("81.0.0.1", relays, { onOutage: () => void told.outages++ });
  device.client.start();
  return { world, relays, device, told };
}

Deno.test("An outage is told when no relay was heard for seconds, and not when one of them was silent", async () => {
  const { world, relays, device, told } = deviceWithRelays(["80.0.0.1", "85.0.0.1"]);
  await world.clock.advance(15_000);
  const one = hold(relays[0]?.ends ?? []);
  await world.clock.advance(6_000);
  one.resolve();
  await world.clock.advance(5_000);
  assert.equal(told.outages, 0, "it may be that relay's");
  const all = hold(relays.flatMap(({ ends }) => ends));
  await world.clock.advance(6_000);
  all.resolve();
  await world.clock.advance(5_000);
  assert.equal(told.outages, 1);
  for (const relay of relays) relay.isOn = false;
  for (const { ends } of relays) for (const end of ends) end.close();
  await world.clock.advance(20_000);
  for (const relay of relays) relay.isOn = true;
  await world.clock.advance(5_000);
  assert.equal(told.outages, 2, "all lines were lost meanwhile");
  // Without relays there is nothing to hear.
  device.client.stop();
  await world.clock.advance(60_000);
  device.client.start();
  await world.clock.advance(5_000);
  assert.equal(device.client.count, 2);
  assert.equal(told.outages, 2);
  device.client.close();
});

Deno.test("An outage is told when all lines are lost within a moment and come back at once, and not when some are", async () => {
  const { world, relays, device, told } = deviceWithRelays(["80.0.0.1", "85.0.0.1", "90.0.0.1"]);
  /** Ends the lines of these relays, a second apart: each side learns it when it next speaks. */
  const lose = async (...lost: readonly SimRelay[]) => {
    await world.clock.advance(15_000);
    for (const relay of lost) {
      cut(relay);
      await world.clock.advance(1_000);
    }
    await world.clock.advance(5_000);
    assert.equal(device.client.count, relays.length);
  };
  await lose(...relays.slice(1));
  assert.equal(told.outages, 0, "the first one was there all the time");
  await lose(...relays);
  assert.equal(told.outages, 1);
  for (const relay of relays) await lose(relay);
  assert.equal(told.outages, 1, "one after another they are lost for reasons of their own");
  for (const gone of relays.splice(1)) {
    gone.isOn = false;
    cut(gone);
  }
  await lose(...relays);
  assert.equal(told.outages, 1, "the others have been gone for long");
  device.client.close();
});

Deno.test("An outage after which all lines are lost is told once", async () => {
  const { world, relays, device, told } = deviceWithRelays(["80.0.0.1", "85.0.0.1"]);
  await world.clock.advance(15_000);
  const all = hold(relays.flatMap(({ ends }) => ends));
  await world.clock.advance(6_000);
  all.resolve();
  await world.clock.advance(100);
  relays.forEach(cut);
  await world.clock.advance(5_000);
  assert.deepEqual([device.client.count, told.outages], [2, 1]);
  device.client.close();
});

Deno.test("A relay whose line is lost is tried again at once and for 10 s, and then seldom", async () => {
  const world = new RelayWorld();
  const [lost, left] = [world.relay("80.0.0.1"), world.relay("85.0.0.1")];
  const device = world.device("81.0.0.1", [lost, left]);
  device.client.start();
  await world.clock.advance(15_000);
  let announced = device.client.addresses();
  const cut = () => lost.ends.splice(0).forEach((end) => end.close());
  cut();
  await world.clock.advance(100);
  assert.equal(device.client.count, 2, "it has only lost the line");
  assert.deepEqual(device.client.addresses(), announced);
  // A relay that ends each line soon is none.
  cut();
  await world.clock.advance(3_900);
  assert.equal(device.client.count, 1);
  await world.clock.advance(20_000);
  assert.equal(device.client.count, 2);
  announced = device.client.addresses();
  lost.isOn = false;
  let dials = 0;
  const { connect } = world;
  world.connect = (to, from) => {
    if (to.ip === lost.place.ip) dials++;
    return connect.call(world, to, from);
  };
  cut();
  await world.clock.advance(4_000);
  assert.deepEqual(device.client.addresses(), announced);
  await world.clock.advance(1_500);
  assert.equal(device.client.addresses().length, 1, "tried again, and announced no more");
  await world.clock.advance(4_500);
  assert.equal(dials, 5, "at once, and every 2 s");
  await world.clock.advance(50_000);
  assert.equal(dials, 8, "after 4 s more, after 8 and after 16");
  assert.deepEqual(device.client.addresses(), announced.filter((one) => !one.includes("80.0.0.1")));
  device.client.close();
});

Deno.test("A lost relay whose place another one has taken is left alone", async () => {
  const world = new RelayWorld();
  const relays = ["80.0.0.1", "85.0.0.1", "90.0.0.1", "91.0.0.1"].map((ip) => world.relay(ip));
  const device = world.device("81.0.0.1", relays);
  device.client.start();
  await world.clock.advance(15_000);
  const [lost] = relays;
  assert.ok(lost);
  lost.isOn = false;
  for (const end of lost.ends) end.close();
  await world.clock.advance(1_500);
  const replaced = ["85.0.0.1", "90.0.0.1", "91.0.0.1"].map((ip) => `relay/${ip}:7000`);
  assert.deepEqual(device.client.addresses(), replaced);
  lost.isOn = true;
  await world.clock.advance(30_000);
  assert.deepEqual(device.client.addresses(), replaced);
  assert.equal(lost.relay.status().reservations, 0);
  device.client.close();
});

Deno.test("A line that ends closes the circuits that go on, and keeps nothing of those that have ended", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const circuits: { readonly end: PipeEnd; readonly ended: PromiseWithResolvers<void> }[] = [];
  const device = world.device("81.0.0.1", [relay], {
    receive(conn) {
      const ended = Promise.withResolvers<void>();
      circuits.push({ end: conn as unknown as PipeEnd, ended });
      return ended.promise;
    },
  });
  device.client.start();
  await world.clock.advance(100);
  for (let i = 0; i < 3; i++) await world.ask(relay, device.keys.publicKey);
  circuits[0]?.ended.resolve();
  circuits[1]?.ended.reject(new Error("ended badly"));
  await world.clock.advance(1);
  relay.ends[0]?.close();
  await world.clock.advance(1);
  assert.deepEqual(circuits.map(({ end }) => end.isClosed), [false, false, true]);
  device.client.close();
});

Deno.test("Circuits end when signs of life come late: routers on the way may have forgotten them", async () => {
  for (const late of ["device", "relay", "neither"]) {
    const { world, relay, device } = await reached();
    const { end, reply } = await world.ask(relay, device.keys.publicKey);
    assert.equal(reply, code.granted);
    const [line] = relay.ends;
    assert.ok(line);
    // What is said on the line arrives later, as from behind a router that was off.
    const hold = Promise.withResolvers<void>();
    const { read, write } = line;
    if (late === "device") {
      line.read = async (into) => {
        const count = await read.call(line, into);
        await hold.promise;
        return count;
      };
      // The one that is being read already.
      await world.clock.advance(aliveEveryMs);
    } else {
      line.write = async (bytes) => {
        await hold.promise;
        return await write.call(line, bytes);
      };
    }
    await world.clock.advance(aliveEveryMs + (late === "neither" ? lateMsMax - 100 : lateMsMax));
    hold.resolve();
    await world.clock.advance(aliveEveryMs);
    assert.equal(device.client.count, 1, "the line itself goes on");
    const isOver = late !== "neither";
    if (isOver) {
      assert.equal(await world.clock.drive(end.read(new Uint8Array(1))), null, "a sender sees it");
      end.close();
      await world.clock.advance(10);
    }
    assert.equal(relay.relay.status().circuits, isOver ? 0 : 1, late);
    device.client.close();
  }
});

Deno.test("A relay that failed is tried again soon, then ever more seldom, where too few others are to be had", async () => {
  const world = new RelayWorld();
  const [lost, left] = [world.relay("80.0.0.1"), world.relay("85.0.0.1")];
  const others = ["90.0.0.1", "91.0.0.1"].map((ip) => world.relay(ip));
  const known = [lost, left];
  const device = world.device("81.0.0.1", [], {
    find: () => Promise.resolve(known.map(({ place }) => place)),
  });
  lost.isWilling = false;
  const startedMs = world.clock.monotonic();
  const dialledS: number[] = [];
  const { connect } = world;
  world.connect = (to, from) => {
    if (to.ip === lost.place.ip) {
      dialledS.push(Math.round((world.clock.monotonic() - startedMs) / 1_000));
    }
    return connect.call(world, to, from);
  };
  device.client.start();
  await world.clock.advance(200_000);
  assert.deepEqual(dialledS, [0, 4, 12, 28, 60, 120, 180]);
  assert.equal(device.client.count, 1);
  // Others are taken before it.
  known.push(...others);
  await world.clock.advance(100_000);
  assert.equal(device.client.count, 3);
  assert.equal(dialledS.length, 7);
  device.client.close();
});

Deno.test("A relay that was away for some seconds is used again soon after it is back", async () => {
  const world = new RelayWorld();
  const [killed, left] = [world.relay("80.0.0.1"), world.relay("85.0.0.1")];
  for (const awayS of [3, 9, 12, 20, 30]) {
    killed.isOn = true;
    const device = world.device("81.0.0.1", [killed, left]);
    device.client.start();
    await world.clock.advance(15_000);
    assert.equal(device.client.count, 2);
    killed.isOn = false;
    for (const end of killed.ends.splice(0)) end.close();
    await world.clock.advance(awayS * 1_000);
    killed.isOn = true;
    await world.clock.advance(Math.max(6_000, awayS * 600));
    assert.equal(device.client.count, 2, `away for ${awayS} s`);
    device.client.close();
    await world.clock.advance(20_000);
  }
});

Deno.test("A device that is gone without a word loses its reservation after 9 s", async () => {
  const { world, relay, device } = await reached();
  const [end] = relay.ends;
  assert.ok(end);
  // The device's signs of life are lost on the way.
  end.read = () => new Promise<null>(() => {});
  // It does not come again.
  relay.isWilling = false;
  await world.clock.advance(silentMsMax - 1_000);
  assert.equal((await world.ask(relay, device.keys.publicKey)).reply, code.granted);
  await world.clock.advance(silentMsMax);
  assert.equal((await world.ask(relay, device.keys.publicKey)).reply, code.unreachable);
  assert.ok(end.isClosed);
  assert.equal(relay.relay.status().reservations, 0);
  device.client.close();
});

Deno.test("Circuits end with the line that they led to: when the device comes again, and when it falls silent", async () => {
  const { world, relay, device } = await reached();
  const ask = async () => {
    const { end, reply } = await world.ask(relay, device.keys.publicKey);
    assert.equal(reply, code.granted);
    return end;
  };
  const [first] = relay.ends;
  assert.ok(first);
  const before = await ask();
  // The home has another address: what the relay sends to the old one goes nowhere.
  const again = world.device("83.0.0.1", [relay], { secretKey: () => device.keys.secretKey });
  again.client.start();
  await world.clock.advance(100);
  assert.ok(before.isClosed || await world.clock.drive(before.read(new Uint8Array(1))) === null);
  assert.equal(relay.relay.status().circuits, 0);
  device.client.close();
  await ask();
  assert.equal(relay.relay.status().circuits, 1);
  // A device that takes leave has its circuits for as long as they last.
  again.client.stop();
  await world.clock.advance(1_000);
  assert.equal(relay.relay.status().circuits, 1);
  again.client.start();
  await world.clock.advance(100);
  await ask();
  const mute = relay.ends.filter(({ isClosed }) => !isClosed).find((end) => end !== first);
  assert.ok(mute);
  for (const end of relay.ends) end.read = () => new Promise<null>(() => {});
  relay.isWilling = false;
  await world.clock.advance(2 * silentMsMax);
  assert.equal(relay.relay.status().reservations, 0);
  assert.equal(relay.relay.status().circuits, 1, "the one of before, which no reservation ends");
  again.client.close();
});

Deno.test("Attack: a link key is not reserved without its secret, and the owner's reservation stays", async () => {
  const { world, relay, device } = await reached();
  const thief = world.device("82.0.0.1", [relay]);
  const end = world.connect(relay.place, "82.0.0.1");
  const reader = new ByteReader(end);
  await writeAll(end, relayHead("reserve", device.keys.publicKey));
  const challenge = await world.clock.drive(reader.take(1 + 2 * keyBytes));
  const shared = x25519Shared(thief.keys.secretKey, challenge.subarray(1, 1 + keyBytes));
  assert.ok(shared);
  const nonce = challenge.subarray(1 + keyBytes);
  const linkKey = device.keys.publicKey;
  await writeAll(end, proofOf({ shared, relay: relay.place, nonce, linkKey }));
  assert.deepEqual(await world.clock.drive(reader.take(1)), Uint8Array.of(sayings.refused));
  assert.equal((await world.ask(relay, linkKey)).reply, code.granted);
  assert.equal(device.received.length, 1);
  device.client.close();
});

Deno.test("Attack: a relay cannot use at another one what a device proves to it", async () => {
  const world = new RelayWorld();
  const victim = world.relay("80.0.0.1");
  const device = world.device("81.0.0.1", []);
  const end = world.connect(victim.place, "66.0.0.1");
  const reader = new ByteReader(end);
  await writeAll(end, relayHead("reserve", device.keys.publicKey));
  const challenge = await world.clock.drive(reader.take(1 + 2 * keyBytes));
  // The device answers the challenge that the liar handed on, for the place where it dialled the liar.
  const shared = x25519Shared(device.keys.secretKey, challenge.subarray(1, 1 + keyBytes));
  assert.ok(shared);
  const [nonce, linkKey] = [challenge.subarray(1 + keyBytes), device.keys.publicKey];
  const relay = { ip: "66.0.0.1", port: 7000 };
  await writeAll(end, proofOf({ shared, relay, nonce, linkKey }));
  assert.deepEqual(await world.clock.drive(reader.take(1)), Uint8Array.of(sayings.refused));
});

Deno.test("Attack: a relay connects nobody to anything but a device with a reservation", async () => {
  const { world, relay, device } = await reached();
  const requests: readonly (readonly [bytes: readonly number[], reply: number])[] = [
    [[5, 1, 0, 1, 4, 8, 8, 8, 8, 0, 80, 0, 0], code.unsupported],
    [[5, 1, 0, 3, 11, ...utf8("example.org"), 0, 80], code.unsupported],
    [[5, 2, 0, 3, 73, ...utf8(`${"00".repeat(32)}.camellia`), 0, 1], code.unsupported],
    [[5, 1, 0, 3, 73, ...utf8(`${"00".repeat(32)}.camellia`), 0, 1], code.unreachable],
  ];
  for (const [bytes, reply] of requests) {
    const end = world.connect(relay.place, "90.0.0.1");
    const reader = new ByteReader(end);
    await writeAll(end, Uint8Array.of(5, 1, 0));
    await world.clock.drive(reader.take(2));
    await writeAll(end, Uint8Array.from(bytes));
    assert.equal((await world.clock.drive(reader.take(10)))[1], reply);
  }
  assert.equal(device.received.length, 0);
  device.client.close();
});

Deno.test("Attack: callers who say nothing, half a word or nonsense are sent away after 5 s", async () => {
  const { world, relay, device } = await reached();
  const words = [[0x43], [0x43, 1, 1, 7], [0x43, 1, 2], [5], [5, 255], [5, 1, 0, 5, 1, 0, 3, 200]];
  const ends = await Promise.all(words.map(async (word) => {
    const end = world.connect(relay.place, "90.0.0.1");
    await writeAll(end, Uint8Array.from(word));
    return end;
  }));
  const wrong = world.connect(relay.place, "90.0.0.1");
  await writeAll(wrong, Uint8Array.of(0x43, 9, 9));
  await world.clock.advance(5_100);
  const last = relay.ends.slice(-words.length - 1);
  assert.ok(last.every((end) => end.isClosed));
  assert.equal(ends.length, words.length);
  assert.equal(relay.relay.status().reservations, 1);
  device.client.close();
});

Deno.test("Attack: one network has 8 reservations at a relay, a wider one 32, all 128", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const clients: SimDevice[] = [];
  const reserve = async (count: number, ip: (i: number) => string) => {
    const before = relay.relay.status().reservations;
    for (let i = 0; i < count; i++) {
      const device = world.device(ip(i), [relay]);
      clients.push(device);
      device.client.start();
    }
    await world.clock.advance(100);
    return relay.relay.status().reservations - before;
  };
  assert.equal(await reserve(12, (i) => `81.0.0.${i + 1}`), 8);
  assert.equal(await reserve(40, (i) => `81.0.${i + 1}.1`), 24);
  assert.equal(await reserve(130, (i) => `${90 + i}.0.0.1`), 96);
  assert.equal(relay.relay.room, 0);
  for (const { client } of clients) client.close();
  await world.clock.advance(100);
  assert.equal(relay.relay.room, 128, "and room again when they have gone");
});

Deno.test("Attack: circuits to one device are bounded, and offers that it does not take end after 5 s", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const deaf = world.device("81.0.0.1", [relay], {
    connect: (to) => {
      if (deaf.client.addresses().length > 0) return new Promise(() => {});
      return Promise.try(() => world.connect(to, "81.0.0.1").conn);
    },
  });
  deaf.client.start();
  await world.clock.advance(100);
  const asks = Array.from({ length: circuitsPerDevice + 6 }, (_, i) => {
    const end = world.connect(relay.place, `90.0.${i}.1`);
    const reader = new ByteReader(end);
    void writeAll(end, Uint8Array.of(5, 1, 0, ...socksTo(deaf.keys.publicKey)));
    return reader.take(12).then((bytes) => bytes[3]);
  });
  const replies = await world.clock.drive(Promise.all(asks));
  assert.equal(replies.filter((reply) => reply === code.refused).length, 6);
  assert.equal(replies.filter((reply) => reply === code.unreachable).length, circuitsPerDevice);
  deaf.client.close();
});

Deno.test("Attack: many devices' circuits are asked for, and a relay has 512 in all", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  // Devices that take no circuit: each that was asked for stays on offer.
  const devices = Array.from({ length: 9 }, (_, i) => {
    const device: SimDevice = world.device(`${81 + i}.0.0.1`, [relay], {
      connect: (to) => {
        if (device.client.addresses().length > 0) return new Promise(() => {});
        return Promise.try(() => world.connect(to, `${81 + i}.0.0.1`).conn);
      },
    });
    device.client.start();
    return device;
  });
  await world.clock.advance(100);
  const replies: (number | undefined)[] = [];
  for (let i = 0; i < 60 * devices.length; i++) {
    const end = world.connect(relay.place, `90.0.${i % 256}.1`);
    const { publicKey } = devices[i % 9]?.keys ?? assert.fail();
    void writeAll(end, Uint8Array.of(5, 1, 0, ...socksTo(publicKey)));
    void new ByteReader(end).take(12).then((bytes) => replies.push(bytes[3]), () => {});
  }
  await world.clock.advance(10);
  assert.deepEqual(replies, Array.from({ length: 60 * 9 - 512 }, () => code.refused));
  for (const { client } of devices) client.close();
});

Deno.test("Relays that are found after a device has stopped looking are not used", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const found = Promise.withResolvers<readonly Endpoint[]>();
  const device = world.device("81.0.0.1", [], { find: () => found.promise });
  device.client.start();
  await world.clock.advance(10);
  device.client.stop();
  found.resolve([relay.place]);
  await world.clock.advance(1_000);
  assert.equal(relay.ends.length, 0);
  device.client.close();
});

Deno.test("Attack: a sender passes no more than its rate allows, and an idle circuit is closed", async () => {
  const { world, relay, device } = await reached();
  const { end } = await world.ask(relay, device.keys.publicKey);
  const [taken] = device.received;
  assert.ok(taken);
  let arrived = 0;
  void (async () => {
    const space = new Uint8Array(65_536);
    for (let read: number | null = 0; read !== null; read = await taken.read(space)) {
      arrived += read;
    }
  })();
  for (let i = 0; i < 8; i++) await writeAll(end, new Uint8Array(1_048_576));
  const startMs = world.clock.monotonic();
  await world.clock.advance(2_000);
  const seconds = (world.clock.monotonic() - startMs) / 1_000;
  assert.ok(arrived <= circuitRate.burst + circuitRate.perSecond * seconds + 131_072, `${arrived}`);
  assert.ok(arrived >= circuitRate.burst, `${arrived}`);
  await world.clock.advance(60_000);
  assert.equal(arrived, 8 * 1_048_576);
  assert.equal(relay.relay.status().circuits, 1);
  await world.clock.advance(circuitIdleMs);
  assert.equal(relay.relay.status().circuits, 0);
  device.client.close();
});

/** A relay that is reached at an address of each family. */
function both(world: RelayWorld, four: string, six: string): [FoundRelay, FoundRelay] {
  const [a, b] = [world.relay(four).place, { ip: six, port: 7000 }];
  return [{ ...a, other: b }, { ...b, other: a }];
}

Deno.test("A device that others do not reach announces both addresses of a relay, and prefers such relays", async () => {
  const world = new RelayWorld();
  const four = ["80.0.0.1", "81.0.0.1", "82.0.0.1", "83.0.0.1"].map((ip) => world.relay(ip).place);
  const [first, again] = both(world, "85.0.0.1", "2a01:85::1");
  const dialled: string[] = [];
  const device = world.device("90.0.0.1", [], {
    find: () => Promise.resolve([...four, first, again]),
    connect: (to) => {
      dialled.push(to.ip);
      return Promise.try(() => world.connect(to, "90.0.0.1").conn);
    },
  });
  device.client.start();
  await world.clock.advance(100);
  const addresses = device.client.addresses();
  assert.equal(device.client.count, 3);
  assert.equal(addresses.length, 4, "one of them is found twice, and kept once");
  assert.ok(!dialled.includes(again.ip));
  assert.deepEqual(addresses.slice(0, 2), [
    "relay/85.0.0.1:7000",
    "relay/[2a01:85::1]:7000",
  ]);
  device.client.close();
});

Deno.test("Relays that not all others reach are kept, and one makes room for one that all reach", async () => {
  const world = new RelayWorld();
  const found: FoundRelay[] = ["80.0.0.1", "81.0.0.1", "82.0.0.1"].map((ip) =>
    world.relay(ip).place
  );
  const device = world.device("90.0.0.1", [], { find: () => Promise.resolve(found) });
  device.client.start();
  await world.clock.advance(100);
  assert.equal(device.client.count, 3);
  found.push(both(world, "85.0.0.1", "2a01:85::1")[0]);
  await world.clock.advance(61_000);
  assert.equal(device.client.count, 3);
  assert.ok(device.client.addresses().includes("relay/[2a01:85::1]:7000"));
  device.client.close();
});

Deno.test("A relay that gets its other address later is announced with it, without a new reservation", async () => {
  const world = new RelayWorld();
  const [twin] = both(world, "85.0.0.1", "2a01:85::1");
  const found: FoundRelay[] = [{ ip: twin.ip, port: twin.port }];
  const device = world.device("90.0.0.1", [], { find: () => Promise.resolve(found) });
  device.client.start();
  await world.clock.advance(100);
  const before = device.changes;
  found.splice(0, 1, twin);
  await world.clock.advance(61_000);
  assert.deepEqual(device.client.addresses(), [
    "relay/85.0.0.1:7000",
    "relay/[2a01:85::1]:7000",
  ]);
  assert.equal(device.changes, before + 1);
  device.client.close();
});

Deno.test("A device that others reach by one family keeps only relays for the other", async () => {
  const world = new RelayWorld();
  const [twin] = both(world, "85.0.0.1", "2a01:85::1");
  const four = world.relay("80.0.0.1").place;
  let finds = 0;
  const found: FoundRelay[] = [four];
  const device = world.device("90.0.0.1", [], {
    find: () => Promise.resolve((finds++, found)),
  });
  device.client.start();
  await world.clock.advance(100);
  assert.deepEqual(device.client.addresses(), ["relay/80.0.0.1:7000"]);
  device.client.start({ lacking: [6], isOnlyWay: false });
  await world.clock.advance(100);
  assert.deepEqual(device.client.addresses(), []);
  assert.equal(device.client.count, 0);
  const before = finds;
  await world.clock.advance(290_000);
  assert.ok(finds - before <= 5, "few networks have such a relay");
  found.push(twin);
  await world.clock.advance(61_000);
  assert.deepEqual(device.client.addresses(), ["relay/[2a01:85::1]:7000"]);
  assert.equal(device.client.count, 1);
  device.client.stop();
  await world.clock.advance(100);
  assert.equal(device.client.count, 0);
  device.client.close();
});

Deno.test("A peer that does not relay takes no reservation, and keeps what it has", async () => {
  const { world, relay, device } = await reached();
  relay.isWilling = false;
  assert.equal(relay.relay.room, 0);
  const late = world.device("83.0.0.1", [relay]);
  late.client.start();
  await world.clock.advance(1_000);
  assert.deepEqual(late.client.addresses(), []);
  assert.equal((await world.ask(relay, device.keys.publicKey)).reply, code.granted);
  late.client.close();
  device.client.close();
});

Deno.test("A relay that refused is asked again after 4 s", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  relay.isWilling = false;
  const device = world.device("81.0.0.1", [relay]);
  device.client.start();
  await world.clock.advance(100);
  relay.isWilling = true;
  await world.clock.advance(3_800);
  assert.deepEqual(device.client.addresses(), []);
  assert.equal(relay.ends.length, 1);
  await world.clock.advance(2_000);
  assert.deepEqual(device.client.addresses(), ["relay/80.0.0.1:7000"]);
  assert.equal(device.changes, 1);
  device.client.close();
});

Deno.test("Relays are looked for every second while there is none, every 15 s while there are too few", async () => {
  const world = new RelayWorld();
  const relays = ["80.0.0.1", "85.0.0.1", "86.0.0.1"].map((ip) => world.relay(ip));
  const known: SimRelay[] = [];
  let searches = 0;
  let hasUser = false;
  const device = world.device("81.0.0.1", [], {
    find: () => {
      searches++;
      return Promise.resolve(known.map(({ place }) => place));
    },
    secretKey: () => hasUser ? device.keys.secretKey : undefined,
  });
  const during = async (ms: number) => {
    searches = 0;
    await world.clock.advance(ms);
    return searches;
  };
  device.client.start();
  assert.equal(await during(5_500), 0, "no messages are taken yet");
  hasUser = true;
  assert.equal(await during(5_000), 5);
  known.push(...relays.slice(0, 2));
  await world.clock.advance(1_000);
  assert.equal(device.client.addresses().length, 2);
  assert.equal(await during(45_000), 3);
  known.push(...relays.slice(2));
  await world.clock.advance(15_000);
  assert.equal(device.client.addresses().length, 3);
  assert.equal(await during(60_000), 1, "for one that senders with IPv6 alone reach");
  device.client.stop();
  await world.clock.advance(100);
  assert.equal(await during(60_000), 0);
  device.client.close();
});

Deno.test("A reservation is waited for as long as was said, and not where there is one, none is found or none is wanted", async () => {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const known: SimRelay[] = [];
  let answers = Promise.resolve();
  const device = world.device("81.0.0.1", [], {
    find: async () => {
      await answers;
      return known.map(({ place }) => place);
    },
  });
  const waited = async () => {
    const startMs = world.clock.monotonic();
    await world.clock.drive(device.client.reserved(1_500));
    return world.clock.monotonic() - startMs;
  };
  assert.equal(await waited(), 0, "it is not started");
  device.client.start();
  assert.equal(await waited(), 0, "no node relays");
  const late = Promise.withResolvers<void>();
  answers = late.promise;
  assert.equal(await waited(), 1_500);
  const given = waited();
  device.client.stop();
  assert.equal(await given, 0, "others reach it after all");
  late.resolve();
  device.client.start();
  known.push(relay);
  assert.ok(await waited() <= 10, "it is looked for at once");
  assert.deepEqual(device.client.addresses(), ["relay/80.0.0.1:7000"]);
  assert.equal(await waited(), 0);
  device.client.close();
});

function socksTo(linkKey: Uint8Array): Uint8Array {
  const hex = [...linkKey].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return Uint8Array.of(5, 1, 0, 3, 73, ...utf8(`${hex}.camellia`), 0, 1);
}

Deno.test("A device whose link key has changed is reached under the new one, and no longer under the old", async () => {
  const world = new RelayWorld();
  const relays = ["80.0.0.1", "80.1.0.1", "80.2.0.1"].map((ip) => world.relay(ip));
  const [first, second] = [1, 2].map((n) => makeLinkKeyPair(world.random.fork(n).bytes(32)));
  const [relay] = relays;
  assert(relay && first && second);
  let now: LinkKeyPair | undefined = first;
  const { client } = world.device("90.0.0.9", relays, { secretKey: () => now?.secretKey });
  client.start();
  await world.clock.advance(5_000);
  assert.equal((await world.ask(relay, first.publicKey)).reply, 0);
  // Announcing waits for the first relay that knows the new key, and names no other.
  now = second;
  assert.deepEqual(client.addresses(), []);
  await world.clock.drive(client.reserved(1_500));
  assert.ok(client.addresses().length > 0);
  await world.clock.advance(5_000);
  assert.equal(client.addresses().length, 3);
  assert.equal((await world.ask(relay, second.publicKey)).reply, 0);
  assert.notEqual((await world.ask(relay, first.publicKey)).reply, 0);
  // After a logout it is reached under none.
  now = undefined;
  await world.clock.advance(10_000);
  assert.deepEqual(relays.map((one) => one.relay.status().reservations), [0, 0, 0]);
  client.close();
});
