/**
 * What a user says of themselves at the end of the `public` record. It proves nothing: the username and its key
 * say who somebody is.
 *
 * @module
 */

import { asInteger, asString, DecodeError } from "../../lib/msgpack.ts";
import { given } from "./arguments.ts";
import { CamelliaError } from "./errors.ts";
import { postLength } from "./post_limits.ts";

/** The most characters (Unicode code points) of each part. */
export const aboutLengthMax = { name: 50, about: 160, link: 100 } as const;

/** Pairs of the map at most, those included that later versions add. */
export const aboutPairsMax = 16;

/** The parts that a user writes. */
export type AboutPart = keyof typeof aboutLengthMax;

/** The parts, in the order in which they are written and shown. */
export const aboutParts = ["name", "about", "link"] as const satisfies readonly AboutPart[];

/** What a user says of themselves. */
export interface About extends Readonly<Partial<Record<AboutPart, string>>> {
  /** Unix time in milliseconds of the last change; of two devices' texts the later counts. */
  readonly updatedAt: number;
}

/**
 * Checks what a user wants to say; the empty text takes a part back.
 *
 * @throws {CamelliaError} `invalid_argument`.
 */
export function checkAbout(parts: Readonly<Partial<Record<AboutPart, string>>>): void {
  for (const part of aboutParts) {
    const text = parts[part] ?? "";
    if (!text.isWellFormed()) throw refused(part, "is not valid Unicode");
    const length = postLength(text);
    if (length > aboutLengthMax[part]) {
      throw refused(part, `has ${length} characters; at most ${aboutLengthMax[part]} are allowed`);
    }
    if (part !== "about" && /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) {
      throw refused(part, "is not one line");
    }
    if (part === "link" && text !== "" && !isWebAddress(text)) {
      throw refused(part, "is not an address that begins with https:// or http://");
    }
  }
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
}

function refused(part: AboutPart, why: string): CamelliaError {
  return new CamelliaError("invalid_argument", `Cannot change the profile: the ${part} ${why}.`);
}

/** The map at the end of `public`. */
export function writeAbout(about: About): Map<string, unknown> {
  const map = new Map<string, unknown>([["at", about.updatedAt]]);
  for (const part of aboutParts) {
    const text = about[part];
    if (text !== undefined && text !== "") map.set(part, text);
  }
  return map;
}

/**
 * Reads that map. Keys that are not known say nothing.
 *
 * @throws {DecodeError} if a part is too long or no text.
 */
export function readAbout(map: ReadonlyMap<string, unknown>): About {
  const read = (part: AboutPart): string | undefined => {
    const value = map.get(part);
    if (value === undefined) return undefined;
    const text = asString(value, part, 2 * aboutLengthMax[part]);
    const length = postLength(text);
    if (length >= 1 && length <= aboutLengthMax[part]) return text;
    throw new DecodeError(`${part} has ${length} characters`);
  };
  return {
    updatedAt: asInteger(map.get("at"), "when"),
    ...given({ name: read("name"), about: read("about"), link: read("link") }),
  };
}
