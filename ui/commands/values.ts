/**
 * Values of arguments and flags, as people type them.
 *
 * @module
 */

import type { PostNameView } from "../../core/api.ts";
import { deviceMax, parseSnowflakeText } from "../../core/model/snowflake.ts";
import { expecting } from "../settings/flags.ts";
import { parseNumber } from "../settings/number.ts";

/** `AUTHOR/ID`, the name of a post. */
export function parsePostName(text: string): PostNameView | undefined {
  const [author = "", id = "", ...rest] = text.split("/");
  if (author === "" || rest.length > 0 || parseSnowflakeText(id) === undefined) return undefined;
  return { author, id };
}

/** Reads `AUTHOR/ID`. */
export const postName: (text: string) => Promise<PostNameView> = expecting(
  "AUTHOR/ID, the name of a post as the timeline shows it",
  parsePostName,
);

/** Reads the id of a post. */
export const postId: (text: string) => Promise<string> = expecting(
  "the id of a post, a whole number",
  (text) => parseSnowflakeText(text) === undefined ? undefined : text,
);

/** Reads a whole number in a range. */
export function wholeNumber(min: number, max: number): (text: string) => Promise<number> {
  return expecting(
    `a whole number from ${min} to ${max}`,
    (text) => parseNumber(text, min, max),
  );
}

/** Reads the number of a device. */
export const deviceNumber: (text: string) => Promise<number> = wholeNumber(0, deviceMax);

/** Reads a fingerprint. */
export const fingerprint: (text: string) => Promise<string> = expecting(
  "a fingerprint of 16 hexadecimal digits",
  (text) => /^[0-9a-f]{16}$/i.test(text) ? text.toLowerCase() : undefined,
);

const unitsMs: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** `30m`, `12h`, `7d`, `2w`: a minute to a year, in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^([1-9][0-9]{0,5})([mhdw])$/.exec(text) ?? [];
  const ms = Number(digits) * (unitsMs[unit] ?? 0);
  return ms >= 60_000 && ms <= 366 * 86_400_000 ? ms : undefined;
}

/** Reads a duration, in milliseconds. */
export const duration: (text: string) => Promise<number> = expecting(
  "a time from 1m to 366d, such as 30m, 12h, 7d or 2w",
  parseDuration,
);
