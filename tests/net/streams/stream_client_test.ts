import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption } from "../../../lib/networks.ts";
import { datagramBytesMax } from "../../../net/kademlia/constants.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { frameOf, readFrame, streamHead } from "../../../net/streams/frames.ts";
import { type Connect, type Outcome, StreamClient } from "../../../net/streams/stream_client.ts";
import {
  connectMsMax,
  keptIdleMs,
  keptMax,
  keptPerNetwork,
  lookMs,
  openedRate,
  owedMsMax,
} from "../../../net/streams/stream_limits.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { pipe, type PipeEnd } from "../reach/pipes.ts";

const bounds = { bytesMin: 1, bytesMax: 16_384 };

function datagram(kind: number, length = 50): Uint8Array {
  const data = new Uint8Array(length).fill(7);
  data[0] = kind;
  return data;
}

/** A client, the nodes' ends of its connections, and what it learned. */
class World {
  readonly clock = new VirtualClock();
  readonly dialled: Endpoint[] = [];
  readonly ends: PipeEnd[] = [];
  readonly answers: { readonly data: Uint8Array; readonly from: Endpoint }[] = [];
  readonly outcomes: Outcome[] = [];
  readonly exemption: Exemption;
  readonly client: StreamClient;
  connect: Connect = (to) => {
    const [dialled, taken] = pipe(to);
    this.ends.push(taken);
    return Promise.resolve(dialled.conn);
  };

  constructor(exemption = new Exemption()) {
    this.exemption = exemption;
    this.client = new StreamClient({
      time: this.clock,
      exemption,
      onAnswer: (data, from) => this.answers.push({ data, from }),
      onOutcome: (outcome) => this.outcomes.push(outcome),
      connect: (to, signal) => {
        this.dialled.push(to);
        return this.connect(to, signal);
      },
    });
  }

  /** Sends a request, and lets what can happen happen. */
  async send(ip: string, port = 8000, data = datagram(0)): Promise<void> {
    this.client.send(data, { ip, port });
    await this.clock.advance(1);
  }
}

Deno.test("A request opens a stream, which later ones use, and the answer comes from that node", async () => {
  const world = new World();
  world.client.send(datagram(0), { ip: "80.0.0.1", port: 8000 });
  await world.send("80.0.0.1", 8000, datagram(0, 60));
  assert.deepEqual(world.dialled, [{ ip: "80.0.0.1", port: 8000 }]);
  assert.deepEqual(world.outcomes, ["opened"]);
  const [end] = world.ends as [PipeEnd];
  const reader = new ByteReader(end);
  assert.deepEqual(await reader.take(streamHead.length), streamHead);
  assert.deepEqual(await readFrame(reader, bounds), datagram(0));
  assert.deepEqual(await readFrame(reader, bounds), datagram(0, 60));
  await writeAll(end, frameOf(datagram(1, datagramBytesMax)));
  await world.clock.advance(1);
  assert.deepEqual(world.answers, [{
    data: datagram(1, datagramBytesMax),
    from: { ip: "80.0.0.1", port: 8000 },
  }]);
  world.client.close();
  assert.equal(await end.read(new Uint8Array(9)), null);
});

Deno.test("Attack: a node that sends what is no answer, or more answers than requests, is hung up on", async () => {
  const hostile: readonly (readonly Uint8Array[])[] = [
    [frameOf(datagram(0))],
    [frameOf(datagram(1, 21))],
    [frameOf(datagram(1, datagramBytesMax + 1))],
    [Uint8Array.of(0, 0)],
  ];
  for (const said of hostile) {
    const world = new World();
    await world.send("80.0.0.1");
    for (const bytes of said) await writeAll(world.ends[0] as PipeEnd, bytes);
    await world.clock.advance(1);
    assert.equal(world.client.open, 0);
    assert.equal(world.answers.length, 0);
    world.client.close();
  }
  const world = new World();
  await world.send("80.0.0.1");
  for (let i = 0; i < 3; i++) await writeAll(world.ends[0] as PipeEnd, frameOf(datagram(1)));
  await world.clock.advance(1);
  assert.equal(world.answers.length, 1, "one request, one answer");
  assert.equal(world.client.open, 0);
  world.client.close();
});

Deno.test("Attack: addresses of the own machine and home are not connected to from the open Internet", async () => {
  const world = new World();
  await world.send("127.0.0.1");
  await world.send("192.168.0.1");
  assert.equal(world.dialled.length, 2, "all is local");
  world.exemption.met("80.0.0.1");
  const never = [
    "127.0.0.2",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.2",
    "100.64.0.1",
    "fd00::1",
  ];
  const nowhere = [
    "0.0.0.0",
    "224.0.0.1",
    "169.254.1.1",
    "fe80::1",
    "255.255.255.255",
    "example.org",
  ];
  for (const ip of [...never, ...nowhere]) await world.send(ip);
  for (const port of [0, -1, 65_536, 1.5]) await world.send("80.0.0.1", port);
  assert.equal(world.dialled.length, 2);
  await world.send("80.0.0.1");
  assert.equal(world.dialled.length, 3);
  world.client.close();
});

Deno.test("Attack: nodes that name one victim's network make a peer open few connections to it", async () => {
  const world = new World(new Exemption(false));
  for (let i = 0; i < 200; i++) await world.send(`80.0.0.${1 + i % 50}`, 8000 + i);
  assert.equal(world.dialled.length, keptPerNetwork["4/24"]);
  await world.send("80.0.1.1");
  assert.equal(world.dialled.length, keptPerNetwork["4/24"] + 1);
  world.client.close();
});

Deno.test("Streams are bounded in number and in how fast they are opened", async () => {
  const world = new World(new Exemption(false));
  for (let i = 0; i < 2 * openedRate.burst; i++) {
    world.client.send(datagram(0), { ip: `${1 + i % 9}.${i >> 8}.${i & 255}.1`, port: 8000 });
  }
  await world.clock.advance(1);
  assert.equal(world.client.open, keptMax);
  assert.ok(world.dialled.length <= openedRate.burst + 1, `${world.dialled.length} were opened`);
  await world.clock.advance(1_000);
  const before = world.dialled.length;
  for (let i = 0; i < 200; i++) await world.send(`20.${i}.0.1`);
  assert.ok(world.dialled.length - before <= 2 * openedRate.perSecond);
  world.client.close();
});

Deno.test("What becomes of connecting is told: refused, not to be reached, no network", async () => {
  const world = new World();
  world.connect = () => Promise.reject(new Deno.errors.ConnectionRefused("refused"));
  await world.send("80.0.0.1");
  world.connect = () => Promise.reject(new Deno.errors.NetworkUnreachable("unreachable"));
  await world.send("80.0.0.2");
  world.connect = () => new Promise(() => {});
  await world.send("80.0.0.3");
  assert.deepEqual(world.outcomes, ["failed", "no_network"]);
  await world.clock.advance(connectMsMax);
  assert.deepEqual(world.outcomes, ["failed", "no_network", "failed"]);
  assert.equal(world.client.open, 0);
  world.client.close();
});

Deno.test("A request that is never answered does not end a stream whose node answers others", async () => {
  const world = new World();
  await world.send("80.0.0.1");
  await world.send("80.0.0.1");
  await writeAll(world.ends[0] as PipeEnd, frameOf(datagram(1)));
  await world.clock.advance(1);
  assert.equal(world.answers.length, 1);
  await world.clock.advance(keptIdleMs - 5_000);
  assert.equal(world.client.open, 1);
  await world.send("80.0.0.1");
  assert.equal(world.dialled.length, 1);
  await world.clock.advance(owedMsMax + 5_000);
  assert.equal(world.client.open, 0, "the last request was the node's to answer");
  world.client.close();
});

Deno.test("An idle stream is closed, and one whose node has fallen silent is opened anew", async () => {
  const world = new World();
  await world.send("80.0.0.1");
  await world.clock.advance(owedMsMax + lookMs);
  assert.equal(world.client.open, 0, "it owed an answer");
  await world.send("80.0.0.1");
  assert.equal(world.dialled.length, 2);
  await writeAll(world.ends[1] as PipeEnd, frameOf(datagram(1)));
  await world.clock.advance(keptIdleMs - lookMs);
  assert.equal(world.client.open, 1);
  await world.clock.advance(2 * lookMs);
  assert.equal(world.client.open, 0);
  world.client.close();
  await world.send("80.0.0.1");
  assert.equal(world.dialled.length, 2, "closed for good");
});
