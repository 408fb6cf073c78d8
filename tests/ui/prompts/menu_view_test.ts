import assert from "node:assert/strict";
import fc from "fast-check";
import { type FeedEntry, LiveFeed } from "../../../ui/output/live_feed.ts";
import {
  liveLinesMax,
  type MenuState,
  menuState,
  onKey,
  render,
} from "../../../ui/prompts/menu_view.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import { cutToWidth, textWidth } from "../../../ui/terminal/width.ts";

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

Deno.test("Each key that moves the pointer does so alone, and with Ctrl only where a shell's would", () => {
  const at = (name: string, ctrl = false) => onKey({ ...menu, active: 3 }, { name, ctrl });
  const moves: readonly [active: number, plain: string[], ctrl: string[]][] = [
    [2, ["up"], ["p"]],
    [4, ["down", "tab", "p"], ["n"]],
    [0, ["home", "pageup", "n"], []],
    [6, ["end", "pagedown", "q"], []],
    [3, ["x", "1", "escape", "return", "enter"], ["up", "down", "home", "end", "q", "return"]],
  ];
  for (const [active, plain, ctrl] of moves) {
    for (const name of plain) assert.equal(at(name).state.active, active, name);
    for (const name of ctrl) assert.equal(at(name, true).state.active, active, `Ctrl+${name}`);
  }
  for (const name of ["return", "enter"]) assert.equal(at(name).chosen, "unfollow");
  assert.equal(at("return", true).chosen, undefined);
  assert.deepEqual(onKey({ choices: [], active: 0 }, { name: "return" }).chosen, undefined);
  assert.equal(press(menu, "u", "f").active, 2, "letters go on from the beginning");
  const alike = menuState(["Follow", "Find"].map((label) => ({ value: label, label })), undefined);
  assert.deepEqual([press(alike, "f").active, press(alike, "f", "f").active], [1, 0]);
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
      fc.integer({ min: 8, max: 120 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(menu.choices.length - 1),
      fc.array(fc.string({ maxLength: 10 }), { maxLength: 80 }),
      (columns, rows, active, live) => {
        const frame = { live, title: "alice", columns, rows, paint };
        const lines = render({ ...menu, active }, frame).split("\n");
        assert.ok(lines.length <= Math.max(rows, 4));
        assert.ok(lines.some((line) => line.startsWith("❯")));
        for (const line of lines) assert.ok(textWidth(line) < columns || live.includes(line));
        const rule = lines.indexOf("─".repeat(columns - 1));
        const shown = lines.slice(rule + 2, -1);
        const fit = Math.max(1, rows - 4);
        assert.equal(shown.length, Math.min(labels.length, fit));
        const pointer = shown.findIndex((line) => line.startsWith("❯"));
        const from = active - pointer;
        assert.deepEqual(
          shown.map((line) => line.slice(2)),
          labels.slice(from, from + shown.length).map((label) => cutToWidth(label, columns - 3)),
        );
        // The pointer is in the middle of what shows, unless there is nothing beyond an end.
        const isAtEnd = from === 0 || from + shown.length === labels.length;
        assert.ok(isAtEnd || pointer === Math.floor(fit / 2));
        assert.equal(rule, Math.min(live.length, Math.max(0, rows - shown.length - 5)));
        assert.deepEqual(lines.slice(0, rule), rule === 0 ? [] : live.slice(-rule));
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
  const last = ["bob · 5 min ago · 299", "  post 299", "news"];
  for (const [linesMax, shown] of [[4, 3], [3, 3], [2, 1], [1, 1]] as const) {
    assert.deepEqual(feed.lines(look, linesMax), last.slice(-shown));
  }
  assert.equal(feed.lines(look, 1000).length, 99 * 2 + 1);
  assert.deepEqual(feed.lines(look, 0), []);
  feed.clear();
  assert.deepEqual(feed.lines(look, 4), []);
  assert.equal(changes, 302);
  stop();
  feed.add({ event: "said", text: "unheard" });
  assert.equal(changes, 302);
  for (const [rows, lines] of [[12, 0], [15, 0], [16, 1], [24, 9]] as const) {
    assert.equal(liveLinesMax(10, rows), lines);
  }
});

Deno.test("Whatever arrives fits the terminal: posts are cut, other lines broken where they must be", () => {
  const created_at = new Date(Date.UTC(2026, 0, 1)).toISOString();
  const post = { id: "12345", author: "bob", text: "some words", created_at, reply_to: null };
  const of = (entry: FeedEntry, columns: number) => {
    const feed = new LiveFeed();
    feed.add(entry);
    const lines = feed.lines({ ...look, columns }, 100);
    for (const line of lines) assert.ok(textWidth(line) < columns, line);
    return lines;
  };
  const head = "bob · 5 min ago · 12345";
  assert.deepEqual(of({ event: "post", post }, head.length + 1), [head, "  some words"]);
  assert.deepEqual(of({ event: "post", post }, head.length), [
    cutToWidth(head, head.length - 1),
    "  some words",
  ]);
  const said = "no node answers";
  const follower = "carol follows you";
  const entries: readonly [FeedEntry, string][] = [
    [{ event: "said", text: said }, said],
    [{ event: "follower", username: "carol", following: true }, follower],
  ];
  for (const [entry, text] of entries) {
    assert.deepEqual(of(entry, text.length + 1), [text]);
    const broken = of(entry, text.length);
    assert.equal(broken.length, 2);
    assert.equal(broken.join(" "), text);
  }
  // Colours take no room; where a line is broken, they are left out.
  const painted = { ...look, paint: paintFor(true) };
  const feed = new LiveFeed();
  feed.add({ event: "follower", username: "carol", following: true });
  const [line = ""] = feed.lines({ ...painted, columns: follower.length + 1 }, 9);
  assert.ok(line.includes("\x1b[") && line.endsWith(" follows you"));
  const lines = feed.lines({ ...painted, columns: follower.length }, 9);
  assert.equal(lines.join(" "), follower);
});
