/**
 * A row of the screen as pieces with styles, and as what a terminal takes.
 *
 * @module
 */

import { clustersOf, clusterWidth, textWidth } from "../terminal/width.ts";

/** How a piece looks. Names of authors have one of twelve colours. */
export type Style =
  | "bold"
  | "dim"
  | "good"
  | "warning"
  | "error"
  | "accent"
  | "inverse"
  | `author${number}`;

/** A piece of a row. Its text is safe to show: without anything that a terminal acts on. */
export interface Piece {
  /** What is shown. */
  readonly text: string;
  /** How. */
  readonly styles?: readonly Style[];
  /** What a terminal opens when it is clicked: an address of printable ASCII. */
  readonly url?: string;
}

/** What a terminal can show. */
export interface Theme {
  /** Whether there are colours. Bold, dim and inverse are no colours. */
  readonly colours: boolean;
  /** Whether there are links (OSC 8). */
  readonly links: boolean;
}

/** The codes of ECMA-48 (SGR); colours are those of the terminal's own palette, the sixteen that each has. */
const codes: Readonly<Record<string, number>> = { bold: 1, dim: 2, inverse: 7 };
const colourCodes: Readonly<Record<string, number>> = {
  good: 32,
  warning: 33,
  error: 31,
  accent: 36,
};

/** Red to cyan, then their bright ones. */
const authorCodes = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];

function codeOf(style: Style, { colours }: Theme): number | undefined {
  const code = codes[style];
  if (code !== undefined || !colours) return code;
  if (style.startsWith("author")) return authorCodes[Number(style.slice(6)) % authorCodes.length];
  return colourCodes[style];
}

/** A piece of plain text. */
export function plain(text: string): Piece {
  return { text };
}

/** A piece with styles. */
export function styled(text: string, ...styles: Style[]): Piece {
  return { text, styles };
}

/** Columns that pieces take. */
export function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((width, { text }) => width + textWidth(text), 0);
}

/** The beginning of a text that fits, and the columns it takes. */
function fitting(text: string, columns: number): { text: string; width: number } {
  const width = textWidth(text);
  if (width <= columns) return { text, width };
  let cut = "";
  let taken = 0;
  for (const { segment } of clustersOf(text)) {
    const more = clusterWidth(segment);
    if (taken + more > columns) break;
    cut += segment;
    taken += more;
  }
  return { text: cut, width: taken };
}

/** The pieces cut to columns, with `…` at the end where something is missing. */
export function cut(pieces: readonly Piece[], columns: number): Piece[] {
  if (widthOf(pieces) <= columns) return [...pieces];
  const kept: Piece[] = [];
  let room = Math.max(0, columns - 1);
  for (const piece of pieces) {
    const { text, width } = fitting(piece.text, room);
    if (text !== "") kept.push({ ...piece, text });
    room -= width;
    if (text.length < piece.text.length) break;
  }
  return columns > 0 ? [...kept, plain("…")] : kept;
}

/** Pieces at the left and at the right of a row. What is at the left is cut, never what is at the right. */
export function spread(left: readonly Piece[], right: readonly Piece[], columns: number): Piece[] {
  const rightWidth = widthOf(right);
  if (right.length === 0 || rightWidth + 4 > columns) return cut(left, columns);
  const kept = cut(left, columns - rightWidth - 1);
  return [...kept, plain(" ".repeat(columns - rightWidth - widthOf(kept))), ...right];
}

/** A rule across the row, with words in its middle (or towards its end) if there are some. */
export function rule(columns: number, words = "", isAtEnd = false): Piece[] {
  const shown = words === "" || columns < 8
    ? ""
    : ` ${fitting(words, Math.max(0, columns - 6)).text} `;
  const rest = columns - textWidth(shown);
  const after = shown === "" ? 0 : isAtEnd ? 2 : Math.floor(rest / 2);
  return [
    styled("─".repeat(Math.max(0, rest - after)), "dim"),
    ...(shown === "" ? [] : [styled(shown, "accent"), styled("─".repeat(after), "dim")]),
  ];
}

/** The row as a terminal takes it: nothing is left switched on at its end. */
export function rendered(pieces: readonly Piece[], theme: Theme): string {
  let row = "";
  for (const { text, styles = [], url } of pieces) {
    if (text === "") continue;
    const on = styles.map((style) => codeOf(style, theme)).filter((code) => code !== undefined);
    const painted = on.length === 0 ? text : `\x1b[${on.join(";")}m${text}\x1b[0m`;
    const isLink = theme.links && url !== undefined && /^[\x21-\x7e]{1,2000}$/.test(url);
    row += isLink ? `\x1b]8;;${url}\x1b\\${painted}\x1b]8;;\x1b\\` : painted;
  }
  return row;
}
