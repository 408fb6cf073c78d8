import assert from "node:assert/strict";
import { judgePassword } from "../../../core/accounts/password_strength.ts";

Deno.test("Passwords that a dictionary or a keyboard gives away are refused with a reason", async () => {
  for (const weak of ["camellia1", "P@ssw0rd", "zxcvbnm,./", "abcabcabcabc", "19871225", "alice"]) {
    await assert.rejects(judgePassword(weak, ["alice"]), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^Cannot use this password: it is too easy to guess\. .+\.$/);
      return true;
    });
  }
});

Deno.test("Good passwords pass, in any language", async () => {
  for (const good of ["seven green lanterns drift", "vK8#pq2!zR", "Käsespätzle mit Röstzwiebeln"]) {
    await judgePassword(good, ["alice"]);
  }
});

Deno.test("A username in a password is worth nothing", async () => {
  await judgePassword("zubrowka_kx", []);
  await assert.rejects(judgePassword("zubrowka_kx", ["zubrowka_kx"]), { code: "weak_password" });
});

Deno.test("A password has 1,024 characters at most", async () => {
  const password = "seven green lanterns drift ".repeat(40).slice(0, 1_024);
  await judgePassword(password, []);
  await assert.rejects(judgePassword(`${password}!`, []), { code: "weak_password" });
});

Deno.test("A password of 100,000 characters is refused without being looked at", async () => {
  await assert.rejects(judgePassword("ab1!".repeat(25_000), []), { code: "weak_password" });
});
