import assert from "node:assert/strict";
import fc from "fast-check";
import { cutToWidth, textWidth, wrapText } from "../../../ui/terminal/width.ts";

Deno.test("Wide characters and emoji take two columns, marks and colours none", () => {
  const cases: readonly [string, number][] = [
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["x\u0301\u0302", 1],
    ["日本", 4],
    ["한글", 4],
    ["ｗ", 2],
    ["ꆈꌠ", 4],
    ["䷀", 2],
    ["👩‍👩‍👧", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["❤", 1],
    ["\x1b[31mab\x1b[39m", 2],
  ];
  for (const [text, width] of cases) assert.equal(textWidth(text), width, JSON.stringify(text));
});

Deno.test("Cut lines fit, and say that they were cut", () => {
  assert.equal(cutToWidth("hello", 5), "hello");
  assert.equal(cutToWidth("hello world", 7), "hello…");
  assert.equal(cutToWidth("日本語日本語", 6), "日本…");
});

Deno.test("Wrapped lines fit, and lose nothing but spaces at their ends", () => {
  assert.deepEqual(wrapText("the quick brown fox", 10), ["the quick", "brown fox"]);
  assert.deepEqual(wrapText("a\n\nb", 10), ["a", "", "b"]);
  assert.deepEqual(wrapText("abcdefgh", 3), ["abc", "def", "gh"]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), fc.integer({ min: 2, max: 40 }), (
      text,
      columns,
    ) => {
      const lines = wrapText(text, columns);
      for (const line of lines) assert.ok(textWidth(line) <= columns, JSON.stringify(line));
      const dense = (value: string) => value.replace(/[ \n]/g, "");
      assert.equal(dense(lines.join("")), dense(text));
    }),
    { seed: 5, numRuns: 500 },
  );
});

Deno.test("A line keeps the spaces at its beginning, unless they are most of it", () => {
  assert.deepEqual(wrapText("if so:\n  indented and long\nend", 12), [
    "if so:",
    "  indented",
    "and long",
    "end",
  ]);
  assert.deepEqual(wrapText(" ".repeat(9) + "far in", 12), ["far in"]);
  assert.deepEqual(wrapText("   ", 12), [""]);
});
