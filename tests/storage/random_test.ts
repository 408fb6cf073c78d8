import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import type { Store } from "../../core/ports.ts";
import { KvStores } from "../../storage/user_store.ts";
import { MemoryStores } from "../sim/memory_store.ts";
import { idAt, names, postAt } from "./posts.ts";
import { assertSound } from "./soundness.ts";

const authors = ["bob", "carol", "dave"];

/** Something to do with a store, and what it answers as far as both kinds must agree. */
type Step = (store: Store) => Promise<unknown>;

const author = fc.constantFrom(...authors);
const device = fc.integer({ min: 1, max: 2 });
const number = fc.integer({ min: 1, max: 40 });

const add = fc.tuple(
  author,
  fc.array(
    fc.record({
      number,
      device,
      shift: fc.constantFrom(0, 0, 0, 0, 0, -3, 4),
      target: fc.option(fc.record({ number, device }), { freq: 3, nil: undefined }),
    }),
    { maxLength: 30 },
  ),
).map(([name, shapes]): [string, Step] => {
  const posts = shapes.map(({ shift, target, ...shape }) => {
    const second = Math.max(0, 10 * shape.number + 10 * shift);
    const isPast = target && (target.device !== shape.device || target.number < shape.number);
    return isPast
      ? postAt({ author: name, ...shape, second, deletes: { ...target } })
      : postAt({ author: name, ...shape, second, text: `shifted by ${shift}` });
  });
  return [
    `add ${name} ${JSON.stringify(shapes)}`,
    async (store) => {
      const { added, deleted = [] } = await store.addPosts(name, posts);
      return { added: names(added), deleted: names(deleted).sort() };
    },
  ];
});

const collect = fc.tuple(fc.integer({ min: 0, max: 450 }), fc.constantFrom(3, 1000)).map((
  [second, limit],
): [string, Step] => [
  `collect ${second} ${limit}`,
  (store) => store.collect({ before: idAt(second, 0), keep: "dave", limit }),
]);

const remove = author.map((name): [string, Step] => [
  `remove ${name}`,
  (store) => store.removeAuthor(name),
]);

const floor = fc.record({ author, device, number }).map((shape): [string, Step] => [
  `floor ${JSON.stringify(shape)}`,
  (store) => store.setFloor(postAt({ ...shape, second: 10 * shape.number })),
]);

const steps = fc.array(
  fc.oneof({ weight: 6, arbitrary: add }, { weight: 2, arbitrary: collect }, remove, floor),
  { maxLength: 25 },
).map((list) =>
  list.map(([label, run]) => Object.assign(run, { [fc.toStringMethod]: () => label }))
);

async function lookAt(store: Store): Promise<unknown> {
  const ofAuthors = authors.map(async (name) => ({
    feeds: await store.feeds(name),
    count: await store.countPosts(name),
    newest: names(await store.timeline({ author: name, limit: 7, before: idAt(300) })),
    proofs: await Promise.all([1, 2].map((d) => store.floorProof(name, d))),
    posts: names(await store.feedPosts({ author: name, device: 1, from: 3, to: 30, limit: 20 })),
  }));
  return {
    total: await store.countPosts(),
    timeline: names(await store.timeline({ limit: 500 })),
    authors: await Promise.all(ofAuthors),
  };
}

async function withKv(run: (store: Store) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir();
  try {
    const store = await new KvStores(data).open("alice");
    try {
      await run(store);
    } finally {
      await store.close();
    }
    await assertSound(join(data, "users", "alice.kv"));
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

Deno.test("Store does what its simple model does, whatever comes in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(steps, (list) =>
      withKv(async (store) => {
        const model = await new MemoryStores().open("alice");
        for (const step of list) {
          assert.deepEqual(await step(store), await step(model));
        }
        assert.deepEqual(await lookAt(store), await lookAt(model));
      })),
    { seed: 20261122, numRuns: 40 },
  );
});

Deno.test("Store stays sound when everything happens at once", async () => {
  await fc.assert(
    fc.asyncProperty(steps, (list) =>
      withKv(async (store) => {
        await Promise.all(list.map((step) => step(store)));
      })),
    { seed: 20261123, numRuns: 25 },
  );
});
