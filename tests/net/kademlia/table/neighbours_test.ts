import assert from "node:assert/strict";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { findValue } from "../../../../net/kademlia/rpc/methods/find_value.ts";
import { leave } from "../../../../net/kademlia/rpc/methods/leave.ts";
import { ping } from "../../../../net/kademlia/rpc/methods/ping.ts";
import { stun } from "../../../../net/kademlia/rpc/methods/stun.ts";
import { encodeAnswer, encodeRequest } from "../../../../net/kademlia/rpc/wire.ts";
import { naming, Puppet } from "../puppet.ts";
import { closeAll, keyOf, testWorld, virtualNetwork, virtualNode } from "../support.ts";

Deno.test("A contact enters the table only once it has answered us", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const silent = new Puppet(world, "6.0.0.1");
  silent.silent = true;
  silent.ping(node.address);
  const live = new Puppet(world, "6.0.1.1");
  live.ping(node.address);
  await world.clock.advance(5_000);
  assert.deepEqual(node.contacts().map((c) => c.ip), ["6.0.1.1"]);
  await node.close();
});

Deno.test("A contact that stood still when it was to enter enters when it asks again some seconds later", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const newcomer = new Puppet(world, "6.0.0.1");
  newcomer.silent = true;
  newcomer.ping(node.address);
  await world.clock.advance(8_000);
  newcomer.silent = false;
  newcomer.ping(node.address);
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, 1);
  await node.close();
});

Deno.test("Attack: an address from which no answer comes is pinged more and more seldom, whatever comes from there", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const silent = new Puppet(world, "6.0.0.1");
  silent.silent = true;
  for (let second = 0; second < 3_600; second++) {
    silent.ping(node.address);
    await world.clock.advance(1_000);
  }
  // Twice after 4, 8, 16 and 32 seconds, and then twice a minute.
  assert.ok(silent.count("ping") <= 2 * 65, `${silent.count("ping")} pings`);
  await node.close();
});

Deno.test("A contact that has answered pings alone is no longer limited as a stranger is", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const key = keyOf("k");
  await node.put(key, new Uint8Array(7_900));
  const asker = new Puppet(world, "6.0.0.1");
  asker.ping(node.address);
  await world.clock.advance(1_000);
  asker.answers.length = 0;
  const args = { sender: asker.contact.nodeId, target: Id.from(key) };
  for (let i = 0; i < 5; i++) asker.ask(node.address, findValue, args);
  await world.clock.advance(100);
  assert.equal(asker.answers.length, 5, "a stranger gets two of them a second");
  await node.close();
});

Deno.test("A contact that answers a ping under another id than was claimed for it stays out", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const liar = new Puppet(world, "6.0.0.1");
  liar.react.ping = (data) => encodeAnswer(data, ping, new Id(9, 9, 9, 9, 9));
  liar.ping(node.address);
  await world.clock.advance(5_000);
  assert.equal(node.contacts().length, 0);
  await node.close();
});

Deno.test("Contacts merely named by others do not enter the table", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const liar = new Puppet(world, "6.0.0.1");
  const named = Array.from(
    { length: 60 },
    (_, i) => new NodeContact(new Id(i, 1, 2, 3, 4), `7.0.${i}.1`, 1),
  );
  liar.react.find_node = naming(named);
  liar.ping(node.address);
  await world.clock.advance(100);
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(10_000);
  assert.deepEqual(node.contacts().map((c) => c.ip), ["6.0.0.1"]);
  await node.close();
});

Deno.test("A node that answers a lookup under the id that it was named by enters without a ping", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const [first, named, liar, python] = [1, 2, 3, 4].map((n) => new Puppet(world, `6.${n}.0.1`));
  assert.ok(first && named && liar && python);
  const others = [named, liar, python];
  first.react.find_node = naming(others.map(({ contact }) => contact));
  named.react.find_node = naming([], named.contact.nodeId);
  liar.react.find_node = naming([], new Id(9, 9, 9, 9, 9));
  first.ping(node.address);
  await world.clock.advance(1_000);
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(5_000);
  assert.deepEqual(others.map((one) => one.count("find_node")), [1, 1, 1]);
  assert.deepEqual(others.map((one) => one.count("ping")), [0, 0, 1]);
  assert.deepEqual(node.contacts().map(({ ip }) => ip).sort(), ["6.1.0.1", "6.2.0.1", "6.4.0.1"]);
  await node.close();
});

Deno.test("A node with a second socket asks from there who proved its id in a lookup", async () => {
  const world = testWorld();
  const outside = world.network.open({ ip: "5.0.0.9", port: 7001 });
  const node = await virtualNode(world, 0, { outside });
  const [first, named] = [1, 2].map((n) => new Puppet(world, `6.${n}.0.1`));
  assert.ok(first && named);
  first.react.find_node = naming([named.contact]);
  named.react.find_node = naming([], named.contact.nodeId);
  first.ping(node.address);
  await world.clock.advance(1_000);
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(1_000);
  assert.deepEqual([named.count("ping"), named.count("stun")], [0, 1]);
  assert.equal(node.contacts().length, 2);
  await node.close();
});

Deno.test("An unanswered query evicts nobody; a failed ping after it does", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const [shaky, dead, other] = ["6.0.0.1", "6.0.1.1", "6.0.2.1"].map((ip) => new Puppet(world, ip));
  assert.ok(shaky && dead && other);
  for (const puppet of [shaky, dead, other]) puppet.ping(node.address);
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, 3);
  shaky.react.find_node = () => undefined;
  dead.silent = true;
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(500);
  assert.equal(node.contacts().length, 3, "the pings are still out");
  await world.clock.advance(5_000);
  assert.deepEqual(node.contacts().map((c) => c.ip).sort(), ["6.0.0.1", "6.0.2.1"]);
  await node.close();
});

Deno.test("An evicted contact's place goes to a replacement, once that has answered", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const far = (i: number): Id => new Id(~Id.from(node.id).w0, i, 0, 0, 0);
  const near = new Puppet(world, "6.1.0.1", new Id(Id.from(node.id).w0, 1, 0, 0, 0));
  near.ping(node.address);
  const puppets = Array.from(
    { length: 22 },
    (_, i) => new Puppet(world, `6.${10 + i}.0.1`, far(i)),
  );
  for (const puppet of puppets) {
    puppet.ping(node.address);
    await world.clock.advance(100);
  }
  assert.equal(node.contacts().length, 21, "20 of them, and the near one");
  const [dead] = puppets;
  assert.ok(dead);
  dead.silent = true;
  await world.clock.drive(node.lookup(far(0).toBytes()));
  // While it is pinged others answer, which shows that the own link works.
  await world.clock.drive(node.lookup(far(9).toBytes()));
  await world.clock.advance(5_000);
  assert.equal(node.contacts().length, 21);
  assert.ok(!node.contacts().some((c) => c.ip === dead.contact.ip));
  await node.close();
});

Deno.test("When nobody answers at all, nobody is evicted, and they are found again", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 5 }, (_, i) => new Puppet(world, `6.${i}.0.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(1_000);
  world.network.lose = () => true;
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(10_000);
  assert.equal(node.contacts().length, 5);
  assert.equal(node.joined, false);
  world.network.lose = () => false;
  await world.clock.advance(120_000);
  assert.equal(node.joined, true);
  await node.close();
});

Deno.test("An only contact that is gone makes no network whenever it is asked again", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const only = new Puppet(world, "6.0.0.1");
  only.ping(node.address);
  await world.clock.advance(1_000);
  only.silent = true;
  await world.clock.drive(node.lookup(keyOf("k")));
  await world.clock.advance(10_000);
  assert.deepEqual([node.joined, node.contacts().length], [false, 1]);
  for (let i = 0; i < 3; i++) {
    const lookup = node.lookup(keyOf(`again ${i}`));
    for (let ms = 0; ms < 5_000; ms += 100) {
      assert.equal(node.joined, false, `${ms} ms after it was asked again`);
      await world.clock.advance(100);
    }
    await world.clock.drive(lookup);
  }
  only.silent = false;
  await world.clock.drive(node.lookup(keyOf("back")));
  assert.equal(node.joined, true);
  await node.close();
});

Deno.test("A contact without measurements is given the own estimate over recent replies", async () => {
  const world = testWorld();
  world.network.fixedMs = 50;
  const node = await virtualNode(world, 0);
  const helper = new Puppet(world, "6.0.0.1");
  helper.ping(node.address);
  await world.clock.advance(1_000);
  for (let i = 0; i < 30; i++) await world.clock.drive(node.lookup(keyOf(`warm ${i}`)));
  // Nobody listens there: with 100 ms round trips nobody waits for the initial second.
  helper.react.find_node = naming([new NodeContact(new Id(1, 1, 1, 1, 1), "7.0.0.1", 1)]);
  const startMs = world.clock.monotonic();
  await world.clock.drive(node.lookup(keyOf("k")));
  const tookMs = world.clock.monotonic() - startMs;
  assert.ok(tookMs > 150 && tookMs < 500, `${tookMs} ms`);
  await node.close();
});

Deno.test("A node that is gone, and still named by others, holds up no lookup after the first", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const live = new Puppet(world, "6.0.0.1");
  const gone = new Puppet(world, "6.0.1.1");
  live.react.find_node = naming([gone.contact]);
  gone.silent = true;
  world.network.fixedMs = 50;
  assert.ok(
    await world.clock.drive(node.bootstrap([{ host: live.contact.ip, port: live.contact.port }])),
  );
  const lookup = async () => {
    const sinceMs = world.clock.monotonic();
    await world.clock.drive(node.lookup(keyOf("k")));
    return world.clock.monotonic() - sinceMs;
  };
  const heldUp = await lookup();
  // The bootstrap has met it: it is asked again, and the lookup ends with the answer of the other.
  assert.ok(heldUp < 110, `${heldUp} ms`);
  // It counts again as soon as it answers.
  gone.silent = false;
  await lookup();
  await world.clock.advance(1_000);
  assert.equal((await world.clock.drive(node.lookup(keyOf("k")))).length, 2);
  await node.close();
});

Deno.test("What a holder takes to think about a store is no round trip", async () => {
  const world = testWorld();
  world.network.fixedMs = 50;
  const node = await virtualNode(world, 0);
  const helper = new Puppet(world, "6.0.0.1");
  helper.delayMs.store = 900;
  helper.ping(node.address);
  await world.clock.advance(1_000);
  for (let i = 0; i < 30; i++) await world.clock.drive(node.lookup(keyOf(`warm ${i}`)));
  for (let i = 0; i < 10; i++) {
    await world.clock.drive(node.put(keyOf(`put ${i}`), new Uint8Array(1)));
  }
  assert.ok(helper.count("store") >= 10);
  helper.silent = true;
  const startMs = world.clock.monotonic();
  await world.clock.drive(node.lookup(keyOf("k")));
  const tookMs = world.clock.monotonic() - startMs;
  // A quarter of a second for each of three more tries, and not several times what a store takes.
  assert.ok(tookMs > 100 && tookMs < 1_000, `${tookMs} ms`);
  await node.close();
});

Deno.test("Verifying pings are bounded, whatever a flood of forged senders claims", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const forger = new Puppet(world, "6.0.0.1");
  let sentBefore = world.network.sent;
  for (let i = 0; i < 2_000; i++) {
    const ip = `8.${i >> 8}.${i & 255}.1`;
    const from = world.network.open({ ip: ip, port: 1 });
    forger.ask(node.address, stun, {});
    from.send(new Uint8Array(0), node.address);
    new Puppet(world, ip).ping(node.address);
  }
  sentBefore = world.network.sent - sentBefore;
  assert.ok(node.stats().openRequests <= 32);
  await world.clock.advance(1_000);
  assert.ok(node.stats().contacts <= 200);
  await node.close();
});

Deno.test("A lost datagram to the only contact is no lost network, and a lost ping evicts nobody", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const only = new Puppet(world, "6.0.0.1");
  only.ping(node.address);
  await world.clock.advance(1_000);
  // The query and the first two pings after it are lost.
  let losses = 0;
  world.network.lose = (_from, to) => to.ip === "6.0.0.1" && ++losses <= 3;
  const lookup = node.lookup(keyOf("k"));
  await world.clock.advance(700);
  assert.equal(node.joined, true, "it is asked whether it is there");
  await world.clock.drive(lookup);
  await world.clock.advance(5_000);
  assert.ok(losses > 3);
  assert.equal(node.contacts().length, 1);
  assert.equal(node.joined, true);
  await node.close();
});

Deno.test("A newcomer is let in although the first ping is lost, and asked no third time", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const [newcomer, invented] = [new Puppet(world, "6.0.0.1"), new Puppet(world, "6.0.1.1")];
  let losses = 0;
  world.network.lose = (from) => from.ip === "6.0.0.1" && losses++ === 1;
  invented.silent = true;
  for (const puppet of [newcomer, invented]) puppet.ping(node.address);
  await world.clock.advance(10_000);
  assert.deepEqual(node.contacts().map(({ ip }) => ip), ["6.0.0.1"]);
  assert.equal(invented.count("ping"), 2);
  await node.close();
});

Deno.test("A node that leaves is soon named to no other, and no put waits for it", async () => {
  const world = testWorld();
  const nodes = await virtualNetwork(world, 6);
  const leaving = nodes.pop();
  await world.clock.advance(5_000);
  await leaving?.leave();
  await world.clock.advance(500);
  assert.deepEqual(nodes.map((node) => node.stats().liveContacts), [4, 4, 4, 4, 4]);
  const put = await world.clock.drive(
    nodes[2]?.put(keyOf("k"), new Uint8Array(3)) ?? Promise.reject(),
  );
  assert.deepEqual([put.accepted, put.silent], [5, 0]);
  await closeAll(nodes);
});

Deno.test("Attack: to say in another node's name that it leaves costs a ping, and changes nothing", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const friend = new Puppet(world, "6.0.0.1");
  friend.ping(node.address);
  await world.clock.advance(1_000);
  const pings = friend.count("ping");
  const lie = encodeRequest(new Id(1, 2, 3, 4, 5), leave, { sender: friend.contact.nodeId });
  world.network.inject(lie, friend.contact, node.address);
  world.network.inject(lie, { ip: "6.6.6.6", port: 6 }, node.address);
  await world.clock.advance(5_000);
  assert.equal(friend.count("ping"), pings + 1);
  assert.equal(node.stats().liveContacts, 1);
  await node.close();
});

Deno.test("A node that says again and again that it leaves is pinged for the first time only", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const leaving = new Puppet(world, "6.0.0.1");
  leaving.ping(node.address);
  await world.clock.advance(1_000);
  const pings = leaving.count("ping");
  leaving.silent = true;
  for (let i = 0; i < 10; i++) {
    leaving.ask(node.address, leave, { sender: leaving.contact.nodeId });
    await world.clock.advance(1_000);
  }
  assert.equal(leaving.count("ping"), pings + 4, "one, and three before it would be evicted");
  await node.close();
});

Deno.test("A node that is not known and leaves is not pinged", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const stranger = new Puppet(world, "6.0.0.1");
  stranger.ask(node.address, leave, { sender: stranger.contact.nodeId });
  await world.clock.advance(5_000);
  assert.equal(node.stats().datagramsOut, 0);
  await node.close();
});
