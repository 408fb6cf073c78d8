import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption } from "../../../lib/networks.ts";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { Carriers } from "../../../net/streams/carriers.ts";
import { frameOf, readFrame, streamHead } from "../../../net/streams/frames.ts";
import type { Connect } from "../../../net/streams/stream_client.ts";
import {
  firstSilenceMs,
  laterSilenceMs,
  laterSilenceRequests,
  surenessMs,
} from "../../../net/streams/stream_limits.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { pipe, type PipeEnd } from "../reach/pipes.ts";
import { answer, request, Wire } from "./wire.ts";

const node: Endpoint = { ip: "80.0.0.1", port: 8000 };

/** Carriers, what they received, and what they told. */
class World {
  readonly clock = new VirtualClock();
  readonly udp = new Wire();
  readonly outsideUdp = new Wire();
  readonly ends: PipeEnd[] = [];
  readonly received: Uint8Array[] = [];
  readonly receivedOutside: Uint8Array[] = [];
  readonly told: unknown[] = [];
  readonly carriers: Carriers;

  constructor(connect?: Connect) {
    this.carriers = new Carriers({
      time: this.clock,
      udp: this.udp,
      outside: this.outsideUdp,
      exemption: new Exemption(),
      connect: connect ?? ((to) => {
        const [dialled, taken] = pipe(to);
        this.ends.push(taken);
        return Promise.resolve(dialled.conn);
      }),
    });
    this.carriers.main.onReceive((data) => this.received.push(data));
    this.carriers.outside.onReceive((data) => this.receivedOutside.push(data));
    this.carriers.onChange(() => this.told.push(this.carriers.status()));
  }

  /** Lets a request go unanswered by UDP, and the node answer it by TCP. */
  async goByTcp(): Promise<ByteReader> {
    this.carriers.main.send(request(1), node);
    await this.clock.advance(firstSilenceMs);
    const [end] = this.ends as [PipeEnd];
    const reader = new ByteReader(end);
    await reader.take(streamHead.length);
    assert.deepEqual(await readFrame(reader, { bytesMin: 1, bytesMax: 100 }), request(1));
    await this.clock.advance(20);
    await this.says(answer(1));
    return reader;
  }

  /** The node sends this by TCP. */
  async says(data: Uint8Array): Promise<void> {
    await writeAll(this.ends[0] as PipeEnd, frameOf(data));
    await this.clock.advance(1);
  }
}

Deno.test("What hinders is told apart, after three seconds: no network, no node, no UDP", async () => {
  const refuse = (error: Error): Connect => () => Promise.reject(error);
  const cases: readonly (readonly [hindrance: string, connect?: Connect])[] = [
    ["no_network", refuse(new Deno.errors.NetworkUnreachable("unreachable"))],
    ["no_node", refuse(new Deno.errors.ConnectionRefused("refused"))],
    ["no_node", () => new Promise(() => {})],
    ["no_udp"],
  ];
  for (const [hindrance, connect] of cases) {
    const world = new World(connect);
    world.carriers.main.send(request(1), node);
    await world.clock.advance(firstSilenceMs - 1);
    assert.deepEqual(world.carriers.status(), {});
    await world.clock.advance(2 * surenessMs);
    assert.deepEqual(world.carriers.status(), { hindrance });
    assert.deepEqual(world.told, [{ hindrance }]);
    world.udp.receive(answer(1), node);
    assert.deepEqual(world.carriers.status(), { carrier: "udp" });
    assert.equal(world.told.length, 1, "that it is over is told by the node that has joined");
    world.carriers.main.close();
  }
});

Deno.test("One lost datagram does not make a network one without UDP", async () => {
  const world = new World();
  await world.goByTcp();
  assert.deepEqual(world.received, [answer(1)]);
  world.carriers.main.send(request(2), node);
  assert.equal(world.udp.sent.length, 2, "UDP is tried at once");
  world.udp.receive(answer(2), node);
  await world.clock.advance(2 * surenessMs);
  assert.deepEqual(world.carriers.status(), { carrier: "udp" });
  assert.deepEqual(world.told, []);
  world.carriers.main.close();
});

Deno.test("That UDP is blocked is told after three seconds, and requests go by TCP", async () => {
  const world = new World();
  const reader = await world.goByTcp();
  await world.clock.advance(surenessMs);
  assert.deepEqual(world.told, [{ carrier: "tcp" }]);
  world.carriers.main.send(request(2), node);
  assert.equal(world.udp.sent.length, 1);
  await world.clock.advance(1);
  assert.deepEqual(await readFrame(reader, { bytesMin: 1, bytesMax: 100 }), request(2));
  world.carriers.main.close();
});

Deno.test("What the second socket asks by TCP is answered to the second socket", async () => {
  const world = new World();
  world.carriers.outside.send(request(7), node);
  assert.deepEqual(world.outsideUdp.sent, [request(7)]);
  await world.goByTcp();
  world.carriers.outside.send(request(9), node);
  assert.equal(world.outsideUdp.sent.length, 1);
  await world.says(answer(9));
  assert.deepEqual(world.receivedOutside, [answer(9)]);
  assert.deepEqual(world.received, [answer(1)]);
  world.carriers.main.close();
});

Deno.test("Requests that come by UDP are answered by UDP, whatever carries the own ones", async () => {
  const world = new World();
  await world.goByTcp();
  world.udp.receive(request(5), node);
  world.carriers.main.send(answer(5), node);
  assert.deepEqual(world.udp.sent, [request(1), answer(5)]);
  world.carriers.main.send(answer(6), { ...node, isProven: true });
  assert.equal(world.udp.sent.length, 2, "that one came by a stream, which has ended");
  world.carriers.main.close();
});

Deno.test("Where UDP falls silent at a router that translates to an old address, the second socket is used", async () => {
  const world = new World();
  const { carriers, clock, udp, outsideUdp } = world;
  carriers.main.send(request(1), node);
  udp.receive(answer(1), node);
  for (let id = 2; id < 2 + laterSilenceRequests; id++) carriers.main.send(request(id), node);
  await clock.advance(laterSilenceMs);
  assert.equal(outsideUdp.sent.length, 0);
  carriers.main.send(request(20), node);
  assert.deepEqual([udp.sent.at(-1), outsideUdp.sent.at(-1)], [request(20), request(20)]);
  outsideUdp.receive(answer(20), node);
  assert.deepEqual(world.received, [answer(1), answer(20)]);
  const sent = udp.sent.length;
  carriers.main.send(request(21), node);
  assert.deepEqual([udp.sent.length, outsideUdp.sent.at(-1)], [sent, request(21)]);
  await clock.advance(2 * surenessMs);
  assert.deepEqual([carriers.status(), world.told], [{ carrier: "udp" }, []]);
  carriers.main.close();
});
