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
import type { Message, MessageOf } from "../../../core/messages/kinds/mod.ts";
import { Identity } from "../../../core/model/identity.ts";

interface Vector {
  readonly title: string;
  readonly kind: "mention";
  /** The byte that the sender's seed consists of, in hexadecimal; the receiver's likewise. */
  readonly seed: string;
  readonly to_seed: string;
  readonly from: string;
  readonly to: string;
  /** Unix time in milliseconds. */
  readonly time: number;
  /** The message's id in hexadecimal. */
  readonly id: string;
  /** The title of the post in posts.json. */
  readonly post: string;
  /** The user for whom the receiver is asked to keep it. */
  readonly for: string | null;
  /** The frame in hexadecimal. */
  readonly frame: string;
}

const file = new URL("../../vectors/messages.json", import.meta.url);
let vectors: Vector[] = JSON.parse(Deno.readTextFileSync(file));
const posts: { title: string; signed: string }[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../vectors/posts.json", import.meta.url)),
);

function identityOf(byte: string): Identity {
  return new Identity(Uint8Array.fromHex(byte.repeat(32)));
}

function messageOf(vector: Vector): MessageOf<"mention"> {
  const { kind, from, to, seed, to_seed, time, id } = vector;
  const post = posts.find(({ title }) => title === vector.post)?.signed ?? "";
  return {
    kind,
    from: { username: from, key: identityOf(seed).publicKey },
    to: { username: to, key: identityOf(to_seed).publicKey },
    time,
    id: Uint8Array.fromHex(id),
    body: {
      post: Uint8Array.fromHex(post),
      ...(vector.for === null ? {} : { for: vector.for }),
    },
  };
}

function frameOf(vector: Vector): Uint8Array {
  return signMessage(messageOf(vector) as Message, identityOf(vector.seed));
}

if (Deno.env.get("UPDATE_VECTORS") === "1") {
  vectors = vectors.map((vector) => ({ ...vector, frame: frameOf(vector).toHex() }));
  Deno.writeTextFileSync(file, `${JSON.stringify(vectors, null, 2)}\n`);
}

Deno.test("Messages are written and read byte for byte as the vectors say", () => {
  assert(vectors.length >= 2);
  for (const vector of vectors) {
    assert.equal(frameOf(vector).toHex(), vector.frame, vector.title);
    const frame = readFrame(Uint8Array.fromHex(vector.frame));
    assert.ok(verifyFrame(frame), vector.title);
    const { bytes: _, ...message } = readFrameBody(frame);
    assert.deepEqual(message, messageOf(vector), vector.title);
  }
});
