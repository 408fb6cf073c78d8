import assert from "node:assert/strict";
import fc from "fast-check";
import { cut, plain, rendered, rule, spread, styled, widthOf } from "../../../ui/screen/line.ts";
import { wrapSpans } from "../../../ui/screen/post_block.ts";
import { safeText } from "../../../ui/terminal/safe_text.ts";
import { textWidth, wrapText } from "../../../ui/terminal/width.ts";
import { spansOf } from "../../../ui/views/spans.ts";

const theme = { colours: true, links: true };

function text(pieces: readonly { readonly text: string }[]): string {
  return pieces.map((piece) => piece.text).join("");
}

Deno.test("What is at the left is cut, and what is at the right stays at the edge", () => {
  assert.equal(text(spread([plain("bob")], [plain("5 min")], 20)), "bob            5 min");
  assert.equal(
    text(spread([plain("a long name indeed")], [plain("5 min")], 16)),
    "a long na… 5 min",
  );
  assert.equal(text(spread([plain("ab")], [plain("too wide")], 8)), "ab");
});

Deno.test("However pieces are cut, they fit, also with wide and combining characters", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "漢", "é", "👍", "e\u0301", " ") });
  fc.assert(fc.property(fc.array(letters), fc.integer({ min: 1, max: 30 }), (texts, columns) => {
    const pieces = cut(texts.map((each) => styled(each, "bold")), columns);
    assert.ok(widthOf(pieces) <= columns);
    assert.ok(widthOf(spread(pieces, [plain("12 min")], columns)) <= columns);
    assert.ok(textWidth(text(rule(columns, texts.join("")))) <= columns);
  }));
});

Deno.test("Colours are left out where there are none; bold stays", () => {
  const pieces = [styled("bob", "bold", "author3"), plain(" "), styled("!", "error")];
  assert.equal(rendered(pieces, theme), "\x1b[1;34mbob\x1b[0m \x1b[31m!\x1b[0m");
  assert.equal(rendered(pieces, { ...theme, colours: false }), "\x1b[1mbob\x1b[0m !");
});

Deno.test("A link is an address of printable ASCII, or no link", () => {
  const link = (url: string) => rendered([{ text: "x", url }], theme);
  assert.equal(link("https://a.example/"), "\x1b]8;;https://a.example/\x1b\\x\x1b]8;;\x1b\\");
  for (const url of ["https://a/\x1b\\", "https://a/ b", "https://ä/", ""]) {
    assert.equal(link(url), "x");
  }
  assert.equal(
    rendered([{ text: "x", url: "https://a.example/" }], { ...theme, links: false }),
    "x",
  );
});

Deno.test("A text with several spaces and line breaks is broken as it stands, and none of it is lost", () => {
  fc.assert(fc.property(
    fc.string({ unit: fc.constantFrom("a", " ", "\n", "漢", "@bob") }),
    fc.integer({ min: 2, max: 12 }),
    (raw, columns) => {
      const text = safeText(raw);
      const rows = wrapSpans(spansOf(text), columns).map((row) =>
        row.map((one) => one.text).join("")
      );
      assert.deepEqual(rows, wrapText(text, columns));
    },
  ));
});
