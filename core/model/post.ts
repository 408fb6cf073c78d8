/**
 * Posts: signed by their author, so that a peer that relays one cannot change it.
 *
 * @module
 */

import { given } from "./arguments.ts";
import { CamelliaError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import {
  asArray,
  asBigInteger,
  asBytesUpTo,
  asInteger,
  asString,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";
import { envelopeBytesMax, openSigned, sealSigned, type Signed, verifySigned } from "./signed.ts";
import { postLength, postLengthMax, warningLengthMax } from "./post_limits.ts";
import { deviceMax, parseSnowflake } from "./snowflake.ts";
import type { UserRef } from "./user.ts";
import { asUsername } from "./username.ts";

export { postLength, postLengthMax, warningLengthMax };

/**
 * 500 characters take at most 2,000 bytes of UTF-8 (RFC 3629), a warning 400; names and numbers some 200
 * more.
 */
const plainPayloadBytesMax = 2_700;

/** A repost has the whole of another post in it, and no text. */
const postPayloadBytesMax: number = plainPayloadBytesMax + envelopeBytesMax + 200;

/** The most bytes of a signed post that is no repost. */
export const plainPostBytesMax: number = plainPayloadBytesMax + envelopeBytesMax;

/** The most bytes of a signed post. */
export const postBytesMax: number = postPayloadBytesMax + envelopeBytesMax;

/** Pairs in the map at a post's end, those included that later versions add. */
const extraPairsMax = 16;

/** The name of a post: author and Snowflake id. */
export interface PostName {
  /** Username of the author. */
  readonly author: string;
  /** Snowflake id. */
  readonly id: bigint;
}

/** The place of a post among its author's. */
export interface FeedPlace {
  /** Number of the device. */
  readonly device: number;
  /** Number in the device's feed: 1, 2, 3 … */
  readonly number: number;
}

/** What an author signs. The device is the same as in the id. */
export interface PostContent extends PostName, FeedPlace {
  /** 1 to 500 characters; empty in a repost and in a delete. */
  readonly text: string;
  /** The post that this one replies to. */
  readonly replyTo?: PostName;
  /** The first post of the thread, where the one replied to is itself a reply. */
  readonly root?: PostName;
  /** A content warning, 1 to 100 characters: readers show it in place of the text until they are asked. */
  readonly warning?: string;
  /** What a repost passes on: a post of any author that is neither repost nor delete. */
  readonly repostOf?: Post;
  /** What a delete takes back: an own post, before this one. */
  readonly deletes?: FeedPlace;
}

/** A post with its envelope. */
export interface Post extends PostContent {
  /** The author's identity key, 32 bytes. */
  readonly authorKey: Uint8Array;
  /** The signed bytes as they are stored and relayed. */
  readonly signed: Uint8Array;
}

/** A post taken apart, its signatures not verified. */
export interface ReadPost {
  /** What it says. */
  readonly post: Post;
  /** Its envelope. */
  readonly signed: Signed;
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

/**
 * Checks the content warning that a user wants to put before a post.
 *
 * @throws {CamelliaError} `invalid_argument`.
 */
export function checkWarning(warning: string): void {
  if (!warning.isWellFormed() || invisible.test(warning)) {
    throw new CamelliaError(
      "invalid_argument",
      "Cannot post: the content warning is empty. Write 1 to 100 characters, or leave it out.",
    );
  }
  const length = postLength(warning);
  if (length <= warningLengthMax) return;
  throw new CamelliaError(
    "invalid_argument",
    `Cannot post: the content warning has ${length} characters; at most ${warningLengthMax} are allowed.`,
  );
}

/** Signs a post. The caller has checked the texts. */
export function signPost(content: PostContent, identity: Identity): Post {
  const { author, device, number, id, text, replyTo } = content;
  const reply = replyTo === undefined ? null : writeName(replyTo);
  const extra = extraOf(content);
  const payload = encode([
    author,
    device,
    number,
    id,
    text,
    reply,
    ...extra.size > 0 ? [extra] : [],
  ]);
  return {
    ...content,
    authorKey: identity.publicKey,
    signed: sealSigned("post", payload, identity),
  };
}

function writeName({ author, id }: PostName): unknown {
  return [author, id];
}

function readName(value: unknown, what: string): PostName {
  const [author, id] = asArray(value, what, 2);
  return { author: asUsername(author, `${what} author`), id: asBigInteger(id, `${what} id`) };
}

/** The map at a post's end; a post with a text alone has none. */
function extraOf({ root, warning, repostOf, deletes }: PostContent): Map<string, unknown> {
  const extra = new Map<string, unknown>();
  if (repostOf !== undefined) {
    extra.set("kind", "repost").set("of", writeName(repostOf)).set("orig", repostOf.signed);
  }
  if (deletes !== undefined) {
    extra.set("kind", "delete").set("of", [deletes.device, deletes.number]);
  }
  if (root !== undefined) extra.set("root", writeName(root));
  if (warning !== undefined) extra.set("warn", warning);
  return extra;
}

/** What the map at a post's end says. Keys and kinds that are not known say nothing. */
function readExtra(
  extra: ReadonlyMap<string, unknown>,
  { device, number }: FeedPlace,
): Pick<PostContent, "root" | "warning" | "repostOf" | "deletes"> {
  switch (extra.get("kind")) {
    case "repost":
      return { repostOf: readOriginal(extra) };
    case "delete":
      return { deletes: readDeleted(extra.get("of"), { device, number }) };
  }
  const root = extra.get("root");
  const warn = extra.get("warn");
  const warning = warn === undefined ? undefined : asString(warn, "warning", 2 * warningLengthMax);
  if (warning !== undefined) checkLength(warning, "warning", warningLengthMax);
  return given({ root: root === undefined ? undefined : readName(root, "root"), warning });
}

function readOriginal(extra: ReadonlyMap<string, unknown>): Post {
  const { author, id } = readName(extra.get("of"), "reposted");
  const { post } = readPost(asBytesUpTo(extra.get("orig"), "reposted post", plainPostBytesMax));
  if (post.repostOf !== undefined || post.deletes !== undefined) {
    throw new DecodeError("a repost or a delete is reposted");
  }
  if (post.author !== author || post.id !== id) throw new DecodeError("another post is reposted");
  return post;
}

function readDeleted(value: unknown, own: FeedPlace): FeedPlace {
  const [deviceValue, numberValue] = asArray(value, "deleted", 2);
  const device = asInteger(deviceValue, "device of the deleted", 0, deviceMax);
  const number = asInteger(numberValue, "number of the deleted", 1);
  if (device === own.device && number >= own.number) {
    throw new DecodeError("the deleted is not before the delete");
  }
  return { device, number };
}

function checkLength(text: string, what: string, most: number): void {
  const length = postLength(text);
  if (length < 1 || length > most) throw new DecodeError(`${what} has ${length} characters`);
}

/**
 * Decodes a post and checks its schema. Its signature, and that of a post in it, are for the caller to
 * verify ({@linkcode verifyPost}), unless the post comes from the own disk.
 *
 * @throws {DecodeError} if anything is malformed, too long or out of range.
 */
export function readPost(bytes: Uint8Array): ReadPost {
  const signed = openSigned(bytes, postPayloadBytesMax);
  const [author, device, number, id, text, reply, extra = new Map()] = asArray(
    decode(signed.payload, {
      maxBytes: postPayloadBytesMax,
      maxArrayLength: extraPairsMax,
      maxMapLength: extraPairsMax,
    }),
    "post",
    6,
    7,
  );
  const place = {
    device: asInteger(device, "device", 0, deviceMax),
    number: asInteger(number, "number", 1),
  };
  if (!(extra instanceof Map)) throw new DecodeError("what a post ends with is not a map");
  const more = readExtra(extra, place);
  const post = {
    author: asUsername(author, "author"),
    ...place,
    id: asBigInteger(id, "id"),
    text: asString(text, "text", 2 * postLengthMax),
    authorKey: signed.publicKey,
    signed: bytes,
    ...more,
  };
  if (parseSnowflake(post.id).device !== post.device) {
    throw new DecodeError("id is another device's");
  }
  if (more.repostOf !== undefined || more.deletes !== undefined) {
    if (post.text !== "" || reply !== null) throw new DecodeError("a repost or delete says more");
    return { post, signed };
  }
  if (signed.payload.length > plainPayloadBytesMax) throw new DecodeError("the post is too long");
  checkLength(post.text, "text", postLengthMax);
  if (reply !== null) return { post: { ...post, replyTo: readName(reply, "reply") }, signed };
  if (more.root !== undefined) throw new DecodeError("a post that is no reply has a root");
  return { post, signed };
}

/** Whether the signatures of a post, and of the post that it reposts, are those of the keys in them. */
export function verifyPost({ post: { repostOf }, signed }: ReadPost): boolean {
  return verifySigned("post", signed) &&
    (repostOf === undefined ||
      verifySigned("post", openSigned(repostOf.signed, plainPayloadBytesMax)));
}

/**
 * The bytes that the author signed: they tell whether two posts say the same.
 *
 * @throws {DecodeError} if the post was not made by {@linkcode signPost} or {@linkcode readPost}.
 */
export function postPayload({ signed }: Post): Uint8Array {
  return openSigned(signed, postPayloadBytesMax).payload;
}

/** The post that begins the thread of a post: itself unless it is a reply. */
export function rootOf({ author, id, replyTo, root }: PostContent): PostName {
  return root ?? replyTo ?? { author, id };
}

/** The user who has signed a post, by the name that the post gives and by the key. */
export function authorOf({ author, authorKey }: Post): UserRef {
  return { username: author, key: authorKey };
}

/** The order of posts, for `sort`: by id, and by author where two posts have the same id. */
export function postOrder(a: PostName, b: PostName): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.author < b.author ? -1 : a.author > b.author ? 1 : 0;
}
