/**
 * The lists of a page, of which one is shown.
 *
 * @module
 */

import { cut, type Piece, plain, styled } from "./line.ts";

/** A list, and how many of its entries are to be told of. */
export interface TabName {
  /** What it is called. */
  readonly name: string;
  /** Entries that are unread, or 0. */
  readonly count?: number;
}

/** The row that names them, with the key that goes to the next one. */
export function tabsRow(tabs: readonly TabName[], shown: number, columns: number): Piece[] {
  const pieces = tabs.flatMap(({ name, count = 0 }, at): Piece[] => [
    plain("  "),
    styled(name, ...at === shown ? ["bold" as const, "inverse" as const] : ["dim" as const]),
    ...(count > 0 ? [plain(` ${count}`), styled("●", "accent")] : []),
  ]);
  return cut(
    [...pieces.slice(1), plain("   "), styled("Tab", "bold"), styled(" next", "dim")],
    columns,
  );
}
