/**
 * Posts byte for byte: with these another program can be checked without this one. With UPDATE_VECTORS=1 in
 * the environment the file is written anew; the protocol has changed then.
 */

import assert from "node:assert/strict";
import { openPost } from "./open_post.ts";
import { Identity } from "../../../core/model/identity.ts";
import { mentionsOf } from "../../../core/model/mentions.ts";
import { type Post, signPost } from "../../../core/model/post.ts";

interface Vector {
  readonly title: string;
  /** The author's seed, 32 bytes in hexadecimal. */
  readonly seed: string;
  readonly author: string;
  readonly device: number;
  readonly number: number;
  readonly id: string;
  readonly text: string;
  readonly reply_to?: { author: string; id: string };
  readonly root?: { author: string; id: string };
  readonly warning?: string;
  readonly deletes?: { device: number; number: number };
  /** The title of the vector whose post is passed on. */
  readonly repost_of?: string;
  /** Whom the text mentions. */
  readonly mentions: string[];
  /** The signed post in hexadecimal. */
  readonly signed: string;
}

const file = new URL("../../vectors/posts.json", import.meta.url);
let vectors: Vector[] = JSON.parse(Deno.readTextFileSync(file));

function nameOf(name: { author: string; id: string }): { author: string; id: bigint } {
  return { author: name.author, id: BigInt(name.id) };
}

function postOf(vector: Vector): Post {
  const { seed, author, device, number, id, text, reply_to, root, warning, deletes } = vector;
  const original = vectors.find(({ title }) => title === vector.repost_of);
  return signPost({
    ...{ author, device, number, id: BigInt(id), text },
    ...(reply_to === undefined ? {} : { replyTo: nameOf(reply_to) }),
    ...(root === undefined ? {} : { root: nameOf(root) }),
    ...(warning === undefined ? {} : { warning }),
    ...(deletes === undefined ? {} : { deletes }),
    ...(original === undefined ? {} : { repostOf: postOf(original) }),
  }, new Identity(Uint8Array.fromHex(seed)));
}

if (Deno.env.get("UPDATE_VECTORS") === "1") {
  vectors = vectors.map((vector) => ({
    ...vector,
    mentions: mentionsOf(vector),
    signed: postOf(vector).signed.toHex(),
  }));
  Deno.writeTextFileSync(file, `${JSON.stringify(vectors, null, 2)}\n`);
}

Deno.test("Posts are written and read byte for byte as the vectors say", () => {
  assert(vectors.length >= 7);
  for (const vector of vectors) {
    const post = postOf(vector);
    assert.equal(post.signed.toHex(), vector.signed, vector.title);
    assert.deepEqual(openPost(Uint8Array.fromHex(vector.signed)), post, vector.title);
    assert.deepEqual(mentionsOf(post), vector.mentions, vector.title);
  }
});
