/** The screen of the user mia in memory: keys in, rows out. */

import { join } from "node:path";
import assert from "node:assert/strict";
import { App } from "../../../ui/screen/app.ts";
import { type InputEvent, readSequence } from "../../../ui/screen/input.ts";
import { type KeyChoice, Keymap } from "../../../ui/screen/keymap.ts";
import type { Theme } from "../../../ui/screen/line.ts";
import type { Size } from "../../../ui/screen/page.ts";
import { MemorySettings } from "../views/memory_settings.ts";
import { type ViewsWorld, viewsWorld } from "../views/world.ts";

/** Keys that tests name, and what a terminal sends for them. */
const sequences: Readonly<Record<string, string>> = {
  enter: "\r",
  escape: "\x1b",
  tab: "\t",
  space: " ",
  backspace: "\x7f",
  up: "\x1b[A",
  down: "\x1b[B",
  pageDown: "\x1b[6~",
  pageUp: "\x1b[5~",
};

/** A screen in memory. */
export interface ScreenWorld extends ViewsWorld {
  readonly app: App;
  /** The settings of its data folder. */
  readonly settings: MemorySettings;
  /** What was asked for outside of the screen. */
  readonly asked: string[];
  /** What the editor makes of a text. */
  editor: (text: string) => string | undefined;
  /** Presses keys: `j`, `enter`, `ctrl+s`. */
  press(...keys: string[]): void;
  /** Types a text. */
  type(text: string): void;
  /** The rows, without what only paints them. */
  rows(size?: Size): string[];
  /** The rows as a terminal gets them. */
  raw(size?: Size): string[];
}

/** 80 columns, 24 rows. */
export const usual: Size = { columns: 80, rows: 24 };

function eventOf(key: string): InputEvent {
  const ctrl = /^ctrl\+([a-z])$/.exec(key)?.[1];
  const sequence = ctrl === undefined
    ? sequences[key] ?? key
    : String.fromCharCode(ctrl.charCodeAt(0) - 96);
  const event = readSequence(sequence);
  assert.ok(event, key);
  return event;
}

/** A row without colours and links. */
export function bare(row: string): string {
  // deno-lint-ignore no-control-regex
  return row.replace(/\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\/g, "");
}

/** A screen over a timeline with posts at these seconds, all of them loaded. */
export async function screenWorld(
  seconds: readonly number[] = [],
  { theme = { colours: true, links: true }, keys }: {
    readonly theme?: Theme;
    readonly keys?: KeyChoice;
  } = {},
): Promise<ScreenWorld> {
  const world = viewsWorld(seconds);
  const { peer, clock, views, settle } = world;
  const asked: string[] = [];
  const settings = new MemorySettings();
  const app: App = new App({
    ...{ views, api: peer, settings, self: "mia", time: clock, theme },
    signal: new AbortController().signal,
    keymap: new Keymap(keys),
    paint: () => {},
    quit: () => asked.push("quit"),
    suspend: () => asked.push("suspend"),
    edit: (text) => Promise.resolve(screen.editor(text)),
    inMenu: (entry) => asked.push(entry),
  });
  const raw = (size: Size = usual) => app.draw(size).rows;
  const screen: ScreenWorld = {
    ...world,
    app,
    asked,
    settings,
    editor: (text) => text,
    press: (...pressed) => {
      for (const key of pressed) app.input(eventOf(key));
    },
    type: (text) => {
      for (const character of text) app.input(eventOf(character));
    },
    rows: (size) => raw(size).map((row) => bare(row).trimEnd()),
    raw,
  };
  views.open();
  raw();
  await settle();
  raw();
  await settle();
  return screen;
}

/**
 * The rows are those of a file in `frames/`; `UPDATE_FRAMES=1` writes them there, to be looked at before they are
 * committed.
 */
export async function assertFrame(name: string, rows: readonly string[]): Promise<void> {
  const path = join(import.meta.dirname ?? "", "frames", `${name}.txt`);
  // The clock on the wall differs from machine to machine.
  const text = `${rows.join("\n")}\n`.replace(/since \d\d:\d\d/, "since 12:34");
  if (Deno.env.get("UPDATE_FRAMES") === "1") await Deno.writeTextFile(path, text);
  assert.equal(text, await Deno.readTextFile(path), `frames/${name}.txt`);
}
