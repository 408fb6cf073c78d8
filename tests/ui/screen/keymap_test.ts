import assert from "node:assert/strict";
import { keyTable } from "../../../ui/screen/key_table.ts";
import { parseConfig } from "../../../ui/settings/config.ts";
import { helpRows } from "../../../ui/screen/help_page.ts";
import { Keymap, keyName, keysNamed, mistakeInKeys, shownKey } from "../../../ui/screen/keymap.ts";

Deno.test("No key means two things in one place, and every action has a key and a help", () => {
  assert.equal(mistakeInKeys({}), undefined);
  for (const { action, keys, help } of keyTable) {
    assert.ok(keys.length > 0 && help.length > 3, action);
    for (const key of keys) assert.equal(keyName(key), key);
  }
});

Deno.test("Vim's keys and arrows move alike", () => {
  const keymap = new Keymap();
  for (
    const [key, action] of [["j", "down"], ["down", "down"], ["k", "up"], ["up", "up"], [
      "G",
      "bottom",
    ]]
  ) {
    assert.equal(keymap.actionFor(key ?? "", ["posts", "everywhere"]), action);
  }
  assert.equal(keymap.actionFor("r", ["everywhere"]), undefined, "there is no post to reply to");
  assert.equal(keymap.actionFor("enter", ["writing"]), "new_line");
});

Deno.test("Keys of config.ini replace those of the table", () => {
  const keymap = new Keymap({ down: ["n"], write: ["w"] });
  assert.equal(keymap.actionFor("n", ["everywhere"]), "down");
  assert.equal(keymap.actionFor("j", ["everywhere"]), undefined);
  assert.equal(keymap.actionFor("w", ["everywhere"]), "write");
});

Deno.test("A key that would mean two things, and an action that there is not, are told", () => {
  assert.equal(mistakeInKeys({ down: ["n"] }), "the key n is both down and write");
  assert.equal(mistakeInKeys({ jump: ["x"] }), "jump is no action");
  assert.equal(mistakeInKeys({ down: ["n"], write: ["w"] }), undefined);
});

Deno.test("Keys are read as people write them, and shown so", () => {
  assert.deepEqual(["Ctrl+S", "Esc", "PgDn", "G", "+", "alt+Enter"].map(keyName), [
    ...["ctrl+s", "escape", "pageDown", "G", "+", "alt+enter"],
  ]);
  assert.deepEqual(["ctrl+s", "escape", "pageDown", "G", "down", "+"].map(shownKey), [
    ...["Ctrl+S", "Esc", "PgDn", "G", "↓", "+"],
  ]);
});

Deno.test("The help has every key and what it does", () => {
  const text = helpRows(new Keymap({ down: ["n"], write: ["w"] }), 80)
    .map((pieces) => pieces.map((piece) => piece.text).join("")).join("\n");
  for (const { help } of keyTable) {
    assert.ok(text.includes(help.split(" ").slice(0, 3).join(" ")), help);
  }
  assert.match(text, /^n +to the next entry \[down\]$/m);
});

Deno.test("config.ini names keys as people write them", () => {
  const config = parseConfig(
    new TextEncoder().encode('[KEYS]\nDOWN = n, Down\nsend = Ctrl+Enter ctrl+s\ntop = "; g"\n'),
    "config.ini",
  );
  assert.deepEqual(keysNamed(config.keys ?? {}), {
    down: ["n", "down"],
    send: ["ctrl+enter", "ctrl+s"],
    top: [";", "g"],
  });
  assert.throws(
    () => parseConfig(new TextEncoder().encode("[KEYS]\nDOWN =\n"), "config.ini"),
    /line 2: DOWN is "", which is not one to eight keys/,
  );
});
