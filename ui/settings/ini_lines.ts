/**
 * Reads INI text line by line, so that a complaint can name the line.
 *
 * `ini` decides what a line says (quotes, escapes, comments); it keeps no line numbers and skips what it
 * does not understand, which is why the lines are told apart here.
 *
 * @module
 */

import { parse } from "ini";
import { quoted } from "../terminal/safe_text.ts";

/** One `KEY = value`. Section and key are in upper case. */
export interface IniEntry {
  /** The section that it stands in. */
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

  /**
   * An error in one line.
   *
   * @param line The line, 1-based.
   */
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

/** What `ini` makes of a single line: key and value, both as text. */
function readPair(text: string, line: number): { key: string; value: string } {
  const key = /^([^=]+)=/.exec(text)?.[1]?.trim() ?? "";
  if (!/^[A-Za-z_]{1,40}$/.test(key)) {
    throw new IniLineError(line, `${quoted(text)} is neither [SECTION] nor KEY = value`);
  }
  // A fixed key keeps `__proto__` and the like out of the object.
  const value: unknown = parse(`V${text.slice(text.indexOf("="))}`)["V"];
  return { key: key.toUpperCase(), value: typeof value === "object" ? "" : String(value) };
}

/**
 * The entries of an INI text, in order. `onSection` gets each section's name when its head is met, and
 * may throw.
 *
 * @throws {IniLineError} at the first line that is malformed.
 */
export function* readIni(
  bytes: Uint8Array,
  onSection: (section: string, line: number) => void,
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
      onSection(section, line);
      continue;
    }
    const { key, value } = readPair(text, line);
    if (section === undefined) {
      throw new IniLineError(line, `${key} stands before the first [SECTION]`);
    }
    yield { section, key, value, line };
  }
}
