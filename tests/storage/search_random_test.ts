import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseSearch, type SearchQuery } from "../../core/model/search_query.ts";
import type { Store } from "../../core/ports.ts";
import { KvStores } from "../../storage/user_store.ts";
import { MemoryStores } from "../sim/memory_store.ts";
import { inFolder } from "./folder.ts";
import { idAt, names, postAt, type PostShape } from "./posts.ts";
import { assertSound } from "./soundness.ts";

const authors = ["bob", "carol", "dave"] as const;
const author = fc.constantFrom(...authors);

/** Words of several scripts, few enough to come up again and again. */
const word = fc.constantFrom(
  ..."tea Tea té teapot #tea @carol a b big world 日本語 日本 本 語学 한국어 👍 👍🏽 foo_bar ไทย हिन्दी سلام שלום ß"
    .split(" "),
);
const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(" "));

const shape = fc.record({
  number: fc.integer({ min: 1, max: 12 }),
  device: fc.integer({ min: 1, max: 2 }),
  text,
  // Few moments, so that posts of several authors have one id.
  answers: fc.option(fc.record({ author, second: fc.integer({ min: 1, max: 12 }) }), {
    nil: undefined,
  }),
  takesBack: fc.boolean(),
});

function shapeOf(
  name: string,
  { number, device, text, answers, takesBack }: typeof shape extends fc.Arbitrary<infer Shape>
    ? Shape
    : never,
): PostShape {
  const place = { author: name, number, device };
  if (takesBack && number > 6) return { ...place, deletes: { device, number: number - 6 } };
  if (answers === undefined) return { ...place, text };
  return { ...place, text, replyTo: { author: answers.author, id: idAt(answers.second) } };
}

/** Something that changes posts. */
type Step = (store: Store) => Promise<unknown>;

const add = fc.tuple(author, fc.array(shape, { maxLength: 8 })).map(([name, shapes]): Step => {
  const posts = shapes.map((one) => postAt(shapeOf(name, one)));
  return (store) => store.addPosts(name, posts);
});
const collect = fc.integer({ min: 1, max: 12 }).map((second): Step => (store) =>
  store.collect({ before: idAt(second, 0), keep: "dave", limit: 1000 })
);
const remove = author.map((name): Step => (store) => store.removeAuthor(name));
const look: fc.Arbitrary<Step> = fc.constant((store) => store.search(parseSearch("tea"), 5));

const steps = fc.array(
  fc.oneof({ weight: 6, arbitrary: add }, collect, remove, { weight: 2, arbitrary: look }),
  { maxLength: 12 },
);

const queryPart = fc.oneof(
  word,
  word.map((one) => `${[...one].slice(0, 2).join("")}*`),
  fc.array(word, { minLength: 2, maxLength: 3 }).map((words) => `"${words.join(" ")}"`),
  author.map((name) => `from:${name}`),
  fc.constantFrom("sort:rank", "since:2026-01-01T00:00:04Z", "before:2026-01-01T00:00:09Z", "*"),
);
const query = fc.record({
  typed: fc.array(queryPart, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(" ")),
  limit: fc.integer({ min: 1, max: 8 }),
});

function parsed(typed: string): SearchQuery | undefined {
  try {
    return parseSearch(typed);
  } catch (error) {
    if (error instanceof CamelliaError) return undefined;
    throw error;
  }
}

async function findings(store: Store, query: SearchQuery, limit: number): Promise<unknown> {
  const { posts, indexed } = await store.search(query, limit);
  return [names(posts), indexed];
}

async function threads(store: Store): Promise<unknown> {
  const roots = authors.flatMap((author) =>
    Array.from({ length: 12 }, (_, i) => ({ author, id: idAt(i + 1) }))
  );
  const pages = roots.map((root) => store.thread({ root, limit: 4, before: idAt(9) }));
  return [(await Promise.all(pages)).map(names), await store.replyCounts(roots)];
}

Deno.test("Index finds what looking at every post would find, whatever comes and goes", async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(query, { minLength: 5, maxLength: 12 }),
      (list, queries) =>
        inFolder(async (folder) => {
          const store = await new KvStores(folder).open("alice");
          const model = await new MemoryStores().open("alice");
          try {
            for (const step of list) {
              await step(store);
              await step(model);
            }
            for (const { typed, limit } of queries) {
              const query = parsed(typed);
              if (query === undefined) continue;
              assert.deepEqual(
                await findings(store, query, limit),
                await findings(model, query, limit),
                typed,
              );
            }
            assert.deepEqual(await threads(store), await threads(model));
          } finally {
            await store.close();
          }
          await assertSound(join(folder, "users", "alice.kv"));
        }),
    ),
    { seed: 20261127, numRuns: 40 },
  );
});
