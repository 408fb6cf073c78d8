import assert from "node:assert/strict";
import { postAt, viewsWorld } from "./world.ts";

Deno.test("A query is checked as it is typed, and what it finds is shown", async () => {
  const { peer, views, settle } = viewsWorld(Array.from({ length: 80 }, (_, i) => i));
  peer.indexed = 0.5;
  peer.hidden = 1;
  const search = views.search();
  search.type("from:");
  assert.match(search.view().queryProblem ?? "", /shorter than 3/);
  await search.run();
  assert.deepEqual([search.view().rows.length, search.view().notice], [0, ""]);
  search.type("bob");
  await search.run();
  assert.equal(search.view().rows.length, 50);
  assert.equal(
    search.view().notice,
    "The index is being built: the newest 50 % of the posts were searched. " +
      "1 post is hidden by your mutes.",
  );
  assert.equal(search.view().hasOlder, true);
  search.older();
  await settle();
  assert.deepEqual([search.view().rows.length, search.view().hasOlder], [80, false]);
  search.close();
});

Deno.test("A search that is superseded does not come back over the later one", async () => {
  const { peer, views, settle } = viewsWorld([1]);
  peer.store(postAt(2, { text: "camel" }));
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.gate = promise;
  const search = views.search();
  search.type("bob");
  const first = search.run();
  peer.gate = Promise.resolve();
  search.type("camel");
  await search.run();
  resolve();
  await first;
  await settle();
  assert.deepEqual(search.view().rows.map(({ spans }) => spans[0]?.text), ["camel"]);
  search.type("nothing");
  await search.run();
  assert.equal(search.view().notice, "Nothing is found.");
});

Deno.test("What fits best does not go on, and what is taken back is not shown", async () => {
  const { peer, views, settle } = viewsWorld();
  for (let i = 0; i < 60; i++) peer.store(postAt(i, { text: "a sort:rank" }));
  const search = views.search();
  search.type("a sort:rank");
  await search.run();
  assert.deepEqual([search.view().rows.length, search.view().hasOlder], [50, false]);
  const [row] = search.view().rows;
  peer.takeBack(row?.name ?? { author: "", id: "" });
  await settle();
  assert.equal(search.view().rows[0]?.state, "deleted");
  search.type("b".repeat(3));
  await search.run();
  assert.deepEqual(search.view().rows, []);
});
