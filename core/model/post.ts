/**
 * Posts: signed by their author, so that a peer that relays one cannot change it.
 *
 * @module
 */

import { CamelliaError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import {
  asArray,
  asBigInteger,
  asInteger,
  asString,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";
import { envelopeBytesMax, openSigned, sealSigned, type Signed } from "./signed.ts";
import { deviceMax, parseSnowflake } from "./snowflake.ts";
import { asUsername } from "./username.ts";

/** The most characters (Unicode code points) of a post's text. */
export const postLengthMax = 500;

/** 500 characters take at most 2,000 bytes of UTF-8 (RFC 3629); names and numbers some 90 more. */
const postPayloadBytesMax = 2200;

/** The most bytes of a signed post. */
export const postBytesMax: number = postPayloadBytesMax + envelopeBytesMax;

/** The name of a post: author and Snowflake id. */
export interface PostName {
  /** Username of the author. */
  readonly author: string;
  /** Snowflake id. */
  readonly id: bigint;
}

/** What an author signs. */
export interface PostContent extends PostName {
  /** Number of the device, the same as in the id. */
  readonly device: number;
  /** Number in the device's feed: 1, 2, 3 … */
  readonly number: number;
  /** 1 to 500 characters. */
  readonly text: string;
  /** The post that this one replies to. */
  readonly replyTo?: PostName;
}

/** A post with its envelope. */
export interface Post extends PostContent {
  /** The author's identity key, 32 bytes. */
  readonly authorKey: Uint8Array;
  /** The signed bytes as they are stored and relayed. */
  readonly signed: Uint8Array;
}

/** Unicode code points of a text, which is what counts as its length. */
export function postLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** Nothing but white space, control and format characters (Unicode Cc, Cf): shown, it would be empty. */
const invisible = /^[\s\p{Cc}\p{Cf}]*$/u;

/**
 * Checks the text that a user wants to post.
 *
 * @throws {CamelliaError} `empty_post`, `post_too_long`, `invalid_text`.
 */
export function checkPostText(text: string): void {
  if (!text.isWellFormed()) {
    throw new CamelliaError(
      "invalid_text",
      "Cannot post: the text is not valid Unicode (half of a character pair stands alone).",
    );
  }
  if (invisible.test(text)) {
    throw new CamelliaError(
      "empty_post",
      "Cannot post: the text is empty. Write 1 to 500 characters.",
    );
  }
  const length = postLength(text);
  if (length > postLengthMax) {
    throw new CamelliaError(
      "post_too_long",
      `Cannot post: the text has ${length} characters, ${length - postLengthMax} more than the ` +
        `${postLengthMax} allowed.`,
    );
  }
}

/** Signs a post. The caller has checked the text. */
export function signPost(content: PostContent, identity: Identity): Post {
  const { author, device, number, id, text, replyTo } = content;
  const reply = replyTo === undefined ? null : [replyTo.author, replyTo.id];
  const payload = encode([author, device, number, id, text, reply]);
  return {
    ...content,
    authorKey: identity.publicKey,
    signed: sealSigned("post", payload, identity),
  };
}

/**
 * Decodes a post and checks its schema. Its signature is for the caller to verify, unless the post comes
 * from the own disk.
 *
 * @throws {DecodeError} if anything is malformed, too long or out of range.
 */
export function readPost(bytes: Uint8Array): { post: Post; signed: Signed } {
  const signed = openSigned(bytes, postPayloadBytesMax);
  const [author, device, number, id, text, reply] = asArray(
    decode(signed.payload, { maxBytes: postPayloadBytesMax, maxArrayLength: 6 }),
    "post",
    6,
  );
  const post = {
    author: asUsername(author, "author"),
    device: asInteger(device, "device", 0, deviceMax),
    number: asInteger(number, "number", 1),
    id: asBigInteger(id, "id"),
    text: asString(text, "text", 2 * postLengthMax),
    authorKey: signed.publicKey,
    signed: bytes,
  };
  if (parseSnowflake(post.id).device !== post.device) {
    throw new DecodeError("id is another device's");
  }
  const length = postLength(post.text);
  if (length < 1 || length > postLengthMax) throw new DecodeError(`text has ${length} characters`);
  if (reply === null) return { post, signed };
  const [replyAuthor, replyId] = asArray(reply, "reply", 2);
  const replyTo = {
    author: asUsername(replyAuthor, "reply author"),
    id: asBigInteger(replyId, "reply id"),
  };
  return { post: { ...post, replyTo }, signed };
}
