/**
 * Reads INI text line by line, so that a complaint can name the line.
 *
 * The `ini` package keeps no line numbers and skips lines that it does not understand.
 *
 * @module
 */

import { quoted } from "../terminal/safe_text.ts";

/** One `KEY = value`. Section and key are in upper case. */
export interface IniEntry {
  /** The section that it belongs to. */
  readonly section: string;
  /** The key. */
  readonly key: string;
  /** The value, without quotes and comments. */
  readonly value: string;
  /** Its line; 1-based. */
  readonly line: number;
}

/** Something is wrong in a line. */
export class IniLineError extends Error {
  /** 1-based. */
  readonly line: number;

  /** An error in one line. */
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** The most characters of a line. */
const lineLengthMax = 4096;

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Lines before the broken one decode: their number tells where it is.
    const lossy = new TextDecoder().decode(bytes);
    const line = lossy.slice(0, lossy.indexOf("\ufffd")).split("\n").length;
    throw new IniLineError(line, "it is not UTF-8 text");
  }
}

/** The key, and the value: in quotes, or the text before a comment. */
const pair = /^([A-Za-z_]{1,40})\s*=\s*(?:"([^"]*)"\s*|'([^']*)'\s*|([^;#]*))(?:[;#].*)?$/;

/**
 * The entries of an INI text, in order.
 *
 * @param sections The sections that there are.
 * @throws {IniLineError} at the first line that is malformed or names another section.
 */
export function* readIni(
  bytes: Uint8Array,
  sections: readonly string[],
): Generator<IniEntry> {
  let section: string | undefined;
  for (const [index, raw] of decodeText(bytes).split(/\r\n|\n|\r/).entries()) {
    const line = index + 1;
    const text = raw.trim();
    if (text.length > lineLengthMax) {
      throw new IniLineError(line, `it has more than ${lineLengthMax} characters`);
    }
    if (text === "" || text.startsWith(";") || text.startsWith("#")) continue;
    const head = /^\[([^\]]*)\]\s*(?:[;#].*)?$/.exec(text)?.[1];
    if (head !== undefined) {
      section = head.trim().toUpperCase();
      if (sections.includes(section)) continue;
      const known = sections.map((name) => `[${name}]`).join(", ");
      throw new IniLineError(line, `${quoted(section)} is no section: there are ${known}`);
    }
    const [, name, ...values] = pair.exec(text) ?? [];
    const value = values.find((part) => part !== undefined)?.trim();
    if (name === undefined || value === undefined) {
      throw new IniLineError(line, `${quoted(text)} is neither [SECTION] nor KEY = value`);
    }
    const key = name.toUpperCase();
    if (section === undefined) {
      throw new IniLineError(line, `${key} stands before the first [SECTION]`);
    }
    yield { section, key, value, line };
  }
}
