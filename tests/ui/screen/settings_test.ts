import assert from "node:assert/strict";
import { type ScreenWorld, screenWorld } from "./world.ts";

async function opened(columns = 80): Promise<ScreenWorld & { shown: () => string }> {
  const world = await screenWorld([1]);
  const { press, type, settle, rows } = world;
  press(":");
  type("settings");
  press("enter");
  const shown = () => rows({ columns, rows: 24 }).join("\n");
  shown();
  await settle();
  shown();
  return { ...world, shown };
}

Deno.test("Settings are shown in groups, with what is allowed for the one that is chosen", async () => {
  const { shown, press } = await opened();
  assert.match(shown(), / Settings \/data\/config\.ini\n/);
  assert.match(shown(), /Network\n.*Nodes to join through: none\n/);
  assert.match(shown(), /bootstrap\.nodes: a list of at most 64 HOST:PORT/);
  press("G");
  assert.match(shown(), /Whether limits leave out private addresses: auto/);
  press("escape");
  assert.match(shown(), /bob at 1/);
});

Deno.test("A setting is typed, refused while it is none, and written", async () => {
  const { app, settings, shown, press, type, settle } = await opened();
  press("enter");
  type("a.example");
  assert.match(shown(), /"a\.example" is not a list of at most 64 HOST:PORT/);
  assert.deepEqual(app.draw({ columns: 80, rows: 24 }).cursor, { column: 10, row: 4 });
  press("enter");
  await settle();
  assert.equal(settings.text, "", "it is not written");
  type(":9");
  press("enter");
  await settle();
  assert.match(settings.text, /NODES = a\.example:9\n/);
  assert.match(shown(), /bootstrap\.nodes is written, and is in force/);
  assert.match(shown(), /Nodes to join through: a\.example:9 +set\n/);
  press("enter", ...Array.from({ length: 11 }, () => "backspace"), "enter");
  await settle();
  assert.doesNotMatch(settings.text, /NODES/);
  assert.match(shown(), /has its default again/);
});

Deno.test("What was typed for a setting is left with Esc, and keys of the screen are letters there", async () => {
  const { settings, shown, press, type, settle } = await opened(40);
  press("j", "j", "j", "enter");
  type("q?n");
  assert.match(shown(), /"noq\?n" is not yes or no/);
  press("escape");
  await settle();
  assert.doesNotMatch(shown(), /noq/);
  assert.equal(settings.text, "");
  press("escape");
  assert.match(shown(), /bob at 1/);
});

Deno.test("Settings that are not ours to change cannot be, and a file that cannot be read is told of", async () => {
  const { settings, shown, press, settle } = await opened();
  settings.refusal = "/mine.ini was named with --config: it is yours to change, with an editor";
  shown();
  press("enter");
  assert.match(shown(), /it is yours to change, with an editor\./);
  settings.text = "[X]\n";
  press("ctrl+r");
  await settle();
  assert.match(shown(), /line 1: "X" is no section/);
});
