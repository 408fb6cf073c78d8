/**
 * Messages byte for byte: with these another program can be checked without this one. With UPDATE_VECTORS=1
 * in the environment the file is written anew; the protocol has changed then.
 */

import assert from "node:assert/strict";
import {
  readFrame,
  readFrameBody,
  signMessage,
  verifyFrame,
} from "../../../core/messages/frame.ts";
import type { Message } from "../../../core/messages/kinds/mod.ts";
import { Identity } from "../../../core/model/identity.ts";
import type { PostName } from "../../../core/model/post.ts";

interface Frame {
  readonly title: string;
  /** The byte that the sender's seed consists of, in hexadecimal; the receiver's likewise. */
  readonly seed: string;
  readonly to_seed: string;
  readonly from: string;
  readonly to: string;
  /** Unix time in milliseconds. */
  readonly time: number;
  /** The message's id in hexadecimal. */
  readonly id: string;
  /** The frame in hexadecimal. */
  readonly frame: string;
}

/** Author and id. */
type Name = readonly [string, string];

interface Mention extends Frame {
  readonly kind: "mention";
  /** The title of the post in posts.json. */
  readonly post: string;
  /** The user for whom the receiver is asked to keep it. */
  readonly for: string | null;
}

interface Thread extends Frame {
  readonly kind: "thread";
  readonly root: Name;
  /** In hexadecimal, as are the two below. */
  readonly key: string | null;
  readonly connections: string | null;
  readonly token: string | null;
  readonly had: readonly Name[];
  readonly device: number;
}

interface Replies extends Frame {
  readonly kind: "replies";
  readonly in_reply_to: string;
  readonly root: Name;
  /** The titles of the posts in posts.json. */
  readonly posts: readonly string[];
  readonly more: string | null;
}

type Vector = Mention | Thread | Replies;

const file = new URL("../../vectors/messages.json", import.meta.url);
let vectors: Vector[] = JSON.parse(Deno.readTextFileSync(file));
const posts: { title: string; signed: string }[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../vectors/posts.json", import.meta.url)),
);

function identityOf(byte: string): Identity {
  return new Identity(Uint8Array.fromHex(byte.repeat(32)));
}

function postTitled(title: string): Uint8Array {
  return Uint8Array.fromHex(posts.find((post) => post.title === title)?.signed ?? "");
}

function nameOf([author, id]: Name): PostName {
  return { author, id: BigInt(id) };
}

function maybe<K extends string>(name: K, hex: string | null): { [N in K]?: Uint8Array } {
  return (hex === null ? {} : { [name]: Uint8Array.fromHex(hex) }) as { [N in K]?: Uint8Array };
}

function bodyOf(vector: Vector): Message["body"] {
  switch (vector.kind) {
    case "mention": {
      const body = { post: postTitled(vector.post) };
      return vector.for === null ? body : { ...body, for: vector.for };
    }
    case "thread":
      return {
        root: nameOf(vector.root),
        // They come back by author.
        had: [...Map.groupBy(vector.had, ([author]) => author).values()].flat().map(nameOf),
        device: vector.device,
        ...maybe("key", vector.key),
        ...maybe("connections", vector.connections),
        ...maybe("token", vector.token),
      };
    case "replies":
      return {
        inReplyTo: Uint8Array.fromHex(vector.in_reply_to),
        root: nameOf(vector.root),
        posts: vector.posts.map(postTitled),
        ...maybe("more", vector.more),
      };
  }
}

function messageOf(vector: Vector): Message {
  const { kind, from, to, seed, to_seed, time, id } = vector;
  return {
    kind,
    from: { username: from, key: identityOf(seed).publicKey },
    to: { username: to, key: identityOf(to_seed).publicKey },
    time,
    id: Uint8Array.fromHex(id),
    body: bodyOf(vector),
  } as Message;
}

function frameOf(vector: Vector): Uint8Array {
  return signMessage(messageOf(vector), identityOf(vector.seed));
}

if (Deno.env.get("UPDATE_VECTORS") === "1") {
  vectors = vectors.map((vector) => ({ ...vector, frame: frameOf(vector).toHex() }));
  Deno.writeTextFileSync(file, `${JSON.stringify(vectors, null, 2)}\n`);
}

Deno.test("Messages are written and read byte for byte as the vectors say", () => {
  assert(vectors.length >= 6);
  for (const vector of vectors) {
    assert.equal(frameOf(vector).toHex(), vector.frame, vector.title);
    const frame = readFrame(Uint8Array.fromHex(vector.frame));
    assert.ok(verifyFrame(frame), vector.title);
    const { bytes: _, ...message } = readFrameBody(frame);
    assert.deepEqual(message, messageOf(vector), vector.title);
  }
});
