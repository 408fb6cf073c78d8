import assert from "node:assert/strict";
import { compareDistance, Id } from "../../net/kademlia/space/id.ts";
import { numberOf, sealed } from "./dht_values.ts";
import { DhtWorld, type Member } from "./dht_world.ts";

const hourMs = 3_600_000;

function holds(member: Member, key: Id): boolean {
  return [...member.node.values()].some((value) => Id.from(value.key).equals(key));
}

/** All members, the nearest to the key first. */
function byDistance(world: DhtWorld, key: Id): Member[] {
  return [...world.members].sort((a, b) =>
    compareDistance(key, Id.from(a.node.id), Id.from(b.node.id))
  );
}

Deno.test("A value reaches the nearest nodes once they are back, though all holders are far", async () => {
  const world = new DhtWorld({ seed: "out of reach", node: { k: 4 } });
  await world.grow(40);
  const random = world.random.fork("keys");
  for (let n = 0; n < 5; n++) {
    const bytes = random.bytes(20);
    const key = Id.from(bytes);
    const ranked = byDistance(world, key);
    const nearest = ranked.slice(0, 5);
    const farthest = ranked.at(-1) as Member;
    for (const member of nearest) member.socket.island = 1;
    const value = sealed({ key: bytes, number: 1, expiresAtMs: world.clock.now() + 24 * hourMs });
    const { accepted } = await world.clock.drive(farthest.node.put(bytes, value));
    assert(accepted > 0, "others within the 2k closest took it");
    for (const member of nearest) member.socket.island = 0;
    await world.clock.advance(1.25 * hourMs);
    assert.equal(ranked.slice(0, 4).filter((member) => holds(member, key)).length, 4);
  }
  assert.deepEqual(world.errors, []);
  for (const member of world.members) member.kill();
});

Deno.test("Holders that are too far away for an update learn of it within the hour", async () => {
  const world = new DhtWorld({ seed: "out of date", node: { k: 4 } });
  await world.grow(40);
  const random = world.random.fork("keys");
  const bytes = random.bytes(20);
  const key = Id.from(bytes);
  const ranked = byDistance(world, key);
  const nearest = ranked.slice(0, 5);
  const farthest = ranked.at(-1) as Member;
  const put = async (number: number): Promise<void> => {
    const value = sealed({ key: bytes, number, expiresAtMs: world.clock.now() + 24 * hourMs });
    await world.clock.drive(farthest.node.put(bytes, value));
  };
  for (const member of nearest) member.socket.island = 1;
  await put(1);
  for (const member of nearest) member.socket.island = 0;
  await put(2);
  await world.clock.advance(1.25 * hourMs);
  const numbers = world.members.flatMap(({ node }) => [...node.values()])
    .map(({ value }) => numberOf(value));
  assert(numbers.length > 5, "some of the far ones hold it, too");
  assert(numbers.every((number) => number === 2), `${numbers}`);
  assert.deepEqual(world.errors, []);
  for (const member of world.members) member.kill();
});
