/**
 * Draws the picture in README.md: `docs/images/session.svg` from the text of a real terminal session,
 * `docs/images/session.txt`, with its escape sequences.
 *
 *     tmux capture-pane -e -p >docs/images/session.txt
 *     deno run --allow-read --allow-write tools/picture.ts
 *
 * @module
 */

import { textWidth } from "../ui/terminal/width.ts";

/** Where the session is. */
export const sessionFile: URL = new URL("../docs/images/session.txt", import.meta.url);
/** Where the picture is. */
export const pictureFile: URL = new URL("../docs/images/session.svg", import.meta.url);

/** Width and height of a letter, and what is left free around the text, in the picture's units. */
const letter = { width: 8.4, height: 20, border: 20 } as const;

/** The colours 0 to 7 of a terminal, and how text looks without one. */
const colours = [
  "#3b3f4c",
  "#f7768e",
  "#9ece6a",
  "#e0af68",
  "#7aa2f7",
  "#bb9af7",
  "#7dcfff",
  "#c0caf5",
];
const plain = "#d5d9e8";
const paper = "#1a1b26";

/** How a piece of text looks. */
interface Style {
  readonly colour: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
  /** Whether letter and paper have changed their colours. */
  readonly isInverse: boolean;
}

const unstyled: Style = { colour: plain, isBold: false, isDim: false, isInverse: false };

/** The style after the numbers of one SGR sequence (ECMA-48, section 8.3.117). */
function restyle(style: Style, numbers: readonly number[]): Style {
  for (const number of numbers) {
    if (number === 0) style = unstyled;
    else if (number === 1) style = { ...style, isBold: true };
    else if (number === 2) style = { ...style, isDim: true };
    else if (number === 7) style = { ...style, isInverse: true };
    else if (number === 27) style = { ...style, isInverse: false };
    else if (number === 22) style = { ...style, isBold: false, isDim: false };
    else if (number === 39) style = { ...style, colour: plain };
    else if (number >= 30 && number <= 37) {
      style = { ...style, colour: colours[number - 30] ?? plain };
    } else if (number >= 90 && number <= 97) {
      style = { ...style, colour: colours[number - 90] ?? plain };
    }
  }
  return style;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A piece of a line in one style; `x`: where it begins, if that is not where the piece before it ends. */
function span(text: string, { colour, isBold, isDim, isInverse }: Style, x?: number): string {
  const weight = isBold ? ' font-weight="bold"' : "";
  const opacity = isDim ? ' opacity="0.6"' : "";
  const place = x === undefined ? "" : ` x="${x}"`;
  const fill = isInverse ? paper : colour;
  return `<tspan${place} fill="${fill}"${weight}${opacity}>${escape(text)}</tspan>`;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

/**
 * The picture of a terminal's text with its escape sequences for colours; others are left out. `title`: what it is
 * said to be.
 */
export function drawSession(text: string, title = "A session of camellia in a terminal"): string {
  const lines = text.replace(/\n+$/, "").split("\n");
  let style = unstyled;
  let columns = 0;
  const drawn = lines.map((line, row) => {
    let spans = "";
    let length = 0;
    let wide = 0;
    let papers = "";
    // Every second piece is what stood between ESC [ and its final letter.
    // deno-lint-ignore no-control-regex
    line.split(/\x1b\[([\d;]*[A-Za-z])/).forEach((piece, index) => {
      if (index % 2 === 0) {
        const left = letter.border + length * letter.width;
        // Wide letters are of another font, whose width is not known.
        if (piece !== "") spans += span(piece, style, wide > 0 ? round(left) : undefined);
        const taken = textWidth(piece);
        wide += Math.abs(taken - [...piece].length);
        if (style.isInverse && piece !== "") {
          const top = letter.border + row * letter.height;
          papers +=
            `  <rect x="${round(left)}" y="${top}" width="${round(taken * letter.width)}" ` +
            `height="${letter.height}" fill="${style.colour}"/>\n`;
        }
        length += taken;
      } else if (piece.endsWith("m")) {
        style = restyle(style, piece.slice(0, -1).split(";").map(Number));
      }
    });
    columns = Math.max(columns, length);
    const y = letter.border + (row + 0.75) * letter.height;
    return `${papers}  <text x="${letter.border}" y="${y}" xml:space="preserve">${spans}</text>\n`;
  });
  const width = Math.ceil(2 * letter.border + columns * letter.width);
  const height = 2 * letter.border + lines.length * letter.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escape(title)}</title>
  <rect width="100%" height="100%" rx="10" fill="${paper}"/>
  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">
${drawn.join("")}  </g>
</svg>
`;
}

if (import.meta.main) {
  await Deno.writeTextFile(pictureFile, drawSession(await Deno.readTextFile(sessionFile)));
}
