/**
 * A password made for the person: random words.
 *
 * @module
 */

import { fraction, type Random } from "../../lib/random.ts";

/** Five of 7,772 words: 64 bits, far more than anyone can try; docs/SECURITY.md has what a guess costs. */
const wordCount = 5;

/** Draws a passphrase from the long word list of the EFF (2016), without its four words with a hyphen. */
export async function makePassphrase(random: Random): Promise<string> {
  const { DEFAULT_WORDLIST: words } = await import("secure-password-utilities/wordlists");
  const draw = () => words[Math.floor(fraction(random) * words.length)];
  return Array.from({ length: wordCount }, draw).join(" ");
}
