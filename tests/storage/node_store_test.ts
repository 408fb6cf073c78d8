import assert from "node:assert/strict";
import { join } from "node:path";
import type { Claim } from "../../core/model/claims.ts";
import type { NodeStorage, StoredValue } from "../../net/kademlia/ports.ts";
import { NodeStore } from "../../storage/node_store.ts";
import { VirtualClock } from "../sim/clock.ts";
import { inFolder, modeOf } from "./folder.ts";

const id = new Uint8Array(20).fill(1);
const time = new VirtualClock();

function keyOf(n: number): Uint8Array {
  const key = new Uint8Array(20);
  new DataView(key.buffer).setUint32(0, n);
  return key;
}

function valueOf(n: number, length = 300): StoredValue {
  return {
    key: keyOf(n),
    value: new Uint8Array(length).fill(n),
    expiresAtMs: 1_800_000_000_000 + n,
    firstStoredAtMs: 1_700_000_000_000,
    storedAtMs: 1_700_000_000_001,
  };
}

const claim: Claim = {
  username: "alice",
  key: new Uint8Array(32).fill(4),
  since: 1_700_000_000_000,
  expiresAt: 1_800_000_000_000,
};

Deno.test("Node store fits the port of the DHT and starts with nothing", async () => {
  await inFolder(async (folder) => {
    const storage: NodeStorage = await NodeStore.open(folder, { time });
    assert.deepEqual(await storage.load(), { contacts: [], values: [] });
    await storage.close();
    assert.equal(await modeOf(join(folder, "node.kv")), "600");
  });
});

Deno.test("Node store keeps id, contacts, values and claims over a restart", async () => {
  await inFolder(async (folder) => {
    const contacts = Array.from(
      { length: 1300 },
      (_, n) => ({ id: keyOf(n), ip: "2001:db8::1", port: n + 1 }),
    );
    const values = [valueOf(1), { ...valueOf(2), from: "2001:db8::1" }, valueOf(3)];
    const store = await NodeStore.open(folder, { time });
    await store.saveId(id);
    await store.saveContacts(contacts);
    await store.saveValues([...values, { ...valueOf(9), scalar: true }], []);
    await store.saveValues([], [keyOf(2), keyOf(77)]);
    store.claims.put({ ...claim, since: 5 });
    store.claims.put(claim);
    store.claims.put({ ...claim, username: "bob" });
    store.claims.drop("bob");
    await store.close();
    await store.close();
    const again = await NodeStore.open(folder, { time });
    assert.deepEqual(await again.load(), {
      id,
      contacts,
      values: [valueOf(1), valueOf(3), { ...valueOf(9), scalar: true }],
    });
    assert.deepEqual(await again.claims.load(), [claim]);
    await again.saveContacts(contacts.slice(0, 2));
    assert.equal((await again.load()).contacts.length, 2);
    await again.close();
  });
});

Deno.test("Node store keeps the largest batch of the largest values, and none that is larger", async () => {
  await inFolder(async (folder) => {
    const store = await NodeStore.open(folder, { time });
    const values = Array.from({ length: 500 }, (_, n) => valueOf(n, 8000));
    await store.saveValues([...values, valueOf(1000, 8001)], []);
    assert.equal((await store.load()).values.length, 500);
    await store.saveValues([], values.map((value) => value.key));
    assert.equal((await store.load()).values.length, 0);
    await store.close();
  });
});

Deno.test("Node store takes dates with fractions of a millisecond", async () => {
  await inFolder(async (folder) => {
    const store = await NodeStore.open(folder, { time });
    await store.saveValues([{ ...valueOf(1), storedAtMs: 1_700_000_000_001.75 }], []);
    assert.deepEqual((await store.load()).values, [valueOf(1)]);
    await store.close();
  });
});

Deno.test("Node store skips what is damaged and loads the rest", async () => {
  await inFolder(async (folder) => {
    const store = await NodeStore.open(folder, { time });
    await store.saveId(id);
    await store.saveContacts([{ id: keyOf(1), ip: "127.0.0.1", port: 9 }]);
    await store.saveValues([valueOf(1), valueOf(2), valueOf(3)], []);
    for (const username of ["alice", "bob"]) store.claims.put({ ...claim, username });
    await store.close();
    {
      using kv = await Deno.openKv(join(folder, "node.kv"));
      await kv.set(["id"], new Uint8Array(19));
      await kv.set(["contacts", 1], new Uint8Array([0x91, 0x93, 1, 2, 3]));
      await kv.set(["contacts", 2], "text");
      await kv.set(["value", keyOf(2)], new Uint8Array([0xc1]));
      await kv.set(["value", new Uint8Array(3)], new Uint8Array(9000));
      await kv.set(["value", "text"], 5);
      await kv.set(["claim", "bob"], null);
      await kv.set(["claim", "Not A Name"], new Uint8Array(2));
    }
    const again = await NodeStore.open(folder, { time });
    assert.deepEqual(await again.load(), {
      contacts: [{ id: keyOf(1), ip: "127.0.0.1", port: 9 }],
      values: [valueOf(1), valueOf(3)],
    });
    assert.deepEqual(await again.claims.load(), [claim]);
    await again.close();
  });
});

Deno.test("Node store writes many claims without being asked to, and reports when it cannot", async () => {
  await inFolder(async (folder) => {
    const errors: Error[] = [];
    let full = true;
    const told = Promise.withResolvers<void>();
    const store = await NodeStore.open(folder, {
      time,
      onError: (error) => {
        errors.push(error);
        told.resolve();
      },
      openKv: async (path) => {
        const kv = await Deno.openKv(path);
        const atomic = kv.atomic.bind(kv);
        kv.atomic = () => {
          if (full) throw new TypeError("database or disk is full");
          return atomic();
        };
        return kv;
      },
    });
    for (let n = 0; n < 200; n++) store.claims.put({ ...claim, username: `user_${n}` });
    await told.promise;
    assert.match(errors[0]?.message ?? "", /disk .* is full/);
    full = false;
    store.claims.put(claim);
    await store.close();
    assert.equal(errors.length, 1);
    const again = await NodeStore.open(folder, { time });
    assert.equal((await again.claims.load()).length, 201);
    await again.close();
  });
});

Deno.test("Node store writes a few claims after a second", async () => {
  await inFolder(async (folder) => {
    const clock = new VirtualClock();
    let commits = 0;
    const written = Promise.withResolvers<void>();
    const store = await NodeStore.open(folder, {
      time: clock,
      openKv: async (path) => {
        const kv = await Deno.openKv(path);
        const atomic = kv.atomic.bind(kv);
        kv.atomic = () => {
          commits++;
          written.resolve();
          return atomic();
        };
        return kv;
      },
    });
    store.claims.put(claim);
    store.claims.put({ ...claim, username: "bob" });
    await clock.run(999);
    assert.equal(commits, 0);
    await clock.run(1_000);
    await written.promise;
    await store.close();
    assert.equal(commits, 1);
    assert.equal(clock.pending, 0);
  });
});
