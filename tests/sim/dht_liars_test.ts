import assert from "node:assert/strict";
import { compareDistance, Id } from "../../net/kademlia/space/id.ts";
import { Collusion, Sybil } from "./dht_collusion.ts";
import { numberOf, sealed } from "./dht_values.ts";
import { DhtWorld, type Member } from "./dht_world.ts";
import type { SeededRandom } from "./random.ts";

const dayMs = 86_400_000;

function end(world: DhtWorld): void {
  assert.deepEqual(world.errors, []);
  for (const member of world.members) member.kill();
}

Deno.test("Reads over 4 paths are right while a fifth of all nodes collude", async () => {
  const world = new DhtWorld({ seed: "a fifth", node: { k: 10 } });
  const collusion = new Collusion(10);
  const liars = new Set<Member>();
  const random = world.random.fork("liars");
  const founders = (): Member[] => random.shuffle(world.members.slice(0, 10)).slice(0, 3);
  await world.grow(150, () => ({}), (member) => {
    if (member.index < 10 || !random.chance(0.2)) return;
    liars.add(member);
    collusion.corrupt(member.socket, member.node.id);
  }, founders);
  const honest = world.members.filter((member) => !liars.has(member));
  const keys = Array.from({ length: 20 }, () => random.bytes(20));
  for (const number of [1, 2]) {
    for (const key of keys) {
      const value = sealed({ key, number, expiresAtMs: world.clock.now() + dayMs });
      if (number === 1) collusion.remember(key, value);
      await world.clock.drive(random.pick(honest).node.put(key, value, { paths: 4 }));
    }
  }
  let right = 0;
  const reads = 100;
  await world.each(reads, 20, async (i) => {
    const key = keys[i % keys.length] as Uint8Array;
    const { value } = await random.pick(honest).node.get(key, { paths: 4, repair: false });
    if (value !== undefined && numberOf(value) === 2) right++;
  });
  assert(right >= 0.97 * reads, `${right} of ${reads}`);
  end(world);
});

Deno.test("The first bootstrap node to answer is not the only one that a newcomer gets to know", async () => {
  const world = new DhtWorld({ seed: "first to answer", node: { k: 8 } });
  const collusion = new Collusion(8);
  await world.grow(40, () => ({}), (member) => {
    if (member.index >= 20) collusion.corrupt(member.socket, member.node.id, "withhold");
  }, () => world.members.slice(0, 2));
  const [honest] = world.members;
  const liar = world.members[30];
  assert(honest && liar);
  let tried = 0;
  for (let n = 0; n < 20; n++) {
    const newcomer = world.add();
    const { network } = world;
    const toLiar = network.roundTripMs(newcomer.index, liar.index);
    if (toLiar + 20 > network.roundTripMs(newcomer.index, honest.index)) continue;
    tried++;
    await world.clock.drive(newcomer.join([liar, honest]));
    const known = newcomer.node.contacts();
    assert(known.some(({ id }) => !collusion.has(id)), "honest ones are known");
    newcomer.kill();
  }
  assert(tried > 2);
  end(world);
});

/** An honest world, and keys that attackers take places next to, known to the nodes around. */
class Siege {
  readonly world: DhtWorld;
  readonly random: SeededRandom;
  #keys = 0;

  constructor(seed: string) {
    this.world = new DhtWorld({ seed, node: { k: 10 } });
    this.random = this.world.random.fork("eclipse");
  }

  /** Version `number` of the value under a key. */
  value(key: Uint8Array, number: number): Uint8Array {
    return sealed({ key, number, expiresAtMs: this.world.clock.now() + dayMs });
  }

  /** A key with ten ids next to it, which serve its value of number 1 or none. */
  async lay(greeted = 60): Promise<Uint8Array> {
    const { world, random } = this;
    const key = random.bytes(20);
    const target = Id.from(key);
    const collusion = new Collusion(10);
    collusion.remember(key, this.value(key, 1));
    const ranked = [...world.members].sort((a, b) =>
      compareDistance(target, Id.from(a.node.id), Id.from(b.node.id))
    );
    const n = this.#keys++;
    for (let i = 0; i < 10; i++) {
      const id = random.bytes(20);
      id.set(key.subarray(0, 4));
      const address = { ip: `${90 + i}.${n}.0.1`, port: 5_000 };
      const sybil = new Sybil(world.network.open(address), collusion, id, random);
      for (const { node } of ranked.slice(0, greeted)) sybil.greet(node.address);
    }
    await world.clock.advance(5_000);
    return key;
  }

  /** How many honest nodes hold something under a key. */
  holders(key: Uint8Array): number {
    return this.world.members.filter(({ node }) =>
      [...node.values()].some((value) => String(value.key) === String(key))
    ).length;
  }
}

Deno.test("Ids placed next to a key, each in a network of its own, displace no holder", async () => {
  const siege = new Siege("eclipse");
  const { world, random } = siege;
  await world.grow(120);
  let right = 0;
  for (let n = 0; n < 10; n++) {
    const key = await siege.lay();
    await world.clock.drive(random.pick(world.members).node.put(key, siege.value(key, 2)));
    for (let i = 0; i < 5; i++) {
      const { node } = random.pick(world.members);
      const found = await world.clock.drive(node.get(key, { repair: false }));
      if (found.value !== undefined && numberOf(found.value) === 2) right++;
    }
  }
  assert(right >= 40, `${right} of 50`);
  end(world);
});

Deno.test("A node that has written next to an attacker's ids still reaches the holders of other such keys", async () => {
  const siege = new Siege("again");
  const { world } = siege;
  await world.grow(60);
  const [writer] = world.members;
  assert(writer);
  for (let n = 0; n < 4; n++) {
    const key = await siege.lay();
    await world.clock.drive(writer.node.put(key, siege.value(key, 2), { until: "all" }));
    assert(siege.holders(key) >= 3, `key ${n} has ${siege.holders(key)} honest holders`);
  }
  end(world);
});
