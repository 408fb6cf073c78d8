/**
 * The recovery words: an identity's seed as 24 words that a person can write on paper.
 *
 * They are those of BIP-39 (Palatinus, Rusnak, Voisine and Bowe 2013) with its English list: 11 bits a
 * word, 256 bits of seed and 8 of its SHA-256 as checksum. Of BIP-39 nothing else is used: the seed is
 * what the words spell, and no second key is derived from them.
 *
 * @module
 */

import { mistakesIn } from "../../lib/similar.ts";
import { CamelliaError } from "./errors.ts";

/** 32 bytes and the checksum, at 11 bits a word. */
export const recoveryWordCount = 24;

/** Texts beyond this are a pasted file: 24 words of 8 letters, numbered and spaced, have some 400. */
const textLengthMax = 4_096;

/** How many words of the list are named where one is not in it. */
const nearMax = 3;

/** The list is loaded where words are shown or read, which few runs of the program do. */
async function loadBip39() {
  const [{ entropyToMnemonic, mnemonicToEntropy }, { wordlist }] = await Promise.all([
    import("@scure/bip39"),
    import("@scure/bip39/wordlists/english.js"),
  ]);
  return { entropyToMnemonic, mnemonicToEntropy, wordlist };
}

/** The 24 words of a seed of 32 bytes. */
export async function wordsOfSeed(seed: Uint8Array): Promise<string[]> {
  if (seed.length !== 32) throw new RangeError("Cannot spell the seed: it is not 32 bytes long");
  const { entropyToMnemonic, wordlist } = await loadBip39();
  return entropyToMnemonic(seed, wordlist).split(" ");
}

/**
 * The seed that 24 words spell, to be wiped by the caller. Capitals, numbers in front of the words ("1.",
 * "2)"), commas, and whatever spaces and line breaks stand between them make no difference.
 *
 * @throws {CamelliaError} `wrong_words`, which names the word that is wrong if it is known.
 */
export async function seedOfWords(text: string): Promise<Uint8Array> {
  const { mnemonicToEntropy, wordlist } = await loadBip39();
  const words = splitWords(text);
  words.forEach((word, index) => {
    if (wordlist.includes(word)) return;
    const near = nearWords(word, wordlist).map((other) => `"${other}"`).join(" or ");
    const hint = near === "" ? "Look at what was written down" : `Is it ${near}?`;
    throw wrongWords(`word ${index + 1}, "${word.slice(0, 20)}", is not in the list. ${hint}`);
  });
  if (words.length !== recoveryWordCount) {
    throw wrongWords(`there must be ${recoveryWordCount} words, and these are ${words.length}`);
  }
  try {
    return mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    throw wrongWords(
      "their checksum is wrong, so that at least one of them is another word than the one written " +
        "down, or two have changed places",
    );
  }
}

/**
 * The words in a text, in lower case, without numbers and punctuation.
 *
 * @throws {CamelliaError} `wrong_words` if the text is far too long.
 */
export function splitWords(text: string): string[] {
  if (text.length > textLengthMax) throw wrongWords("the text is far too long for 24 words");
  return text.normalize("NFKC").toLowerCase()
    .split(/[\s,;]+|(?<![^\s,;])\d+[.):]?/u)
    .map((part) => part.replace(/^\p{P}+|\p{P}+$/gu, ""))
    .filter((part) => part !== "");
}

/** Words of the list that are one letter away, or begin with the same four letters, which only one word does. */
function nearWords(word: string, wordlist: readonly string[]): string[] {
  const start = word.slice(0, 4);
  return wordlist
    .filter((other) =>
      start.length === 4 && other.startsWith(start) || isOneMistakeAway(word, other)
    )
    .slice(0, nearMax);
}

function isOneMistakeAway(word: string, other: string): boolean {
  return Math.abs(word.length - other.length) <= 1 && mistakesIn(word, other) === 1;
}

function wrongWords(why: string): CamelliaError {
  return new CamelliaError("wrong_words", `Cannot use the recovery words: ${why}.`);
}
