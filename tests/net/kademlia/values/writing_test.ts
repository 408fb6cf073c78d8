import assert from "node:assert/strict";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { numbered } from "../policies.ts";
import { store } from "../../../../net/kademlia/rpc/methods/store.ts";
import { encodeAnswer } from "../../../../net/kademlia/rpc/wire.ts";
import { among, holding, naming, Puppet, refusing } from "../puppet.ts";
import {
  bytesOf,
  closeAll,
  keyOf,
  testWorld,
  textOf,
  virtualNetwork,
  virtualNode,
} from "../support.ts";

const key = keyOf("k");

Deno.test("A put stores on the k closest of fifty nodes, and says how many accepted", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 50);
  const put = nodes[3]?.put(key, bytesOf("v"), { until: "all" });
  const result = await world.clock.drive(put ?? Promise.reject());
  assert.deepEqual([result.accepted, result.refused, result.silent, result.open], [20, 0, 0, 0]);
  const target = Id.from(key);
  const distance = (id: Uint8Array): bigint => BigInt(`0x${Id.from(id)}`) ^ BigInt(`0x${target}`);
  const closest = nodes.map((node) => distance(node.id)).sort((a, b) => a < b ? -1 : 1).slice(
    0,
    20,
  );
  const holders = nodes.filter((node) => node.stats().values === 1).map((node) =>
    distance(node.id)
  );
  assert.deepEqual(holders.sort((a, b) => a < b ? -1 : 1), closest);
  await closeAll(nodes);
});

Deno.test("Refusing and silent nodes are counted", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 5, key);
  puppets.slice(0, 2).forEach((p) => p.react.store = refusing);
  const [, , mute] = puppets;
  assert.ok(mute);
  mute.react.store = () => undefined;
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.deepEqual([result.accepted, result.refused, result.silent], [3, 2, 1]);
  assert.equal(mute.count("store"), 3, "a datagram may get lost: it is asked three times");
  await node.close();
});

Deno.test("A put learns of the newer value for which others refuse it", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 3, key);
  const [newer] = puppets;
  assert.ok(newer);
  newer.react.store = refusing;
  newer.react.find_value = holding(bytesOf("7 newer"));
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.equal(textOf(result.newer), "7 newer");
  assert.equal((await world.clock.drive(node.put(key, bytesOf("9 b")))).newer, undefined);
  await node.close();
});

Deno.test("A value that the policy finds invalid is not put", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0, { policy: numbered });
  await assert.rejects(node.put(key, bytesOf("1 bad")), TypeError);
  await node.close();
});

Deno.test("Two writers at once: every node ends with the value that wins", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 30, () => ({ policy: numbered }));
  const puts = [1, 2, 3, 4].map((n) =>
    nodes[n]?.put(key, bytesOf(`${n} by ${n}`), { until: "all" })
  );
  await world.clock.drive(Promise.all(puts));
  for (const node of nodes) {
    for (const held of node.values()) assert.equal(textOf(held.value), "4 by 4");
  }
  await closeAll(nodes);
});

Deno.test("A put asks nodes again whose answers were lost, and counts those that stay silent as missed", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 3, key);
  const [lossy, mute] = puppets;
  assert.ok(lossy && mute);
  const losses = { left: 1 };
  const answer = naming([]);
  lossy.react.find_node = (data) => losses.left-- > 0 ? undefined : answer(data);
  mute.react.find_node = () => undefined;
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.deepEqual([result.accepted, result.silent, result.missed], [3, 0, 1]);
  assert.equal(lossy.count("store"), 1);
  assert.equal(mute.count("store"), 0);
  await node.close();
});

Deno.test("A put that waits for all is done within 1.2 s, though a store and its repetition were lost", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 2, key);
  const [lossy] = puppets;
  assert.ok(lossy);
  const losses = { left: 2 };
  lossy.react.store = (data) => losses.left-- > 0 ? undefined : encodeAnswer(data, store, true);
  const sinceMs = world.clock.monotonic();
  const { accepted, silent } = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.deepEqual([accepted, silent], [3, 0]);
  const tookMs = world.clock.monotonic() - sinceMs;
  assert.ok(tookMs < 1_200, `${tookMs} ms`);
  await node.close();
});

Deno.test("Where k nodes answer, those that are silent are not missed", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  const [mute, other] = puppets;
  assert.ok(mute && other);
  mute.silent = true;
  const more = [1, 2, 3].map((i) => new Puppet(world, `6.${100 + i}.0.1`));
  other.react.find_node = naming(more.map(({ contact }) => contact));
  const result = await world.clock.drive(node.put(key, bytesOf("1 a"), { until: "all" }));
  assert.ok(result.accepted >= 20);
  assert.equal(result.missed, 0);
  await node.close();
});

Deno.test("A put stores on near nodes while its lookup waits for others", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  const [first, slow] = puppets;
  assert.ok(first && slow);
  slow.delayMs.find_node = 15;
  const storedMs: number[] = [];
  first.react.store = (data) => {
    storedMs.push(world.clock.monotonic());
    return encodeAnswer(data, store, true);
  };
  const startMs = world.clock.monotonic();
  await world.clock.drive(node.put(key, bytesOf("1 a"), { until: "all" }));
  // Its answer comes after 35 ms; until then the lookup goes on.
  assert.deepEqual(storedMs, [startMs + 30]);
  assert.deepEqual(slow.offered, ["1 a"]);
  await node.close();
});

Deno.test("A put resolves once most have accepted, and goes on with the others", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  for (const puppet of puppets.slice(0, 8)) puppet.delayMs.store = 900;
  const startMs = world.clock.monotonic();
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.ok(world.clock.monotonic() - startMs < 200, "it does not wait for the slow ones");
  assert.deepEqual([result.refused, result.silent, result.missed], [0, 0, 0]);
  assert.ok(2 * result.accepted > 20, `${result.accepted} accepted`);
  assert.equal(result.accepted + result.open, 20);
  assert.equal(result.holders.length, result.accepted);
  await world.clock.drive(node.putsEnded());
  for (const puppet of puppets) assert.ok(puppet.offered.includes("1 a"));
  await node.close();
});

Deno.test("A put that is to ask all resolves when all have answered", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  const [slow] = puppets;
  assert.ok(slow);
  slow.delayMs.store = 900;
  const startMs = world.clock.monotonic();
  const result = await world.clock.drive(node.put(key, bytesOf("1 a"), { until: "all" }));
  assert.ok(world.clock.monotonic() - startMs >= 900);
  assert.deepEqual([result.accepted, result.open], [20, 0]);
  await node.close();
});

Deno.test("A put that most accept says what newer value the others refused it for", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  for (const puppet of puppets.slice(0, 4)) {
    puppet.react.store = refusing;
    puppet.react.find_value = holding(bytesOf("7 newer"));
  }
  const [, , , , slow] = puppets;
  assert.ok(slow);
  slow.delayMs.store = 900;
  const startMs = world.clock.monotonic();
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.ok(world.clock.monotonic() - startMs < 900);
  assert.equal(textOf(result.newer), "7 newer");
  assert.equal(result.refused, 4);
  await world.clock.drive(node.putsEnded());
  await node.close();
});

Deno.test("As many as refuse a put make it wait for all", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  for (const puppet of puppets.slice(0, 10)) puppet.react.store = refusing;
  const slow = puppets[15];
  assert.ok(slow);
  slow.delayMs.store = 900;
  const startMs = world.clock.monotonic();
  const result = await world.clock.drive(node.put(key, bytesOf("1 a")));
  assert.ok(world.clock.monotonic() - startMs >= 900);
  assert.deepEqual([result.accepted, result.refused, result.open], [10, 10, 0]);
  await node.close();
});

Deno.test("An abort ends a put that has not resolved; one that has goes on", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 20, key);
  const slow = puppets[15];
  assert.ok(slow);
  slow.delayMs.find_node = 15;
  const early = new AbortController();
  const aborted = node.put(key, bytesOf("1 a"), { signal: early.signal });
  early.abort(new Error("enough"));
  await assert.rejects(world.clock.drive(aborted), /enough/);
  await world.clock.drive(node.putsEnded());
  assert.ok(!slow.offered.includes("1 a"));
  const late = new AbortController();
  await world.clock.drive(node.put(key, bytesOf("2 b"), { signal: late.signal }));
  late.abort();
  await world.clock.drive(node.putsEnded());
  assert.ok(slow.offered.includes("2 b"));
  await node.close();
});
