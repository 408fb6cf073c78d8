import assert from "node:assert/strict";
import {
  differing,
  sameDigest,
  sampleOf,
  seenPosts,
} from "../../../core/replication/seen_posts.ts";
import type { FeedState } from "../../../core/model/feed.ts";
import type { Post } from "../../../core/model/post.ts";
import { SeededRandom } from "../../sim/random.ts";
import { postAt, postsOf } from "../../storage/posts.ts";

/** What is stored of bob. */
function storeOf(
  posts: readonly Post[],
  feeds: readonly FeedState[] = [],
  forks: readonly Post[] = [],
) {
  return {
    feeds: () => Promise.resolve([...feeds]),
    forks: () => Promise.resolve([...forks]),
    feedPosts: (query: { device: number; from: number; to: number; limit: number }) =>
      Promise.resolve(
        posts.filter(({ device, number }) =>
          device === query.device && number >= query.from && number <= query.to
        ).slice(0, query.limit),
      ),
  };
}

/** Of which numbers a sample is. */
function numbersOf(samples: readonly { device: number; from: number; to: number }[]): string[] {
  return samples.map(({ device, from, to }) => `${device}/${from}-${to}`);
}

Deno.test("A digest tells other posts apart, however they differ, and is made of all posts or none", async () => {
  const posts = postsOf("bob", 1, 5);
  const numbers = { device: 1, from: 2, to: 4 };
  const seen = await seenPosts(storeOf(posts), "bob", numbers);
  assert.ok(seen);
  assert.equal(seen.digest.length, 16);
  const other = async (change: Parameters<typeof postAt>[0]) => {
    const changed = posts.map((post) => post.number === change.number ? postAt(change) : post);
    return await seenPosts(storeOf(changed), "bob", numbers) ?? assert.fail();
  };
  assert.ok(sameDigest(seen, await other({ author: "bob", number: 5, text: "outside" })));
  const replyTo = { author: "carol", id: 7n };
  const differs = [
    { author: "bob", number: 3, text: "another" },
    { author: "bob", number: 3, second: 99 },
    { author: "bob", number: 3, replyTo },
    { author: "bob", number: 3, replyTo: { ...replyTo, author: "dave" } },
    { author: "bob", number: 3, replyTo: { ...replyTo, id: 8n } },
  ];
  const all = [seen, ...await Promise.all(differs.map(other))];
  assert.equal(new Set(all.map(({ digest }) => digest.join())).size, all.length);
  const gap = posts.filter(({ number }) => number !== 3);
  assert.equal(await seenPosts(storeOf(gap), "bob", numbers), undefined);
});

Deno.test("The last posts of each feed are sampled every other time, and all others in turn", async () => {
  const posts = [...postsOf("bob", 1, 70), ...postsOf("bob", 1, 32, 2)];
  const feeds = [1, 2].map((device) => ({ device, floor: device === 1 ? 70 : 32, ranges: [] }));
  const random = new SeededRandom("samples");
  const counts = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    const sample = numbersOf(await sampleOf(storeOf(posts, feeds), random, "bob"));
    assert.equal(sample.length, 2);
    for (const name of sample) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ["1/1-32", "1/33-64", "1/65-70", "2/1-32"]);
  // Of three windows the last has four of six draws.
  const last = counts.get("1/65-70") ?? 0;
  assert.ok(last > 230 && last < 305, `${last}`);
  assert.ok((counts.get("1/1-32") ?? 0) > 40);
});

Deno.test("Sixteen feeds are sampled at most; gaps, and numbers of a known fork, are left out", async () => {
  const random = new SeededRandom("feeds");
  const many = Array.from({ length: 20 }, (_, device) => ({ device, floor: 1, ranges: [] }));
  const posts = many.flatMap(({ device }) => postsOf("bob", 1, 1, device));
  assert.equal((await sampleOf(storeOf(posts, many), random, "bob")).length, 16);
  const three = many.slice(0, 3);
  const fork = postAt({ author: "bob", number: 1, device: 2, text: "fork" });
  const store = storeOf(posts.filter(({ device }) => device !== 1), three, [fork]);
  assert.deepEqual(numbersOf(await sampleOf(store, random, "bob")), ["0/1-1"]);
  const elsewhere = postAt({ author: "bob", number: 2, device: 0 });
  const other = storeOf(posts, three.slice(0, 1), [elsewhere]);
  assert.deepEqual(numbersOf(await sampleOf(other, random, "bob")), ["0/1-1"]);
});

Deno.test("Of what others have seen, what is here and says something else differs", async () => {
  const posts = postsOf("bob", 1, 6);
  const rival = posts.map((post) =>
    post.number === 3 ? postAt({ author: "bob", number: 3, text: "rival" }) : post
  );
  const theirs = [[1, 2], [3, 4], [5, 6]].map(([from = 0, to = 0]) => ({ device: 1, from, to }));
  const seen = await Promise.all(
    theirs.map((numbers) => seenPosts(storeOf(rival), "bob", numbers)),
  );
  const wanted = seen.filter((one) => one !== undefined);
  assert.deepEqual(numbersOf(await differing(storeOf(posts), "bob", wanted)), ["1/3-4"]);
  assert.deepEqual(await differing(storeOf(posts.slice(0, 3)), "bob", wanted), []);
  const fork = postAt({ author: "bob", number: 4, text: "known" });
  assert.deepEqual(await differing(storeOf(posts, [], [fork]), "bob", wanted), []);
  assert.deepEqual(await differing(storeOf(posts), "bob", []), []);
});

Deno.test("Where posts were taken back, the last ones without a gap are sampled", async () => {
  const posts = postsOf("bob", 1, 9).filter(({ number }) => number !== 4 && number !== 6);
  const store = storeOf(posts, [{ device: 1, floor: 9, ranges: [] }]);
  const [seen] = await sampleOf(store, new SeededRandom("gaps"), "bob");
  assert.ok(seen);
  assert.deepEqual(numbersOf([seen]), ["1/7-9"]);
  assert.deepEqual(await seenPosts(store, "bob", seen), seen);
});
