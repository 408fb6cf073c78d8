/**
 * Measures searches in a user's database: how long queries of all kinds take among so many posts, and what the index
 * costs a post that is stored.
 *
 *     deno task bench search [--posts=1000000] [--queries=400] [--batches=5] [--data=DIR]
 *
 * Posts have 8 to 21 words of a vocabulary of 50,000, drawn as in a language: the second word half as often as
 * the first one. Queries are drawn from the same words. With `--data` the posts stay there, and a second run
 * goes on with them. Prints one JSON line a figure.
 *
 * @module
 */

import { option } from "./delivery/measure.ts";
import { report, summary } from "./report.ts";
import type { Post } from "../core/model/post.ts";
import { Mutes } from "../core/mutes/mutes.ts";
import { readTimeline } from "../core/timeline/timeline.ts";
import type { Store } from "../core/ports.ts";
import { VirtualClock } from "../tests/sim/clock.ts";
import { testSession } from "../tests/core/doubles.ts";
import { parseSearch } from "../core/model/search_query.ts";
import { KvStores } from "../storage/user_store.ts";
import { SeededRandom } from "../tests/sim/random.ts";
import { postAt } from "../tests/storage/posts.ts";

/** Posts of one author stored at once. */
const stepLength = 5_000;

const random = new SeededRandom(20261127);
const vocabularySize = 50_000;
const authors = Array.from({ length: 20 }, (_, i) => `author_${String(i).padStart(2, "0")}`);

function below(max: number): number {
  return Math.floor(random.float() * max);
}

const vocabulary = Array.from(
  { length: vocabularySize },
  () => Array.from({ length: 2 + below(9) }, () => String.fromCharCode(97 + below(26))).join(""),
);

/** A word, frequent ones more often. */
function word(): string {
  return vocabulary[Math.floor(vocabularySize ** random.float()) - 1] ?? "word";
}

function text(): string {
  const words = Array.from({ length: 8 + below(14) }, word);
  if (below(10) === 0) words.push(`#${word()}`);
  return words.join(" ");
}

function postsBy(author: string, from: number, to: number): Post[] {
  return Array.from(
    { length: to - from + 1 },
    (_, i) =>
      postAt({ author, number: from + i, device: authors.indexOf(author) + 1, text: text() }),
  );
}

const kinds: Record<string, () => string> = {
  "a word": word,
  "two words": () => `${word()} ${word()}`,
  "three words": () => `${word()} ${word()} ${word()}`,
  "a phrase": () => `"${word()} ${word()}"`,
  "a beginning": () => `${vocabulary[below(vocabularySize)]?.slice(0, 3).padEnd(2, "a")}*`,
  "a tag": () => `#${word()}`,
  "an author and a word": () => `from:${authors[below(authors.length)]} ${word()}`,
  "a word since": () => `${word()} since:2026-01-01T06:00`,
  "a word, ranked": () => `${word()} sort:rank`,
};

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function searching(folder: string): Promise<void> {
  const stores = new KvStores(folder);
  const store = await stores.open("alice");
  const each = Math.floor(option("posts", 1_000_000) / authors.length);
  const had = await store.countPosts();
  const fillMs = await timed(async () => {
    for (let from = 1; from <= each; from += stepLength) {
      for (const author of authors) {
        const to = Math.min(each, from + stepLength - 1);
        if (await store.countPosts(author) < to) {
          await store.addPosts(author, postsBy(author, from, to));
        }
      }
    }
    await store.replyCounts([]);
  });
  const posts = await store.countPosts() - had;
  report("posts signed, stored and indexed", { posts, ms: fillMs });
  await store.close();
  const size = async (end: string) => (await Deno.stat(`${folder}/users/alice.${end}`)).size / 1e6;
  report("size", { databaseMB: await size("kv"), indexMB: await size("index") });
  const again = await stores.open("alice");
  await again.replyCounts([]);
  const all: number[] = [];
  const count = Math.ceil(option("queries", 400) / Object.keys(kinds).length);
  for (const [kind, make] of Object.entries(kinds)) {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const query = parseSearch(make());
      times.push(await timed(() => again.search(query, 20)));
    }
    all.push(...times);
    report("search", { kind, ...summary(times) });
  }
  report("search", { kind: "mixed", ...summary(all) });
  await mutedPages(again);
  await again.close();
}

/** The newest page of 50 with 500 words muted, some of which are in these posts. */
async function mutedPages(store: Store): Promise<void> {
  const session = testSession({ store, clock: new VirtualClock().view() });
  const mutes = new Mutes({ session, people: { pin: () => undefined } });
  for (let i = 0; i < 500; i++) {
    const what = vocabulary[5_000 + 80 * i] ?? "word";
    await mutes.mute({ kind: "word", what: `${what}` });
  }
  const times: number[] = [];
  const without: number[] = [];
  let hidden = 0;
  for (let i = 0; i < 200; i++) {
    without.push(await timed(() => readTimeline(store, { limit: 50 })));
    times.push(
      await timed(async () => {
        const page = await readTimeline(store, { limit: 50 }, {
          hides: (post) => mutes.hides(post),
        });
        hidden = page.hidden ?? 0;
      }),
    );
  }
  const posts = await store.countPosts();
  report("page of 50 with 500 mutes", { posts, hidden, ...summary(times) });
  report("page of 50 without", { posts, ...summary(without) });
}

/** Stores 10,000 posts in an empty database: how long that takes, and how much longer until they are found. */
async function storing(openIndex?: () => never): Promise<[stored: number, indexed: number]> {
  const folder = await Deno.makeTempDir();
  try {
    const store = await new KvStores(folder, openIndex === undefined ? {} : { openIndex }).open(
      "alice",
    );
    await store.search(parseSearch("none"), 1);
    const posts = postsBy("bob", 1, 10_000);
    const stored = await timed(() => store.addPosts("bob", posts));
    const indexed = await timed(() => store.search(parseSearch("none"), 1));
    await store.close();
    return [stored, indexed];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function costs(): Promise<void> {
  const figures: Record<"without" | "with" | "after", number[]> = {
    without: [],
    with: [],
    after: [],
  };
  for (let i = 0; i < option("batches", 5); i++) {
    const [without] = await storing(() => {
      throw new Error("read-only: without an index");
    });
    const [stored, after] = await storing();
    figures.without.push(without);
    figures.with.push(stored);
    figures.after.push(after);
  }
  for (const [what, times] of Object.entries(figures)) {
    report(`10,000 posts stored, ${what} the index`.replace("after the", "then taken into the"), {
      ...summary(times),
    });
  }
}

const kept = Deno.args.find((arg) => arg.startsWith("--data="))?.slice("--data=".length);
const folder = kept ?? await Deno.makeTempDir();
try {
  if (option("batches", 5) > 0) await costs();
  await searching(folder);
} finally {
  if (kept === undefined) await Deno.remove(folder, { recursive: true });
}
