import assert from "node:assert/strict";
import { WordMatcher } from "../../../core/mutes/word_matcher.ts";

function finds(muted: string, text: string): boolean {
  return new WordMatcher([muted]).isIn(text);
}

Deno.test("Muted words are found as whole words, in any case", () => {
  for (const text of ["Cat", "the CAT.", "#cat", "cat’s", "a (cat)", "ｃａｔ"]) {
    assert.ok(finds("cat", text), text);
  }
  for (const text of ["concatenate", "cats", "cat_2", "c a t", "", "каt"]) {
    assert.ok(!finds("cat", text), text);
  }
  assert.ok(finds("a", "a post") && !finds("a", "any post"));
  assert.ok(finds("ЛОСЬ", "это лось!"));
  assert.ok(finds("straße", "STRASSE straße"));
  assert.ok(finds("हिन्दी", "यह हिन्दी है") && !finds("हिन्दी", "हिन्द"));
});

Deno.test("Several words are found in a row, whatever stands between them", () => {
  for (const text of ["New York", "in new  york!", "new-york", "new\nyork"]) {
    assert.ok(finds("new york", text), text);
  }
  for (const text of ["york new", "new in york", "renew york", "new yorker"]) {
    assert.ok(!finds("new york", text), text);
  }
});

Deno.test("Scripts without spaces, and signs, are found anywhere", () => {
  assert.ok(finds("野球", "今日は野球をした"));
  assert.ok(finds("ラーメン", "とんこつラーメン"));
  assert.ok(finds("แมว", "ฉันรักแมวมาก"));
  assert.ok(finds("🎉", "done🎉!"));
  assert.ok(finds("<3", "I <3 you"));
  assert.ok(!finds("野球", "野菜"));
});

Deno.test("Any of many muted words is found, and none of none", () => {
  assert.ok(!new WordMatcher([]).isIn("anything"));
  const many = new WordMatcher(Array.from({ length: 5_000 }, (_, i) => `word${i}`));
  assert.ok(many.isIn("a WORD4999 here"));
  assert.ok(!many.isIn("a word5000 here"));
  assert.ok(!new WordMatcher(["", " "]).isIn("a  b"));
});
