import assert from "node:assert/strict";
import fc from "fast-check";
import { LiveFeed } from "../../../ui/output/live_feed.ts";
import {
  liveLinesMax,
  type MenuState,
  menuState,
  onKey,
  render,
} from "../../../ui/prompts/menu_view.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import { textWidth } from "../../../ui/terminal/width.ts";

const labels = ["New post", "Timeline", "Follow", "Unfollow", "Profile", "Log out", "Quit"];
const menu: MenuState = {
  choices: labels.map((label) => ({ value: label.toLowerCase(), label })),
  active: 0,
};
const paint = paintFor(false);
const look = { paint, columns: 60, now: Date.UTC(2026, 0, 1, 0, 5) };

function press(state: MenuState, ...names: string[]): MenuState {
  return names.reduce((now, name) => onKey(now, { name }).state, state);
}

Deno.test("Arrows move around the ends, letters jump, Enter chooses", () => {
  assert.equal(press(menu, "down", "down").active, 2);
  assert.equal(press(menu, "up").active, 6);
  assert.equal(press(menu, "end", "down").active, 0);
  assert.equal(press(menu, "l").active, 5);
  assert.equal(press(menu, "f", "f").active, 2);
  assert.equal(press(menu, "x", "escape", "space").active, 0);
  assert.equal(onKey(menu, { name: "c", ctrl: true }).state.active, 0);
  assert.equal(onKey(menu, { name: "n", ctrl: true }).state.active, 1);
  assert.equal(onKey(press(menu, "t"), { name: "return" }).chosen, "timeline");
  assert.equal(onKey(menu, {}).chosen, undefined);
});

Deno.test("The pointer comes back to what was chosen last, if that is still there", () => {
  assert.equal(menuState(menu.choices, undefined).active, 0);
  assert.equal(menuState(menu.choices, "follow").active, 2);
  assert.equal(menuState(menu.choices, "register").active, 0);
});

Deno.test("The menu shows what arrived, the title and all choices", () => {
  const text = render(press(menu, "down"), {
    live: ["bob · just now", "  hi"],
    title: "alice · 3 contacts",
    columns: 40,
    rows: 24,
    paint,
  });
  assert.deepEqual(text.split("\n"), [
    "bob · just now",
    "  hi",
    "─".repeat(39),
    "alice · 3 contacts",
    "  New post",
    "❯ Timeline",
    ...labels.slice(2).map((label) => `  ${label}`),
    "↑↓ move · Enter choose · Ctrl+C quit",
  ]);
});

Deno.test("The menu fits every terminal, and the pointer is always in sight", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 120 }),
      fc.integer({ min: 6, max: 50 }),
      fc.nat(menu.choices.length - 1),
      fc.array(fc.string({ maxLength: 10 }), { maxLength: 80 }),
      (columns, rows, active, live) => {
        const frame = { live, title: "alice", columns, rows, paint };
        const lines = render({ ...menu, active }, frame).split("\n");
        assert.ok(lines.length <= rows);
        assert.ok(lines.some((line) => line.startsWith("❯")));
        for (const line of lines) assert.ok(textWidth(line) < columns || live.includes(line));
      },
    ),
    { seed: 3, numRuns: 500 },
  );
});

Deno.test("The live view keeps the newest whole entries that fit", () => {
  const feed = new LiveFeed();
  let changes = 0;
  const stop = feed.onChange(() => changes++);
  for (let i = 0; i < 300; i++) {
    const created_at = new Date(Date.UTC(2026, 0, 1)).toISOString();
    const post = { id: String(i), author: "bob", text: `post ${i}`, created_at, reply_to: null };
    feed.add({ event: "post", post });
  }
  feed.add({ event: "said", text: "news" });
  assert.equal(changes, 301);
  assert.deepEqual(feed.lines(look, 4), ["bob · 5 min ago · 299", "  post 299", "news"]);
  assert.equal(feed.lines(look, 1000).length, 99 * 2 + 1);
  assert.deepEqual(feed.lines(look, 0), []);
  feed.clear();
  assert.deepEqual(feed.lines(look, 4), []);
  stop();
  assert.equal(liveLinesMax(10, 12), 0);
});
