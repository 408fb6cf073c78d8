import assert from "node:assert/strict";
import { similar } from "../../lib/similar.ts";

const words = ["post", "profile", "passwd", "follow", "unfollow", "up", "node", "login", "logout"];

Deno.test("A mistyped word finds the one that was meant", () => {
  const cases = [
    ["posst", ["post"]],
    ["pst", ["post"]],
    ["opst", ["post"]],
    ["pots", ["post"]],
    ["folow", ["follow"]],
    ["loguot", ["logout"]],
    ["pu", ["up"]],
    ["post", ["post"]],
  ] as const;
  for (const [typed, meant] of cases) assert.deepEqual(similar(typed, words), meant, typed);
});

Deno.test("Words that are equally near are all found, in their order", () => {
  assert.deepEqual(similar("bat", ["cat", "rat", "boat", "tree"]), ["cat", "rat", "boat"]);
});

Deno.test("Another word altogether finds none", () => {
  for (const typed of ["", "x", "timeline", "zebra", "p".repeat(1_000_000)]) {
    assert.deepEqual(similar(typed, words), [], typed.slice(0, 10));
  }
  assert.deepEqual(similar("abcd", ["abyz"]), ["abyz"], "half of the letters");
  assert.deepEqual(similar("abc", ["ayz"]), [], "more than half of them");
  assert.deepEqual(similar("abcdefghij", ["abcdefwxyz"]), [], "more than three letters");
});
