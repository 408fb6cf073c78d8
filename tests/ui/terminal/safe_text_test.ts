import assert from "node:assert/strict";
import fc from "fast-check";
import { quoted, safeJson, safeLine, safeText } from "../../../ui/terminal/safe_text.ts";

const runs = { seed: 7, numRuns: 3000 };

/** Texts rich in what an attacker would use. */
const hostile = fc.array(
  fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(
      "\x1b[",
      "\x1b]0;",
      "\x07",
      "\x1b\\",
      "\x9b",
      "\x9c",
      "\x90",
      "31m",
      "2J",
      "\x1b",
      "\r",
      "\n",
      "\u202e",
      "\u2066",
      "\u200d",
      "\u200b",
      "\ufeff",
      "\ufe0f",
      "\u0301",
      "\u{e0041}",
      "\u3164",
      "👩",
      "é",
      "a",
      " ",
      "\t",
    ),
  ),
  { maxLength: 30 },
).map((parts) => parts.join(""));

Deno.test("Nothing that a terminal acts on is left of any text", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const safe = safeText(text);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(safe, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      assert.doesNotMatch(safe, /[\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/);
      assert.doesNotMatch(safe, /[\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/u);
      assert.doesNotMatch(safe, /\p{M}{5}/u);
      assert.ok(!safeLine(text).includes("\n"));
    }),
    runs,
  );
});

Deno.test("What is safe stays as it is", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const once = safeText(text);
      assert.equal(safeText(once), once);
    }),
    runs,
  );
  const texts = ["Grüß Gott", "日本語", "👩‍👩‍👧 ❤️ 🇩🇪", "می‌خواهم", "क्‍ष", "a\nb\n\nc", "1️⃣", "x̂"];
  for (const text of texts) assert.equal(safeText(text), text);
});

Deno.test("Escape sequences go as a whole", () => {
  assert.equal(safeText("\x1b[31mred\x1b[0m \x1b]0;title\x07on"), "red on");
  assert.equal(safeText("\x9b2Jgone\x1b(Bx\x1bcy"), "gonexy");
  assert.equal(safeText("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\"), "link");
  assert.equal(safeText("\x1b]0;never ended"), "0;never ended");
  assert.equal(safeText("\x1bP+q\x1b\\a\rb\bc"), "a\nbc");
});

Deno.test("Text cannot turn around, hide or pile up", () => {
  assert.equal(safeText("user\u202etxt.exe"), "usertxt.exe");
  assert.equal(safeText("a\u200db\u200d \u200dc"), "a\u200db c");
  assert.equal(safeText(`z${"\u0301".repeat(50)}`), `z${"\u0301".repeat(4)}`);
  assert.equal(safeText("\ud800x\udfff"), "\ufffdx\ufffd");
  assert.equal(safeText("a\n\n\n\n \n\nb"), "a\n\nb");
  assert.equal(safeLine("a\n\nb"), "a ⏎ b");
});

Deno.test("JSON escapes what a terminal would act on, and parses to the same value", () => {
  assert.equal(safeJson({ t: "\x9b2J\u202e\x1b[m" }), '{"t":"\\u009b2J\\u202e\\u001b[m"}');
  fc.assert(
    fc.property(hostile, (text) => {
      const json = safeJson({ text });
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(json, /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      assert.deepEqual(JSON.parse(json), { text });
    }),
    runs,
  );
});

Deno.test("What is quoted in a message is short and shows everything", () => {
  assert.equal(quoted("a\u202eb"), '"a\\u202eb"');
  assert.equal(quoted("x".repeat(100), 5), '"xxxxx…"');
});
