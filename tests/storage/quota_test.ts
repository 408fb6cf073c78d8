import assert from "node:assert/strict";
import { signPost } from "../../core/model/post.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import { HourCounts, isBeyond, readUsages, setUsage } from "../../storage/quota.ts";
import { identityOf } from "../sim/users.ts";

const identity = identityOf("bob");
const hour = Date.UTC(2026, 0, 1, 12);

/** Post number `n`, dated so many milliseconds after the hour. */
function at(n: number, ms: number) {
  const id = composeSnowflake({ timeMs: hour + ms, device: 1, sequence: n % 4096 });
  return signPost({ author: "bob", device: 1, number: n, id, text: "hi" }, identity);
}

async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test(kv);
  } finally {
    kv.close();
  }
}

Deno.test("A quota may be reached, and not be exceeded in posts or in bytes", () => {
  const quota = { posts: 10, bytes: 1_000, postsAnHour: 5 };
  assert.equal(isBeyond({ count: 10, bytes: 1_000 }, quota), false);
  assert.equal(isBeyond({ count: 11, bytes: 1 }, quota), true);
  assert.equal(isBeyond({ count: 1, bytes: 1_001 }, quota), true);
});

Deno.test("What an author uses is read back, also from a database that did not count bytes", async () => {
  await withKv(async (kv) => {
    const operation = kv.atomic();
    setUsage(operation, "alice", { count: 2, bytes: 70 });
    await operation.commit();
    // As it was before bytes were counted.
    await kv.set(["count", "bob"], 3);
    for (const [n, length] of [10, 20, 30].entries()) {
      await kv.set(["feed", "bob", 1, n + 1], new Uint8Array(length));
    }
    await kv.set(["feed", "bobby", 1, 1], new Uint8Array(99));
    assert.deepEqual(await readUsages(kv, ["bob", "alice", "carol"]), [
      { count: 3, bytes: 60 },
      { count: 2, bytes: 70 },
      { count: 0, bytes: 0 },
    ]);
  });
});

Deno.test("Of one hour so many posts are kept, those stored before counted, the first ones first", async () => {
  await withKv(async (kv) => {
    // Two of this hour are stored, and one each of the hours around it.
    for (const ms of [-1, 0, 3_599_999, 3_600_000]) {
      await kv.set(["author", "bob", at(1, ms).id], new Uint8Array(1));
    }
    const counts = new HourCounts();
    const posts = [1, 2, 3, 4, 5].map((n) => at(n, 1_000 * n));
    const later = [6, 7].map((n) => at(n, 3_600_000 + n));
    const kept = await counts.within(kv, [...posts, ...later], 5);
    const inOrder = [...kept].toSorted((a, b) => a.number - b.number);
    assert.deepEqual(inOrder, [...posts.slice(0, 3), ...later]);
    // From now on it is counted here, until something else has changed what is stored.
    assert.equal((await counts.within(kv, [at(8, 8_000)], 5)).size, 0);
    assert.equal((await counts.within(kv, [at(8, 8_000)], 6)).size, 1);
    assert.equal((await counts.within(kv, [at(9, 9_000)], 6)).size, 0);
    counts.forget();
    assert.equal((await counts.within(kv, [at(8, 8_000)], 2)).size, 0);
    assert.equal((await counts.within(kv, [at(9, 9_000)], 3)).size, 1);
  });
});
