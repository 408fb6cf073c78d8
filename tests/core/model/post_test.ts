import assert from "node:assert/strict";
import { openPost } from "./open_post.ts";
import fc from "fast-check";
import { CamelliaError, type ErrorCode } from "../../../core/model/errors.ts";
import { DecodeError, encode } from "../../../lib/msgpack.ts";
import {
  checkPostText,
  postBytesMax,
  type PostContent,
  postLength,
  signPost,
} from "../../../core/model/post.ts";
import { sealSigned } from "../../../core/model/signed.ts";
import { composeSnowflake, snowflakeEpochMs } from "../../../core/model/snowflake.ts";
import { identityOf } from "../../sim/users.ts";

const seed = 20261122;
const alice = identityOf("alice");
const id = composeSnowflake({ timeMs: snowflakeEpochMs + 1000, device: 7, sequence: 0 });
const content: PostContent = { author: "alice", device: 7, number: 1, id, text: "hello" };

Deno.test("A signed post is read back as it was, with or without a reply", () => {
  const post = signPost(content, alice);
  assert.deepEqual(openPost(post.signed), post);
  const reply = signPost({ ...content, replyTo: { author: "bob", id: 5n } }, alice);
  assert.deepEqual(openPost(reply.signed), reply);
});

Deno.test("Every text that may be posted comes back whole and within the size of a post", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1, maxLength: 500 }),
      (text) => {
        const post = signPost({ ...content, text }, alice);
        assert(post.signed.length <= postBytesMax);
        assert.equal(openPost(post.signed).text, text);
      },
    ),
    { seed, numRuns: 60 },
  );
  const longest = signPost({
    author: "a".repeat(20),
    device: 7,
    number: Number.MAX_SAFE_INTEGER,
    id,
    text: "🌸".repeat(500),
    replyTo: { author: "b".repeat(20), id: (1n << 63n) - 1n },
  }, alice);
  assert(longest.signed.length <= postBytesMax);
  assert.deepEqual(openPost(longest.signed), longest);
});

Deno.test("A post with any bit changed is refused", () => {
  const { signed } = signPost(content, alice);
  for (let at = 0; at < signed.length; at++) {
    const changed = signed.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => openPost(changed), DecodeError, `byte ${at}`);
  }
});

Deno.test("A signature made for another purpose does not pass for a post's", () => {
  const payload = encode(["alice", 7, 1, id, "hello", null]);
  assert.equal(openPost(sealSigned("post", payload, alice)).text, "hello");
  assert.throws(() => openPost(sealSigned("message", payload, alice)), DecodeError);
  assert.throws(() => openPost(sealSigned("record", payload, alice)), DecodeError);
});

Deno.test("A post whose fields are not as they should be is refused, although signed", () => {
  const valid: unknown[] = ["alice", 7, 1, id, "hello", null];
  for (
    const [at, value] of [
      [0, "Alice"],
      [0, 3],
      [1, 8],
      [1, 1024],
      [2, 0],
      [2, 2n ** 53n],
      [2, -1],
      [3, 1n << 63n],
      [3, -1n],
      [4, ""],
      [4, "x".repeat(501)],
      [4, 5],
      [5, ["bob"]],
      [5, ["bob", "5"]],
      [5, 0],
    ] as const
  ) {
    const fields = valid.with(at, value);
    assert.throws(
      () => openPost(sealSigned("post", encode(fields), alice)),
      DecodeError,
      `${at}: ${value}`,
    );
  }
  assert.throws(() => openPost(sealSigned("post", encode([...valid, 1]), alice)), DecodeError);
});

Deno.test("A post's length is counted in characters, not in UTF-16 units", () => {
  assert.equal(postLength("🌸🌸"), 2);
  checkPostText("🌸".repeat(500));
  checkPostText("x".repeat(500));
});

Deno.test("What cannot be posted is refused with its reason", () => {
  const refused = (text: string, code: ErrorCode, why: RegExp) =>
    assert.throws(
      () => checkPostText(text),
      (error) => error instanceof CamelliaError && error.code === code && why.test(error.message),
    );
  refused("", "empty_post", /empty/);
  refused(" \t\n\u00a0\u200b\u3000", "empty_post", /empty/);
  refused("\u0007\u001b", "empty_post", /empty/);
  refused("x".repeat(501), "post_too_long", /501 characters, 1 more/);
  refused("🌸".repeat(501), "post_too_long", /501/);
  refused("half \ud83c of a pair", "invalid_text", /Unicode/);
  checkPostText("\u001b[31mred");
});
