/**
 * How many columns of a terminal a text takes, and lines broken and cut to columns.
 *
 * `fast-string-width` counts one column for some wide scripts (Yi, Tangut, Nushu), with which a stranger
 * could make lines longer than the menu believes; `fast-wrap-ansi` breaks emoji and composed letters apart.
 *
 * @module
 */

import { eastAsianWidth } from "get-east-asian-width";

let segmenter: Intl.Segmenter | undefined;

/** The letters of a text as people see them. Making a segmenter takes 20 ms, which plain texts do without. */
export function clustersOf(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Shown as a picture: by default, or asked for with the variation selector. */
const emoji = /\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2}/u;

/** Sequences that only colour what follows; they take no column. */
// deno-lint-ignore no-control-regex
const colours = /\x1b\[[0-9;]*m/g;

/** Columns that one of them takes. */
export function clusterWidth(cluster: string): number {
  const code = cluster.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/^[\p{M}\p{Cf}]/u.test(cluster)) return 0;
  if (emoji.test(cluster)) return 2;
  return eastAsianWidth(code);
}

/** Columns that a line takes; colours count nothing. */
export function textWidth(line: string): number {
  const plain = line.replace(colours, "");
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of clustersOf(plain)) width += clusterWidth(segment);
  return width;
}

/** The line without colours, cut to `columns`, an ellipsis at the end where something is missing. */
export function cutToWidth(line: string, columns: number): string {
  const plain = line.replace(colours, "");
  if (textWidth(plain) <= columns) return plain;
  let cut = "";
  let width = 1;
  for (const { segment } of clustersOf(plain)) {
    width += clusterWidth(segment);
    if (width > columns) break;
    cut += segment;
  }
  return `${cut.trimEnd()}…`;
}

function* piecesOf(word: string, columns: number): Generator<string> {
  let piece = "";
  let width = 0;
  for (const { segment } of clustersOf(word)) {
    const more = clusterWidth(segment);
    if (width + more > columns && piece !== "") {
      yield piece;
      piece = "";
      width = 0;
    }
    piece += segment;
    width += more;
  }
  yield piece;
}

/** The spaces at the beginning of a line that are shown there: up to half of it. */
function indentOf(paragraph: string, columns: number): string {
  const [spaces = ""] = /^ */.exec(paragraph) ?? [];
  return spaces.length < paragraph.length && spaces.length <= columns / 2 ? spaces : "";
}

/** A text without colours, broken into lines of at most `columns`: between words where possible. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    const indent = indentOf(paragraph, columns);
    const [first = "", ...rest] = paragraph.slice(indent.length).split(" ");
    for (const word of [indent + first, ...rest]) {
      if (line !== "" && textWidth(line) + 1 + textWidth(word) <= columns) {
        line += ` ${word}`;
        continue;
      }
      if (line !== "") lines.push(line);
      const pieces = textWidth(word) <= columns ? [word] : [...piecesOf(word, columns)];
      lines.push(...pieces.slice(0, -1));
      line = pieces.at(-1) ?? "";
    }
    lines.push(line);
  }
  return lines;
}
