import assert from "node:assert/strict";
import { onNetwork, person } from "../attacks/network.ts";

const [alice, mallory] = [person(1), person(2)];

Deno.test("KademliaDirectory stores a record on all holders and finds it by pin and by vote", () =>
  onNetwork(1, async (net) => {
    await net.addPeers(8);
    const [a, b] = [net.peer(3), net.peer(6)];
    const record = net.sign("alice", alice);
    const report = await net.drive(a.directory.put(record));
    assert.deepEqual(report, { accepted: 8, refused: 0, asked: 8 });
    const query = { username: "alice", namespace: "public" as const };
    const voted = await net.drive(b.directory.get(query));
    assert.deepEqual(voted.record?.value, record.value);
    const pinned = await net.drive(b.directory.get({ ...query, pin: alice.publicKey }));
    assert.deepEqual(pinned.record?.value, record.value);
    const other = await net.drive(b.directory.get({ ...query, pin: mallory.publicKey }));
    assert.equal(other.record, undefined);
    assert.deepEqual(other.otherKeys, [alice.publicKey]);
  }));
