/**
 * What a terminal sends, as keys, pastes and mouse events.
 *
 * @module
 */

import { parseKey } from "@earendil-works/pi-tui/dist/keys.js";
import { StdinBuffer } from "@earendil-works/pi-tui/dist/stdin-buffer.js";

/** Something that a person did at the terminal. */
export type InputEvent =
  | {
    readonly kind: "key";
    /** Its name: the character itself, or such as `enter`, `up`, `ctrl+s`. */
    readonly key: string;
    /** What it types; absent where it is no character. */
    readonly text?: string;
  }
  | {
    readonly kind: "paste";
    /** What was pasted, {@linkcode pasteLengthMax} at most. */
    readonly text: string;
    /** How much was pasted, in UTF-16 units. */
    readonly length: number;
  }
  | {
    readonly kind: "mouse";
    /** What the mouse did. */
    readonly what: "click" | "up" | "down";
    /** Where; 0-based. */
    readonly column: number;
    /** Where; 0-based. */
    readonly row: number;
  };

/** UTF-16 units of a paste that are kept: far more than a post may have. */
export const pasteLengthMax = 20_000;

/**
 * How long an ESC waits for the rest of a sequence: as long as tmux waits (`escape-time`, since 3.5). Terminals send a
 * sequence in one piece.
 */
const escapeTimeoutMs = 10;

const pasteStart = "\x1b[200~";
const pasteEnd = "\x1b[201~";

/** A mouse event (xterm, SGR): button, column and row, 1-based; `M` for a press. */
// deno-lint-ignore no-control-regex
const mouse = /^\x1b\[<(\d{1,3});(\d{1,4});(\d{1,4})([Mm])$/;

/** What the library has no names for: a line feed of its own, and Home and End as tmux and the Linux console send them. */
const more: Readonly<Record<string, string>> = {
  "\n": "ctrl+j",
  "\x1b[1~": "home",
  "\x1b[7~": "home",
  "\x1b[4~": "end",
  "\x1b[8~": "end",
};

const mouseWords: Readonly<Record<string, "click" | "up" | "down">> = {
  "0": "click",
  "64": "up",
  "65": "down",
};

/** What one whole sequence means; undefined where it means nothing here. */
export function readSequence(sequence: string): InputEvent | undefined {
  const moved = mouse.exec(sequence);
  if (moved !== null) {
    const [, button = "", column, row, press] = moved;
    const what = mouseWords[button];
    if (what === undefined || press === "m") return undefined;
    return { kind: "mouse", what, column: Number(column) - 1, row: Number(row) - 1 };
  }
  const named = more[sequence];
  if (named !== undefined) return { kind: "key", key: named };
  if (/^[^\p{Cc}\p{Cs}]+$/u.test(sequence)) {
    return { kind: "key", key: sequence === " " ? "space" : sequence, text: sequence };
  }
  const key = parseKey(sequence);
  return key === undefined ? undefined : { kind: "key", key };
}

/** Takes apart what a terminal sends, however it is cut into pieces. */
export class TerminalInput {
  readonly #onEvent: (event: InputEvent) => void;
  readonly #buffer = new StdinBuffer({ escapeTimeout: escapeTimeoutMs });
  /** The first half of a character of two units. */
  #half = "";
  /** What was pasted so far; undefined between pastes. */
  #paste: string | undefined;
  #pasteLength = 0;
  /** The end of the last piece of a paste, in which the mark of its end may have begun. */
  #tail = "";

  /** Tells of each event. */
  constructor(onEvent: (event: InputEvent) => void) {
    this.#onEvent = onEvent;
    this.#buffer.on("data", (sequence) => this.#take(sequence));
    // Only where a piece ends in the middle of the mark: the library then finds the paste itself.
    this.#buffer.on("paste", (text) => this.#told(text.slice(0, pasteLengthMax), text.length));
  }

  /** Takes a piece. The time for a paste grows with its length alone: the library's own would grow with its square. */
  feed(data: string): void {
    let rest = data;
    while (rest !== "") {
      if (this.#paste === undefined) {
        const at = rest.indexOf(pasteStart);
        if (at < 0) return this.#buffer.process(rest);
        if (at > 0) this.#buffer.process(rest.slice(0, at));
        this.#paste = "";
        this.#pasteLength = 0;
        this.#tail = "";
        rest = rest.slice(at + pasteStart.length);
        continue;
      }
      const piece = this.#tail + rest;
      const end = piece.indexOf(pasteEnd);
      const kept = end < 0 ? Math.max(0, piece.length - pasteEnd.length + 1) : end;
      this.#pasteLength += kept;
      const room = pasteLengthMax - this.#paste.length;
      this.#paste += piece.slice(0, Math.min(kept, room));
      if (end < 0) {
        this.#tail = piece.slice(kept);
        return;
      }
      const text = this.#paste;
      this.#paste = undefined;
      this.#told(text, this.#pasteLength);
      rest = piece.slice(end + pasteEnd.length);
    }
  }

  /** Forgets what has come in part. */
  close(): void {
    this.#buffer.destroy();
    this.#paste = undefined;
    this.#half = "";
  }

  #told(text: string, length: number): void {
    this.#onEvent({ kind: "paste", text: text.toWellFormed(), length });
  }

  #take(sequence: string): void {
    const whole = this.#half + sequence;
    this.#half = "";
    if (/^[\ud800-\udbff]$/.test(whole)) {
      this.#half = whole;
      return;
    }
    const event = readSequence(whole);
    if (event !== undefined) this.#onEvent(event);
  }
}
