/**
 * What all views have in common when they become text: colours, widths, ages.
 *
 * @module
 */

import type { ClashView } from "../../core/api.ts";
import type { Paint } from "../terminal/paint.ts";
import { safeLine } from "../terminal/safe_text.ts";

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

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * How long ago, in words up to a week and as a date beyond; the future counts as now. Without a `now`
 * the time itself in ISO 8601.
 */
export function ageOf(iso: string, now: number | undefined): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return "at an unknown time";
  if (now === undefined) return new Date(time).toISOString();
  const age = now - time;
  if (age < minuteMs) return "just now";
  if (age < hourMs) return `${Math.floor(age / minuteMs)} min ago`;
  if (age < dayMs) return `${Math.floor(age / hourMs)} h ago`;
  if (age < 2 * dayMs) return "yesterday";
  if (age < 7 * dayMs) return `${Math.floor(age / dayMs)} days ago`;
  return new Date(time).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

/** Columns of a line after `indent` columns; the last column stays free, as in the menu. */
export function widthAfter(indent: number, { columns }: Look): number {
  return Math.max(20, Math.min(columns - 1, columnsMax) - indent);
}

/** Says that another key claims a name, and which key the user trusts. */
export function clashLine(username: string, clash: ClashView): string {
  return `Another key (${safeLine(clash.other)}) claims the name ${safeLine(username)}; ` +
    `you trust ${safeLine(clash.pinned)}`;
}
