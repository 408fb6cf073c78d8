import assert from "node:assert/strict";
import fc from "fast-check";
import { folded, tagsIn, termsOf } from "../../../core/model/words.ts";

/** The terms of a text, in one line. */
function terms(text: string): string {
  return termsOf(text).map(({ term }) => term).join(" ");
}

Deno.test("Words are the same in capitals, with accents and in full width", () => {
  assert.equal(terms("Hello, World! don't foo_bar C++"), "hello world don t foo bar c");
  assert.equal(terms("Grüße STRASSE Straße İstanbul"), "grusse strasse strasse istanbul");
  assert.equal(terms("ΟΔΟΣ ὀδός"), "οδοσ οδοσ");
  assert.equal(terms("ＦＵＬＬ ﬁne e\u0301te\u0301 co\u00adop"), "full fine ete coop");
  assert.equal(terms("שָׁלוֹם مُحَمَّد"), "שלום محمد");
  assert.equal(folded("Ｅ́tudes ẞ"), "etudes ss");
});

Deno.test("Marks that tell words apart stay: sounds of kana, vowels of Indic scripts", () => {
  assert.equal(terms("か が"), "か が");
  assert.notEqual(terms("हिन्दी"), terms("हन्दी"));
});

Deno.test("Scripts without spaces are cut into pairs of characters, and the last one", () => {
  assert.equal(terms("日本語テストabc"), "日本 本語 語テ テス スト ト abc");
  assert.equal(terms("コーヒー"), "コー ーヒ ヒー ー");
  assert.equal(terms("한국어를"), "한국 국어 어를 를");
  assert.equal(terms("ไทย"), "ไท ทย ย");
  assert.deepEqual(termsOf("猫 x犬"), [
    { term: "猫", run: "end" },
    { term: "x" },
    { term: "犬", run: "end" },
  ]);
  assert.deepEqual(termsOf("日本").map(({ run }) => run), ["pair", "end"]);
});

Deno.test("Emoji are terms, without their colour", () => {
  assert.equal(terms("👨‍👩‍👧 ❤️ 🇩🇪🇫🇷 👍🏽"), "👨 👩 👧 ❤ 🇩🇪 🇫🇷 👍");
});

Deno.test("Tags begin with # outside of words and addresses, and are no numbers", () => {
  assert.deepEqual(
    tagsIn("#Camellia, #日本 a#b #1 #2026plan ＃Été http://x/#y #a_b ##c &#39; #_"),
    [
      "camellia",
      "日本",
      "2026plan",
      "ete",
      "a_b",
    ],
  );
  assert.deepEqual(tagsIn("#One #ONE"), ["one"]);
  assert.deepEqual(tagsIn("no tag"), []);
});

Deno.test("Terms of any text have no blank, no quotation mark and no sign of a tag in them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
      for (const { term } of termsOf(text)) assert.match(term, /^[^\s"'*#@=_\p{Cc}]+$/u);
      // What was folded stays as it is, so that a query may come from a post.
      assert.equal(terms(folded(text)), terms(text));
    }),
    { seed: 20261127 },
  );
});
