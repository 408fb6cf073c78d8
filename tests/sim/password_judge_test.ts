import assert from "node:assert/strict";
import { zxcvbnJudge } from "../../core/accounts/password_strength.ts";
import { simJudge, strongPasswords } from "./password_judge.ts";

/** A name that simulations use. */
const related = ["alice"];

Deno.test("The program's judge takes every password that the simulations' judge takes unseen", async () => {
  for (const password of strongPasswords) {
    await zxcvbnJudge.judge(password, related, true);
    await simJudge.judge(password, related, true);
  }
});

Deno.test("The simulations' judge refuses what the program's judge refuses", async () => {
  const refusal = (judge: typeof simJudge, password: string, isPublished: boolean) =>
    judge.judge(password, related, isPublished).then(() => undefined, ({ message }) => message);
  for (const password of ["", "letmein", "garnish dental", "seven green"]) {
    for (const isPublished of [true, false]) {
      const expected = await refusal(zxcvbnJudge, password, isPublished);
      assert.equal(await refusal(simJudge, password, isPublished), expected);
    }
  }
  assert.match(await refusal(simJudge, "letmein", true), /^Cannot use this password: /);
});
