import assert from "node:assert/strict";
import { KvStores } from "../../storage/user_store.ts";
import { testBounds } from "./conversations_contract.ts";
import { testStoreContract } from "./store_contract.ts";

/** Reads of single keys after one opening; the test with the most makes 15. */
const readsMax = 1_000;

/** Opens a database that fails once it has been read too often: what would go on for ever ends. */
async function openBounded(path: string): Promise<Deno.Kv> {
  const kv = await Deno.openKv(path);
  const get = kv.get.bind(kv);
  let reads = 0;
  kv.get = (...args) => {
    if (reads++ >= readsMax) throw new Error("disk I/O error: read too often");
    return get(...args);
  };
  return kv;
}

testStoreContract("KV", async () => {
  const data = await Deno.makeTempDir();
  const stores = new KvStores(data, { openKv: openBounded, conversations: testBounds });
  return {
    open: () => stores.open("alice"),
    dispose: () => Deno.remove(data, { recursive: true }),
  };
});

Deno.test("A user's database is removed with all of its files, and no other's", async () => {
  const data = await Deno.makeTempDir();
  try {
    const stores = new KvStores(data);
    const bob = await stores.open("bob");
    await bob.close();
    const store = await stores.open("alice");
    await store.putNote("greeting", new Uint8Array([1]));
    await store.close();
    await Deno.writeFile(`${data}/users/alice.kv-wal`, new Uint8Array());
    await stores.remove("alice");
    await stores.remove("alice");
    const left = (await Array.fromAsync(Deno.readDir(`${data}/users`))).map(({ name }) => name);
    assert.ok(left.length > 0 && left.every((name) => name.startsWith("bob.")), left.join(" "));
    const anew = await stores.open("alice");
    assert.equal(await anew.getNote("greeting"), undefined);
    await anew.close();
    await assert.rejects(stores.remove("../keys/bob"), TypeError);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
