/**
 * Text written by strangers, made harmless for a terminal.
 *
 * Characters that could move the cursor, change colours, reorder the text around them, or hide are taken
 * out: control characters and the sequences that they begin (ECMA-48), bidirectional controls (Unicode
 * UAX #9; "Trojan Source", CVE-2021-42574), invisible and unassigned characters, piles of marks.
 *
 * @module
 */

/** Marks on one character that are kept; living scripts need no more than four. */
const marksMax = 4;

/** Characters of one text that are looked at; a post has at most 500. */
const lengthMax = 100_000;

/** Made when the first text comes that is more than plain: that takes some milliseconds. */
const makePatterns = () => ({
  /**
   * Whole escape sequences, so that "red" and not "[31mred" is left of a coloured word: CSI, then OSC,
   * DCS, SOS, PM and APC up to their end, then two-character ones; each also with a C1 introducer.
   */
  escapeSequences:
    // deno-lint-ignore no-control-regex
    /(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]{0,8}[0-~]/g,

  /** Drawn like a space or not at all: fillers of Hangul and the empty Braille pattern. */
  blanks: /[\u115f\u1160\u3164\uffa0\u2800]/gu,

  /** Joiners between two letters (Persian, Indic scripts) or two emoji; anywhere else they only hide. */
  strayJoiners:
    /(?<![\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])[\u200c\u200d]+|[\u200c\u200d]+(?![\p{L}\p{M}\p{Extended_Pictographic}])/gu,

  /** Variation selectors that follow nothing that they could vary. */
  straySelectors: /(?<![\p{L}\p{N}\p{P}\p{S}])[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+/gu,

  /** Control, format (but joiners), surrogate and unassigned characters. */
  unprintable: /(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Cn}]/gu,

  /** Characters of private use look different on every machine. */
  privateUse: /\p{Co}/gu,

  markPiles: new RegExp(`(\\p{M}{${marksMax}})\\p{M}+`, "gu"),
});

let made: ReturnType<typeof makePatterns> | undefined;

/** Letters, digits and signs that every terminal shows: nothing is to be taken out. */
const plain = /^[\x20-\x7e]*$/;

/**
 * The text without characters that a terminal would act on or not show. Line breaks are kept, at most
 * two in a row; tabs and other white space become one space.
 */
export function safeText(text: string): string {
  let safe = text.length > lengthMax ? text.slice(0, lengthMax) : text;
  if (plain.test(safe)) return safe.trim();
  const patterns = made ??= makePatterns();
  safe = safe.toWellFormed().replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n");
  // What is taken out may bring the parts of a new sequence together, but without its introducer,
  // which no longer exists after `unprintable`.
  safe = safe.replace(patterns.escapeSequences, "").replace(/\t/g, " ");
  safe = safe.replace(patterns.unprintable, "").replace(patterns.privateUse, "\ufffd").replace(
    patterns.blanks,
    " ",
  );
  // In this order none of the three leaves work for another.
  safe = safe.replace(patterns.straySelectors, "").replace(patterns.strayJoiners, "").replace(
    patterns.markPiles,
    "$1",
  );
  return safe.replace(/[^\S\n]/g, " ").replace(/ *\n[ \n]*\n */g, "\n\n").trim();
}

/** As {@linkcode safeText}, on one line: line breaks become ` ⏎ `. */
export function safeLine(text: string): string {
  return safeText(text).replace(/\s*\n\s*/g, " ⏎ ");
}

/**
 * JSON on one line in which, beyond what JSON escapes by itself, every character is escaped that a terminal would
 * act on or not show; it parses to the very same value.
 */
export function safeJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (plain.test(json)) return json;
  return json.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu,
    (found) =>
      Array.from(
        { length: found.length },
        (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
}

/** A text that a person typed, as a message shows it: quoted, cut short, nothing hidden. */
export function quoted(text: string, lengthShownMax = 60): string {
  const short = text.length > lengthShownMax ? `${text.slice(0, lengthShownMax)}…` : text;
  return safeJson(short.toWellFormed());
}
