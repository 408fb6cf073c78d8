import assert from "node:assert/strict";
import fc from "fast-check";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { recoveryWordCount, seedOfWords, wordsOfSeed } from "../../../core/model/recovery_words.ts";
import { CamelliaError } from "../../../core/model/errors.ts";

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Why a text is refused. */
async function refusal(text: string): Promise<string> {
  try {
    await seedOfWords(text);
  } catch (error) {
    if (!(error instanceof CamelliaError)) throw error;
    assert.equal(error.code, "wrong_words");
    return error.message;
  }
  throw new Error(`${text} is taken`);
}

Deno.test("Recovery words are those of BIP-39", async () => {
  // The last test vectors of 256 bits in trezor/python-mnemonic.
  const seed = Uint8Array.fromHex(
    "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
  );
  const words =
    "void come effort suffer camp survey warrior heavy shoot primary clutch crush open " +
    "amazing screen patrol group space point ten exist slush involve unfold";
  assert.equal((await wordsOfSeed(seed)).join(" "), words);
  assert.deepEqual(await seedOfWords(words), seed);
});

Deno.test("Recovery words give back the seed, however they are spelled and set", async () => {
  const gaps = fc.constantFrom(" ", "\n", "\r\n", "\t", "  ", ", ", " ,", ";\n");
  const marks = fc.constantFrom("", "#. ", "#.", "#) ", "#: ", "# ");
  const shapes = fc.record({ gap: gaps, isUpper: fc.boolean(), isEnded: fc.boolean() });
  const spellings = fc.array(shapes, {
    minLength: recoveryWordCount,
    maxLength: recoveryWordCount,
  });
  await fc.assert(
    fc.asyncProperty(seeds, marks, spellings, async (seed, mark, shaped) => {
      const words = await wordsOfSeed(seed);
      const text = words.map((word, i) => {
        const { gap = " ", isUpper = false, isEnded = false } = shaped[i] ?? {};
        const number = mark.replace("#", String(i + 1));
        return `${number}${isUpper ? word.toUpperCase() : word}${isEnded ? "." : ""}${gap}`;
      }).join("");
      assert.deepEqual(await seedOfWords(` ${text}`), seed, text);
    }),
    { numRuns: 200 },
  );
});

Deno.test("Another word in the place of one is refused, but for one in 256", async () => {
  const word = fc.integer({ min: 0, max: recoveryWordCount - 1 });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(seeds, word, fc.constantFrom(...wordlist), async (seed, at, other) => {
      const words = await wordsOfSeed(seed);
      if (words[at] === other) return;
      const read = await seedOfWords(words.with(at, other).join(" ")).catch((error) => {
        assert.match(error.message, /checksum is wrong/);
      });
      if (read !== undefined) taken++;
      assert.notDeepEqual(read, seed);
    }),
    { numRuns: 300, seed: 7 },
  );
  assert.ok(taken <= 8, `${taken} of 300`);
});

Deno.test("A word that is not in the list is named, with those that are near", async () => {
  const words = await wordsOfSeed(new Uint8Array(32));
  const with7th = (word: string) => refusal(words.with(6, word).join(" "));
  assert.match(await with7th("abandn"), /word 7, "abandn", is not in the list\. Is it "abandon"\?/);
  assert.match(await with7th("Zooo"), /word 7, "zooo", .* Is it "zoo"\?/);
  assert.match(await with7th("wrod"), /Is it .*"word"/);
  assert.match(await with7th("ridgeway"), /Is it "ridge"\?/);
  assert.match(await with7th("qqqqqq"), /is not in the list\. Look at what was written down/);
  assert.match(await with7th("\x1b[2J"), /is not in the list/);
});

Deno.test("Too few words, too many and no words are refused with their number", async () => {
  const words = await wordsOfSeed(new Uint8Array(32).fill(1));
  assert.match(await refusal(""), /there must be 24 words, and these are 0/);
  assert.match(await refusal(words.slice(1).join(" ")), /these are 23/);
  assert.match(await refusal([...words, "zoo"].join(" ")), /these are 25/);
  assert.match(await refusal("zoo ".repeat(2_000)), /far too long/);
});
