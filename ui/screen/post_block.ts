/**
 * A post as rows of the screen. Whatever strangers wrote passes `safe_text.ts` here.
 *
 * @module
 */

import type { AuthorRow } from "../views/authors.ts";
import type { PostRow, QuoteRow } from "../views/post_row.ts";
import { type Span, spansOf } from "../views/spans.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { textWidth, wrapText } from "../terminal/width.ts";
import { cut, type Piece, plain, rule, spread, type Style, styled, widthOf } from "./line.ts";
import type { Block } from "./list_pane.ts";

/** From this width on, whom a post answers stands beside its author's name. */
const wideMin = 60;

/** Lines wider than this are hard to read. */
const textColumnsMax = 100;

/** How a post is to look. */
export interface PostLook {
  /** Columns of the screen. */
  readonly columns: number;
  /** Whether it is the chosen one. */
  readonly isChosen: boolean;
  /** The key that shows the text behind a warning. */
  readonly revealKey: string;
  /** Whether its name, AUTHOR/ID, is shown. */
  readonly hasId?: boolean;
  /** How deep it stands in a thread. */
  readonly depth?: number;
  /** What the line above it says, if there is one. */
  readonly line?: string;
}

/** A name in the colour of its user. */
export function namePiece({ username, colour }: Pick<AuthorRow, "username" | "colour">): Piece {
  return styled(safeLine(username), "bold", `author${colour}`);
}

/** Who it is: the username, the name to be shown, and what there is to be careful about. */
export function authorPieces(author: AuthorRow): Piece[] {
  const { shown, isOwn, clash, isUnverified, username } = author;
  const name = shown === null ? "" : safeLine(shown);
  return [
    namePiece(author),
    ...(name === "" || name === username ? [] : [styled(` ${name}`, "dim")]),
    ...(isOwn ? [styled(" (you)", "dim")] : []),
    ...(clash === null ? [] : [styled(" ! another key claims this name", "error")]),
    ...(isUnverified ? [styled(" ? not known to be theirs", "warning")] : []),
  ];
}

/** The post that one answers: whose, and how it begins. */
function quotePieces({ author, text }: QuoteRow): Piece[] {
  const said = text === null ? "" : safeLine(text);
  return [
    styled("↳ ", "dim"),
    styled(safeLine(author.username), `author${author.colour}`),
    ...(said === "" ? [] : [styled(` "${said}"`, "dim")]),
  ];
}

/** Breaks a text with links and names into lines. */
export function wrapSpans(spans: readonly Span[], columns: number): Piece[][] {
  const text = spans.map((span) => span.text).join("");
  let at = 0;
  return wrapText(text, columns).map((line) => {
    // A line ends at spaces or a line break, which belong to no line, or within a long word.
    while (at < text.length && !text.startsWith(line, at)) at++;
    const pieces = piecesWithin(spans, at, at + line.length);
    at += line.length;
    return pieces;
  });
}

function piecesWithin(spans: readonly Span[], from: number, to: number): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (const span of spans) {
    const text = span.text.slice(Math.max(0, from - start), Math.max(0, to - start));
    start += span.text.length;
    if (text === "") continue;
    if (span.kind === "link") pieces.push({ text, styles: ["accent"], url: hrefOf(span.url) });
    else if (span.kind === "mention") pieces.push(styled(text, "bold"));
    else pieces.push(plain(text));
  }
  return pieces;
}

/** The address in ASCII, as a terminal hands it on. */
function hrefOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href : "";
}

/** Texts that were broken already, by the width: a list is drawn anew at each key. */
const broken = new WeakMap<readonly Span[], { readonly columns: number; lines: Piece[][] }>();

/** A stranger's text in lines of that many columns: made safe first, then looked through for links and names. */
export function textPieces(spans: readonly Span[], columns: number): Piece[][] {
  const known = broken.get(spans);
  if (known?.columns === columns) return known.lines;
  const raw = spans.map(({ text }) => text).join("");
  const lines = wrapSpans(spansOf(safeText(raw)), columns);
  broken.set(spans, { columns, lines });
  return lines;
}

/** The text of a post as rows, or what takes its place. */
export function bodyRows(row: PostRow, columns: number, revealKey: string): Piece[][] {
  if (row.state === "deleted") return [[styled("(taken back by its author)", "dim")]];
  const warning = row.warning === null
    ? []
    : wrapText(`Content warning: ${safeLine(row.warning)}`, columns).map((line) => [
      styled(line, "warning"),
    ]);
  if (row.state === "warned") {
    return [...warning, [styled(`(hidden; ${revealKey} shows it)`, "dim")]];
  }
  return [...warning, ...textPieces(row.spans, columns)];
}

/** How many replies, in words. */
export function repliesText(replies: number): string {
  return replies === 0 ? "" : `${replies} ${replies === 1 ? "reply" : "replies"}`;
}

/** A row behind its margin: a bar beside the chosen entry, a dot before what was not read. */
export function withMargin(
  pieces: readonly Piece[],
  { isChosen, mark, indent = 0 }: {
    readonly isChosen: boolean;
    readonly mark?: Piece | undefined;
    readonly indent?: number;
  },
): Piece[] {
  const bar = isChosen ? styled("▏", "accent") : plain(" ");
  return [mark ?? plain(" "), bar, plain(" ".repeat(indent)), ...pieces];
}

/** Columns of the margin. */
export const marginColumns = 2;

/** A post: who and when in one row, the text below. */
export function postBlock(row: PostRow, look: PostLook): Block {
  const { columns, isChosen, hasId = false, depth = 0, line, revealKey } = look;
  const indent = Math.min(2 * depth, Math.max(0, Math.floor(columns / 4)));
  const inner = Math.max(10, columns - marginColumns - indent - 1);
  const isWide = inner >= wideMin;
  const age = styled(row.age, "dim");
  const reposted = row.repostedBy === null
    ? []
    : [styled("  passed on by ", "dim"), namePiece(row.repostedBy)];
  const answers = row.answers === null ? [] : quotePieces(row.answers);
  const head = [
    ...authorPieces(row.author),
    ...reposted,
    ...(isWide && answers.length > 0 ? [plain("  "), ...answers] : []),
  ];
  const rows: Piece[][] = [spread(head, [age], inner)];
  if (!isWide && answers.length > 0) rows.push(cut(answers, inner));
  rows.push(...bodyRows(row, Math.min(inner, textColumnsMax), revealKey));
  const replies = repliesText(row.replies);
  const last = rows.at(-1) ?? [];
  if (replies !== "") {
    const room = inner - widthOf(last);
    const right = [styled(replies, "dim")];
    if (rows.length > 1 && room > textWidth(replies)) {
      rows[rows.length - 1] = spread(last, right, inner);
    } else rows.push(spread([], right, inner));
  }
  if (hasId) {
    rows.push(cut([styled(`${safeLine(row.name.author)}/${safeLine(row.name.id)}`, "dim")], inner));
  }
  const mark: Style = row.isToMe ? "warning" : "accent";
  const block = rows.map((pieces, at) =>
    withMargin(pieces, {
      isChosen,
      indent,
      mark: at === 0 && (row.isUnread || row.isToMe)
        ? styled(row.isToMe ? "@" : "•", mark)
        : undefined,
    })
  );
  return line === undefined ? block : [rule(columns, line), ...block];
}
