import assert from "node:assert/strict";
import fc from "fast-check";
import { type Entries, ListPane } from "../../../ui/screen/list_pane.ts";

interface Entry {
  readonly key: string;
  readonly height: number;
}

/** Entries whose rows say whose they are. */
function entries(list: readonly Entry[]): Entries {
  return {
    keys: list.map(({ key }) => key),
    block: (index) => {
      const { key = "", height = 1 } = list[index] ?? {};
      return Array.from({ length: height }, (_, row) => [{ text: `${key}.${row}` }]);
    },
  };
}

function texts(pane: ListPane, list: readonly Entry[], height: number): string[] {
  return pane.draw(entries(list), height).rows.map((row) => row.map(({ text }) => text).join(""));
}

function some(count: number, height = 2, prefix = "e"): Entry[] {
  return Array.from({ length: count }, (_, i) => ({ key: `${prefix}${i}`, height }));
}

Deno.test("A list begins at its top, and moves no further than the choice needs", () => {
  const pane = new ListPane();
  const list = some(6);
  assert.deepEqual(texts(pane, list, 5), ["e0.0", "e0.1", "e1.0", "e1.1", "e2.0"]);
  assert.equal(pane.chosen, "e0");
  pane.down(entries(list));
  pane.down(entries(list));
  assert.deepEqual(texts(pane, list, 5), ["e0.1", "e1.0", "e1.1", "e2.0", "e2.1"]);
  pane.up(entries(list));
  pane.up(entries(list));
  assert.deepEqual(texts(pane, list, 5), ["e0.0", "e0.1", "e1.0", "e1.1", "e2.0"]);
});

Deno.test("The chosen entry stays on its row, whatever comes above or below, or goes", () => {
  const lists = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(lists, lists, lists, fc.nat(30), (above, list, more, steps) => {
      const before = list.map((height, i) => ({ key: `e${i}`, height }));
      const pane = new ListPane();
      texts(pane, before, 6);
      for (let i = 0; i < steps % before.length; i++) pane.down(entries(before));
      texts(pane, before, 6);
      const { chosen, row } = pane;
      const new_ = above.map((height, i) => ({ key: `n${i}`, height }));
      const older = more.map((height, i) => ({ key: `o${i}`, height }));
      texts(pane, [...new_, ...before, ...older], 6);
      assert.equal(pane.chosen, chosen);
      assert.equal(pane.row, row);
    }),
  );
});

Deno.test("Every row of every entry can be seen, going down and up", () => {
  const heights = fc.array(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 9 });
  fc.assert(fc.property(heights, fc.integer({ min: 1, max: 9 }), (list, height) => {
    const all = list.map((height, i) => ({ key: `e${i}`, height }));
    const pane = new ListPane();
    const seen = new Set(texts(pane, all, height));
    for (let i = 0; i < 500 && pane.down(entries(all)); i++) {
      for (const row of texts(pane, all, height)) seen.add(row);
    }
    const rows = list.reduce((sum, each) => sum + each, 0);
    assert.equal(seen.size, rows, "going down");
    assert.equal(pane.chosen, all.at(-1)?.key);
    const again = new Set(texts(pane, all, height));
    for (let i = 0; i < 500 && pane.up(entries(all)); i++) {
      for (const row of texts(pane, all, height)) again.add(row);
    }
    assert.equal(pane.chosen, "e0");
    assert.equal(again.size, rows, "going up");
  }));
});

Deno.test("Where the chosen entry has gone, the one in its place is chosen", () => {
  const pane = new ListPane();
  const list = some(4);
  texts(pane, list, 8);
  pane.down(entries(list));
  texts(pane, list.filter(({ key }) => key !== "e1"), 8);
  assert.equal(pane.chosen, "e2");
  texts(pane, [], 8);
  assert.equal(pane.chosen, undefined);
});

Deno.test("A click chooses the entry under it, and tells of a second one", () => {
  const pane = new ListPane();
  const list = some(4);
  texts(pane, list, 8);
  assert.equal(pane.click(entries(list), 5), "other");
  assert.equal(pane.chosen, "e2");
  texts(pane, list, 8);
  assert.equal(pane.click(entries(list), 4), "same");
  assert.equal(pane.click(entries(list), 9), "none");
});

Deno.test("A page moves the list by a screen, and the choice stays where it was on it", () => {
  const pane = new ListPane();
  const list = some(40, 1);
  texts(pane, list, 10);
  pane.page(entries(list), 1);
  assert.deepEqual(texts(pane, list, 10)[0], "e9.0");
  pane.page(entries(list), -1);
  assert.deepEqual(texts(pane, list, 10)[0], "e0.0");
});

Deno.test("A list has no free rows below while entries above it do not show: after a page, or once some have gone", () => {
  const pane = new ListPane();
  const list = some(7);
  texts(pane, list, 6);
  pane.page(entries(list), 1);
  pane.page(entries(list), 1);
  pane.page(entries(list), 1);
  const full = ["e4.0", "e4.1", "e5.0", "e5.1", "e6.0", "e6.1"];
  assert.deepEqual(texts(pane, list, 6), full);
  assert.equal(pane.chosen, "e6");
  // Of those around the chosen one some are gone: muted, say.
  pane.up(entries(list));
  pane.up(entries(list));
  texts(pane, list, 6);
  const left = list.filter(({ key }) => key !== "e5" && key !== "e6");
  assert.deepEqual(texts(pane, left, 6), ["e2.0", "e2.1", "e3.0", "e3.1", "e4.0", "e4.1"]);
  assert.deepEqual(texts(pane, some(2), 6), ["e0.0", "e0.1", "e1.0", "e1.1"]);
});
