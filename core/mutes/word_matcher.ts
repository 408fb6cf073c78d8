/**
 * Finds muted words in texts: whole words of any script, in any case.
 *
 * @module
 */

/** A word: letters, digits, marks and underscores. */
const wordPattern = /[\p{L}\p{N}\p{M}_]+/gu;

/** Scripts that put no spaces between words: what is muted in them is found within longer runs. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** A text with the differences taken out that do not count: case, and forms of one character (NFKC). */
function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

/** Finds muted words. */
export class WordMatcher {
  readonly #words = new Set<string>();
  /** Words in a row, with a space before, between and behind them. */
  readonly #phrases: string[] = [];
  /** What is found anywhere in a text. */
  readonly #pieces: string[] = [];

  /** A matcher for these words, each with something in it that can be seen. */
  constructor(muted: Iterable<string>) {
    for (const text of muted) {
      const word = folded(text).trim();
      const words = word.match(wordPattern) ?? [];
      const [only = ""] = words;
      if (word === "") continue;
      // Emoji and other signs are no words.
      if (words.length === 0 || unspaced.test(word)) this.#pieces.push(word);
      else if (words.length === 1) this.#words.add(only);
      else this.#phrases.push(` ${words.join(" ")} `);
    }
  }

  /** Whether one of them is in the text. */
  isIn(text: string): boolean {
    if (this.#words.size + this.#phrases.length + this.#pieces.length === 0) return false;
    const whole = folded(text);
    const words = whole.match(wordPattern) ?? [];
    if (words.some((word) => this.#words.has(word))) return true;
    if (this.#pieces.some((piece) => whole.includes(piece))) return true;
    const row = ` ${words.join(" ")} `;
    return this.#phrases.some((phrase) => row.includes(phrase));
  }
}
