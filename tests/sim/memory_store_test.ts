import assert from "node:assert/strict";
import { postAt } from "../storage/posts.ts";
import { testBounds } from "../storage/conversations_contract.ts";
import { testStoreContract } from "../storage/store_contract.ts";
import { type CommitFault, MemoryStores } from "./memory_store.ts";

testStoreContract("Memory", () => {
  const stores = new MemoryStores({ conversations: testBounds });
  return Promise.resolve({ open: () => stores.open("alice"), dispose: () => Promise.resolve() });
});

Deno.test("Simulated disk keeps a commit or loses it as a whole when its peer is killed", async () => {
  let fault: CommitFault | undefined;
  let crashes = 0;
  const stores = new MemoryStores({ onCommit: () => fault, onCrash: () => crashes++ });
  const own = (number: number) => postAt({ author: "alice", number });
  const store = await stores.open("alice");
  const settled: string[] = [];
  await store.addOwnPost(own(1));
  fault = "crash-before";
  store.addOwnPost(own(2)).finally(() => settled.push("lost"));
  await turn();
  fault = undefined;
  store.countPosts().finally(() => settled.push("read after the crash"));
  const second = await stores.open("alice");
  assert.equal(await second.countPosts(), 1);
  fault = "crash-after";
  second.addOwnPost(own(2)).finally(() => settled.push("kept"));
  await turn();
  fault = "disk-full";
  const third = await stores.open("alice");
  assert.equal(await third.countPosts(), 2);
  await assert.rejects(third.addOwnPost(own(3)), { code: "disk_full" });
  assert.equal(await third.countPosts(), 2);
  assert.deepEqual([crashes, settled], [2, []]);
});

Deno.test("Simulated disk can take its time over a commit", async () => {
  const gate = Promise.withResolvers<undefined>();
  const asked: string[] = [];
  const stores = new MemoryStores({
    onCommit: ({ username, what }) => {
      asked.push(`${username} ${what}`);
      return gate.promise;
    },
  });
  const store = await stores.open("alice");
  const adding = store.addOwnPost(postAt({ author: "alice", number: 1 }));
  assert.equal(await store.countPosts(), 0);
  gate.resolve(undefined);
  await adding;
  assert.equal(await store.countPosts(), 1);
  assert.deepEqual(asked, ["alice addOwnPost"]);
});

/** Lets everything that can go on without a timer go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
