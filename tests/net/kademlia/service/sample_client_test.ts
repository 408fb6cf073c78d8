import type { Family } from "../../../../lib/ip_address.ts";
import { Exemption } from "../../../../lib/networks.ts";
import assert from "node:assert/strict";
import type { KademliaNode } from "../../../../net/kademlia/mod.ts";
import { dialBack } from "../../../../net/kademlia/rpc/methods/dial_back.ts";
import { relay } from "../../../../net/kademlia/rpc/methods/relay.ts";
import { sample } from "../../../../net/kademlia/rpc/methods/sample.ts";
import { stun } from "../../../../net/kademlia/rpc/methods/stun.ts";
import { encodeAnswer } from "../../../../net/kademlia/rpc/wire.ts";
import { Puppet } from "../puppet.ts";
import { closeAll, testWorld, virtualNode } from "../support.ts";

Deno.test("The public address is what a majority of contacts says", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  assert.equal(await node.publicAddress(4), undefined);
  const puppets = Array.from({ length: 5 }, (_, i) => new Puppet(world, `6.${i}.0.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(1_000);
  puppets.forEach((puppet, i) => {
    const ip = i < 3 ? "80.1.2.3" : `81.0.0.${i}`;
    puppet.react.stun = (data) => encodeAnswer(data, stun, { ip, port: 5 + i });
  });
  assert.equal(await world.clock.drive(node.publicAddress(4)), "80.1.2.3", "whatever the port");
  const [turned] = puppets;
  assert.ok(turned);
  turned.react.stun = (data) => encodeAnswer(data, stun, { ip: "82.0.0.1", port: 5 });
  turned.silent = false;
  puppets.slice(1, 2).forEach((puppet) => puppet.silent = true);
  assert.equal(await world.clock.drive(node.publicAddress(4)), undefined, "2 of 4 are no majority");
  await node.close();
});

Deno.test("Contacts of which none answered are asked all the same: the fault may have been the own line's", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 3 }, (_, i) => new Puppet(world, `6.${i}.0.1`));
  for (const puppet of puppets) {
    puppet.ping(node.address);
    puppet.react.stun = (data) => encodeAnswer(data, stun, { ip: "80.1.2.3", port: 5 });
  }
  await world.clock.advance(1_000);
  for (const puppet of puppets) puppet.silent = true;
  assert.equal(await world.clock.drive(node.publicAddress(4)), undefined);
  for (const puppet of puppets) puppet.silent = false;
  assert.equal(await world.clock.drive(node.publicAddress(4)), "80.1.2.3");
  await closeAll([node]);
});

Deno.test("Attack: what one network says of the own address is one vote, and loopback none", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0, { exemption: new Exemption(false) });
  const liars = Array.from({ length: 4 }, (_, i) => new Puppet(world, `2a00:1:2:${i}00::1`));
  const honest = Array.from({ length: 3 }, (_, i) => new Puppet(world, `2a0${i + 1}:1::1`));
  for (const puppet of [...liars, ...honest]) puppet.ping(node.address);
  await world.clock.advance(1_000);
  const say = (puppet: Puppet, ip: string) => {
    puppet.react.stun = (data) => encodeAnswer(data, stun, { ip, port: 5 });
  };
  for (const liar of liars) say(liar, "2a00:66::6");
  for (const puppet of honest) say(puppet, "2a00:80::1");
  assert.equal(await world.clock.drive(node.publicAddress(6)), "2a00:80::1");
  for (const puppet of honest) say(puppet, "::1");
  assert.notEqual(await world.clock.drive(node.publicAddress(6)), "::1");
  for (const puppet of honest) say(puppet, "80.1.2.3");
  assert.notEqual(await world.clock.drive(node.publicAddress(6)), "80.1.2.3");
  await node.close();
});

Deno.test("A sample is asked of random contacts, decoded and bounded", async () => {
  const world = testWorld();
  const asked = await virtualNode(world, 1, { sample: () => [["alice", new Uint8Array(32), 7]] });
  const node = await virtualNode(world, 0);
  const { ip: host, port } = asked.address;
  await world.clock.drive(node.bootstrap([{ host, port }]));
  const liars = Array.from({ length: 3 }, (_, i) => new Puppet(world, `6.0.${i}.1`));
  for (const liar of liars) liar.ping(node.address);
  await world.clock.advance(1_000);
  const [huge, deep, python] = liars;
  assert.ok(huge && deep && python);
  const raw = { ...sample, answerBytesMax: 2_000 };
  huge.react.sample = (data) => encodeAnswer(data, raw, "x".repeat(1_300));
  const nested: unknown = Array(1_000).fill(0).reduce((inner) => [inner], "deep");
  deep.react.sample = (data) => encodeAnswer(data, raw, nested);
  const samples = await world.clock.drive(node.sampleNear());
  assert.deepEqual(samples.map(({ sample }) => sample), [[["alice", new Uint8Array(32), 7]]]);
  assert.equal(python.count("sample"), 2, "unanswered, as Python nodes leave unknown methods");
  const [contact] = samples.map((answer) => answer.contact);
  assert.ok(contact);
  assert.deepEqual(await world.clock.drive(node.sample(contact)), samples[0]?.sample);
  assert.equal(await node.sample({ id: new Uint8Array(3), ip: "1.1.1.1", port: 1 }), undefined);
  await closeAll([asked, node]);
});

Deno.test("A sample over one packet is not sent, and the mistake is reported", async () => {
  const world = testWorld();
  const errors: string[] = [];
  const asked = await virtualNode(world, 1, {
    sample: () => "x".repeat(2_000),
    onError: (error) => errors.push(error.message),
  });
  const puppet = new Puppet(world, "6.0.0.1");
  puppet.ask(asked.address, sample, { sender: puppet.contact.nodeId });
  await world.clock.advance(100);
  assert.match(errors.join(), /over the 1200 allowed/);
  assert.equal(puppet.answers.length, 0);
  await asked.close();
});

/** Lets a node meet others that dial back so. */
async function dialledBack(
  world: ReturnType<typeof testWorld>,
  node: KademliaNode,
  verdicts: readonly (readonly [ip: string, verdict: boolean])[],
  family: Family = 4,
): Promise<boolean | undefined> {
  for (const [ip, verdict] of verdicts) {
    const puppet = new Puppet(world, ip);
    puppet.react.dial_back = (data) => encodeAnswer(data, dialBack, verdict);
    puppet.ping(node.address);
  }
  await world.clock.advance(1_000);
  return await world.clock.drive(node.isReachable(7000, family));
}

Deno.test("A node is reachable if most of those say so that dialled back", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  assert.equal(await node.isReachable(7000, 4), undefined);
  const mostly = [["6.0.0.1", true], ["6.1.0.1", false], ["6.2.0.1", true]] as const;
  assert.equal(await dialledBack(world, node, mostly), true);
  const no = ["7.0.0.1", "7.1.0.1", "7.2.0.1"].map((ip) => [ip, false] as const);
  assert.equal(await dialledBack(world, await virtualNode(world, 1), no), false);
  const tied = [["8.0.0.1", true], ["8.1.0.1", false]] as const;
  assert.equal(await dialledBack(world, await virtualNode(world, 2), tied), undefined);
  await node.close();
});

Deno.test("A node that does not know the asker yet, and loses a ping, dials back within a second", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppet = new Puppet(world, "6.0.0.1");
  puppet.react.dial_back = (data) =>
    puppet.count("dial_back") < 3 ? undefined : encodeAnswer(data, dialBack, true);
  puppet.ping(node.address);
  await world.clock.advance(1_000);
  const sinceMs = world.clock.monotonic();
  assert.equal(await world.clock.drive(node.isReachable(7000, 4)), true);
  const tookMs = world.clock.monotonic() - sinceMs;
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  await node.close();
});

Deno.test("A node that cannot connect for others leaves them without an answer, which is no no", async () => {
  const world = testWorld();
  const asked = await virtualNode(world, 1, { dialBack: () => Promise.resolve(undefined) });
  const node = await virtualNode(world, 0);
  const { ip: host, port } = asked.address;
  await world.clock.drive(node.bootstrap([{ host, port }]));
  assert.equal(await world.clock.drive(node.isReachable(7000, 4)), undefined);
  await closeAll([asked, node]);
});

Deno.test("Of each family those are asked that are met by it", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const four = [["6.0.0.1", false], ["6.1.0.1", false]] as const;
  const six = [["2a01:1::1", true]] as const;
  assert.equal(await dialledBack(world, node, four), false);
  assert.equal(await dialledBack(world, node, six, 6), true);
  assert.equal(await world.clock.drive(node.isReachable(7000, 4)), false);
  await node.close();
});

Deno.test("At most 8 contacts are asked to dial back, and 24 whether they relay", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 40 }, (_, i) => new Puppet(world, `6.${i}.0.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(5_000);
  const asked = (name: "dial_back" | "relay") =>
    puppets.filter((puppet) => puppet.count(name) > 0).length;
  assert.equal(await world.clock.drive(node.isReachable(7000, 4)), undefined);
  assert.equal(asked("dial_back"), 8);
  await world.clock.drive(node.relays());
  assert.equal(asked("relay"), 24);
  await node.close();
});

Deno.test("Attack: nodes of one network have one vote on whether a node is reachable", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const liars = Array.from({ length: 4 }, (_, i) => [`2a00:1:2:${i}00::1`, false] as const);
  const honest = [["2a01:1::1", true], ["2a02:1::1", true]] as const;
  assert.equal(await dialledBack(world, node, [...liars, ...honest], 6), true);
  await node.close();
});

Deno.test("Attack: only a node that answered is dialled back, and only at its own address", async () => {
  const world = testWorld();
  const dialled: string[] = [];
  const node = await virtualNode(world, 0, {
    dialBack: ({ ip, port }) => {
      dialled.push(`${ip} ${port}`);
      return Promise.resolve(true);
    },
  });
  const puppet = new Puppet(world, "6.0.0.1");
  const ask = () =>
    puppet.ask(node.address, dialBack, { sender: puppet.contact.nodeId, port: 7001 });
  puppet.silent = true;
  ask();
  await world.clock.advance(5_000);
  assert.deepEqual(dialled, [], "the address may be forged");
  puppet.silent = false;
  await world.clock.advance(600_000);
  ask();
  await world.clock.advance(1_000);
  ask();
  await world.clock.advance(1_000);
  assert.deepEqual(dialled, ["6.0.0.1 7001"]);
  await node.close();
});

Deno.test("Of a relay's other address is taken what is of the other family, and as public as the first", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const other = (ip: string) => ({ ip, port: 7001 });
  const offers = [
    { port: 7000, room: 5, other: other("2a01:1::2") },
    { port: 7000, room: 5, other: other("8.8.8.8") },
    { port: 7000, room: 5, other: other("fd00::1") },
    { port: 7000, room: 5, other: other("::1") },
    { port: 7000, room: 0 },
    { port: 7000, room: 5 },
  ];
  for (const [i, offer] of offers.entries()) {
    const puppet = new Puppet(world, `6.${i}.0.1`);
    puppet.react.relay = (data) => encodeAnswer(data, relay, offer);
    puppet.ping(node.address);
  }
  await world.clock.advance(1_000);
  const found = await world.clock.drive(node.relays());
  found.sort((a, b) => a.ip < b.ip ? -1 : 1);
  assert.deepEqual(found.map(({ ip, other }) => [ip, other?.ip]), [
    ["6.0.0.1", "2a01:1::2"],
    ["6.1.0.1", undefined],
    ["6.2.0.1", undefined],
    ["6.3.0.1", undefined],
    ["6.5.0.1", undefined],
  ]);
  await node.close();
});
