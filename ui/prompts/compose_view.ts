/**
 * Writing a text of several lines, as a value: how it looks, and how a key changes it. No terminal is touched
 * here.
 *
 * @module
 */

import type { Paint } from "../terminal/paint.ts";
import { safeText } from "../terminal/safe_text.ts";
import { cutToWidth, wrapText } from "../terminal/width.ts";

/** A text while it is written. */
export interface ComposeState {
  /** What stands before the cursor. */
  readonly before: string;
  /** What stands behind it. */
  readonly after: string;
  /** Whether a paste goes on: its line breaks do not end the text. */
  readonly isPasting: boolean;
  /** What the last key of a paste was, where the next one may belong to it. */
  readonly last?: "mark" | "return";
}

/** A key as readline tells it. */
export interface ComposeKey {
  /** Its name, where it has one. */
  readonly name?: string | undefined;
  /** Whether Ctrl is held. */
  readonly ctrl?: boolean | undefined;
  /** Whether Alt is held. */
  readonly meta?: boolean | undefined;
  /** What the terminal has sent. */
  readonly sequence?: string | undefined;
}

/** What a key led to. */
export interface ComposeResult {
  /** The text afterwards. */
  readonly state: ComposeState;
  /** `send`: it is finished; `back`: it is left for now. */
  readonly ends?: "send" | "back";
}

/** What is drawn around the text. */
export interface ComposeFrame {
  /** The question. */
  readonly message: string;
  /** How long the text is and may be, such as `12/500`. */
  readonly counter: string;
  /** What is wrong with the text, if something is. */
  readonly problem: string | undefined;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Rows of the terminal. */
  readonly rows: number;
  /** Colours or none. */
  readonly paint: Paint;
}

/** UTF-16 units of a text at most, however much is pasted: far more than a post may have. */
const lengthMax = 20_000;

/** Question, help, problem, and the line that the cursor ends up in. */
const linesAround = 5;

const cursor = "▌";

let clusters: Intl.Segmenter | undefined;

/** The last character of a text as people see it, `""` if there is none. */
function lastCluster(text: string): string {
  clusters ??= new Intl.Segmenter();
  return [...clusters.segment(text.slice(-64))].at(-1)?.segment ?? "";
}

function firstCluster(text: string): string {
  clusters ??= new Intl.Segmenter();
  const [first] = clusters.segment(text.slice(0, 64));
  return first?.segment ?? "";
}

/** The text as a whole. */
export function composed({ before, after }: ComposeState): string {
  return before + after;
}

/** A text with the cursor at its end. */
export function composeState(text: string): ComposeState {
  return { before: text, after: "", isPasting: false };
}

function insert(state: ComposeState, typed: string): ComposeState {
  const text = typed.replace(/\r\n?/g, "\n").replace(/[^\n\t\P{Cc}]/gu, "");
  const room = Math.max(0, lengthMax - state.before.length - state.after.length);
  return { ...state, before: state.before + text.slice(0, room).toWellFormed() };
}

/** Moves the cursor over what stands before or behind it. */
function moved(state: ComposeState, by: { readonly back?: string; readonly on?: string }) {
  const { back = "", on = "" } = by;
  return {
    ...state,
    before: state.before.slice(0, state.before.length - back.length) + on,
    after: back + state.after.slice(on.length),
  };
}

/** Moves the cursor to the line before or behind, to the same place in it as far as it is that long. */
function toLine(state: ComposeState, step: -1 | 1): ComposeState {
  const lines = state.before.split("\n");
  const at = lines.at(-1)?.length ?? 0;
  if (step < 0) {
    const above = lines.at(-2);
    if (above === undefined) return moved(state, { back: state.before });
    const back = state.before.slice(state.before.length - at - 1 - Math.max(0, above.length - at));
    return moved(state, { back });
  }
  const [rest = "", below] = state.after.split("\n");
  if (below === undefined) return moved(state, { on: state.after });
  return moved(state, { on: state.after.slice(0, rest.length + 1 + Math.min(below.length, at)) });
}

/**
 * What a terminal sends around a paste (xterm, bracketed paste): a newer readline has names for it, an older one
 * takes the `~` at the end for a key of its own.
 */
const pastes: Readonly<Record<string, boolean>> = {
  "paste-start": true,
  "paste-end": false,
  "\x1b[200": true,
  "\x1b[201": false,
};

/**
 * How a key changes a text. Enter ends it, but within a paste; Alt+Enter and Ctrl+J begin a new line; Esc leaves
 * it.
 */
export function onComposeKey(
  { last, ...state }: ComposeState,
  key: ComposeKey,
): ComposeResult {
  const { name = "", ctrl = false, meta = false, sequence = "" } = key;
  const isPasting = pastes[name] ?? pastes[sequence];
  if (isPasting !== undefined) return { state: { ...state, isPasting, last: "mark" } };
  if (last === "mark" && sequence === "~") return { state };
  if (last === "return" && name === "enter") return { state };
  if (name === "return" || name === "enter") {
    const isEnd = !state.isPasting && !meta && name === "return";
    if (isEnd) return { state, ends: "send" };
    const more = state.isPasting && name === "return" ? { last: "return" } as const : {};
    return { state: { ...insert(state, "\n"), ...more } };
  }
  if (state.isPasting) return { state: insert(state, sequence) };
  const line = state.before.slice(state.before.lastIndexOf("\n") + 1);
  const rest = state.after.split("\n")[0] ?? "";
  switch (ctrl ? `ctrl ${name}` : name) {
    case "escape":
      return { state, ends: "back" };
    case "backspace":
    case "ctrl h":
      return { state: { ...state, before: cut(state.before, lastCluster(state.before)) } };
    case "ctrl w":
      return { state: { ...state, before: state.before.replace(/\S*\s*$/, "") } };
    case "ctrl u":
      return { state: { ...state, before: cut(state.before, line) } };
    case "ctrl k":
      return { state: { ...state, after: state.after.slice(rest.length) } };
    case "delete":
    case "ctrl d":
      return { state: { ...state, after: state.after.slice(firstCluster(state.after).length) } };
    case "left":
    case "ctrl b":
      return { state: moved(state, { back: lastCluster(state.before) }) };
    case "right":
    case "ctrl f":
      return { state: moved(state, { on: firstCluster(state.after) }) };
    case "home":
    case "ctrl a":
      return { state: moved(state, { back: line }) };
    case "end":
    case "ctrl e":
      return { state: moved(state, { on: rest }) };
    case "up":
      return { state: toLine(state, -1) };
    case "down":
      return { state: toLine(state, 1) };
  }
  // Other keys of the terminal begin with an escape character.
  return ctrl || meta || sequence.startsWith("\x1b")
    ? { state }
    : { state: insert(state, sequence) };
}

function cut(text: string, end: string): string {
  return text.slice(0, text.length - end.length);
}

/** The text with what is around it. */
export function renderCompose(state: ComposeState, frame: ComposeFrame): string {
  const { message, counter, problem, columns, rows, paint } = frame;
  const width = columns - 1;
  const lines = wrapText(safeText(state.before) + cursor + safeText(state.after), width);
  const fit = Math.max(1, rows - linesAround);
  const at = Math.max(0, lines.findIndex((line) => line.includes(cursor)));
  const from = Math.min(Math.max(0, at - fit + 1), Math.max(0, lines.length - fit));
  const help = "Enter publishes · Alt+Enter new line · Esc back, the draft is kept";
  return [
    `${paint.name("?")} ${paint.bold(message)}  ${
      problem === undefined ? paint.dim(counter) : paint.error(counter)
    }`,
    ...lines.slice(from, from + fit),
    ...problem === undefined ? [] : [paint.error(cutToWidth(problem, width))],
    paint.dim(cutToWidth(help, width)),
  ].join("\n");
}
