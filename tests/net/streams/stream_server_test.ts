import assert from "node:assert/strict";
import { Exemption } from "../../../lib/networks.ts";
import { headerBytes, requestBytesMax } from "../../../net/kademlia/constants.ts";
import type { Sender } from "../../../net/kademlia/ports.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { frameOf, FrameWriter, readFrame, streamHead } from "../../../net/streams/frames.ts";
import {
  queuedBytesMax,
  servedIdleMs,
  servedMax,
  servedPerNetwork,
  servedRate,
} from "../../../net/streams/stream_limits.ts";
import { StreamServer } from "../../../net/streams/stream_server.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { callerAt, pipe, type PipeEnd } from "../reach/pipes.ts";

const answerBounds = { bytesMin: 1, bytesMax: 16_384 };

/** A datagram of that kind and length. */
function datagram(kind: number, length = 50): Uint8Array {
  const data = new Uint8Array(length).fill(7);
  data[0] = kind;
  return data;
}

/** A server, and what it was asked. */
class World {
  readonly clock = new VirtualClock();
  readonly server: StreamServer;
  readonly asked: { readonly data: Uint8Array; readonly from: Sender }[] = [];

  constructor(exemption = new Exemption(false)) {
    this.server = new StreamServer({ time: this.clock, exemption });
    this.server.onRequest((data, from) => this.asked.push({ data, from }));
  }

  /** A client's end of a connection on which it has said this. */
  async call(ip: string, ...said: readonly Uint8Array[]): Promise<PipeEnd> {
    const [client, served] = pipe({ ip: "80.0.0.1", port: 8000 });
    for (const bytes of said) await writeAll(client, bytes);
    void (async () => {
      await this.server.serve(await callerAt(served, ip));
    })().catch(() => {}).finally(() => served.close());
    await this.clock.advance(1);
    return client;
  }

  /** Whether the server has closed the connection. */
  async isClosed(end: PipeEnd): Promise<boolean> {
    let isOver = false;
    void end.read(new Uint8Array(1)).then((count) => void (isOver = count === null));
    await this.clock.settle();
    return isOver;
  }
}

Deno.test("A request that comes by TCP is handed on with its sender proven, and its answer goes back", async () => {
  const world = new World();
  const { server, asked, clock } = world;
  const client = await world.call("81.0.0.1", streamHead, frameOf(datagram(0)));
  assert.equal(asked.length, 1);
  const [{ data, from }] = asked as [World["asked"][number]];
  assert.deepEqual(data, datagram(0));
  assert.equal(from.ip, "81.0.0.1");
  assert.equal(from.isProven, true);
  server.answer(datagram(1), { ...from, port: from.port + 1 });
  server.answer(datagram(1, 60), from);
  assert.deepEqual(await readFrame(new ByteReader(client), answerBounds), datagram(1, 60));
  client.close();
  await clock.advance(1);
  assert.equal(server.open, 0);
  server.answer(datagram(1), from);
});

Deno.test("Attack: what is no request, or has no sensible length, ends the stream", async () => {
  const hostile: readonly Uint8Array[] = [
    Uint8Array.of(streamHead[0] ?? 0, 2, 0, 50),
    Uint8Array.of(...streamHead, ...frameOf(datagram(1))),
    Uint8Array.of(...streamHead, ...frameOf(datagram(9))),
    Uint8Array.of(...streamHead, 0, 0),
    Uint8Array.of(...streamHead, ...frameOf(datagram(0, headerBytes))),
    Uint8Array.of(...streamHead, ...frameOf(datagram(0, headerBytes + requestBytesMax + 1))),
    Uint8Array.of(...streamHead, 255, 255),
  ];
  for (const bytes of hostile) {
    const world = new World();
    const client = await world.call("81.0.0.1", bytes);
    assert.ok(await world.isClosed(client), bytes.subarray(0, 6).join(" "));
    assert.equal(world.asked.length, 0);
    assert.equal(world.server.open, 0);
  }
  const world = new World();
  const longest = frameOf(datagram(0, headerBytes + requestBytesMax));
  const client = await world.call("81.0.0.1", streamHead, longest);
  assert.equal(await world.isClosed(client), false);
  assert.equal(world.asked.length, 1);
});

Deno.test("Attack: one network has a share of the streams, and others are served", async () => {
  const world = new World();
  const most = servedPerNetwork["4/24"];
  for (let i = 0; i < most; i++) await world.call(`81.0.0.${1 + i}`, streamHead);
  assert.ok(await world.isClosed(await world.call("81.0.0.200", streamHead)));
  assert.equal(await world.isClosed(await world.call("81.0.1.1", streamHead)), false);
  assert.equal(world.server.open, most + 1);
  for (let i = 0; i < servedMax - most - 1; i++) {
    await world.call(`82.${i}.0.1`, streamHead);
  }
  assert.ok(await world.isClosed(await world.call("8.0.0.1", streamHead)), "all are taken");
});

Deno.test("Attack: a flood by one stream is read no faster than its rate", async () => {
  const world = new World();
  const client = await world.call("81.0.0.1", streamHead);
  const one = frameOf(datagram(0, 8_000));
  const inAll = 2 * servedRate.burst;
  for (let sent = 0; sent < inAll; sent += 8_000) await writeAll(client, one);
  await world.clock.advance(1);
  const atOnce = world.asked.length * 8_000;
  assert.ok(atOnce <= servedRate.burst + 8_000, `${atOnce} bytes at once`);
  await world.clock.advance(1_000);
  const later = world.asked.length * 8_000 - atOnce;
  assert.ok(later > 0 && later <= servedRate.perSecond + 8_000, `${later} bytes in a second`);
  client.close();
});

Deno.test("Attack: a client that does not read gets what fits, and the rest is lost", async () => {
  const written: Uint8Array[] = [];
  const never = {
    write: (bytes: Uint8Array) => {
      written.push(bytes);
      return new Promise<number>(() => {});
    },
  };
  const writer = new FrameWriter();
  writer.start(never);
  let taken = 0;
  while (writer.push(datagram(1, 8_000))) taken++;
  assert.equal(taken, Math.floor(queuedBytesMax / 8_002));
  assert.equal(writer.push(datagram(1, 8_000)), false);
  await Promise.resolve();
  assert.equal(written.length, 1);
});

Deno.test("A stream without a request for a minute is closed", async () => {
  const world = new World();
  const client = await world.call("81.0.0.1", streamHead);
  await world.clock.advance(servedIdleMs - 2_000);
  await writeAll(client, frameOf(datagram(0)));
  await world.clock.advance(servedIdleMs - 1);
  assert.equal(world.server.open, 1);
  await world.clock.advance(2);
  assert.equal(world.server.open, 0);
});
