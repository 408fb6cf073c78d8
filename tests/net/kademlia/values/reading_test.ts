import assert from "node:assert/strict";
import { type GetResult, KademliaNode, type ValuePolicy } from "../../../../net/kademlia/mod.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { numbered } from "../policies.ts";
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
import type { DhtWorld } from "../../../sim/dht_world.ts";
import { SeededRandom } from "../../../sim/random.ts";

const key = keyOf("k");

Deno.test("A get stops at a quorum of three holders", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 15, key);
  for (const puppet of puppets) puppet.react.find_value = holding(bytesOf("1 a"));
  const result = await world.clock.drive(node.get(key));
  assert.equal(textOf(result.value), "1 a");
  assert.ok(result.answers.length >= 3);
  assert.ok(puppets.reduce((sum, p) => sum + p.count("find_value"), 0) <= 5);
  await node.close();
});

Deno.test("Where round trips are long, a get seeks its last holder among one more node", async () => {
  for (const [fixedMs, asked] of [[1, 3], [10, 4]] as const) {
    const world = testWorld();
    world.network.fixedMs = fixedMs;
    const { node, puppets } = await among(world, 20, key);
    for (const puppet of puppets) puppet.react.find_value = holding(bytesOf("1 a"));
    await world.clock.drive(node.get(key));
    await world.clock.advance(100);
    assert.equal(puppets.reduce((sum, p) => sum + p.count("find_value"), 0), asked);
    await node.close();
  }
});

/** A node of whose neighbours it follows how far from a key its holders are, and a key that is far from it. */
async function farFromKey(world: DhtWorld) {
  const node = await virtualNode(world, 0, { policy: numbered });
  const own = Id.from(node.id);
  const far = new Id(own.w0 ^ (1 << 31), own.w1, own.w2, own.w3, own.w4);
  let count = 0;
  const beside = ({ w0, w1, w2, w3, w4 }: Id, bits: number): Puppet =>
    new Puppet(world, `6.${count++}.0.1`, new Id(w0 ^ bits, w1, w2, w3, w4));
  const neighbours = Array.from({ length: 20 }, (_, i) => beside(own, (i + 1) << 10));
  const holders = Array.from({ length: 4 }, (_, i) => beside(far, (i + 1) << 10));
  for (const { react } of holders) react.find_value = holding(bytesOf("1 a"));
  /** The neighbours and these introduce themselves; then the value is read. */
  const get = async (known: readonly Puppet[]): Promise<GetResult> => {
    for (const some of [neighbours, known]) {
      for (const puppet of some) puppet.ping(node.address);
      await world.clock.advance(1_000);
    }
    assert.equal(node.contacts().length, neighbours.length + known.length);
    return await world.clock.drive(node.get(far.toBytes(), { quorum: 1, paths: 1 }));
  };
  return { node, far, own, holders, beside, get };
}

Deno.test("After a forged value from far away a get wants one more holder", async () => {
  for (const [text, asked] of [["9 bad", 2], [undefined, 1]] as const) {
    const { node, far, holders, beside, get } = await farFromKey(testWorld());
    const [first, second] = [beside(far, 1 << 20), beside(far, 1 << 21)];
    if (text !== undefined) first.react.find_value = holding(bytesOf(text));
    second.react.find_value = naming(holders.map(({ contact }) => contact));
    const result = await get([first, second]);
    assert.equal(textOf(result.value), "1 a");
    assert.equal(result.answers.length, asked);
    await node.close();
  }
});

Deno.test("A get that finds nobody near the key asks contacts of all buckets", async () => {
  const { node, far, own, holders, beside, get } = await farFromKey(testWorld());
  const useless = Array.from({ length: 20 }, (_, i) => beside(far, (i + 1) << 20));
  const farthest = beside(own, 1 << 30);
  farthest.react.find_value = naming(holders.map(({ contact }) => contact));
  assert.equal(textOf((await get([...useless, farthest])).value), "1 a");
  await node.close();
});

Deno.test("Fewer holders are enough where fewer exist", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 15, key);
  const [, , , , , one] = puppets;
  assert.ok(one);
  one.react.find_value = holding(bytesOf("1 a"));
  const result = await world.clock.drive(node.get(key));
  assert.equal(textOf(result.value), "1 a");
  assert.equal(result.answers.length, 1);
  await node.close();
});

Deno.test("A value that nobody holds is not found, and that is no failure", async () => {
  const world = testWorld();
  const { node } = await among(world, 5, key);
  const result = await world.clock.drive(node.get(key));
  assert.equal(result.value, undefined);
  assert.deepEqual(result.answers, []);
  assert.equal(result.answered, 5);
  await node.close();
});

Deno.test("The winner is returned and stored on holders of an older one and the closest without", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 4, key);
  const [lacks, old, newest, lacksToo] = puppets;
  assert.ok(lacks && old && newest && lacksToo);
  old.react.find_value = holding(bytesOf("1 a"));
  newest.react.find_value = holding(bytesOf("2 b"));
  const result = await world.clock.drive(node.get(key));
  assert.equal(textOf(result.value), "2 b");
  await world.clock.advance(1_000);
  const offered = puppets.map((puppet) => puppet.offered);
  assert.deepEqual(offered, [["2 b"], ["2 b"], [], []]);
  await node.close();
});

Deno.test("Without repair a get stores nothing", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 4, key);
  const [, holder] = puppets;
  assert.ok(holder);
  holder.react.find_value = holding(bytesOf("1 a"));
  await world.clock.drive(node.get(key, { repair: false }));
  await world.clock.advance(1_000);
  assert.equal(puppets.reduce((sum, p) => sum + p.count("store"), 0), 0);
  await node.close();
});

Deno.test("Invalid values, and those the caller does not believe, count for nothing", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 8, key);
  puppets.forEach((puppet, i) => {
    puppet.react.find_value = holding(bytesOf(i < 3 ? "9 bad" : i < 6 ? "8 foreign" : "1 mine"));
  });
  const accept = (value: Uint8Array): boolean => textOf(value)?.includes("mine") === true;
  const result = await world.clock.drive(node.get(key, { accept }));
  assert.equal(textOf(result.value), "1 mine");
  assert.ok(result.answers.every((answer) => textOf(answer.value) === "1 mine"));
  await node.close();
});

Deno.test("All k closest are asked where the quorum is all, and the caller may choose", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 12, key);
  puppets.forEach((puppet, i) => {
    puppet.react.find_value = holding(bytesOf(i === 11 ? "1 rare" : "2 common"), 1_000 + i);
  });
  const result = await world.clock.drive(
    node.get(key, { quorum: "all", choose: (answers) => answers.find((a) => a.since === 1_011) }),
  );
  assert.equal(result.answers.length, 12);
  assert.equal(textOf(result.value), "1 rare");
  await node.close();
});

Deno.test("Holders that name nobody do not hide the others: they are asked for their neighbours", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 1, key);
  const [first] = puppets;
  assert.ok(first);
  const hidden = [1, 2, 3].map((i) => new Puppet(world, `6.${100 + i}.0.1`));
  for (const puppet of [first, ...hidden]) puppet.react.find_value = holding(bytesOf("1 a"));
  first.react.find_node = naming(hidden.map((puppet) => puppet.contact));
  const result = await world.clock.drive(node.get(key));
  assert.ok(result.answers.length >= 3);
  await node.close();
});

Deno.test("The own node counts as a holder", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0, { policy: numbered });
  await world.clock.drive(node.put(key, bytesOf("1 a")));
  const { sent } = world.network;
  const result = await world.clock.drive(node.get(key, { quorum: 1 }));
  assert.equal(world.network.sent, sent, "no other node is asked");
  assert.deepEqual(result.answers.map((answer) => answer.contact.id), [node.id]);
  await node.close();
});

Deno.test("Answers that only come late are waited for rather than reported as nothing", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 3, key);
  for (const puppet of puppets) puppet.react.find_value = holding(bytesOf("1 a"));
  // The pings took 20 ms; now everybody takes ten times that.
  world.network.fixedMs = 100;
  const result = await world.clock.drive(node.get(key));
  assert.equal(textOf(result.value), "1 a");
  await node.close();
});

Deno.test("An aborted get rejects with the reason, and leaves nothing behind", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 3, key);
  for (const puppet of puppets) puppet.silent = true;
  const abort = new AbortController();
  const get = node.get(key, { signal: abort.signal });
  const rejected = assert.rejects(get, /enough/);
  abort.abort(new Error("enough"));
  await rejected;
  await assert.rejects(node.get(key, { signal: abort.signal }), /enough/);
  await node.close();
  await assert.rejects(node.get(key), /closed/);
});

Deno.test("Wrong arguments reject with what is wrong", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  await assert.rejects(node.get(new Uint8Array(19)), /19 bytes/);
  await assert.rejects(node.get(key, { quorum: 0 }), /quorum of 0/);
  await assert.rejects(node.get(key, { paths: 9 }), /9 paths/);
  await assert.rejects(node.put(key, new Uint8Array(8_001)), /8001 bytes/);
  await node.close();
});

Deno.test("Readers get the right value while validating holders are the majority", async () => {
  // Every fourth node is as trusting as a Python one and keeps whatever comes last.
  const world = testWorld();
  const nodes: KademliaNode[] = await virtualNetwork(
    world,
    24,
    (i) => i % 4 === 1 ? {} : { policy: numbered },
  );
  const [writer] = nodes;
  assert.ok(writer);
  await world.clock.drive(writer.put(key, bytesOf("5 right")));
  // A trusting node puts an invalid and a stale value everywhere: validating nodes refuse both.
  await world.clock.drive(nodes[1]?.put(key, bytesOf("9 bad")) ?? Promise.reject());
  await world.clock.drive(nodes[5]?.put(key, bytesOf("4 stale")) ?? Promise.reject());
  for (const node of nodes.filter((_, i) => i % 4 !== 1)) {
    const { value } = await world.clock.drive(node.get(key));
    assert.equal(textOf(value), "5 right");
  }
  await closeAll(nodes);
});

Deno.test("A malformed answer counts as none", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 3, key);
  const [broken, ...rest] = puppets;
  assert.ok(broken);
  broken.react.find_value = (data) => naming([])(data)?.fill(0xc1, 21);
  for (const puppet of rest) puppet.react.find_value = holding(bytesOf("1 a"));
  const result = await world.clock.drive(node.get(key));
  assert.equal(result.answers.length, 2);
  await node.close();
});

Deno.test("Reads that begin within the same hundredth of a millisecond do not keep time from passing", async () => {
  const world = testWorld();
  const node = await virtualNode(world, 0);
  const puppets = Array.from({ length: 6 }, (_, n) => new Puppet(world, `6.${n}.0.1`));
  for (const puppet of puppets) puppet.ping(node.address);
  await world.clock.advance(1_000);
  for (const puppet of puppets) puppet.silent = true;
  const reads: Promise<unknown>[] = [];
  for (let i = 0; i < 4; i++) {
    reads.push(node.get(keyOf(`k${i}`)));
    await world.clock.advance(0.004);
  }
  await world.clock.drive(Promise.all(reads));
  await node.close();
});

Deno.test("What the policy decoded comes back decoded: to readers, putters and admission", async () => {
  const world = testWorld();
  const policy: ValuePolicy<{ readonly text: string }> = {
    check: (_key, value, nowMs) => {
      const decoded = { text: textOf(value) ?? "" };
      return { ok: true, decoded, expiresAtMs: nowMs + 1_000_000 };
    },
    compare: numbered.compare,
  };
  const admitted: string[] = [];
  const node = await KademliaNode.create({
    time: world.clock,
    random: new SeededRandom("decoding"),
    datagrams: world.network.open({ ip: "5.0.0.1", port: 4000 }),
    policy,
    admission: {
      admit: ({ decoded }) => {
        admitted.push(decoded.text);
        return true;
      },
    },
  });
  const other = new Puppet(world, "6.0.0.1");
  other.ping(node.address);
  await world.clock.advance(1_000);
  other.react.find_value = holding(bytesOf("7 theirs"));
  const believed: string[] = [];
  const accept = ({ text }: { readonly text: string }): boolean => believed.push(text) > 0;
  const { winner, answers } = await world.clock.drive(node.get(key, { accept, repair: false }));
  assert.equal(winner?.decoded.text, "7 theirs");
  assert.deepEqual(answers.map(({ decoded }) => decoded.text), ["7 theirs"]);
  assert.deepEqual(believed, ["7 theirs"]);
  other.react.store = refusing;
  const { newer } = await world.clock.drive(node.put(key, bytesOf("1 mine")));
  assert.equal(newer?.text, "7 theirs");
  assert.deepEqual(admitted, ["1 mine"]);
  await node.close();
});

Deno.test("A value is absent only where enough of the nearest nodes say so", async () => {
  for (const [silent, isAbsent] of [[0, true], [2, true], [3, false], [4, false]] as const) {
    const world = testWorld();
    const { node, puppets } = await among(world, 4, key);
    for (const puppet of puppets.slice(0, silent)) puppet.silent = true;
    for (const quorum of [3, "all"] as const) {
      const result = await world.clock.drive(node.get(key, { quorum }));
      assert.equal(result.isAbsent, isAbsent, `${silent} silent, quorum ${quorum}`);
    }
    await node.close();
  }
});

Deno.test("A found value, and no network to ask, are not absent", async () => {
  const world = testWorld();
  const { node, puppets: [only] } = await among(world, 1, key);
  assert.ok(only);
  only.react.find_value = holding(bytesOf("1 a"));
  assert.equal((await world.clock.drive(node.get(key))).isAbsent, false);
  await node.close();
  const lonely = await virtualNode(world, 1);
  assert.equal((await world.clock.drive(lonely.get(key))).isAbsent, false);
  await lonely.close();
});

Deno.test("The only holder is asked again where datagrams are lost, four times and no more", async () => {
  for (const [lost, found] of [[3, true], [4, false]] as const) {
    const world = testWorld();
    const { node, puppets: [only] } = await among(world, 1, key);
    assert.ok(only);
    let losses = 0;
    only.react.find_value = (data) => losses++ < lost ? undefined : holding(bytesOf("1 a"))(data);
    const { value, isAbsent } = await world.clock.drive(node.get(key));
    assert.equal(textOf(value), found ? "1 a" : undefined);
    assert.equal(isAbsent, false);
    assert.equal(only.count("find_value"), 4);
    await node.close();
  }
});

Deno.test("In a large network nodes that do not exist keep no reader from an answer", async () => {
  const world = testWorld();
  const { node, puppets } = await among(world, 10, key);
  const { w0, w1, w2, w3, w4 } = Id.from(key);
  const invented = Array.from(
    { length: 15 },
    (_, i) => new NodeContact(new Id(w0, w1, w2 ^ (i + 1), w3, w4), `7.${i}.0.1`, 1),
  );
  for (const puppet of puppets) puppet.react.find_value = naming(invented);
  assert.equal((await world.clock.drive(node.get(key))).isAbsent, true);
  await node.close();
});

Deno.test("A node that knows only nodes at home asks these, and stores nothing there", async () => {
  const world = testWorld();
  const outside = world.network.open({ ip: "5.0.0.1", port: 4001 });
  const node = await virtualNode(world, 0, { outside });
  const home = new Puppet(world, "6.0.0.1");
  home.react.stun = () => undefined;
  home.react.find_value = holding(bytesOf("1 a"));
  home.ping(node.address);
  await world.clock.advance(10_000);
  assert.equal(node.contacts().length, 0);
  assert.equal(textOf((await world.clock.drive(node.get(key))).value), "1 a");
  await world.clock.drive(node.put(keyOf("another"), bytesOf("1 b")));
  assert.equal(home.count("store"), 0);
  await node.close();
});
