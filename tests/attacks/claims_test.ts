/** Attacks on names: taking one that is taken, taking many, taking one at the same moment. */

import assert from "node:assert/strict";
import { equalBytes } from "../../core/model/bytes.ts";
import { recordKey, signRecord } from "../../core/model/record.ts";
import { recordOf } from "../core/record_of.ts";
import { withdrawalOf } from "../../core/model/record_policy.ts";
import type { PutReport } from "../../core/ports.ts";
import { MemoryStorage } from "../../net/kademlia/mod.ts";
import { type AttackNetwork, hasClaim, MemoryClaims, onNetwork } from "./network.ts";
import { identityOf } from "../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const dayMs = 86_400_000;

/** Puts somebody's `public` record from a peer. */
function register(
  net: AttackNetwork,
  username: string,
  owner = alice,
  peer = 2,
): Promise<PutReport> {
  return net.drive(net.peer(peer).directory.put(net.sign(username, owner)));
}

/** How many peers have a name for a key. */
function claimed(net: AttackNetwork, username: string, owner = alice): number {
  return net.peers.filter((peer) => hasClaim(peer.claims, username, owner.publicKey)).length;
}

Deno.test("Attack: a taken name is claimed while its owner is there, and stays the owner's", () =>
  onNetwork(31, async (net) => {
    await net.addPeers(8);
    await register(net, "alice");
    for (const wait of [0, 60_000, dayMs + 3_600_000]) {
      await net.clock.advance(wait);
      const forged = net.sign("alice", mallory);
      assert.equal(await net.inject(recordKey("alice", "public"), forged.value), 0);
    }
    assert.equal(claimed(net, "alice"), 8);
    assert.deepEqual(await net.believed("alice"), alice.publicKey);
  }));

Deno.test("Attack: a name is claimed from a node that joins later, and the newcomer follows the others", () =>
  onNetwork(32, async (net) => {
    await net.addPeers(6);
    await register(net, "alice");
    const newcomer = await net.addPeer();
    const forged = net.sign("alice", mallory);
    assert.equal(await net.inject(recordKey("alice", "public"), forged.value), 0);
    assert(!hasClaim(newcomer.claims, "alice", mallory.publicKey));
    assert.deepEqual(await net.believed("alice", newcomer), alice.publicKey);
  }));

Deno.test("Attack: a connections record comes after the owner's has expired, and locks nobody out", () =>
  onNetwork(33, async (net) => {
    await net.addPeers(8);
    await register(net, "alice");
    const connections = () => net.sign("alice", alice, { namespace: "connections" });
    await net.drive(net.peer(2).directory.put(connections()));
    await net.clock.advance(20 * 60_000);
    assert.equal(net.holding("alice", "connections", alice), 0);
    const forged = net.sign("alice", mallory, {
      namespace: "connections",
      sequence: Number.MAX_SAFE_INTEGER,
    });
    assert.equal(await net.inject(recordKey("alice", "connections"), forged.value), 0);
    const back = connections();
    await net.drive(net.peer(2).directory.put(back));
    assert.equal(net.holdingValue(back.value), 8);
  }));

Deno.test("Attack: a name that nobody has registered gets a connections record, and no claim comes of it", () =>
  onNetwork(34, async (net) => {
    await net.addPeers(6);
    for (const namespace of ["connections", "private", "public:1:0"] as const) {
      const forged = net.sign("alice", mallory, { namespace });
      assert.equal(await net.inject(recordKey("alice", namespace), forged.value), 0, namespace);
    }
    await register(net, "alice");
    assert.equal(claimed(net, "alice"), 6);
  }));

Deno.test("Attack: a name is claimed when all of its records have expired, and its owner still gets it back", async () => {
  const disks = Array.from({ length: 6 }, () => ({
    storage: new MemoryStorage(),
    claims: new MemoryClaims(),
  }));
  let now = 0;
  const later = async (ms: number, test: (net: AttackNetwork) => Promise<void>): Promise<void> => {
    await onNetwork(35, async (net) => {
      now += ms;
      await net.clock.advance(now);
      for (const disk of disks) await net.addPeer(disk);
      await test(net);
    });
  };
  await later(0, async (net) => {
    await register(net, "alice");
    assert.equal(claimed(net, "alice"), 6);
  });
  // 11 months: the account is there. 22 months: no record is left, the memory of the claim is.
  await later(330 * dayMs, async (net) => {
    assert.equal(net.holding("alice", "public", alice), 6);
    assert.deepEqual(await net.believed("alice"), alice.publicKey);
  });
  await later(330 * dayMs, async (net) => {
    assert.equal(net.holding("alice", "public", alice), 0);
    const forged = net.sign("alice", mallory);
    assert.equal(await net.inject(recordKey("alice", "public"), forged.value), 0);
    await register(net, "alice");
    assert.equal(net.holding("alice", "public", alice), 6);
    assert.deepEqual(await net.believed("alice"), alice.publicKey);
  });
  // Nobody came for more than two years: the name is free.
  await later(800 * dayMs, async (net) => {
    await register(net, "alice", mallory);
    assert.equal(claimed(net, "alice", mallory), 6);
  });
});

Deno.test("Attack: a dictionary is registered from one address, and twenty names an hour come through", () =>
  onNetwork(36, async (net) => {
    await net.addPeers(6);
    const names = Array.from({ length: 30 }, (_, i) => `word${i}`);
    const taken = () => names.filter((name) => claimed(net, name, mallory) > 0).length;
    for (const name of names) {
      await net.inject(recordKey(name, "public"), net.sign(name, mallory).value);
    }
    assert.equal(taken(), 20);
    await register(net, "alice");
    assert.equal(claimed(net, "alice"), 6, "others go on as ever");
    await net.clock.advance(3_600_000);
    for (const name of names) {
      await net.inject(recordKey(name, "public"), net.sign(name, mallory).value);
    }
    assert.equal(taken(), 30);
  }));

Deno.test("Attack: a node is flooded with throwaway names near its id, and forgets no settled one", () =>
  onNetwork(37, async (net) => {
    const small = { claimsMax: 100 };
    for (let i = 0; i < 4; i++) await net.addPeer(small);
    const names = ["alice", "albert", "alma"];
    for (const name of names) await register(net, name);
    await net.clock.advance(dayMs + 3_600_000);
    const victim = net.peer(3);
    for (let source = 0; source < 6; source++) {
      const near = victim.node.id.slice();
      near[19] = (near[19] ?? 0) ^ (source + 1);
      const attacker = await net.addBare({ id: near });
      for (let i = 0; i < 20; i++) {
        const name = `throwaway${source}x${i}`;
        const { value } = net.sign(name, identityOf(name));
        await net.drive(attacker.put(recordKey(name, "public"), value));
      }
    }
    for (const peer of net.peers) assert(peer.claims.size <= small.claimsMax);
    for (const name of names) {
      assert.equal(claimed(net, name), 4, name);
      assert.equal(net.holding(name, "public", alice), 4, name);
    }
    await register(net, "alba");
    assert(claimed(net, "alba") > 0, "a newcomer still finds room");
  }));

Deno.test("Attack: one name is claimed at the same moment from two sides, and one owner at most has it", async () => {
  for (const seed of [381, 382, 383, 384]) {
    await onNetwork(seed, async (net) => {
      await net.addPeers(20);
      const both = () =>
        net.drive(Promise.all([
          net.peer(3).directory.put(net.sign("alice", alice)),
          net.peer(14).directory.put(net.sign("alice", mallory)),
        ]));
      const reports = await both();
      const majorities = reports.filter((report) => 2 * report.accepted > report.asked);
      assert(majorities.length <= 1, `seed ${seed}`);
      const accepted = reports.reduce((sum, report) => sum + report.accepted, 0);
      assert(accepted <= 20, `seed ${seed}: ${accepted} holders accepted`);
      // Later writes are put to the vote and make all holders one.
      for (let i = 0; i < 3; i++) {
        await net.clock.advance(30_000);
        await both();
      }
      const counts = [claimed(net, "alice"), claimed(net, "alice", mallory)];
      assert.deepEqual(counts.sort((a, b) => a - b), [0, 20], `seed ${seed}`);
      const winner = await net.believed("alice", net.peer(0));
      if (majorities.length === 1) {
        const expected = majorities[0] === reports[0] ? alice : mallory;
        assert(winner && equalBytes(winner, expected.publicKey), `seed ${seed}`);
      }
    });
  }
});

Deno.test("Attack: a name is claimed on both sides of a partition, and all readers agree afterwards", async () => {
  for (const apart of [4 * 3_600_000, dayMs + 3_600_000]) {
    await onNetwork(39, async (net) => {
      await net.addPeers(11);
      const side = net.peers.slice(6);
      for (const peer of side) net.setSide(peer.node.address.ip, 1);
      await register(net, "alice", alice, 2);
      await register(net, "alice", mallory, 8);
      await net.clock.advance(apart);
      for (const peer of side) net.setSide(peer.node.address.ip, 0);
      await net.clock.advance(2 * 3_600_000);
      await register(net, "alice", alice, 2);
      await register(net, "alice", mallory, 8);
      for (const peer of net.peers) {
        assert.deepEqual(await net.believed("alice", peer), alice.publicKey);
      }
    });
  }
});

Deno.test("A registration that failed is taken back, and the name is free at once", () =>
  onNetwork(40, async (net) => {
    await net.addPeers(6);
    const claim = net.sign("alice", mallory);
    await net.drive(net.peer(1).directory.put(claim));
    assert.equal(claimed(net, "alice", mallory), 6);
    const content = withdrawalOf(recordOf(claim, "public"), net.clock.now());
    const strangers = signRecord(content, alice);
    assert.equal((await net.drive(net.peer(2).directory.put(strangers))).accepted, 0);
    const report = await net.drive(net.peer(1).directory.put(signRecord(content, mallory)));
    assert.equal(report.accepted, 6);
    assert.equal(claimed(net, "alice", mallory), 0);
    assert.equal(await net.believed("alice"), undefined);
    assert.equal((await register(net, "alice")).accepted, 6);
    assert.deepEqual(await net.believed("alice"), alice.publicKey);
    assert.equal(await net.inject(recordKey("alice", "public"), claim.value), 0, "replayed");
  }));

Deno.test("Attack: a settled name is not given up by a record that takes a registration back", () =>
  onNetwork(42, async (net) => {
    await net.addPeers(4);
    const claim = net.sign("alice", alice);
    await net.drive(net.peer(1).directory.put(claim));
    await net.clock.advance(dayMs + 3_600_000);
    const content = withdrawalOf(recordOf(claim, "public"), net.clock.now());
    await net.drive(net.peer(1).directory.put(signRecord(content, alice)));
    await net.clock.advance(3_600_000);
    const forged = net.sign("alice", mallory);
    assert.equal(await net.inject(recordKey("alice", "public"), forged.value), 0);
    assert.equal(claimed(net, "alice"), 4);
  }));
