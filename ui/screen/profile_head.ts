/**
 * A profile, above the posts of its user.
 *
 * @module
 */

import type { ProfileCard } from "../views/profile.ts";
import { relationWords } from "../views/relations.ts";
import { spansOf } from "../views/spans.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { cut, type Piece, plain, rule, spread, styled } from "./line.ts";
import type { Block } from "./list_pane.ts";
import { authorPieces, wrapSpans } from "./post_block.ts";

/** Names of a list, as many as fit two rows. */
function namesRows(label: string, names: readonly string[] | null, columns: number): Piece[][] {
  if (names === null) return [];
  const count = styled(`${label} `, "dim");
  const head = [count, plain(String(names.length))];
  const lines = names.length === 0 ? [] : wrapText(names.map(safeLine).join(", "), columns - 4);
  const shown = lines.slice(0, 2);
  const more = lines.length > shown.length ? " …" : "";
  return [
    head,
    ...shown.map((line, at) => [
      styled(`  ${line}${at === shown.length - 1 ? more : ""}`, "dim"),
    ]),
  ];
}

/** What a profile says, as rows. */
export function profileRows(card: ProfileCard, columns: number): Block {
  const { author, details, relation, isLoading, problem } = card;
  const inner = columns - 3;
  const words = relationWords(relation);
  const right = words === "" ? [] : [styled(words, "dim")];
  const name = spread([...authorPieces(author)], right, inner);
  if (details === null) {
    const said = problem ?? (isLoading ? "Reading the profile …" : "");
    const lines = wrapText(safeText(said), inner);
    const style = problem === null ? "dim" : "error";
    return [
      [plain(" "), ...name],
      ...lines.map((line) => [styled(` ${line}`, style)]),
      rule(columns),
    ];
  }
  const { fingerprint, about, link, isOnline, postsText, followers, following, warnings } = details;
  const online = isOnline ? [styled("● online", "good")] : [styled("○ offline", "dim")];
  const raw = about.map(({ text }) => text).join("");
  const said = raw === "" ? [] : wrapSpans(spansOf(safeText(raw)), inner);
  const linked = link === null ? [] : wrapSpans(spansOf(safeLine(link.text)), inner);
  const rows: (readonly Piece[])[] = [
    name,
    [...online, styled(`   ${postsText}   key ${safeLine(fingerprint)}`, "dim")],
    ...warnings.flatMap((text) =>
      wrapText(safeText(text), inner).map((line) => [styled(line, "error")])
    ),
    ...said,
    ...linked,
    ...namesRows("follows", following, inner),
    ...namesRows("followed by", followers, inner),
  ];
  return [...rows.map((pieces) => cut([plain(" "), ...pieces], columns)), rule(columns)];
}
