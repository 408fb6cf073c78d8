/**
 * What all views have in common when they become text: colours, widths, ages.
 *
 * @module
 */

import type { ClashView } from "../../core/api.ts";
import type { Paint } from "../terminal/paint.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { clashText } from "../views/words.ts";

/** What rendering depends on. */
export interface Look {
  /** Colours or none. */
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Unix time in milliseconds, for ages; undefined where times are exact (ISO 8601) in place of ages. */
  readonly now: number | undefined;
  /** Whether texts behind a content warning are shown. */
  readonly reveal?: boolean;
}

/** Lines wider than this are hard to read. */
const columnsMax = 100;

/** Columns of a line after `indent` columns; the last column stays free, as in the menu. */
export function widthAfter(indent: number, { columns }: Look): number {
  return Math.max(20, Math.min(columns - 1, columnsMax) - indent);
}

/** Says that another key claims a name, and which key the user trusts. */
export function clashLine(username: string, clash: ClashView): string {
  return safeLine(clashText(username, clash));
}
