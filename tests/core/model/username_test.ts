import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { DecodeError } from "../../../lib/msgpack.ts";
import { asUsername, isUsername, parseUsername } from "../../../core/model/username.ts";

Deno.test("A typed username is folded to lower case and trimmed", () => {
  assert.equal(parseUsername("Alice"), "alice");
  assert.equal(parseUsername("  bob_2 \n"), "bob_2");
  assert.equal(parseUsername("a".repeat(20)), "a".repeat(20));
  assert.equal(parseUsername("abc"), "abc");
});

Deno.test("A username that breaks a rule is refused with that rule", () => {
  for (
    const [input, why] of [
      ["ab", /shorter than 3/],
      ["", /shorter than 3/],
      ["a".repeat(21), /longer than 20/],
      ["1abc", /begin with a letter/],
      ["_abc", /begin with a letter/],
      ["al ice", /other characters/],
      ["älice", /begin with a letter/],
      ["alicé", /other characters/],
      ["ali\u212Ae", /other characters/],
      ["ali\u0000ce", /other characters/],
      ["x".repeat(10_000), /longer than 20/],
    ] as const
  ) {
    assert.throws(
      () => parseUsername(input),
      (error) =>
        error instanceof CamelliaError && error.code === "invalid_username" &&
        why.test(error.message) && error.message.length < 400,
      input.slice(0, 30),
    );
  }
});

Deno.test("A username in a record is taken as it stands: nothing is folded", () => {
  assert.equal(asUsername("alice", "owner"), "alice");
  for (const value of ["Alice", " alice", "al", "a".repeat(21), "аlice", 7, null, ["alice"]]) {
    assert.throws(() => asUsername(value, "owner"), DecodeError);
  }
  assert(isUsername("a_1"));
  assert(!isUsername("alice\n"));
});
