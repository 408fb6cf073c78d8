/**
 * The live menu as a value: how it looks, and how a key changes it. No terminal is touched here.
 *
 * @module
 */

import type { Paint } from "../terminal/paint.ts";
import { cutToWidth } from "../terminal/width.ts";

/** One line of the menu. */
export interface MenuChoice {
  /** What {@linkcode onKey} answers when it is chosen. */
  readonly value: string;
  /** What it says. */
  readonly label: string;
}

/** The menu at one moment. */
export interface MenuState {
  /** What there is to choose; at least one. */
  readonly choices: readonly MenuChoice[];
  /** Index of the one that the pointer is at. */
  readonly active: number;
}

/** The menu as it comes up: the pointer is where it was last, if that is still a choice. */
export function menuState(choices: readonly MenuChoice[], last: string | undefined): MenuState {
  return { choices, active: Math.max(choices.findIndex(({ value }) => value === last), 0) };
}

/** What is drawn around the choices. */
export interface MenuFrame {
  /** Lines that arrived, oldest first. */
  readonly live: readonly string[];
  /** One line between them and the choices. */
  readonly title: string;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Rows of the terminal. */
  readonly rows: number;
  /** Colours or none. */
  readonly paint: Paint;
}

/** What a key led to. */
export interface KeyResult {
  /** The menu afterwards. */
  readonly state: MenuState;
  /** The value of the choice that was made, if one was. */
  readonly chosen?: string;
}

/** Title, rule, help line, and the line that the cursor ends up in. */
const linesAroundChoices = 4;

/** How many lines of the live view fit above a menu. */
export function liveLinesMax(choices: number, rows: number): number {
  return Math.max(0, rows - choices - linesAroundChoices - 1);
}

/** Choices around the pointer that fit where the terminal is too low for all. */
function visibleChoices(
  { choices, active }: MenuState,
  rows: number,
): { from: number; to: number } {
  const fit = Math.max(1, rows - linesAroundChoices);
  const from = Math.min(
    Math.max(0, active - Math.floor(fit / 2)),
    Math.max(0, choices.length - fit),
  );
  return { from, to: Math.min(choices.length, from + fit) };
}

/** The menu as text. */
export function render(state: MenuState, frame: MenuFrame): string {
  const { paint, columns, rows } = frame;
  const width = columns - 1;
  const { from, to } = visibleChoices(state, rows);
  const choices = state.choices.slice(from, to).map(({ label }, index) => {
    const line = cutToWidth(label, width - 2);
    return from + index === state.active ? paint.name(`❯ ${line}`) : `  ${line}`;
  });
  const liveMax = liveLinesMax(to - from, rows);
  const help = cutToWidth("↑↓ move · Enter choose · Ctrl+C quit", width);
  return [
    ...(liveMax === 0 ? [] : frame.live.slice(-liveMax)),
    paint.dim("─".repeat(width)),
    frame.title,
    ...choices,
    paint.dim(help),
  ].join("\n");
}

/** The index of the next choice after the pointer whose label begins with a letter, or of the pointer. */
function indexOfLetter({ choices, active }: MenuState, letter: string): number {
  for (let step = 1; step <= choices.length; step++) {
    const index = (active + step) % choices.length;
    if (choices[index]?.label.toLowerCase().startsWith(letter)) return index;
  }
  return active;
}

/** How a key, as readline names it, changes the menu: arrows move, letters jump, digits and Enter choose. */
export function onKey(state: MenuState, key: { name?: string; ctrl?: boolean }): KeyResult {
  const { choices, active } = state;
  const at = (index: number): KeyResult => ({ state: { choices, active: index } });
  const name = key.name ?? "";
  if (key.ctrl && name !== "p" && name !== "n") return { state };
  if (name === "up" || (key.ctrl && name === "p")) {
    return at((active + choices.length - 1) % choices.length);
  }
  if (name === "down" || name === "tab" || (key.ctrl && name === "n")) {
    return at((active + 1) % choices.length);
  }
  if (name === "home" || name === "pageup") return at(0);
  if (name === "end" || name === "pagedown") return at(choices.length - 1);
  if (name === "return" || name === "enter") {
    const chosen = choices[active];
    return chosen === undefined ? { state } : { state, chosen: chosen.value };
  }
  if (/^[a-z]$/.test(name)) return at(indexOfLetter(state, name));
  return { state };
}
