/**
 * Text that is typed on the screen: how keys and pastes change it, and how it looks with its cursor.
 *
 * @module
 */

import {
  composed,
  type ComposeKey,
  type ComposeState,
  composeState,
  onComposeKey,
} from "../prompts/compose_view.ts";
import { safeText } from "../terminal/safe_text.ts";
import { textWidth, wrapText } from "../terminal/width.ts";
import type { InputEvent } from "./input.ts";

/** A key as the state machine of the prompts takes it. */
function composeKey({ key, text }: InputEvent & { readonly kind: "key" }): ComposeKey {
  if (text !== undefined) return { sequence: text };
  const parts = key.split("+");
  const name = parts.at(-1) ?? "";
  return {
    name,
    ctrl: parts.includes("ctrl"),
    meta: parts.includes("alt"),
    sequence: `\x1b${name}`,
  };
}

/** A text with a cursor in it. */
export class TextField {
  #state: ComposeState;
  readonly #isOneLine: boolean;

  /** A text with the cursor at its end. */
  constructor(text = "", { isOneLine = false }: { readonly isOneLine?: boolean } = {}) {
    this.#state = composeState(text);
    this.#isOneLine = isOneLine;
  }

  /** The whole text. */
  get text(): string {
    return composed(this.#state);
  }

  /** What stands before the cursor. */
  get before(): string {
    return this.#state.before;
  }

  /** Puts another text in place of it, the cursor at the end. */
  set(text: string): void {
    this.#state = composeState(text);
  }

  /** Puts a text in place of the end of what stands before the cursor. */
  complete(length: number, text: string): void {
    const { before } = this.#state;
    this.#state = { ...this.#state, before: before.slice(0, before.length - length) + text };
  }

  /** Inserts a text, as a paste does. */
  insert(text: string): void {
    const typed = this.#isOneLine ? text.replace(/\s*[\r\n]+\s*/g, " ") : text;
    const { state } = onComposeKey({ ...this.#state, isPasting: true }, { sequence: typed });
    this.#state = { ...state, isPasting: false };
  }

  /** A key that means nothing else. */
  key(event: InputEvent & { readonly kind: "key" }): void {
    if (event.key === "enter") {
      if (!this.#isOneLine) this.insert("\n");
      return;
    }
    const { state, ends } = onComposeKey(this.#state, composeKey(event));
    if (ends === undefined) this.#state = state;
  }

  /** The text in lines of that many columns, and where the cursor is. */
  lines(columns: number): { lines: string[]; cursor: { column: number; row: number } } {
    // The cursor needs a column of its own; characters that are not shown are not shown here either.
    const before = visible(this.#state.before);
    const mark = "\u{e000}";
    const marked = wrapText(before + mark + visible(this.#state.after), Math.max(2, columns - 1));
    const row = Math.max(0, marked.findIndex((line) => line.includes(mark)));
    const column = textWidth((marked[row] ?? "").split(mark)[0] ?? "");
    return { lines: marked.map((line) => line.replace(mark, "")), cursor: { column, row } };
  }
}

/** The text without what a terminal acts on; spaces at its ends are kept, because the cursor may stand behind them. */
function visible(text: string): string {
  const [, start = "", end = ""] = /^(\s*)[^]*?(\s*)$/.exec(text) ?? [];
  const inner = safeText(text);
  if (inner === "") return text.replace(/[^\S\n]/g, " ");
  return start.replace(/[^\S\n]/g, " ") + inner + end.replace(/[^\S\n]/g, " ");
}
