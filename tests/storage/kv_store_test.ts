import assert from "node:assert/strict";
import { KvStores } from "../../storage/user_store.ts";
import { testStoreContract } from "./store_contract.ts";

testStoreContract("KV", async () => {
  const data = await Deno.makeTempDir();
  const stores = new KvStores(data);
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
    assert.ok(left.length > 0 && left.every((name) => name.startsWith("bob.kv")), left.join(" "));
    const anew = await stores.open("alice");
    assert.equal(await anew.getNote("greeting"), undefined);
    await anew.close();
    await assert.rejects(stores.remove("../keys/bob"), TypeError);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
