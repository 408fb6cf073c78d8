/**
 * Words as search compares them: folded, so that case and accents make no difference, and cut into terms, so
 * that scripts without spaces are found too.
 *
 * The index, the query and the plain search of the tests all cut text here, so that they agree.
 *
 * @module
 */

/**
 * Marks that do not tell words apart: accents (which belong to no script of their own), Hebrew points, variation
 * selectors, soft hyphens and joiners. The sound marks of kana do tell words apart, as do the vowel signs of
 * Indic scripts.
 */
const marks = /[\u00ad\u200d[[[\p{Script=Inherited}\p{Script=Hebrew}]&&\p{Mn}]--[\u3099\u309a]]]/gv;

/** Scripts that put no spaces between words, and Hangul, which puts endings right behind them. */
const unspaced = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}" +
  "\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}" +
  "\\p{Script=Tibetan}\\p{Script=Yi}\\p{Script=Javanese}\\p{Script=Tai_Tham}\\u30fc";

/** A run of an unspaced script, a word of any other, a flag or another emoji. */
const pieces = new RegExp(
  `([[${unspaced}]&&[\\p{L}\\p{M}\\p{N}\\u30fc]]+)` +
    `|[[\\p{L}\\p{M}\\p{N}]--[${unspaced}]]+` +
    "|\\p{Regional_Indicator}{2}|\\p{Extended_Pictographic}",
  "gv",
);

/** A word of plain ASCII, which most texts have nothing but. */
const plainWords = /[a-z0-9]+/g;

/** A `#`, and the tag after it, which is no part of a word, of an address or of a path. */
const tagPattern =
  /(?<![\p{L}\p{M}\p{N}_#/&])#([\p{L}\p{M}\p{N}_]*[\p{L}\p{M}][\p{L}\p{M}\p{N}_]*)/gu;

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** A text as it is compared: lower case, without accents, with forms for compatibility (full width) replaced. */
export function folded(text: string): string {
  const lower = text.toLowerCase();
  if (isAscii(lower)) return lower;
  // A sigma looks different at a word's end, and a sharp s is written with two s in capitals.
  return lower.normalize("NFKD").replace(marks, "").normalize("NFC").toLowerCase()
    .replaceAll("ς", "σ").replaceAll("ß", "ss");
}

/** One term of a text. */
export interface Term {
  /** What is compared. */
  readonly term: string;
  /** Where it stands in a run of an unspaced script: two characters of it, or its last one alone. */
  readonly run?: "pair" | "end";
}

/**
 * The terms of a text, in its order. A word is one term. A run of an unspaced script has one for each of its
 * characters: the character with the next one, and the last character alone. So each part of the run is found
 * by terms that follow one another.
 */
export function termsOf(text: string): Term[] {
  const plain = folded(text);
  if (isAscii(plain)) return Array.from(plain.matchAll(plainWords), ([term]) => ({ term }));
  const terms: Term[] = [];
  for (const [piece, run] of plain.matchAll(pieces)) {
    if (run === undefined) {
      terms.push({ term: piece });
      continue;
    }
    const characters = [...run];
    for (const [at, character] of characters.entries()) {
      const next = characters[at + 1];
      terms.push(
        next === undefined
          ? { term: character, run: "end" }
          : { term: character + next, run: "pair" },
      );
    }
  }
  return terms;
}

/** The tags of a text, such as `camellia` for `#Camellia`, folded, each once. A number is no tag. */
export function tagsIn(text: string): string[] {
  if (!text.includes("#") && !text.includes("＃")) return [];
  const tags = new Set<string>();
  for (const [, tag = ""] of text.replaceAll("＃", "#").matchAll(tagPattern)) tags.add(folded(tag));
  return [...tags];
}
