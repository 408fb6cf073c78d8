import { testStoreContract } from "../storage/store_contract.ts";
import { MemoryStores } from "./memory_store.ts";

testStoreContract("Memory", () => {
  const stores = new MemoryStores();
  return Promise.resolve({ open: () => stores.open("alice"), dispose: () => Promise.resolve() });
});
