import assert from "node:assert/strict";
import type { Admission, Answer } from "../../../../net/kademlia/ports.ts";
import { findValue } from "../../../../net/kademlia/rpc/methods/find_value.ts";
import { store } from "../../../../net/kademlia/rpc/methods/store.ts";
import { decodeAnswer, encodeRequest } from "../../../../net/kademlia/rpc/wire.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { among, holding, Puppet } from "../puppet.ts";
import { bytesOf, keyOf, testWorld, textOf, virtualNode } from "../support.ts";

const key = keyOf("k");

function put(puppet: Puppet, to: { ip: string; port: number }, text: string): void {
  const value = { value: bytesOf(text) };
  puppet.ask(to, store, { sender: puppet.contact.nodeId, target: Id.from(key), value });
}

function stored(puppet: Puppet): (boolean | undefined)[] {
  return puppet.answers.map((data) => decodeAnswer(data, store))
    .filter((answer) => answer !== undefined);
}

Deno.test("A node stores what is valid, no older than what it stores, and not over 8,000 bytes", async () => {
  const world = testWorld();
  const { node, puppets: [writer] } = await among(world, 1, key);
  assert.ok(writer);
  for (const text of ["2 a", "1 older", "2 a", "3 bad", "3 b"]) {
    put(writer, node.address, text);
    await world.clock.advance(100);
  }
  assert.deepEqual(stored(writer), [true, false, true, false, true]);
  put(writer, node.address, `4 ${"x".repeat(7_998)}`);
  put(writer, node.address, `5 ${"x".repeat(7_999)}`);
  await world.clock.advance(100);
  assert.deepEqual(stored(writer).length, 6, "the longer one is no request at all");
  assert.equal([...node.values()][0]?.value.length, 8_000);
  await node.close();
});

Deno.test("A node stores only what it is among the 2k closest known nodes for", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const own = Id.from(node.id);
  // Twenty contacts in each of two buckets that are nearer to the key than the own id.
  const puppets = [0, 1].flatMap((bits) =>
    Array.from({ length: 20 }, (_, i) => {
      const w0 = own.w0 ^ (1 << (31 - bits)) ^ (i + 1);
      return new Puppet(world, `${40 + bits}.${i}.0.1`, new Id(w0, 0, 0, 0, 0));
    })
  );
  for (const puppet of puppets) {
    puppet.ping(node.address);
    await world.clock.advance(50);
  }
  await world.clock.advance(1_000);
  const [writer] = puppets;
  assert.ok(writer);
  const offer = async (target: Id): Promise<boolean | undefined> => {
    const value = { value: bytesOf("v") };
    writer.ask(node.address, store, { sender: writer.contact.nodeId, target, value });
    await world.clock.advance(100);
    return stored(writer).at(-1);
  };
  const flipped = new Id(own.w0 ^ (3 << 30), 0, 0, 0, 0);
  assert.equal(await offer(flipped), node.stats().contacts < 40);
  assert.equal(await offer(new Id(own.w0, own.w1 ^ 1, 0, 0, 0)), true);
  const all = node.contacts().map((c) => Id.from(c.id));
  const nearer = all.filter((id) => ((id.w0 ^ flipped.w0) >>> 0) < ((own.w0 ^ flipped.w0) >>> 0));
  assert.ok(nearer.length >= 40, "the table does know 2k nearer nodes");
  await node.close();
});

Deno.test("A node stores what it is among the 2k closest for in the family that the store comes by", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const own = Id.from(node.id);
  const nearer = (bits: number, i: number) =>
    new Id(own.w0 ^ (1 << (31 - bits)) ^ (i + 1), 0, 0, 0, 0);
  const many = [0, 1].flatMap((bits) =>
    Array.from(
      { length: 20 },
      (_, i) => new Puppet(world, `${40 + bits}.${i}.0.1`, nearer(bits, i)),
    )
  );
  const few = Array.from(
    { length: 3 },
    (_, i) => new Puppet(world, `2a01:${i + 1}::1`, nearer(0, 100 + i)),
  );
  for (const puppet of [...many, ...few]) {
    puppet.ping(node.address);
    await world.clock.advance(50);
  }
  await world.clock.advance(1_000);
  assert.equal(node.contacts().length, 43);
  const offer = async (writer: Puppet | undefined): Promise<boolean | undefined> => {
    assert.ok(writer);
    const target = new Id(own.w0 ^ (3 << 30), 0, 0, 0, 0);
    const value = { value: bytesOf("v") };
    writer.ask(node.address, store, { sender: writer.contact.nodeId, target, value });
    await world.clock.advance(100);
    return stored(writer).at(-1);
  };
  assert.equal(await offer(many[0]), false, "forty nodes with IPv4 are nearer");
  assert.equal(await offer(few[0]), true, "three with IPv6 are, and its writer sees those alone");
  await node.close();
});

Deno.test("A stored value keeps no datagram's buffer", async () => {
  const world = testWorld();
  const { node, puppets: [writer] } = await among(world, 1, key);
  assert.ok(writer);
  const { contact } = writer;
  const args = { sender: contact.nodeId, target: Id.from(key), value: { value: bytesOf("1 a") } };
  const datagram = encodeRequest(new Id(1, 2, 3, 4, 5), store, args);
  world.network.inject(datagram, contact, node.address);
  datagram.fill(0);
  assert.deepEqual([...node.values()].map(({ value }) => textOf(value)), ["1 a"]);
  await node.close();
});

Deno.test("Admission decides over valid values, and is told who sent them", async () => {
  const world = testWorld();
  const verified: boolean[] = [];
  const admission: Admission = {
    admit(request) {
      verified.push(request.verifiedSender);
      return textOf(request.value)?.includes("yes") === true;
    },
    since: () => 1_234,
  };
  const { node, puppets: [known] } = await among(world, 1, key, { admission });
  assert.ok(known);
  put(known, node.address, "1 no");
  await world.clock.advance(100);
  put(known, node.address, "2 yes");
  await world.clock.advance(100);
  const stranger = new Puppet(world, "6.9.9.9");
  stranger.silent = true;
  put(stranger, node.address, "3 yes");
  await world.clock.advance(100);
  assert.deepEqual(stored(known), [false, true]);
  assert.deepEqual(verified, [true, true, false]);
  known.answers.length = 0;
  const target = Id.from(key);
  known.ask(node.address, findValue, { sender: known.contact.nodeId, target });
  await world.clock.advance(100);
  const [answer] = known.answers;
  assert.ok(answer);
  assert.equal(decodeAnswer(answer, findValue)?.found?.since, 1_234);
  await node.close();
});

Deno.test("Admission may ask the other holders before it decides", async () => {
  const world = testWorld();
  let seen: Answer[] = [];
  const admission: Admission = {
    async admit(_request, ask) {
      seen = await ask();
      return seen.length === 2;
    },
  };
  const { node, puppets } = await among(world, 4, key, { admission });
  puppets.slice(0, 2).forEach((puppet) => puppet.react.find_value = holding(bytesOf("1 a"), 77));
  const [, , , writer] = puppets;
  assert.ok(writer);
  put(writer, node.address, "2 b");
  await world.clock.advance(1_000);
  assert.deepEqual(stored(writer), [true]);
  assert.deepEqual(seen.map((answer) => [textOf(answer.value), answer.since]), [
    ["1 a", 77],
    ["1 a", 77],
  ]);
  await node.close();
});

Deno.test("An admission that throws, rejects or never decides has said no", async () => {
  const world = testWorld();
  const ways = [
    (): boolean => {
      throw new Error("thrown");
    },
    (): Promise<boolean> => Promise.reject(new Error("rejected")),
    (): Promise<boolean> => new Promise(() => {}),
  ];
  const admission: Admission = { admit: () => (ways.shift() as () => boolean)() };
  const { node, puppets: [writer] } = await among(world, 1, key, { admission });
  assert.ok(writer);
  for (const text of ["1 a", "2 b", "3 c"]) put(writer, node.address, text);
  await world.clock.advance(5_000);
  assert.deepEqual(stored(writer), [false, false, false]);
  assert.equal(node.stats().values, 0);
  await node.close();
});

Deno.test("Undecided admissions are bounded", async () => {
  const world = testWorld();
  let asked = 0;
  const admission: Admission = {
    admit: () => {
      asked++;
      return new Promise<boolean>(() => {});
    },
  };
  const { node, puppets: [writer] } = await among(world, 1, key, { admission });
  assert.ok(writer);
  for (let i = 0; i < 200; i++) put(writer, node.address, `${i} a`);
  await world.clock.advance(100);
  assert.equal(asked, 64);
  await world.clock.advance(5_000);
  assert.equal(stored(writer).length, 200);
  await node.close();
});
