import assert from "node:assert/strict";
import { withIPv6 } from "../../ipv6.ts";
import { openDatagrams } from "../../../net/system/datagrams.ts";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { KademliaNode, storeAnything } from "../../../net/kademlia/mod.ts";
import { bytesOf, closeAll, keyOf, textOf } from "../kademlia/support.ts";
import { SeededRandom } from "../../sim/random.ts";
import { SystemClock } from "../../../net/system/system_time.ts";

function open(ip: string) {
  return openDatagrams({ ip, port: 0 });
}

interface Received {
  readonly text: string | undefined;
  readonly from: Endpoint;
}

function receive(socket: { onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void }) {
  return new Promise<Received>((resolve) =>
    socket.onReceive((data, from) => resolve({ text: textOf(data), from }))
  );
}

Deno.test("A datagram arrives with its sender's address", async () => {
  const [a, b] = [open("127.0.0.1"), open("127.0.0.1")];
  const received = receive(b);
  a.send(bytesOf("hello"), b.address);
  assert.deepEqual(await received, { text: "hello", from: a.address });
  a.close();
  b.close();
});

Deno.test("A dual-stack socket speaks IPv4 under its plain address", async () => {
  const [four, both] = [open("127.0.0.1"), open("::")];
  const there = receive(both);
  four.send(bytesOf("to six"), { ip: "127.0.0.1", port: both.address.port });
  assert.deepEqual(await there, { text: "to six", from: four.address });
  const back = receive(four);
  both.send(bytesOf("to four"), four.address);
  assert.equal((await back).text, "to four");
  four.close();
  both.close();
});

Deno.test("Sending to what is no address, or after closing, does nothing", async () => {
  const [a, b] = [open("127.0.0.1"), open("127.0.0.1")];
  const received = receive(b);
  for (const port of [0, -1, 70_000, NaN]) a.send(bytesOf("no"), { ip: "127.0.0.1", port });
  a.send(bytesOf("no"), { ip: "localhost", port: b.address.port });
  a.send(bytesOf("no"), { ip: "::1", port: b.address.port });
  a.send(bytesOf("yes"), b.address);
  assert.equal((await received).text, "yes");
  a.close();
  a.close();
  a.send(bytesOf("no"), b.address);
  b.close();
});

Deno.test("A receiver that throws does not end the loop", async () => {
  const [a, b] = [open("127.0.0.1"), open("127.0.0.1")];
  let count = 0;
  const second = new Promise<void>((resolve) =>
    b.onReceive(() => {
      if (++count === 1) throw new Error("first");
      resolve();
    })
  );
  a.send(bytesOf("1"), b.address);
  a.send(bytesOf("2"), b.address);
  await second;
  a.close();
  b.close();
});

Deno.test("A socket has one receiver", () => {
  const a = open("127.0.0.1");
  a.onReceive(() => {});
  assert.throws(() => a.onReceive(() => {}), /one receiver/);
  a.close();
});

Deno.test(withIPv6("Nodes over IPv6, and over both, form a network"), async () => {
  const node = (hostname: string): Promise<KademliaNode> =>
    KademliaNode.create({
      policy: storeAnything,
      time: new SystemClock(),
      random: new SeededRandom(hostname),
      datagrams: open(hostname),
    });
  const [six, both, four] = [await node("::1"), await node("::"), await node("127.0.0.1")];
  const { port } = both.address;
  assert.ok(await six.bootstrap([{ host: "::1", port }]));
  assert.ok(await four.bootstrap([{ host: "127.0.0.1", port }]));
  await both.put(keyOf("k"), bytesOf("v"));
  assert.equal(textOf((await six.get(keyOf("k"))).value), "v");
  assert.equal(textOf((await four.get(keyOf("k"))).value), "v");
  await closeAll([six, both, four]);
});
