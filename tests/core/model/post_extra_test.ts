import assert from "node:assert/strict";
import { openPost } from "./open_post.ts";
import { DecodeError, encode } from "../../../lib/msgpack.ts";
import {
  checkWarning,
  plainPostBytesMax,
  type Post,
  postBytesMax,
  type PostContent,
  postPayload,
  readPost,
  rootOf,
  signPost,
  verifyPost,
} from "../../../core/model/post.ts";
import { openSigned, sealSigned } from "../../../core/model/signed.ts";
import { composeSnowflake, snowflakeEpochMs } from "../../../core/model/snowflake.ts";
import { identityOf } from "../../sim/users.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");
const id = composeSnowflake({ timeMs: snowflakeEpochMs + 1000, device: 7, sequence: 0 });
const content: PostContent = { author: "alice", device: 7, number: 3, id, text: "hello" };
const bobs = signPost({ ...content, author: "bob", text: "Bob's" }, bob);

/** A signed post of alice's with any seventh element. */
function withExtra(extra: unknown, changes: { text?: string; reply?: unknown } = {}): Uint8Array {
  const { text = "hello", reply = null } = changes;
  return sealSigned("post", encode(["alice", 7, 3, id, text, reply, extra]), alice);
}

function refused(bytes: Uint8Array, why: RegExp): void {
  assert.throws(
    () => openPost(bytes),
    (error) => error instanceof DecodeError && why.test(error.message),
  );
}

Deno.test("Reposts, deletes, roots and warnings are read back as they were signed", () => {
  const replyTo = { author: "bob", id: 5n };
  const contents: PostContent[] = [
    { ...content, warning: "spoilers" },
    { ...content, replyTo, root: { author: "carol", id: 4n } },
    { ...content, replyTo, root: { author: "carol", id: 4n }, warning: "🌸".repeat(100) },
    { ...content, text: "", repostOf: bobs },
    { ...content, text: "", deletes: { device: 7, number: 2 } },
    { ...content, text: "", deletes: { device: 8, number: 9_000 } },
  ];
  for (const one of contents) {
    const post = signPost(one, alice);
    assert.deepEqual(openPost(post.signed), post);
  }
});

Deno.test("A post of a text alone has six elements, so that it costs nothing more", () => {
  const { signed } = signPost(content, alice);
  const { payload } = openSigned(signed, postBytesMax);
  assert.deepEqual(payload, encode(["alice", 7, 3, id, "hello", null]));
  assert.deepEqual(postPayload(openPost(signed)), payload);
});

Deno.test("The longest posts are within their bounds, and no longer ones are read", () => {
  const longest = signPost({
    author: "a".repeat(20),
    device: 7,
    number: Number.MAX_SAFE_INTEGER,
    id,
    text: "🌸".repeat(500),
    replyTo: { author: "b".repeat(20), id: (1n << 63n) - 1n },
    root: { author: "c".repeat(20), id: (1n << 63n) - 1n },
    warning: "🌸".repeat(100),
  }, alice);
  assert(longest.signed.length <= plainPostBytesMax);
  const repost = signPost({ ...content, text: "", repostOf: openPost(longest.signed) }, alice);
  assert(repost.signed.length <= postBytesMax);
  assert.deepEqual(openPost(repost.signed), repost);
  // Room that only a repost has.
  refused(withExtra(new Map([["future", new Uint8Array(2_700)]])), /too long/);
});

Deno.test("What readers do not know is kept in the signed bytes and says nothing", () => {
  const extra = new Map<string, unknown>([["kind", "poll"], ["choices", ["a", "b"]]]);
  const bytes = withExtra(extra);
  const post = openPost(bytes);
  assert.equal(post.text, "hello");
  assert.deepEqual(post.signed, bytes);
  assert.deepEqual(openPost(withExtra(new Map())).text, "hello");
});

Deno.test("What a post ends with is refused where it makes no sense", () => {
  const of = ["bob", id];
  const orig = bobs.signed;
  const cases: [unknown, RegExp, { text?: string; reply?: unknown }?][] = [
    [3, /not a map/],
    [new Map([["warn", ""]]), /0 characters/],
    [new Map([["warn", "x".repeat(101)]]), /101 characters/],
    [new Map([["warn", 3]]), /not a string/],
    [new Map([["root", ["bob", 5]]]), /no reply has a root/],
    [new Map([["root", ["bob"]]]), /1 entries/, { reply: ["bob", 5] }],
    [new Map<string, unknown>([["kind", "delete"], ["of", [7, 2]]]), /says more/],
    [new Map<string, unknown>([["kind", "delete"], ["of", [7, 3]]]), /not before/, { text: "" }],
    [new Map<string, unknown>([["kind", "delete"], ["of", [7, 0]]]), /integer/, { text: "" }],
    [new Map<string, unknown>([["kind", "delete"], ["of", [1024, 1]]]), /integer/, { text: "" }],
    [new Map<string, unknown>([["kind", "delete"]]), /not an array/, { text: "" }],
    [
      new Map<string, unknown>([["kind", "delete"], ["of", [7, 2]]]),
      /says more/,
      { text: "", reply: ["bob", 5] },
    ],
    [new Map<string, unknown>([["kind", "repost"], ["of", of]]), /bytes/, { text: "" }],
    [new Map<string, unknown>([["kind", "repost"], ["of", of], ["orig", orig]]), /says more/],
    [
      new Map<string, unknown>([["kind", "repost"], ["of", ["bob", id + 1n]], ["orig", orig]]),
      /another post/,
      { text: "" },
    ],
    [
      new Map<string, unknown>([["kind", "repost"], ["of", ["carol", id]], ["orig", orig]]),
      /another post/,
      { text: "" },
    ],
    [new Map(Array.from({ length: 17 }, (_, i) => [`k${i}`, i])), /17 pairs/],
  ];
  for (const [extra, why, changes] of cases) refused(withExtra(extra, changes), why);
});

Deno.test("No repost of a repost or of a delete is read", () => {
  const inner = [
    signPost({ ...content, author: "bob", text: "", repostOf: bobs }, bob),
    signPost({ ...content, author: "bob", text: "", deletes: { device: 7, number: 1 } }, bob),
  ];
  for (const post of inner) {
    const extra = new Map<string, unknown>([
      ["kind", "repost"],
      ["of", ["bob", id]],
      ["orig", post.signed],
    ]);
    refused(withExtra(extra, { text: "" }), /repost or a delete is reposted|not at most/);
  }
});

Deno.test("A repost verifies only with a reposted post that its own author signed", () => {
  const repostOf = (repostOf: Post) =>
    readPost(signPost({ ...content, text: "", repostOf }, alice).signed);
  assert(verifyPost(repostOf(bobs)));
  const forged = sealSigned("post", postPayload(bobs), bob);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  assert(!verifyPost(repostOf({ ...bobs, signed: forged })));
  const own = signPost({ ...content, text: "", repostOf: bobs }, alice).signed;
  own[own.length - 1] = (own.at(-1) ?? 0) ^ 1;
  assert(!verifyPost(readPost(own)));
});

Deno.test("The root of a thread is what is replied to unless the post names another", () => {
  const replyTo = { author: "bob", id: 5n };
  const root = { author: "carol", id: 4n };
  assert.deepEqual(rootOf(content), { author: "alice", id });
  assert.deepEqual(rootOf({ ...content, replyTo }), replyTo);
  assert.deepEqual(rootOf({ ...content, replyTo, root }), root);
});

Deno.test("A content warning has 1 to 100 characters that can be seen", () => {
  for (const warning of ["x", "🌸".repeat(100)]) checkWarning(warning);
  for (const warning of ["", " \u200b", "x".repeat(101), "\ud800"]) {
    assert.throws(() => checkWarning(warning), /content warning/);
  }
});
