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
