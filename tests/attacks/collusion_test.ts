/** Attacks by holders that collude: they keep a thief's record and vote for it. */

import assert from "node:assert/strict";
import { peekRecord, recordKey } from "../../core/model/record.ts";
import type { Admission, ValuePolicy } from "../../net/kademlia/ports.ts";
import { type AttackNetwork, hasClaim, onNetwork } from "./network.ts";
import { identityOf } from "../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const query = { username: "alice", namespace: "public" as const };

/** Newcomers without a pin that join and read, one after another. */
const newcomers = 10;

function isTheirs(value: Uint8Array): boolean {
  return peekRecord(value)?.publicKey.join() === mallory.publicKey.join();
}

/** Adds nodes that hold nothing but what mallory signed, and say that they have done so for ever. */
async function addColluders(net: AttackNetwork, count: number): Promise<void> {
  const policy: ValuePolicy = {
    check: (_key, value, nowMs) => ({ ok: true, decoded: value, expiresAtMs: nowMs + 86_400_000 }),
    compare: (a, b) => Number(isTheirs(a)) - Number(isTheirs(b)),
  };
  const admission: Admission = {
    admit: ({ value }) => isTheirs(value),
    since: () => 1,
  };
  const nodes = [];
  for (let i = 0; i < count; i++) nodes.push(await net.addBare({ policy, admission }));
  const forged = net.sign("alice", mallory, { sequence: Number.MAX_SAFE_INTEGER });
  const [first] = nodes;
  assert(first);
  const report = await net.drive(first.put(recordKey("alice", "public"), forged.value));
  assert(report.accepted >= count, `${report.accepted} of ${count} colluders hold it`);
}

Deno.test("Attack: a minority of holders colludes, and readers without a pin still find the owner", () =>
  onNetwork(51, async (net) => {
    await net.addPeers(11);
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    await addColluders(net, 7);
    for (const peer of net.peers.slice(0, 4)) {
      const answer = await net.drive(peer.directory.get(query));
      assert.deepEqual(answer.record?.publicKey, alice.publicKey);
      assert.deepEqual(answer.otherKeys, [mallory.publicKey], "the clash is told");
    }
  }));

Deno.test("Attack: a minority of holders colludes, and a newcomer among them still follows the owner's", () =>
  onNetwork(52, async (net) => {
    await net.addPeers(11);
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    await addColluders(net, 7);
    const newcomer = await net.addPeer();
    const forged = net.sign("alice", mallory, { sequence: Number.MAX_SAFE_INTEGER });
    assert.equal(await net.inject(recordKey("alice", "public"), forged.value), 0);
    assert(!hasClaim(newcomer.claims, "alice", mallory.publicKey));
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    assert(hasClaim(newcomer.claims, "alice", alice.publicKey));
  }));

Deno.test("Attack: most holders collude, and a reader with a pin still gets the owner's record", () =>
  onNetwork(53, async (net) => {
    await net.addPeers(5);
    const record = net.sign("alice", alice);
    await net.drive(net.peer(2).directory.put(record));
    await addColluders(net, 14);
    const newcomer = await net.addPeer();
    const pinned = await net.drive(
      newcomer.directory.get({ ...query, pin: alice.publicKey }),
    );
    assert.deepEqual(pinned.record?.value, record.value);
    assert.deepEqual(pinned.otherKeys, [mallory.publicKey], "the clash is told");
    // This is the bound: without a pin, honest holders must outnumber colluding ones.
    assert.deepEqual(await net.believed("alice", newcomer), mallory.publicKey);
  }));

Deno.test("Attack: most holders store anything and vote for nothing, and no reader is misled", () =>
  onNetwork(54, async (net) => {
    await net.addPeers(3);
    for (let i = 0; i < 15; i++) await net.addBare();
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    const forged = net.sign("alice", mallory, { sequence: Number.MAX_SAFE_INTEGER });
    await net.inject(recordKey("alice", "public"), forged.value);
    for (const peer of net.peers) {
      assert.deepEqual(await net.believed("alice", peer), alice.publicKey);
    }
    // A name that only such nodes have is nobody's.
    const free = net.sign("bob", mallory);
    const attacker = await net.attacker();
    for (const peer of net.peers) net.setSide(peer.node.address.ip, 1);
    await net.drive(attacker.put(recordKey("bob", "public"), free.value));
    for (const peer of net.peers) net.setSide(peer.node.address.ip, 0);
    const answer = await net.drive(
      net.peer(0).directory.get({ username: "bob", namespace: "public" }),
    );
    assert.equal(answer.record, undefined);
    assert.deepEqual(answer.otherKeys, [mallory.publicKey]);
  }));

Deno.test("Attack: many ids of one network surround a name, and few of them are asked", () =>
  onNetwork(55, async (net) => {
    await net.addPeers(11);
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    const key = recordKey("alice", "public");
    const forged = net.sign("alice", mallory);
    for (let i = 0; i < 30; i++) {
      const id = key.slice();
      id[19] = (id[19] ?? 0) ^ (i + 1);
      const node = await net.addBare({
        id,
        ip: `203.0.113.${i + 1}`,
        admission: {
          admit: ({ value }) => isTheirs(value),
          since: () => 1,
        },
      });
      await net.drive(node.put(key, forged.value));
    }
    for (const peer of net.peers.slice(0, 3)) {
      assert.deepEqual(await net.believed("alice", peer), alice.publicKey);
    }
  }));

/**
 * Addresses of an attacker who has a whole /48 and four /24s: as many ids as he likes, each in a /56 or at
 * an address of its own.
 */
function attackerAddress(i: number): string {
  return i % 5 === 4 ? `${50 + (i >> 2) % 4}.7.7.${1 + i}` : `2a00:1:2:${(i << 8).toString(16)}::1`;
}

Deno.test("Attack: a /48 and four /24s surround a name, and no newcomer is misled", () =>
  onNetwork(57, async (net) => {
    await net.addPeers(25);
    await net.drive(net.peer(2).directory.put(net.sign("alice", alice)));
    const key = recordKey("alice", "public");
    const forged = net.sign("alice", mallory, { sequence: Number.MAX_SAFE_INTEGER });
    for (let i = 0; i < 60; i++) {
      const id = key.slice();
      id[19] = (id[19] ?? 0) ^ (i + 1);
      const node = await net.addBare({
        id,
        ip: attackerAddress(i),
        admission: { admit: ({ value }) => isTheirs(value), since: () => 1 },
      });
      await net.drive(node.put(key, forged.value));
    }
    for (const peer of net.peers) {
      assert(!hasClaim(peer.claims, "alice", mallory.publicKey), "no holder gives the name away");
    }
    for (let i = 0; i < newcomers; i++) {
      const peer = await net.addPeer({ ip: `${100 + i}.3.3.3` });
      assert.deepEqual(await net.believed("alice", peer), alice.publicKey, `newcomer ${i}`);
      net.peers.pop();
      await peer.close();
    }
  }));
