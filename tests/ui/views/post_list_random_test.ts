/** Random events and moves: what must hold of a list of posts whatever happens. */

import assert from "node:assert/strict";
import { fraction } from "../../../lib/random.ts";
import { keyOf } from "../../../ui/views/post_row.ts";
import { compareNames, windowMax } from "../../../ui/views/post_window.ts";
import { SeededRandom } from "../../sim/random.ts";
import { postAt, type ViewsWorld, viewsWorld } from "./world.ts";

const steps = 250;

/** What holds after every step. */
function check({ views, peer }: ViewsWorld, before: { rows: string[]; anchor: string | null }) {
  const view = views.home.view();
  const keys = view.rows.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, "no row stands twice");
  assert.ok(keys.length <= windowMax, "the rows are bounded");
  const names = view.rows.map(({ name }) => name);
  assert.deepEqual(names, [...names].sort(compareNames), "the order is the timeline's");
  if (before.anchor !== null) {
    assert.ok(keys.includes(before.anchor), "the row that is read stays");
  }
  const stored = new Set(peer.timelinePosts.map(({ author, id }) => `${author}/${id}`));
  for (const { key, state } of view.rows) {
    assert.equal(state === "deleted", !stored.has(key), `${key} is ${state}`);
  }
  const last = names.at(-1);
  if (view.isLive && view.loading === null && last !== undefined) {
    const all = peer.timelinePosts.filter((post) => compareNames(post, last) <= 0);
    const shown = view.rows.filter(({ state }) => state !== "deleted").map(({ key }) => key);
    assert.deepEqual(shown, all.map(keyOf), "at the top nothing is missing");
  }
  if (before.anchor === null || view.isLive) return;
  // What stands around the row that is read stays beside it.
  const [was, is] = [before.rows, keys].map((all) => {
    const at = all.indexOf(before.anchor ?? "");
    return all.slice(Math.max(0, at - 5), at + 5).join(" ");
  });
  const isAtEdge = before.rows.indexOf(before.anchor) < 5 ||
    before.rows.indexOf(before.anchor) > before.rows.length - 6;
  if (!isAtEdge) assert.equal(is, was, "the rows around the one that is read stay");
}

async function run(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const draw = (below: number) => Math.floor(fraction(random) * below);
  const world = viewsWorld(Array.from({ length: 300 }, (_, i) => i));
  const { views, peer, settle, clock } = world;
  const { home } = views;
  home.open();
  await settle();
  let second = 300;
  for (let step = 0; step < steps; step++) {
    const { rows, anchor, isLive } = home.view();
    const before = { rows: rows.map(({ key }) => key), anchor: isLive ? null : anchor };
    const isLoading = home.view().loading !== null;
    const move = draw(13);
    const row = rows[draw(rows.length)];
    if (move <= 2) {
      for (let i = draw(30); i >= 0; i--) peer.come(postAt(second++));
    } else if (move === 3) {
      peer.come(postAt(draw(second) + 0.1 * (1 + draw(8)), { author: "carol" }));
    } else if (move === 4) {
      const stored = peer.timelinePosts[draw(peer.timelinePosts.length)];
      if (stored !== undefined) peer.takeBack(stored);
    } else if (move === 5) home.older();
    else if (move === 6) home.newer();
    else if (move === 7 && !isLoading) home.newest();
    else if (move === 12 && !isLoading) home.reload();
    else if (move === 8 && row !== undefined) home.reveal(row.key);
    else if (move === 9) home.seen(rows.slice(0, draw(20)).map(({ key }) => key));
    else if (move === 11 && rows[0] !== undefined) home.select(rows[0].key, true);
    else if (row !== undefined) home.select(row.key);
    // At times the next move comes while a page is still on its way.
    if (draw(3) > 0) await settle();
    else await clock.advance(40);
    const isMoved = move >= 10 || move === 7 || isLoading;
    check(world, isMoved ? { ...before, anchor: null } : before);
    if (!isLive && !isLoading && ![5, 6, 7, 10, 11, 12].includes(move)) {
      const keys = home.view().rows.map(({ key }) => key);
      assert.deepEqual(keys, before.rows, `move ${move}: nothing moves by itself`);
    }
  }
  home.newest();
  await settle();
  const newest = peer.timelinePosts.slice(0, 50).map(({ author, id }) => `${author}/${id}`);
  assert.deepEqual(home.view().rows.map(({ key }) => key), newest, "the newest stand on top");
}

Deno.test("Whatever comes and wherever the reader goes, no row is doubled, lost or moved", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    try {
      await run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
