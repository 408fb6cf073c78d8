import assert from "node:assert/strict";
import { EFF_LONG_WORDLIST } from "secure-password-utilities/wordlists";
import { zxcvbnJudge } from "../../../core/accounts/password_strength.ts";
import { makePassphrase } from "../../../ui/prompts/passphrase.ts";
import { SeededRandom } from "../../sim/random.ts";

Deno.test("A passphrase has five words of the list, and passes for published keys", async () => {
  const random = new SeededRandom("passphrase");
  const known = new Set(EFF_LONG_WORDLIST);
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const words = (await makePassphrase(random)).split(" ");
    assert.equal(words.length, 5);
    for (const word of words) assert.ok(known.has(word), word);
    for (const word of words) seen.add(word);
    await zxcvbnJudge.judge(words.join(" "), ["alice"], true);
  }
  // Of 7,772 words, 200 drawn evenly are almost all different, and come from the whole list.
  assert.ok(seen.size > 185, `${seen.size} different words`);
  const at = [...seen].map((word) => EFF_LONG_WORDLIST.indexOf(word));
  assert.ok(Math.min(...at) < 400 && Math.max(...at) > 7_376);
});

Deno.test("The list has 7,776 different words, so that five of them make 64 bits", () => {
  assert.equal(new Set(EFF_LONG_WORDLIST).size, 7_776);
});
