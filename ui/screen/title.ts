/**
 * The first row of the screen: who, what there is to see, and how the peer is.
 *
 * @module
 */

import type { FrameView } from "../views/views.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { cut, type Piece, plain, styled, widthOf } from "./line.ts";
import type { Tab } from "./page.ts";

/** From these widths on names are whole, and the program names itself. */
const wideMin = 72;
const namedMin = 56;

/** The title, and where its parts stand. */
export interface Title {
  /** The row. */
  readonly pieces: readonly Piece[];
  /** The columns of each part, for clicks: from the first one on, up to the last one without. */
  readonly spots: readonly { readonly tab: Tab; readonly from: number; readonly to: number }[];
}

const tabs: readonly { tab: Tab; name: string; short: string }[] = [
  { tab: "home", name: "Home", short: "Home" },
  { tab: "mentions", name: "Mentions", short: "@" },
  { tab: "people", name: "People", short: "P" },
  { tab: "search", name: "Search", short: "/" },
];

/** A number that may stand for more. */
function counted(count: number): string {
  return count >= 1000 ? "999+" : String(count);
}

/** How the peer is, in few words. */
function stateOf(
  { isAnswering, isJoined, contacts, network }: FrameView,
  columns: number,
): Piece[] {
  const isShort = columns < namedMin;
  if (!isAnswering) return [styled(isShort ? "○ gone" : "○ peer is gone", "error")];
  const { text, tone } = network;
  const dot = styled(isJoined ? "● " : "○ ", tone === "plain" ? "dim" : tone);
  if (isShort) return [dot, plain(isJoined ? String(contacts) : "alone")];
  return [dot, isJoined ? plain(text) : styled(text, "warning")];
}

/** The title for that width. */
export function titleRow(frame: FrameView, tab: Tab | undefined, columns: number): Title {
  const { unread } = frame;
  const counts: Readonly<Record<Tab, number>> = {
    home: unread.posts,
    mentions: unread.notifications + unread.requests,
    people: 0,
    search: 0,
  };
  const right = stateOf(frame, columns);
  const pieces: Piece[] = columns >= wideMin
    ? [styled("Camellia  ", "bold"), styled(safeLine(frame.self), "accent"), plain("    ")]
    : columns >= namedMin
    ? [styled(safeLine(frame.self), "accent"), plain("   ")]
    : [];
  const spots: Title["spots"][number][] = [];
  for (const { tab: each, name, short } of tabs) {
    if (spots.length > 0) pieces.push(styled(columns >= namedMin ? " │ " : "│", "dim"));
    const from = widthOf(pieces);
    const isOpen = each === tab;
    pieces.push(
      styled(
        columns >= namedMin ? name : short,
        ...isOpen ? ["bold" as const, "inverse" as const] : [],
      ),
    );
    const count = counts[each];
    if (count > 0) pieces.push(plain(` ${counted(count)}`), styled("●", "accent"));
    spots.push({ tab: each, from, to: widthOf(pieces) });
  }
  const room = columns - widthOf(right) - 1;
  const left = cut(pieces, Math.max(0, room));
  const gap = Math.max(1, columns - widthOf(left) - widthOf(right));
  return { pieces: cut([...left, plain(" ".repeat(gap)), ...right], columns), spots };
}
