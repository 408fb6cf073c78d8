/**
 * Measures a user's database: `deno run -A bench/storage.ts [--posts=1000000] [--kills=300]`, a line of
 * JSON for each figure.
 *
 * Pages of 50 with 1,000 and with a million posts kept; 10,000 fetched posts stored; the author's wait
 * for an own post, alone and beside such a fetch; the collector removing 100,000 posts and the longest
 * pause of the event loop meanwhile; and a process that writes, killed again and again.
 *
 * @module
 */

import { option } from "./delivery/measure.ts";
import { report } from "./report.ts";
import { KvStores } from "../storage/user_store.ts";
import type { Store } from "../core/ports.ts";
import { assertSurvived, workAndKill } from "../tests/storage/crash.ts";
import { idAt, postAt, postsOf } from "../tests/storage/posts.ts";

const authors = Array.from({ length: 20 }, (_, i) => `author_${String(i).padStart(2, "0")}`);

/** Median, 99th percentile and worst of how long something takes, in ms. */
async function times(
  count: number,
  run: (i: number) => Promise<unknown>,
): Promise<{ p50: number; p99: number; worst: number }> {
  const measured: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run(i);
    measured.push(performance.now() - start);
  }
  measured.sort((a, b) => a - b);
  const at = (part: number): number => measured[Math.floor(part * (count - 1))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), worst: at(1) };
}

/** Milliseconds that this thread has had a processor, where Linux tells; NaN elsewhere. */
function processorMs(): number {
  try {
    const [ns] = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ");
    return Number(ns) / 1e6;
  } catch {
    return NaN;
  }
}

/**
 * The longest time between two turns of the event loop while something runs, in ms: by the clock, and
 * by the processor time that the thread had, which does not grow when other programs keep it waiting.
 */
async function longestPause(
  run: () => Promise<unknown>,
): Promise<{ longestPause: number; longestPauseOnProcessor: number }> {
  // What the bench itself has left behind is not to be counted.
  (globalThis as { gc?: () => void }).gc?.();
  const longest = { clock: 0, processor: 0 };
  const last = { clock: performance.now(), processor: processorMs() };
  const timer = setInterval(() => {
    const now = { clock: performance.now(), processor: processorMs() };
    longest.clock = Math.max(longest.clock, now.clock - last.clock);
    longest.processor = Math.max(longest.processor, now.processor - last.processor);
    Object.assign(last, now);
  }, 1);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return { longestPause: longest.clock, longestPauseOnProcessor: longest.processor };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Posts of 20 authors, a post a second from each. */
async function fill(store: Store, from: number, to: number): Promise<void> {
  const each = 5_000;
  for (let number = from; number <= to; number += each) {
    for (const author of authors) {
      await store.addPosts(author, postsOf(author, number, Math.min(to, number + each - 1)));
    }
  }
}

async function pages(store: Store, last: number): Promise<void> {
  const kept = await store.countPosts();
  const before = (i: number): bigint => idAt(1 + (7919 * i) % last);
  report("newest page of 50", { kept, ...await times(200, () => store.timeline({ limit: 50 })) });
  report("page of 50 anywhere", {
    kept,
    ...await times(200, (i) => store.timeline({ limit: 50, before: before(i) })),
  });
  report("page of 50 of one author", {
    kept,
    ...await times(
      200,
      (i) => store.timeline({ limit: 50, before: before(i), author: "author_07" }),
    ),
  });
  report("500 posts of a feed", {
    kept,
    ...await times(50, (i) => {
      const from = 1 + (7919 * i) % last;
      const query = { author: "author_03", device: 1, from, to: from + 499, limit: 500 };
      return store.feedPosts(query);
    }),
  });
}

async function fetching(store: Store): Promise<void> {
  let own = 1;
  const addOwn = (): Promise<void> =>
    store.addOwnPost(postAt({ author: "alice", number: own++, device: 9 }));
  report("own post committed", await times(500, addOwn));
  const posts = postsOf("fetched", 1, 10_000, 2);
  const start = performance.now();
  const pauses = await longestPause(() => store.addPosts("fetched", posts));
  report("10,000 posts stored", { ms: performance.now() - start, ...pauses });
  report("10,000 posts that were had", {
    ms: await timed(() => store.addPosts("fetched", posts)),
  });
  let busy = true;
  const more = postsOf("fetched", 10_001, 40_000, 2);
  const fetch = store.addPosts("fetched", more).finally(() => busy = false);
  const waits: number[] = [];
  while (busy) waits.push(await timed(addOwn));
  await fetch;
  waits.sort((a, b) => a - b);
  report("own post committed beside a fetch of 30,000", {
    count: waits.length,
    p50: waits[waits.length >> 1] ?? NaN,
    worst: waits.at(-1) ?? NaN,
  });
}

async function collecting(store: Store): Promise<void> {
  const before = idAt(5_001, 0);
  const removed = { count: 0 };
  const start = performance.now();
  const pauses = await longestPause(async () => {
    removed.count = await store.collect({ before, keep: "alice", limit: 1_000_000 });
  });
  report("collector", {
    removed: removed.count,
    ms: performance.now() - start,
    ...pauses,
  });
  const idle = await times(50, () => store.collect({ before, keep: "alice", limit: 1_000_000 }));
  report("collector with nothing to do", idle);
  const author = "fetched";
  const count = await store.countPosts(author);
  const began = performance.now();
  const meanwhile = await longestPause(() => store.removeAuthor(author));
  report("author removed", {
    removed: count,
    ms: performance.now() - began,
    ...meanwhile,
  });
}

async function killing(folder: string, kills: number): Promise<void> {
  let acknowledged = 0;
  const start = performance.now();
  for (let i = 0; i < kills; i++) {
    const result = await workAndKill(folder, 1 + (37 * i) % 90);
    acknowledged += result.own > 0 ? 1 : 0;
    await assertSurvived(folder, result);
  }
  report("SIGKILL", {
    kills,
    livesWithPosts: acknowledged,
    lost: 0,
    ms: performance.now() - start,
  });
}

const folder = await Deno.makeTempDir();
try {
  const wanted = option("posts", 1_000_000);
  const store = await new KvStores(folder).open("alice");
  await fill(store, 1, 50);
  await pages(store, 50);
  const each = Math.floor(wanted / authors.length);
  report("posts signed and stored", {
    posts: each * authors.length,
    ms: await timed(() => fill(store, 51, each)),
  });
  await pages(store, each);
  await fetching(store);
  await collecting(store);
  report("size", { ...await store.size() });
  await store.close();
  await killing(`${folder}/killed`, option("kills", 300));
} finally {
  await Deno.remove(folder, { recursive: true });
}
