/** Attacks on records that are there: overwriting, replaying, withholding. */

import assert from "node:assert/strict";
import { recordKey } from "../../core/model/record.ts";
import { onNetwork } from "./network.ts";
import { identityOf } from "../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const minuteMs = 60_000;

Deno.test("Attack: a stranger overwrites another's record, and no holder takes it", () =>
  onNetwork(11, async (net) => {
    await net.addPeers(8);
    const [owner, reader] = [net.peer(2), net.peer(5)];
    for (const namespace of ["public", "private", "public:1:0", "connections"] as const) {
      const record = net.sign("alice", alice, { namespace });
      await net.drive(owner.directory.put(record));
      assert.equal(net.holdingValue(record.value), 8, namespace);
      const forged = net.sign("alice", mallory, {
        namespace,
        sequence: Number.MAX_SAFE_INTEGER,
      });
      assert.equal(await net.inject(recordKey("alice", namespace), forged.value), 0, namespace);
      const report = await net.drive(reader.directory.put(forged));
      assert.equal(report.accepted, 1, "nobody but the attacker's own node");
      assert.equal(report.newer, undefined);
      assert.equal(net.holdingValue(record.value), 8, namespace);
    }
    assert.deepEqual(await net.believed("alice"), alice.publicKey);
  }));

Deno.test("Attack: an older record is replayed, and holders keep the newer one", () =>
  onNetwork(12, async (net) => {
    await net.addPeers(8);
    const owner = net.peer(2);
    const older = net.sign("alice", alice, { sequence: 1 });
    const newer = net.sign("alice", alice, { sequence: 2 });
    await net.drive(owner.directory.put(older));
    assert.equal((await net.drive(owner.directory.put(newer))).accepted, 8);
    assert.equal(await net.inject(recordKey("alice", "public"), older.value), 0);
    const report = await net.drive(owner.directory.put(older));
    assert.equal(report.accepted, 1, "nobody but the attacker's own node");
    assert.deepEqual(report.newer?.value, newer.value);
    const answer = await net.drive(
      owner.directory.get({ username: "alice", namespace: "public", pin: alice.publicKey }),
    );
    assert.equal(answer.record?.sequence, 2);
  }));

Deno.test("Attack: an expired record is served, and no reader believes it", () =>
  onNetwork(13, async (net) => {
    await net.addPeers(6);
    const [owner, reader] = [net.peer(2), net.peer(5)];
    await net.drive(owner.directory.put(net.sign("alice", alice)));
    const connections = net.sign("alice", alice, { namespace: "connections" });
    await net.drive(owner.directory.put(connections));
    await net.inject(recordKey("alice", "connections"), connections.value);
    const query = {
      username: "alice",
      namespace: "connections" as const,
      pin: alice.publicKey,
    };
    assert.notEqual((await net.drive(reader.directory.get(query))).record, undefined);
    await net.clock.advance(17 * minuteMs + 1_000);
    const attacker = await net.attacker();
    const served = await net.drive(attacker.get(recordKey("alice", "connections")));
    assert.deepEqual(served.value, connections.value, "the attacker holds it still");
    assert.equal((await net.drive(reader.directory.get(query))).record, undefined);
    assert.equal(net.holdingValue(connections.value), 0);
    assert.equal(await net.inject(recordKey("alice", "connections"), connections.value), 0);
  }));

Deno.test("Attack: an owner asks for a longer life than the namespace has, and gets none", () =>
  onNetwork(14, async (net) => {
    await net.addPeers(4);
    const owner = net.peer(2);
    await net.drive(owner.directory.put(net.sign("alice", alice)));
    const late = net.clock.now() + 18 * minuteMs;
    const record = net.sign("alice", alice, { namespace: "connections", expiresAt: late });
    assert.equal(await net.inject(recordKey("alice", "connections"), record.value), 0);
    const years = net.clock.now() + 367 * 1_440 * minuteMs;
    const long = net.sign("alice", alice, { expiresAt: years });
    assert.equal(await net.inject(recordKey("alice", "public"), long.value), 0);
  }));

Deno.test("Attack: most holders of a private record have another user's instead, and the owner still gets it", () =>
  onNetwork(15, async (net) => {
    await net.addPeers(6);
    const owner = net.peer(2);
    for (let i = 0; i < 12; i++) await net.addBare();
    const record = net.sign("alice", alice, { namespace: "private" });
    await net.drive(owner.directory.put(net.sign("alice", alice)));
    await net.drive(owner.directory.put(record));
    const forgedPublic = net.sign("alice", mallory);
    const forged = net.sign("alice", mallory, { namespace: "private" });
    await net.inject(recordKey("alice", "public"), forgedPublic.value);
    await net.inject(recordKey("alice", "private"), forged.value);
    const attacker = await net.attacker();
    const spread = await net.drive(attacker.get(recordKey("alice", "private"), { quorum: "all" }));
    const theirs = spread.answers.filter((one) => one.value.join() === forged.value.join());
    assert(theirs.length >= 12, `${theirs.length} holders were turned`);
    const newcomer = await net.addPeer();
    // A login on another machine knows the name alone.
    const login = await net.drive(
      newcomer.directory.get({ username: "alice", namespace: "private" }),
    );
    assert.deepEqual(login.record?.value, record.value);
    assert.deepEqual(login.otherKeys, [mallory.publicKey]);
  }));

Deno.test("Attack: a list page is swapped for another page or another owner's, and no holder takes it", () =>
  onNetwork(16, async (net) => {
    await net.addPeers(6);
    const owner = net.peer(2);
    await net.drive(owner.directory.put(net.sign("alice", alice)));
    const first = net.sign("alice", alice, { namespace: "public:1:0", sequence: 1 });
    const second = net.sign("alice", alice, { namespace: "public:1:1", sequence: 2 });
    await net.drive(owner.directory.put(first));
    await net.drive(owner.directory.put(second));
    const key = recordKey("alice", "public:1:0");
    assert.equal(await net.inject(key, second.value), 6, "still only under its own key");
    const answer = await net.drive(
      owner.directory.get({ username: "alice", namespace: "public:1:0", pin: alice.publicKey }),
    );
    assert.deepEqual(answer.record?.value, first.value);
    await net.drive(owner.directory.put(net.sign("mallory", mallory)));
    const page = net.sign("mallory", mallory, { namespace: "public:1:0" });
    assert.equal(await net.inject(key, page.value), 0);
    const newer = net.sign("alice", alice, { namespace: "public:1:0", sequence: 3 });
    await net.drive(owner.directory.put(newer));
    assert.equal(await net.inject(key, first.value), 0, "a stale page");
  }));
