import { Exemption } from "../../../../lib/networks.ts";
import assert from "node:assert/strict";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import type { Endpoint } from "../../../../lib/ip_address.ts";
import { Scheduler } from "../../../../lib/scheduler.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { RateLimits } from "../../../../net/kademlia/rpc/rate_limits.ts";
import { ping } from "../../../../net/kademlia/rpc/methods/ping.ts";
import { type Call, type Caller, Rpc } from "../../../../net/kademlia/rpc/rpc.ts";
import { encodeAnswer } from "../../../../net/kademlia/rpc/wire.ts";
import { testWorld } from "../support.ts";
import { SeededRandom } from "../../../sim/random.ts";

const own = new Id(1, 1, 1, 1, 1);
const here = { ip: "5.0.0.1", port: 1 };
const there = new NodeContact(new Id(2, 2, 2, 2, 2), "5.0.0.2", 2);

/** An rpc whose requests are caught instead of delivered, and what its caller was told. */
function setup() {
  const world = testWorld();
  const scheduler = new Scheduler(world.clock, (error) => assert.fail(error));
  const requests: Uint8Array[] = [];
  world.network.open(there).onReceive((data) => requests.push(data.slice()));
  const rpc = new Rpc({
    time: world.clock,
    random: new SeededRandom(1),
    datagrams: world.network.open(here),
    scheduler,
    limits: new RateLimits(new Exemption(), true),
    onError: (error) => assert.fail(String(error)),
  });
  const told: string[] = [];
  const caller: Caller<Id, string> = {
    answered(call: Call<Id, string>, id: Id): boolean {
      assert.equal(call.tag, "the tag");
      if (!id.equals(there.nodeId)) return false;
      told.push("answered");
      return true;
    },
    silent: () => told.push("silent"),
    lost: () => told.push("lost"),
  };
  const ask = (): Call<Id, string> | undefined =>
    rpc.call({
      contact: there,
      method: ping,
      args: { sender: own },
      caller,
      tag: "the tag",
      timeoutMs: 100,
    });
  const answer = async (from: Endpoint = there, id = there.nodeId): Promise<Uint8Array> => {
    await world.clock.advance(20);
    const [request] = requests.splice(0);
    assert.ok(request);
    const data = encodeAnswer(request, ping, id);
    world.network.inject(data, from, here);
    return data;
  };
  return { world, rpc, told, ask, answer, caller };
}

Deno.test("An answer counts once: the second is dropped", async () => {
  const { world, rpc, told, ask, answer } = setup();
  ask();
  const data = await answer();
  world.network.inject(data, there, here);
  assert.deepEqual(told, ["answered"]);
  assert.equal(rpc.traffic.dropped, 1);
  assert.equal(rpc.openRequests, 0);
});

Deno.test("What a request was sent for is not kept until its timeout once it was answered", async () => {
  const { rpc, answer } = setup();
  const nobody = { answered: () => true, silent() {}, lost() {} };
  const elsewhere = new NodeContact(new Id(3, 3, 3, 3, 3), "5.0.0.3", 3);
  const request = { contact: there, method: ping, args: { sender: own }, timeoutMs: 200 };
  const send = (): WeakRef<object> => {
    const tag = {};
    assert.ok(rpc.call({ ...request, caller: nobody, tag }));
    return new WeakRef(tag);
  };
  // Nobody answers this one, which is due before the other.
  rpc.call({ ...request, contact: elsewhere, caller: nobody, tag: undefined, timeoutMs: 100 });
  const tag = send();
  await answer();
  assert.equal(rpc.openRequests, 1);
  // What a WeakRef was made of stays until the end of the turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  v8.setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  assert.equal(tag.deref(), undefined);
});

Deno.test("Traffic counts datagrams and bytes in either direction", async () => {
  const { world, rpc, ask, answer } = setup();
  const idle = { datagramsIn: 0, datagramsOut: 0, bytesIn: 0, bytesOut: 0, dropped: 0 };
  assert.deepEqual(rpc.traffic, idle);
  const sizes: number[] = [];
  world.network.open({ ip: "5.0.0.3", port: 3 }).onReceive((data) => sizes.push(data.length));
  rpc.send(new Uint8Array(30), { ip: "5.0.0.3", port: 3 });
  await world.clock.advance(20);
  assert.deepEqual(sizes, [30]);
  assert.deepEqual(rpc.traffic, { ...idle, datagramsOut: 1, bytesOut: 30 });
  ask();
  const { bytesOut } = rpc.traffic;
  assert.ok(bytesOut > 30);
  const { length } = await answer();
  const after = { ...idle, datagramsIn: 1, bytesIn: length, datagramsOut: 2, bytesOut };
  assert.deepEqual(rpc.traffic, after);
  // Neither a request nor an answer, and shorter than any.
  world.network.inject(new Uint8Array(3_000).fill(99), there, here);
  world.network.inject(new Uint8Array(1), there, here);
  assert.deepEqual(rpc.traffic, {
    ...after,
    datagramsIn: 3,
    bytesIn: length + 3_001,
    dropped: 2,
  });
});

Deno.test("An answer from another address than the one asked does not count", async () => {
  const { told, ask, answer, rpc } = setup();
  ask();
  await answer({ ip: "5.0.0.9", port: 2 });
  assert.deepEqual(told, []);
  ask();
  await answer({ ip: "5.0.0.2", port: 9 });
  assert.deepEqual(told, []);
  assert.equal(rpc.openRequests, 2);
});

Deno.test("An answer to nobody's question does not count", async () => {
  const { world, told, ask, answer } = setup();
  ask();
  const data = await answer({ ip: "5.0.0.9", port: 9 });
  // Any one byte of the message id makes it another question.
  for (let i = 1; i <= 20; i++) {
    const other = data.slice();
    other[i] = (other[i] ?? 0) ^ 1;
    world.network.inject(other, there, here);
  }
  assert.deepEqual(told, []);
  world.network.inject(data, there, here);
  assert.deepEqual(told, ["answered"]);
});

Deno.test("A mapped IPv4 address is the address that was asked", async () => {
  const { told, ask, answer } = setup();
  ask();
  await answer({ ip: "::ffff:5.0.0.2", port: 2 });
  assert.deepEqual(told, ["answered"]);
});

Deno.test("After its timeout a request is silent, its late answer counts, and then it is lost", async () => {
  const { world, told, ask, answer } = setup();
  ask();
  await world.clock.advance(150);
  assert.deepEqual(told, ["silent"]);
  const data = await answer();
  assert.deepEqual(told, ["silent", "answered"]);
  ask();
  await world.clock.advance(2_001);
  assert.deepEqual(told, ["silent", "answered", "silent", "lost"]);
  world.network.inject(data, there, here);
  assert.equal(told.length, 4);
});

Deno.test("An answer that makes no sense ends its request", async () => {
  const { world, told, ask, answer } = setup();
  ask();
  const data = await answer({ ip: "5.0.0.9", port: 9 });
  world.network.inject(data.subarray(0, 30), there, here);
  assert.deepEqual(told, ["lost"]);
  ask();
  await answer(there, own);
  assert.deepEqual(told, ["lost", "lost"], "its caller knows better");
});

Deno.test("A datagram that is too short or too long to be one of the protocol's ends no request", async () => {
  for (const [ignored, read] of [[21, 22], [16_385, 16_384]] as const) {
    const { world, rpc, told, ask, answer } = setup();
    ask();
    const data = await answer({ ip: "5.0.0.9", port: 9 });
    const sized = (length: number) => {
      const bytes = new Uint8Array(length);
      bytes.set(data.subarray(0, 21));
      return bytes;
    };
    world.network.inject(sized(ignored), there, here);
    assert.deepEqual([told, rpc.openRequests], [[], 1]);
    world.network.inject(sized(read), there, here);
    assert.deepEqual([told, rpc.openRequests], [["lost"], 0]);
  }
});

Deno.test("Open requests are bounded, and room comes back", async () => {
  const { world, rpc, ask } = setup();
  for (let i = 0; i < 1_024; i++) assert.ok(ask());
  assert.equal(ask(), undefined);
  assert.equal(rpc.openRequests, 1_024);
  await world.clock.advance(3_000);
  assert.equal(rpc.openRequests, 0);
  assert.ok(ask());
});

Deno.test("A process that stood still reads its socket before it believes in a timeout", async () => {
  const { world, rpc, told, ask } = setup();
  const call = ask();
  assert.ok(call);
  const nowMs = world.clock.monotonic() + 500;
  rpc.due(call, nowMs);
  assert.deepEqual(told, []);
  assert.ok(call.dueMs <= nowMs + 10);
  for (let i = 0; i < 5; i++) rpc.due(call, nowMs + 1_000 * i);
  assert.equal(told[0], "silent", "but not for ever");
  await world.clock.advance(1);
});

Deno.test("After closing nothing is sent and nobody is told", async () => {
  const { world, rpc, told, ask } = setup();
  ask();
  rpc.close();
  const { sent } = world.network;
  assert.equal(ask(), undefined);
  rpc.send(new Uint8Array(30), there);
  await world.clock.advance(1);
  assert.equal(world.network.sent, sent);
  assert.deepEqual(told, []);
});
