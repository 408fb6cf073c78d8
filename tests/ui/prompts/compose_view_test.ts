import assert from "node:assert/strict";
import {
  composed,
  type ComposeKey,
  type ComposeState,
  composeState,
  onComposeKey,
  renderCompose,
} from "../../../ui/prompts/compose_view.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";

const keys: Readonly<Record<string, ComposeKey>> = {
  enter: { name: "return", sequence: "\r" },
  altEnter: { name: "return", meta: true, sequence: "\x1b\r" },
  ctrlJ: { name: "enter", sequence: "\n" },
  escape: { name: "escape", sequence: "\x1b" },
  pasteStart: { name: "paste-start", sequence: "\x1b[200~" },
  pasteEnd: { name: "paste-end", sequence: "\x1b[201~" },
};

/** The text after some keys, with `|` where the cursor is. */
function after(text: string, ...pressed: (string | ComposeKey)[]): string {
  let state: ComposeState = composeState(text);
  for (const key of pressed) {
    const { state: next, ends } = onComposeKey(state, typeof key === "string" ? typed(key) : key);
    if (ends !== undefined) return `${ends}: ${composed(next)}`;
    state = next;
  }
  return `${state.before}|${state.after}`;
}

/** A key by its name, `^a` with Ctrl, or a character. */
function typed(key: string): ComposeKey {
  if (key.startsWith("^")) return { name: key.slice(1), ctrl: true, sequence: "\x01" };
  const known = keys[key];
  if (known !== undefined) return known;
  return key.length > 2 && /^[a-z]+$/.test(key)
    ? { name: key, sequence: "\x1b[X" }
    : { name: key, sequence: key };
}

Deno.test("Characters are put in where the cursor is, and Enter ends the text", () => {
  assert.equal(after("", "h", "i", "日", "🌸"), "hi日🌸|");
  assert.equal(after("ac", "left", "b", "enter"), "send: abc");
  assert.equal(after("a", "altEnter", "b", "ctrlJ", "c"), "a\nb\nc|");
  assert.equal(after("a", "escape"), "back: a");
  assert.equal(after("a", { name: "f5", sequence: "\x1b[15~" }, { sequence: "\x07" }), "a|");
});

Deno.test("A paste of several lines is one text, and loses nothing but control characters", () => {
  const pasted = ["pasteStart", "o", "enter", "t", "ctrlJ", { sequence: "\x1b[31mx" }, "pasteEnd"];
  assert.equal(after("", ...pasted), "o\nt\n[31mx|");
  assert.equal(after("", ...pasted, "enter"), "send: o\nt\n[31mx");
  const older = [{ sequence: "\x1b[200" }, "~", "~", "enter", "ctrlJ", "b", "ctrlJ", "ctrlJ"];
  assert.equal(after("", ...older, { sequence: "\x1b[201" }, "~", "~"), "~\nb\n\n~|");
  assert.equal(after("", { sequence: "a\r\nb\rc" }), "a\nb\nc|");
  assert.equal(after("x".repeat(20_000), "y").length, 20_001);
});

Deno.test("The cursor moves by characters as people see them, by lines, and to their ends", () => {
  assert.equal(after("a👩‍👩‍👧", "left"), "a|👩‍👩‍👧");
  assert.equal(after("a👩‍👩‍👧b", "left", "backspace"), "a|b");
  assert.equal(after("ab", "left", "left", "left", "right"), "a|b");
  assert.equal(after("ab", "left", "delete", "delete"), "a|");
  assert.equal(after("abc\nde", "up"), "ab|c\nde");
  assert.equal(after("a\nbcd", "up"), "a|\nbcd");
  assert.equal(after("abc\nde", "up", "up", "down"), "abc\n|de");
  assert.equal(after("abc\nde", "up", "down"), "abc\nde|");
  assert.equal(after("abc\nde", "home", "x", "end"), "abc\nxde|");
  assert.equal(after("abc\nde", "up", "end", "right"), "abc\n|de");
});

Deno.test("Words and lines are taken out", () => {
  assert.equal(after("one two ", "^w"), "one |");
  assert.equal(after("one\ntwo", "^u"), "one\n|");
  assert.equal(after("one\ntwo", "^a", "^k"), "one\n|");
  assert.equal(after("ab", "^a", "^f", "^d"), "a|");
  assert.equal(after("ab", "^b", "^h", "^e"), "b|");
});

Deno.test("The text is shown around the cursor, with its length and what is wrong", () => {
  const frame = { counter: "3/500", problem: undefined, columns: 30, rows: 24 };
  const paint = paintFor(false);
  const draw = (state: ComposeState, more: object = {}) =>
    renderCompose(state, { message: "New post", paint, ...frame, ...more }).split("\n");
  const lines = draw({ before: "a\x1b[2J", after: "b\nc", isPasting: false });
  assert.deepEqual(lines.slice(0, 3), ["? New post  3/500", "a▌b", "c"]);
  assert.match(lines.at(-1) ?? "", /^Enter publishes/);
  assert.equal(draw(composeState("a"), { problem: "Too long" }).at(-2), "Too long");
  const long = draw(composeState("x\n".repeat(50)), { rows: 10 });
  assert.ok(long.length <= 9 && long.some((line) => line.includes("▌")), long.join("\n"));
  const top = draw({ before: "", after: "x\n".repeat(50), isPasting: false }, { rows: 10 });
  assert.equal(top[1], "▌x");
});
