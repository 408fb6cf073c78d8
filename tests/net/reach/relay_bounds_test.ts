import assert from "node:assert/strict";
import { x25519Shared } from "../../../lib/x25519.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { socksGreeting, socksRequest } from "../../../net/links/socks.ts";
import {
  circuitIdleMs,
  circuitRate,
  relayRate,
  reservationsMax,
} from "../../../net/reach/relay_limits.ts";
import {
  circuitNameBytes,
  keyBytes,
  proofOf,
  relayHead,
  sayings,
} from "../../../net/reach/relay_protocol.ts";
import type { PipeEnd } from "./pipes.ts";
import { RelayWorld, type SimDevice, type SimRelay } from "./relay_world.ts";

const code = { granted: 0, refused: 2 } as const;

/** A world with one relay, and devices at so many addresses that are reached through it. */
async function reached(ips: readonly string[]) {
  const world = new RelayWorld();
  const relay = world.relay("80.0.0.1");
  const devices = ips.map((ip) => world.device(ip, [relay]));
  for (const { client } of devices) client.start();
  await world.clock.advance(100);
  const close = () => devices.forEach(({ client }) => client.close());
  const [device = assert.fail()] = devices;
  return { world, relay, devices, device, close };
}

/** Reads and forgets; counts the bytes. */
function drain(end: PipeEnd): { bytes: number } {
  const got = { bytes: 0 };
  void (async () => {
    const space = new Uint8Array(65_536);
    for (let read: number | null = 0; read !== null; read = await end.read(space)) {
      got.bytes += read;
    }
  })();
  return got;
}

/** Reserves for a device, byte by byte, and stays silent. */
async function reserveBy(world: RelayWorld, relay: SimRelay, { keys }: SimDevice, ip: string) {
  const end = world.connect(relay.place, ip);
  const reader = new ByteReader(end);
  const linkKey = keys.publicKey;
  await writeAll(end, relayHead("reserve", linkKey));
  const challenge = await world.clock.drive(reader.take(1 + 2 * keyBytes));
  const shared = x25519Shared(keys.secretKey, challenge.subarray(1, 1 + keyBytes)) ?? assert.fail();
  const nonce = challenge.subarray(1 + keyBytes);
  const prove = () => writeAll(end, proofOf({ shared, relay: relay.place, nonce, linkKey }));
  return { end, reader, prove };
}

Deno.test("A relay gives what docs/PROTOCOL.md, section 5.2, says", () => {
  assert.deepEqual(circuitRate, { perSecond: 512 * 1_024, burst: 2 * 1_048_576 });
  assert.deepEqual(relayRate, { perSecond: 2.5 * 1_048_576, burst: 16 * 1_048_576 });
  assert.equal(circuitIdleMs, 5 * 60_000);
});

Deno.test("Attack: one provider's IPv6 networks have 64 reservations at a relay, each /56 has 8, a /48 32", async () => {
  const reserved = async (ip: (i: number) => string) => {
    const { relay, close } = await reached(Array.from({ length: 70 }, (_, i) => ip(i)));
    close();
    return relay.relay.status().reservations;
  };
  assert.equal(await reserved((i) => `2a01:1:1:${i + 1}::1`), 8);
  assert.equal(await reserved((i) => `2a01:1:1:${(i + 1).toString(16)}00::1`), 32);
  assert.equal(await reserved((i) => `2a01:1:${i + 1}::1`), 64);
});

Deno.test("A network whose devices have gone may reserve again, and a device takes its own place when all are taken", async () => {
  const { world, relay, devices, close } = await reached(
    Array.from({ length: 8 }, (_, i) => `81.0.0.${i + 1}`),
  );
  const late = world.device("81.0.0.100", [relay]);
  const reserve = async (ip: string) => {
    const { end, reader, prove } = await reserveBy(world, relay, late, ip);
    await prove();
    const [verdict] = await world.clock.drive(reader.take(1));
    return { end, isReserved: verdict === sayings.reserved };
  };
  assert.equal((await reserve("81.0.0.100")).isReserved, false);
  devices[0]?.client.stop();
  await world.clock.advance(10);
  const { isReserved } = await reserve("81.0.0.100");
  assert.ok(isReserved);
  const line = relay.ends.at(-1);
  const others = Array.from(
    { length: reservationsMax },
    (_, i) => world.device(`${90 + i}.0.0.1`, [relay]),
  );
  for (const { client } of others) client.start();
  await world.clock.advance(100);
  assert.deepEqual([relay.relay.room, line?.isClosed], [0, false]);
  assert.ok((await reserve("82.0.0.1")).isReserved);
  assert.ok(line?.isClosed, "the line of before is none any more");
  for (const { client } of others) client.close();
  close();
});

Deno.test("Attack: a device that does not prove its key, or says nonsense later, is sent away", async () => {
  const { world, relay, device, close } = await reached(["81.0.0.1"]);
  const thief = world.device("82.0.0.1", []);
  const slow = await reserveBy(world, relay, thief, "82.0.0.1");
  await world.clock.advance(5_100);
  assert.ok(relay.ends.at(-1)?.isClosed, "5 s for the proof");
  slow.end.close();
  const odd = await reserveBy(world, relay, thief, "82.0.0.1");
  await odd.prove();
  assert.deepEqual(await world.clock.drive(odd.reader.take(1)), Uint8Array.of(sayings.reserved));
  assert.equal(relay.relay.status().reservations, 2);
  await writeAll(odd.end, Uint8Array.of(sayings.call));
  await world.clock.advance(10);
  assert.equal(relay.relay.status().reservations, 1);
  const later = world.connect(relay.place, "82.0.0.1");
  await writeAll(later, Uint8Array.of(0x43, 2, 1, ...device.keys.publicKey));
  await world.clock.advance(10);
  assert.ok(relay.ends.at(-1)?.isClosed, "another version than 1");
  assert.equal(relay.relay.status().reservations, 1);
  close();
});

Deno.test("Attack: a circuit that was taken is not taken again by a stranger who has learned its name", async () => {
  const { world, relay, device, close } = await reached(["81.0.0.1"]);
  let name: Uint8Array | undefined;
  const { write } = relay.ends[0] ?? assert.fail();
  const line = relay.ends[0] ?? assert.fail();
  line.write = (bytes) => {
    if (bytes[0] === sayings.call) name = bytes.slice(1);
    return write.call(line, bytes);
  };
  const { reply } = await world.ask(relay, device.keys.publicKey);
  assert.equal(reply, code.granted);
  assert.equal(name?.length, circuitNameBytes);
  const thief = world.connect(relay.place, "66.0.0.1");
  await writeAll(thief, relayHead("take", name));
  await world.clock.advance(10);
  assert.ok(relay.ends.at(-1)?.isClosed);
  assert.equal(relay.relay.status().circuits, 1);
  close();
});

Deno.test("Circuits that are open count among the 512 of a relay and the 64 of a device, and make room when they end", async () => {
  const { world, relay, devices, close } = await reached(
    Array.from({ length: 9 }, (_, i) => `${81 + i}.0.0.1`),
  );
  const ask = ({ keys }: SimDevice) => {
    const end = world.connect(relay.place, "90.0.0.1");
    void writeAll(end, Uint8Array.of(...socksGreeting, ...socksRequest(keys.publicKey)));
    const reader = new ByteReader(end);
    const reply = reader.take(12).then((bytes) => bytes[3]);
    return { end, reply };
  };
  const askAll = async (device: SimDevice, count: number) => {
    const asked = Array.from({ length: count }, () => ask(device));
    const replies = await world.clock.drive(Promise.all(asked.map(({ reply }) => reply)));
    const granted = asked.filter((_, i) => replies[i] === code.granted);
    assert.ok(replies.every((reply) => reply === code.granted || reply === code.refused));
    return granted.map(({ end }) => end);
  };
  const [first = assert.fail(), ...others] = devices;
  /** Both ends of the first circuit are closed. */
  const endOne = async (senders: PipeEnd[], { received }: SimDevice) => {
    for (const ends of [senders, received]) ends.shift()?.close();
    await world.clock.advance(10);
  };
  const open = await askAll(first, 64);
  assert.equal(open.length, 64);
  assert.equal((await askAll(first, 2)).length, 0, "64 of one device");
  await endOne(open, first);
  assert.equal((await askAll(first, 2)).length, 1);
  for (const device of others.slice(0, 7)) await askAll(device, 64);
  const last = others.at(-1) ?? assert.fail();
  assert.equal(relay.relay.status().circuits, 512);
  assert.equal((await askAll(last, 1)).length, 0, "512 in all");
  await endOne(open, first);
  assert.equal((await askAll(last, 2)).length, 1);
  close();
});

Deno.test("Attack: however many circuits are busy, all together pass what a relay gives", async () => {
  const { world, relay, devices, close } = await reached(
    Array.from({ length: 20 }, (_, i) => `${81 + i}.0.0.1`),
  );
  const startMs = world.clock.monotonic();
  const arrived: { bytes: number }[] = [];
  for (const { keys, received } of devices) {
    const { end } = await world.ask(relay, keys.publicKey);
    arrived.push(drain(received[0] ?? assert.fail()));
    for (let i = 0; i < 3; i++) await writeAll(end, new Uint8Array(1_048_576));
  }
  await world.clock.advance(2_000);
  const seconds = (world.clock.monotonic() - startMs) / 1_000;
  const all = arrived.reduce((sum, { bytes }) => sum + bytes, 0);
  const inPieces = devices.length * 65_536;
  assert.ok(all <= relayRate.burst + relayRate.perSecond * seconds + inPieces, `${all}`);
  assert.ok(all >= relayRate.burst, `${all}`);
  close();
});

Deno.test("A circuit in use lasts longer than five minutes, and the front door learns of each piece", async () => {
  const { world, relay, device, close } = await reached(["81.0.0.1"]);
  const { end } = await world.ask(relay, device.keys.publicKey);
  const [line, sender, taken] = relay.ends;
  const before = line?.spoken ?? 0;
  for (let i = 0; i < 3; i++) {
    await world.clock.advance(circuitIdleMs - 60_000);
    await writeAll(end, Uint8Array.of(1));
    await writeAll(device.received[0] ?? assert.fail(), Uint8Array.of(2));
  }
  await world.clock.advance(1_000);
  assert.equal(relay.relay.status().circuits, 1);
  assert.deepEqual([sender?.spoken, taken?.spoken], [3, 3]);
  assert.ok((line?.spoken ?? 0) - before > 300, "each sign of life");
  close();
});
