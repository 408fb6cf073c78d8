import assert from "node:assert/strict";
import fc from "fast-check";
import { CamelliaError } from "../../../core/model/errors.ts";
import { isFound, parseSearch, ranked, searchTerms } from "../../../core/model/search_query.ts";
import { firstSnowflakeAt } from "../../../core/model/snowflake.ts";
import type { Post } from "../../../core/model/post.ts";
import { idAt, postAt } from "../../storage/posts.ts";

/** Its parts, in one line. */
function partsOf(typed: string): string {
  return parseSearch(typed).parts
    .map(({ terms, isBeginning }) => `${terms.join("+")}${isBeginning ? "*" : ""}`).join(" ");
}

function post(text: string, more: Partial<Post> = {}): Post {
  return { ...postAt({ author: "bob", number: 5, text }), ...more };
}

function finds(typed: string, text: string): boolean {
  return isFound(parseSearch(typed), post(text));
}

Deno.test("Query has words, phrases, beginnings, tags, names and operators", () => {
  assert.equal(partsOf('Hello "big world" wor* #Tag @Carol'), "hello big+world wor* #tag @carol");
  assert.equal(partsOf("don't foo-bar"), "don+t foo+bar");
  assert.equal(partsOf("“smart quotes” “open"), "smart+quotes open");
  assert.equal(partsOf("twice twice"), "twice");
  assert.equal(partsOf("日本語 猫 日本* 👍"), "日本+本語 猫* 日本 👍");
  assert.equal(partsOf("a AND b OR NOT NEAR(c"), "a and b or not near+c");
  assert.equal(partsOf("http:x #1 @x"), "http+x 1 x");
  const { authors, since, before, sort } = parseSearch(
    "FROM:@Bob from:carol since:2026-11-01 since:2026-10-01 before:2026-11-02T10:30+02:00 sort:rank",
  );
  assert.deepEqual([authors, sort], [["bob", "carol"], "rank"]);
  assert.equal(since, firstSnowflakeAt(Date.UTC(2026, 10, 1)));
  assert.equal(before, firstSnowflakeAt(Date.UTC(2026, 10, 2, 8, 30)));
});

Deno.test("Query that says nothing, or too much, is refused in words", () => {
  for (
    const typed of ["", "  ", '"', '""', "*", "***", "()", "sort:rank", "\u0000", "-", "\ud800"]
  ) {
    assert.throws(() => parseSearch(typed), { code: "invalid_argument", message: /no word in it/ });
  }
  const long = "x".repeat(10_240);
  assert.throws(() => parseSearch(long), { message: /10240 characters; at most 1000/ });
  const many = Array.from({ length: 21 }, (_, i) => `w${i}`).join(" ");
  assert.throws(() => parseSearch(many), { message: /more than 20 things/ });
  assert.throws(() => parseSearch(`"${"日".repeat(700)}"`), { message: /too long/ });
  assert.throws(() => parseSearch("w*"), { message: /"w\*" stands for too many words/ });
  assert.throws(() => parseSearch("from:"), { code: "invalid_username" });
  assert.throws(() => parseSearch("sort:best"), { message: /sort:newest or sort:rank/ });
  for (const day of ["", "2026", "2026-13-01", "2026-02-30", "yesterday", "2026-11-01T25:00"]) {
    assert.throws(() => parseSearch(`since:${day}`), { message: /Write it as since:2026-11-01/ });
  }
});

Deno.test("Any text is a query or is refused with an error for its user", () => {
  const unit = fc.constantFrom(
    ..."ab*\"'#@:-()^+{} \t\n",
    "from:",
    "NEAR",
    "日",
    "本",
    "👍",
    "ا",
    "\u202e",
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), (units) => {
      try {
        const { parts } = parseSearch(units.join(""));
        for (const { terms } of parts) {
          assert.ok(terms.length > 0 && terms.every((term) => /^[#@]?[^\s"*()]+$/.test(term)));
        }
      } catch (error) {
        if (!(error instanceof CamelliaError)) throw error;
      }
    }),
    { seed: 20261127, numRuns: 500 },
  );
});

Deno.test("Post is found by each part of its words, whatever the script", () => {
  assert.ok(finds("HELLO", "Well, hello there"));
  assert.ok(finds('"hello there"', "Well, hello there"));
  assert.ok(!finds('"well there"', "Well, hello there"));
  assert.ok(finds("the*", "Well, hello there") && !finds("the", "Well, hello there"));
  assert.ok(finds("grusse", "Viele Grüße!") && finds("GRÜSSE", "grusse"));
  for (const typed of ["日本語", "本語", "語", "日本語を", "本*", "語を学"]) {
    assert.ok(finds(typed, "日本語を学ぶ"), typed);
  }
  assert.ok(!finds("日語", "日本語を学ぶ"));
  assert.ok(finds('"日本 tea"', "日本 tea") && !finds('"日本 tea"', "日本語 tea"));
  assert.ok(finds("한국", "한국어를 배워요") && finds("ไทย", "ภาษาไทยง่าย"));
  assert.ok(finds("👍", "ok 👍🏽") && finds("शब्द", "यह शब्द है") && finds("سلام", "قال سلامٌ"));
});

Deno.test("Tags, names and the author are found by their signs, and no phrase reaches over them", () => {
  assert.deepEqual(
    searchTerms(post("see #Tag by @carol", { warning: "hidden" })),
    ["hidden", "=bob", "#tag", "@carol", "see", "tag", "by", "carol"],
  );
  assert.ok(finds("#tag", "a #Tag") && !finds("#tag", "a tag") && finds("tag", "a #Tag"));
  assert.ok(finds("#ta*", "a #Tag") && finds("@carol", "hi @Carol") && !finds("@carol", "carol"));
  assert.ok(isFound(parseSearch("from:bob hi"), post("hi")));
  assert.ok(isFound(parseSearch("from:carol from:bob"), post("hi")));
  assert.ok(!isFound(parseSearch("from:carol hi"), post("hi")));
  assert.ok(!isFound(parseSearch("bob"), post("hi")));
  assert.ok(!isFound(parseSearch('"hidden see"'), post("see", { warning: "hidden" })));
});

Deno.test("Time bounds a search: from a moment on, and before another", () => {
  const shown = post("hi");
  const at = new Date(Date.UTC(2026, 0, 1) + 5_000).toISOString();
  assert.ok(
    isFound(parseSearch(`since:${at}`), shown) && !isFound(parseSearch(`before:${at}`), shown),
  );
  assert.ok(isFound(parseSearch("before:2026-01-02"), shown));
  assert.ok(!isFound({ ...parseSearch("hi"), before: idAt(5) }, shown));
  assert.ok(isFound({ ...parseSearch("hi"), since: idAt(5) }, shown));
});

Deno.test("Repost is found by what it passes on and under the name of its author; a delete is not found", () => {
  const original = postAt({ author: "carol", number: 1, text: "camellias #bloom" });
  const repost = post("", { repostOf: original });
  assert.ok(isFound(parseSearch("camellias #bloom from:bob"), repost));
  assert.ok(!isFound(parseSearch("from:carol"), repost));
  assert.ok(!isFound(parseSearch("from:bob"), post("", { deletes: { device: 1, number: 1 } })));
});

Deno.test("What fits best comes first: more often, as a whole word, in a shorter text; of equals the newest", () => {
  const texts = [
    "tea is nice, and so are many other things that one can drink in the morning or later",
    "teapots and teacups",
    "tea tea",
    "tea now",
    "tea then",
  ];
  const posts = texts.map((text) => post(text));
  const order = ranked(parseSearch("te*"), posts).map(({ text }) => text);
  assert.deepEqual(ranked(parseSearch("tea"), posts.filter((_, i) => i !== 1)).map((p) => p.text), [
    "tea tea",
    "tea now",
    "tea then",
    texts[0],
  ]);
  assert.equal(order.length, 5);
});
