import assert from "node:assert/strict";
import { toHex } from "../../../core/model/bytes.ts";
import { recordKey } from "../../../core/model/record.ts";
import type { DirectoryStatus } from "../../../core/ports.ts";
import { Exemption } from "../../../lib/networks.ts";
import {
  KademliaDirectory,
  type KademliaDirectoryOptions,
} from "../../../net/directory/kademlia_directory.ts";
import { PageQuota, pagesPerOwnerMax } from "../../../net/directory/page_quota.ts";
import { MemoryStorage } from "../../../net/kademlia/mod.ts";
import { hasClaim, MemoryClaims, onNetwork } from "../../attacks/network.ts";
import { identityOf } from "../../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const query = { username: "alice", namespace: "public" as const };

Deno.test("KademliaDirectory stores a record on all holders and finds it by pin and by vote", () =>
  onNetwork(1, async (net) => {
    await net.addPeers(8);
    const [a, b] = [net.peer(3), net.peer(6)];
    const record = net.sign("alice", alice);
    const report = await net.drive(a.directory.put(record));
    assert.deepEqual(report, { accepted: 8, refused: 0, asked: 8, missed: 0, own: true });
    const voted = await net.drive(b.directory.get(query));
    assert.deepEqual(voted.record?.value, record.value);
    assert.deepEqual(voted.otherKeys, []);
    assert.equal(voted.answered, 8);
    const pinned = await net.drive(b.directory.get({ ...query, pin: alice.publicKey }));
    assert.deepEqual(pinned.record?.value, record.value);
    const other = await net.drive(b.directory.get({ ...query, pin: mallory.publicKey }));
    assert.equal(other.record, undefined);
    assert.deepEqual(other.otherKeys, [alice.publicKey]);
  }));

Deno.test("KademliaDirectory finds the other namespaces without a pin by way of the vote", () =>
  onNetwork(2, async (net) => {
    await net.addPeers(4);
    const { directory } = net.peer(1);
    await net.drive(directory.put(net.sign("alice", alice)));
    const record = net.sign("alice", alice, { namespace: "private" });
    await net.drive(directory.put(record));
    const answer = await net.drive(
      net.peer(3).directory.get({ username: "alice", namespace: "private" }),
    );
    assert.deepEqual(answer.record?.value, record.value);
    const nobody = await net.drive(directory.get({ username: "bob", namespace: "private" }));
    assert.deepEqual(nobody, { answered: 3, isAbsent: true, otherKeys: [] });
    for (const peer of net.peers.slice(1)) {
      net.setSide(peer.node.address.ip, net.peers.indexOf(peer));
    }
    const cut = await net.drive(directory.get({ username: "bob", namespace: "public" }));
    assert.deepEqual(cut, { answered: 0, isAbsent: false, otherKeys: [] });
  }));

Deno.test("Attack: another key's record is among those found without a pin, and the elected key's is read", () =>
  onNetwork(12, async (net) => {
    await net.addPeers(9);
    const thieves = net.peers.slice(6);
    for (const { node } of thieves) net.setSide(node.address.ip, 1);
    const records = [[2, alice], [7, mallory]] as const;
    for (const namespace of ["public", "private"] as const) {
      for (const [n, owner] of records) {
        await net.drive(net.peer(n).directory.put(net.sign("alice", owner, { namespace })));
      }
    }
    for (const { node } of thieves) net.setSide(node.address.ip, 0);
    for (const { directory } of net.peers) {
      const unpinned = { username: "alice", namespace: "private" } as const;
      const [{ record }, claim] = await net.drive(
        Promise.all([directory.get(unpinned), directory.get(query)]),
      );
      assert.deepEqual(claim.record?.publicKey, alice.publicKey);
      assert.deepEqual(record?.publicKey, alice.publicKey);
    }
  }));

Deno.test("A claim is read back anew, whatever is asked about the name at that time", async () => {
  const asked: string[] = [];
  const node = {
    joined: true,
    get: (key: Uint8Array) => {
      asked.push(toHex(key));
      return new Promise(() => {});
    },
  };
  const directory = new KademliaDirectory({
    node: node as unknown as KademliaDirectoryOptions["node"],
    firstNode: false,
    exemption: new Exemption(true),
    ready: Promise.resolve(),
    join: () => Promise.resolve(),
    ownSample: () => [],
  });
  const sealed = { username: "alice", namespace: "private" } as const;
  for (const question of [query, query, sealed]) void directory.get(question);
  await new Promise((resolve) => setTimeout(resolve, 0));
  const [claim, keys] = [query, sealed].map((one) => toHex(recordKey("alice", one.namespace)));
  assert.deepEqual(asked.toSorted(), [claim, claim, keys].toSorted(), "the vote under way serves");
});

Deno.test("KademliaDirectory reports the newer record of the same owner that a put has met", () =>
  onNetwork(3, async (net) => {
    await net.addPeers(5);
    const newer = net.sign("alice", alice, { sequence: 7 });
    await net.drive(net.peer(1).directory.put(newer));
    const report = await net.drive(
      net.peer(2).directory.put(net.sign("alice", alice, { sequence: 6 })),
    );
    assert.equal(report.accepted, 0);
    assert.deepEqual(report.newer?.value, newer.value);
  }));

Deno.test("KademliaDirectory gives a put of an invalid record zero holders, and rejects nothing", () =>
  onNetwork(4, async (net) => {
    await net.addPeers(3);
    const expired = net.sign("alice", alice, { expiresAt: net.clock.now() - 200_000 });
    const report = await net.drive(net.peer(1).directory.put(expired));
    assert.deepEqual(report, { accepted: 0, refused: 0, asked: 0 });
  }));

Deno.test("KademliaDirectory rejects with the signal's reason and with nothing else", () =>
  onNetwork(5, async (net) => {
    await net.addPeers(3);
    const { directory } = net.peer(1);
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    const isReason = (error: unknown) => error === reason;
    await assert.rejects(directory.get(query, aborted), isReason);
    await assert.rejects(directory.put(net.sign("alice", alice), aborted), isReason);
    await assert.rejects(directory.sample(aborted), isReason);
    await assert.rejects(directory.publicAddress(4, aborted), isReason);
    const controller = new AbortController();
    const waiting = directory.get(query, controller.signal);
    net.clock.after(2, () => controller.abort(reason));
    await assert.rejects(net.drive(waiting), isReason);
    await net.peer(1).close();
    assert.equal((await net.drive(directory.get(query))).record, undefined);
    assert.equal((await net.drive(directory.put(net.sign("alice", alice)))).accepted, 0);
  }));

Deno.test("KademliaDirectory tells the address that the others see, and the state of its node", () =>
  onNetwork(6, async (net) => {
    await net.addPeers(4);
    const { directory, node } = net.peer(2);
    assert.deepEqual(directory.status().outerIps, []);
    assert.equal(await net.drive(directory.publicAddress(4)), node.address.ip);
    const status = directory.status();
    assert.deepEqual(status.outerIps, [node.address.ip]);
    assert.equal(status.nodeId.length, 40);
    assert(status.joined && status.contacts >= 3);
    assert.deepEqual(status.udp, { ...node.address });
  }));

Deno.test("The first node counts as joined while alone, another one does not, and says when it has", () =>
  onNetwork(7, async (net) => {
    const first = await net.addPeer();
    assert(first.directory.status().joined);
    net.setSide(net.address(1), 1);
    const second = await net.addPeer();
    assert(!second.directory.status().joined);
    const states: DirectoryStatus[] = [];
    const stop = second.directory.onChange((status) => states.push(status));
    net.setSide(net.address(1), 0);
    await net.clock.advance(10_000);
    assert.deepEqual(states.map((status) => status.joined), [true]);
    stop();
  }));

Deno.test("A node alone keeps a record, and the next to join gets it", () =>
  onNetwork(8, async (net) => {
    const first = await net.addPeer();
    const record = net.sign("alice", alice);
    assert.deepEqual(await net.drive(first.directory.put(record)), {
      accepted: 1,
      refused: 0,
      asked: 1,
      missed: 0,
      own: true,
    });
    await net.addPeer();
    await net.clock.advance(10_000);
    assert.equal(net.holdingValue(record.value), 2);
    assert(hasClaim(net.peer(1).claims, "alice", alice.publicKey));
  }));

Deno.test("A peer that ends tells the others: no put waits for it, and a majority of the rest is enough", () =>
  onNetwork(10, async (net) => {
    const first = await net.addPeer();
    for (let i = 0; i < 3; i++) await (await net.addPeer()).close();
    await net.clock.advance(500);
    const last = await net.addPeer();
    const report = await net.drive(last.directory.put(net.sign("alice", alice)));
    assert.deepEqual([report.accepted, report.asked, report.missed], [2, 2, 0]);
    assert.equal(first.node.stats().liveContacts, 1);
  }));

Deno.test("A newcomer takes over more names from its neighbours than it takes fresh ones in an hour", () =>
  onNetwork(9, async (net) => {
    await net.addPeers(4);
    const names = Array.from({ length: 60 }, (_, i) => `user${i}`);
    // Twenty fresh names an hour come from one network, so each peer registers its share.
    for (const [i, name] of names.entries()) {
      await net.drive(
        net.peer(i % 4).directory.put(net.sign(name, identityOf(name))),
      );
    }
    const newcomer = await net.addPeer();
    await net.clock.advance(2 * 3_600_000);
    const known = names.filter((name) =>
      hasClaim(newcomer.claims, name, identityOf(name).publicKey)
    );
    assert.equal(known.length, names.length);
  }));

Deno.test("A restarted node still knows claims, and rebuilds lost ones from its records", async () => {
  const storage = new MemoryStorage();
  const claims = new MemoryClaims();
  await onNetwork(10, async (net) => {
    const peer = await net.addPeer({ storage, claims });
    await net.drive(peer.directory.put(net.sign("alice", alice)));
    await net.clock.advance(5_000);
  });
  assert.equal(claims.claims.size, 1);
  for (const kept of [claims, new MemoryClaims()]) {
    await onNetwork(11, async (net) => {
      const peer = await net.addPeer({ storage, claims: kept });
      assert(hasClaim(peer.claims, "alice", alice.publicKey));
      assert.equal(peer.directory.status().records, 1);
      const report = await net.drive(peer.directory.put(net.sign("alice", mallory)));
      assert.equal(report.accepted, 0);
    });
  }
});

Deno.test("A record that was changed on the disk is not taken from there", async () => {
  const storage = new MemoryStorage();
  await onNetwork(12, async (net) => {
    const peer = await net.addPeer({ storage });
    await net.drive(peer.directory.put(net.sign("alice", alice)));
    await net.drive(peer.directory.put(net.sign("alice", alice, { namespace: "private" })));
    await net.clock.advance(5_000);
  });
  const saved = await storage.load();
  assert.equal(saved.values.length, 2);
  const [first] = saved.values;
  assert(first);
  const value = first.value.slice();
  value[30] = (value[30] ?? 0) ^ 1;
  await storage.saveValues([{ ...first, value }], []);
  await onNetwork(12, async (net) => {
    const peer = await net.addPeer({ storage });
    assert.equal(peer.directory.status().records, 1);
  });
});

Deno.test("PageQuota bounds the pages of one owner, and finds room again", () => {
  const quota = new PageQuota();
  for (let i = 0; i < pagesPerOwnerMax; i++) assert(quota.add("alice", `page ${i}`));
  assert(!quota.add("alice", "one more"));
  assert(quota.add("alice", "page 3"), "a newer version of a page");
  assert(quota.add("bob", "page 0"));
  assert(quota.crowded("alice") && !quota.crowded("bob"));
  quota.remove("alice", "page 0");
  assert(quota.add("alice", "one more"));
  quota.clear();
  assert(!quota.crowded("alice"));
  // Lists of 5,000 entries take 128 pages.
  for (let i = 0; i < 128; i++) assert(quota.add("alice", `page ${i}`));
  assert(!quota.crowded("alice"));
  quota.add("alice", "page 128");
  assert(quota.crowded("alice"));
  for (const gone of ["page 0", "page 0", "none"]) quota.remove("alice", gone);
  assert(!quota.crowded("alice"));
});
