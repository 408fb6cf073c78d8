/**
 * How many columns of a terminal a text takes, and lines broken and cut to columns.
 *
 * @module
 */

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * First and last code points of the blocks that Unicode UAX #11 calls wide or full-width, merged where
 * only unassigned ones lie between. Emoji are told by their property instead.
 */
const wideRanges: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

/** Shown as a picture: by default, or asked for with the variation selector. */
const emoji = /\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2}/u;

/** Sequences that only colour what follows; they take no column. */
// deno-lint-ignore no-control-regex
const colours = /\x1b\[[0-9;]*m/g;

function clusterWidth(cluster: string): number {
  const code = cluster.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/^[\p{M}\p{Cf}]/u.test(cluster)) return 0;
  if (emoji.test(cluster)) return 2;
  return wideRanges.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Columns that a line takes; colours count nothing. */
export function textWidth(line: string): number {
  const plain = line.replace(colours, "");
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of segmenter.segment(plain)) width += clusterWidth(segment);
  return width;
}

/** The line without colours, cut to `columns`, an ellipsis at the end where something is missing. */
export function cutToWidth(line: string, columns: number): string {
  const plain = line.replace(colours, "");
  if (textWidth(plain) <= columns) return plain;
  let cut = "";
  let width = 1;
  for (const { segment } of segmenter.segment(plain)) {
    width += clusterWidth(segment);
    if (width > columns) break;
    cut += segment;
  }
  return `${cut.trimEnd()}…`;
}

function* piecesOf(word: string, columns: number): Generator<string> {
  let piece = "";
  let width = 0;
  for (const { segment } of segmenter.segment(word)) {
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

/** A text without colours, broken into lines of at most `columns`: between words where possible. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && textWidth(line) + 1 + textWidth(word) <= columns) {
        line += ` ${word}`;
        continue;
      }
      if (line !== "") lines.push(line);
      const pieces = [...piecesOf(word, columns)];
      lines.push(...pieces.slice(0, -1));
      line = pieces.at(-1) ?? "";
    }
    lines.push(line);
  }
  return lines;
}
