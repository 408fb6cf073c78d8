import assert from "node:assert/strict";
import { zxcvbnJudge } from "../../../core/accounts/password_strength.ts";

Deno.test("Passwords that a dictionary or a keyboard gives away are refused with a reason", async () => {
  for (const weak of ["camellia1", "P@ssw0rd", "zxcvbnm,./", "abcabcabcabc", "19871225", "alice"]) {
    await assert.rejects(zxcvbnJudge.judge(weak, ["alice"], false), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^Cannot use this password: it is too easy to guess\. .+\.$/);
      return true;
    });
  }
});

Deno.test("Good passwords pass, in any language", async () => {
  for (
    const good of ["seven green lanterns drift", "vK8#pq2!zR7", "Käsespätzle mit Röstzwiebeln"]
  ) {
    await zxcvbnJudge.judge(good, ["alice"], true);
  }
});

Deno.test("A username in a password is worth nothing", async () => {
  await zxcvbnJudge.judge("zubrowka_kx", [], true);
  await assert.rejects(zxcvbnJudge.judge("zubrowka_kx", ["zubrowka_kx"], false), {
    code: "weak_password",
  });
});

Deno.test("A password has 1,024 characters at most", async () => {
  const password = "seven green lanterns drift ".repeat(40).slice(0, 1_024);
  await zxcvbnJudge.judge(password, [], true);
  await assert.rejects(zxcvbnJudge.judge(`${password}!`, [], true), { code: "weak_password" });
});

Deno.test("A password of 100,000 characters is refused without being looked at", async () => {
  await assert.rejects(zxcvbnJudge.judge("ab1!".repeat(25_000), [], false), {
    code: "weak_password",
  });
});

Deno.test("Attack: a password of 10^9 guesses seals published keys, and is refused; kept local it passes", async () => {
  for (const guessable of ["garnish dental", "vK8#pq2!zR"]) {
    await assert.rejects(zxcvbnJudge.judge(guessable, ["alice"], true), { code: "weak_password" });
    await zxcvbnJudge.judge(guessable, ["alice"], false);
  }
});
