import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { bytesOf, keyOf, realTime, textOf } from "../kademlia/support.ts";
import { udpAgain } from "../../../net/streams/stream_limits.ts";
import { until } from "../links/links_world.ts";
import { StreamPeer } from "./streams_world.ts";

Deno.test("A node whose UDP is blocked joins by TCP, stores and reads, and enters no table", async () => {
  await using first = await StreamPeer.start();
  await using second = await StreamPeer.start();
  assert.ok(await second.join(first));
  await using blocked = await StreamPeer.start({ isBlocked: true });
  assert.ok(await blocked.join(first));
  await until(() => blocked.node.contacts().length === 2, "two contacts");
  const { accepted } = await blocked.node.put(keyOf("a"), bytesOf("hello"));
  assert.equal(accepted, 3, "its own node among them, as it is one of the nearest");
  assert.equal(textOf((await second.node.get(keyOf("a"))).value), "hello");
  await second.node.put(keyOf("b"), bytesOf("back"));
  assert.equal(textOf((await blocked.node.get(keyOf("b"))).value), "back");
  assert.equal(await blocked.node.publicAddress(4), "127.0.0.1");
  assert.deepEqual([first, second].map(({ node }) => node.contacts().length), [1, 1]);
  assert.deepEqual([first, second].map(({ carriers }) => carriers.status()), [
    { carrier: "udp" },
    { carrier: "udp" },
  ]);
});

Deno.test("Where UDP works, nothing goes by TCP", async () => {
  await using first = await StreamPeer.start();
  await using second = await StreamPeer.start({
    connect: () => assert.fail("it connected"),
  });
  assert.ok(await second.join(first));
  await second.node.put(keyOf("a"), bytesOf("hello"));
  assert.deepEqual(second.carriers.status(), { carrier: "udp" });
  assert.equal(first.door.open, 0);
});

Deno.test("When UDP gets out again, the node goes back to it, and tells", async () => {
  await using first = await StreamPeer.start();
  let laterMs = 0;
  const time = { ...realTime, monotonic: () => realTime.monotonic() + laterMs };
  await using second = await StreamPeer.start({ isBlocked: true, time });
  assert.ok(await second.join(first));
  assert.deepEqual(second.carriers.status(), {}, "it is not sure yet");
  await until(() => second.carriers.status().carrier === "tcp", "the change to TCP");
  await until(() => second.told.length > 0, "the event");
  second.udp.isBlocked = second.outside.isBlocked = false;
  await second.node.publicAddress(4);
  assert.deepEqual(second.carriers.status(), { carrier: "tcp" }, "UDP was not tried");
  laterMs = udpAgain.everyMs;
  assert.equal(await second.node.publicAddress(4), "127.0.0.1");
  await until(() => second.carriers.status().carrier === "udp", "the return to UDP");
  assert.deepEqual(second.told, ['{"carrier":"tcp"}', '{"carrier":"udp"}']);
});

Deno.test("Attack: who asks by TCP has connections made back to its own address alone", async () => {
  const dialled: Endpoint[] = [];
  const senders: boolean[] = [];
  await using first = await StreamPeer.start({
    node: {
      dialBack: (to) => Promise.resolve(dialled.push(to) > 0),
      admission: { admit: ({ verifiedSender, own }) => own || senders.push(verifiedSender) > 0 },
    },
  });
  await using blocked = await StreamPeer.start({ isBlocked: true });
  assert.ok(await blocked.join(first));
  assert.equal(await blocked.node.isReachable(4_242, 4), true);
  assert.deepEqual(dialled, [{ ip: "127.0.0.1", port: 4_242 }]);
  await blocked.node.put(keyOf("a"), bytesOf("hello"));
  assert.deepEqual(senders, [true], "a connection proves its sender");
  assert.deepEqual(first.udp.tried, [], "no datagram goes to where a connection came from");
});
