import assert from "node:assert/strict";
import { encode as encodeMessagePack } from "@msgpack/msgpack";
import type { ListEntry } from "../../../core/model/record_body.ts";
import { recordKey } from "../../../core/model/record.ts";
import { Popularity } from "../../../net/directory/popularity.ts";
import {
  mergeSamples,
  readSample,
  sampleUsersMax,
  writeSample,
} from "../../../net/directory/sample.ts";
import type { StoredValue } from "../../../net/kademlia/ports.ts";
import { AttackNetwork, onNetwork } from "../../attacks/network.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { identityOf } from "../../sim/users.ts";

const key = identityOf("alice").publicKey;

function user(username: string, followers: number) {
  return { username, key, followers };
}

function follows(username: string, present = true): ListEntry {
  return { list: "following", username, key, updatedAt: 1, present };
}

/** A held page of somebody's list. */
function page(
  net: AttackNetwork,
  owner: string,
  number: number,
  entries: ListEntry[],
): StoredValue {
  const namespace = `public:1:${number}` as const;
  const { value } = net.sign(owner, identityOf(owner), { namespace, body: { entries } });
  const at = net.clock.now();
  const held = { firstStoredAtMs: at, storedAtMs: at, expiresAtMs: at + 1e6 };
  return { key: recordKey(owner, namespace), value, ...held };
}

Deno.test("A sample names the most followed and fits one packet at its longest", () => {
  const users = Array.from(
    { length: 60 },
    (_, i) => user(`u${String(i).padStart(19, "0")}`, 1_000_000 + i),
  );
  const written = writeSample(users);
  assert(encodeMessagePack(written).length <= 1_200);
  const read = readSample(written);
  assert.equal(read?.length, sampleUsersMax);
  assert.equal(read?.[0]?.username, "u0000000000000000059");
  assert.equal(read?.[0]?.followers, 65_535);
});

Deno.test("A sample that is not as it should be is no sample", () => {
  const good = ["alice", key, 3];
  assert.deepEqual(readSample([good]), [user("alice", 3)]);
  assert.equal(readSample([good, good])?.length, 1, "named twice, counted once");
  const wrong: unknown[] = [
    undefined,
    7,
    "alice",
    [7],
    [good, null],
    [["alice", key]],
    [["Alice", key, 3]],
    [["alice", key.subarray(1), 3]],
    [["alice", key, 0]],
    [["alice", key, 1e9]],
    [["al\u001b[31m", key, 3]],
    Array(sampleUsersMax + 1).fill(good),
  ];
  for (const [index, sample] of wrong.entries()) {
    assert.equal(readSample(sample), undefined, String(index));
  }
});

Deno.test("One node's invention ranks behind whom several name, and moves no median", () => {
  const honest = [user("alice", 5), user("bob", 3)];
  const liar = [user("mallory", 60_000), user("bob", 60_000)];
  const merged = mergeSamples([honest, honest, liar]);
  assert.deepEqual(merged.map((one) => one.username), ["bob", "alice", "mallory"]);
  assert.equal(merged[0]?.followers, 3);
  assert.deepEqual(mergeSamples([]), []);
  const many = Array.from({ length: 30 }, (_, i) => [user(`x${i}`, 1), user(`y${i}`, 1)]);
  assert.equal(mergeSamples(many).length, 50);
});

Deno.test("Popularity counts distinct owners who follow, each once whatever their pages say", async () => {
  const net = new AttackNetwork(1);
  const clock = new VirtualClock();
  const values = [
    page(net, "ann", 0, [follows("alice"), follows("bob"), follows("gone", false)]),
    page(net, "ben", 0, [follows("alice"), { ...follows("cat"), list: "followers" }]),
    page(net, "ann", 1, [follows("alice")]),
    { ...page(net, "eve", 0, []), value: net.sign("eve", identityOf("eve")).value },
    { ...page(net, "eve", 0, []), value: new Uint8Array(50) },
  ];
  const popularity = new Popularity({ clock, values: () => values });
  assert.deepEqual(popularity.most(), [user("alice", 2), user("bob", 1)]);
  popularity.close();
  await clock.advance(1);
  assert.equal(clock.pending, 0);
});

Deno.test("Popularity counts many pages in turns, and not again for every question", async () => {
  const net = new AttackNetwork(1);
  const clock = new VirtualClock();
  let looks = 0;
  const values = Array.from({ length: 50 }, (_, i) => page(net, `u${i}x`, 0, [follows("alice")]));
  const popularity = new Popularity({
    clock,
    values: () => {
      looks++;
      return values;
    },
  });
  assert.deepEqual(popularity.most(), [], "nothing is counted yet");
  for (let i = 0; i < 100; i++) popularity.most();
  await clock.advance(10);
  assert.deepEqual(popularity.most(), [user("alice", 50)]);
  assert.equal(looks, 1);
  await clock.advance(1_000);
  popularity.most();
  assert.equal(looks, 2);
  popularity.close();
});

Deno.test("KademliaDirectory.sample names whom most owners on the network follow", () =>
  onNetwork(41, async (net) => {
    await net.addPeers(5);
    for (const [i, name] of ["ann", "ben", "cat"].entries()) {
      const put = (record: Parameters<typeof net.peers[0]["directory"]["put"]>[0]) =>
        net.drive(net.peer(i).directory.put(record));
      await put(net.sign(name, identityOf(name)));
      const entries = i === 0 ? [follows("alice"), follows("bob")] : [follows("alice")];
      await put(
        net.sign(name, identityOf(name), {
          namespace: "public:1:0",
          body: { entries },
        }),
      );
    }
    const users = await net.drive(net.peer(4).directory.sample());
    assert.deepEqual(users, [user("alice", 3), user("bob", 1)]);
  }));
