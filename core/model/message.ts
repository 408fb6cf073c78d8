/**
 * Messages between peers: one frame each, signed, addressed to one user (design, section 6).
 *
 * @module
 */

import type { FeedState } from "./feed.ts";
import { readFeeds, writeFeeds } from "./feed.ts";
import type { Identity } from "./identity.ts";
import {
  asArray,
  asBoolean,
  asBytes,
  asBytesUpTo,
  asInteger,
  asString,
  decode,
  DecodeError,
  encode,
} from "./msgpack.ts";
import { checkShape } from "./msgpack_shape.ts";
import { postBytesMax } from "./post.ts";
import { recordBytesMax } from "./record.ts";
import { type Head, readHeads, writeHeads } from "./record_body.ts";
import { openSigned, sealSigned, type Signed, verifySigned } from "./signed.ts";
import { deviceMax } from "./snowflake.ts";
import type { UserRef } from "./user.ts";
import { asUsername } from "./username.ts";

/** The most bytes of a frame: 1 MiB. */
export const messageBytesMax: number = 1024 * 1024;

/** Posts in one message at most; batches are also kept under the message size. */
export const postsPerMessageMax = 500;

/** Bytes of posts in one message: a quarter of what it may have, so that links take turns smoothly. */
export const batchBytesMax = 256 * 1024;

/** Users that one relay is asked to pass a post on to, at most. */
export const relayShareMax = 256;

/** Why something was refused, in one word. */
const reasonLengthMax = 32;

/** What the kinds of messages say. */
export interface MessageBodyOf {
  /** The sender follows the receiver since `updatedAt` (Unix ms). */
  follow: { readonly updatedAt: number };
  /** The sender no longer follows the receiver since `updatedAt` (Unix ms). */
  unfollow: { readonly updatedAt: number };
  /** Message `id` has been dealt with; with a reason where something was refused for its time. */
  ack: { readonly id: Uint8Array; readonly reason?: string };
  /** The sender is here. */
  hello: {
    /** Which of the sender's devices speaks. */
    readonly device: number;
    /** The heads of the sender's feeds. */
    readonly heads: readonly Head[];
    /** The sender's own signed `connections` record. */
    readonly connections: Uint8Array;
  };
  /** Asks for posts of an author. */
  want: {
    /** Whose posts. */
    readonly author: UserRef;
    /** What the asker has of each feed it knows of. */
    readonly feeds: readonly FeedState[];
    /** Unix ms: older posts are not wanted any more; 0 for all. */
    readonly since: number;
    /** Which of the asker's devices wants the answer. */
    readonly device: number;
    /** The asker's own signed `connections` record, so that the answer needs no look-up. */
    readonly connections?: Uint8Array;
  };
  /** Posts of one author, each in its own envelope. */
  posts: {
    /** Whose posts. */
    readonly author: UserRef;
    /** Signed posts, feeds ascending by number. */
    readonly posts: readonly Uint8Array[];
    /** Whether this is the last message of the answer. */
    readonly done: boolean;
    /** The id of the `want` that is answered; absent for a push. */
    readonly answers?: Uint8Array;
    /** The heads of the author's feeds as the sender knows them. */
    readonly heads: readonly Head[];
    /** Followers that the receiver is asked to pass these posts on to. */
    readonly relay: readonly UserRef[];
  };
}

/** The kinds of messages. */
export type MessageKind = keyof MessageBodyOf;

/** A message taken apart. */
export type Message = {
  [K in MessageKind]: {
    /** What kind of message. */
    readonly kind: K;
    /** The sender. */
    readonly from: UserRef;
    /** The receiver. */
    readonly to: UserRef;
    /** Unix time in milliseconds at which it was made. */
    readonly time: number;
    /** 16 random bytes. */
    readonly id: Uint8Array;
    /** What it says. */
    readonly body: MessageBodyOf[K];
  };
}[MessageKind];

/** A message of one kind. */
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;

/** Bytes of a frame around its payload; see `signed.ts`. */
const envelopeBytes = 107;

const payloadBytesMax = messageBytesMax - envelopeBytes;

/**
 * The most structure that a message needs. The deepest is message, body, feeds, feed, ranges, range;
 * the most values has a `want` that knows 1,024 feeds and 4,096 ranges: some 17,500.
 */
const messageShape = { maxDepth: 6, maxValues: 32_768 };

/** The longest array in a message: feeds and heads of 1,024 devices. */
const messageArrayMax = 1024;

function writeUser(user: UserRef): unknown {
  return [user.username, user.key];
}

function readUser(value: unknown, what: string): UserRef {
  const [username, key] = asArray(value, what, 2);
  return { username: asUsername(username, what), key: asBytes(key, `${what} key`, 32) };
}

function writeBody(message: Message): unknown {
  switch (message.kind) {
    case "follow":
    case "unfollow":
      return [message.body.updatedAt];
    case "ack":
      return [message.body.id, message.body.reason ?? null];
    case "hello":
      return [message.body.device, writeHeads(message.body.heads), message.body.connections];
    case "want": {
      const { author, feeds, since, device, connections } = message.body;
      return [writeUser(author), writeFeeds(feeds), since, device, connections ?? null];
    }
    case "posts": {
      const { author, posts, done, answers, heads, relay } = message.body;
      return [
        writeUser(author),
        posts,
        done,
        answers ?? null,
        writeHeads(heads),
        relay.map(writeUser),
      ];
    }
  }
}

function readAck(value: unknown): MessageBodyOf["ack"] {
  const [id, reason] = asArray(value, "ack", 2);
  const ack = { id: asBytes(id, "acknowledged id", 16) };
  return reason === null ? ack : { ...ack, reason: asString(reason, "reason", reasonLengthMax) };
}

function readHello(value: unknown): MessageBodyOf["hello"] {
  const [device, heads, connections] = asArray(value, "hello", 3);
  return {
    device: asInteger(device, "device", 0, deviceMax),
    heads: readHeads(heads),
    connections: asBytesUpTo(connections, "connections", recordBytesMax),
  };
}

function readWant(value: unknown): MessageBodyOf["want"] {
  const [author, feeds, since, device, connections] = asArray(value, "want", 5);
  const want = {
    author: readUser(author, "author"),
    feeds: readFeeds(feeds),
    since: asInteger(since, "since"),
    device: asInteger(device, "device", 0, deviceMax),
  };
  if (connections === null) return want;
  return { ...want, connections: asBytesUpTo(connections, "connections", recordBytesMax) };
}

function readPosts(value: unknown): MessageBodyOf["posts"] {
  const [author, posts, done, answers, heads, relay] = asArray(value, "posts", 6);
  const body = {
    author: readUser(author, "author"),
    posts: asArray(posts, "post list", 0, postsPerMessageMax)
      .map((post) => asBytesUpTo(post, "post", postBytesMax)),
    done: asBoolean(done, "done"),
    heads: readHeads(heads),
    relay: asArray(relay, "relay", 0, relayShareMax).map((user) => readUser(user, "relay")),
  };
  return answers === null ? body : { ...body, answers: asBytes(answers, "answered id", 16) };
}

const readers: { readonly [K in MessageKind]: (value: unknown) => MessageBodyOf[K] } = {
  follow: (value) => ({ updatedAt: asInteger(asArray(value, "follow", 1)[0], "when") }),
  unfollow: (value) => ({ updatedAt: asInteger(asArray(value, "unfollow", 1)[0], "when") }),
  ack: readAck,
  hello: readHello,
  want: readWant,
  posts: readPosts,
};

function isKind(kind: string): kind is MessageKind {
  return Object.hasOwn(readers, kind);
}

/**
 * Encodes and signs a message.
 *
 * @throws {RangeError} if it would be over 1 MiB.
 */
export function signMessage(message: Message, identity: Identity): Uint8Array<ArrayBuffer> {
  const { kind, from, to, time, id } = message;
  const payload = encode([kind, writeUser(from), writeUser(to), time, id, writeBody(message)]);
  const frame = sealSigned("message", payload, identity);
  if (frame.length > messageBytesMax) {
    throw new RangeError(`Cannot send ${kind}: ${frame.length} bytes are over ${messageBytesMax}`);
  }
  return frame;
}

/** A frame whose head has been read, so that cheap checks can refuse it before anything dear is done. */
export interface Frame {
  /** What kind of message it says it is. */
  readonly kind: MessageKind;
  /** Whom it says it is from; the key is the one that signed, once verified. */
  readonly from: UserRef;
  /** Whom it is for. */
  readonly to: UserRef;
  /** Unix time in milliseconds at which it says it was made. */
  readonly time: number;
  /** 16 random bytes. */
  readonly id: Uint8Array;
  /** The envelope, for {@linkcode verifyFrame}. */
  readonly signed: Signed;
  /** The undecoded body, for {@linkcode readFrameBody}. */
  readonly bodyValue: unknown;
}

/**
 * Reads the head of a frame; neither signature nor body are looked at.
 *
 * @throws {DecodeError} if it is malformed or over 1 MiB.
 */
export function readFrame(bytes: Uint8Array): Frame {
  if (bytes.length > messageBytesMax) {
    throw new DecodeError(`${bytes.length} bytes are over the limit`);
  }
  const signed = openSigned(bytes, payloadBytesMax);
  checkShape(signed.payload, messageShape);
  const [kind, from, to, time, id, bodyValue] = asArray(
    decode(signed.payload, { maxBytes: payloadBytesMax, maxArrayLength: messageArrayMax }),
    "message",
    6,
  );
  const name = asString(kind, "kind", 16);
  if (!isKind(name)) throw new DecodeError("kind is unknown");
  const frame: Frame = {
    kind: name,
    from: readUser(from, "sender"),
    to: readUser(to, "receiver"),
    time: asInteger(time, "time"),
    id: asBytes(id, "id", 16),
    signed,
    bodyValue,
  };
  // One key signs and is named: otherwise a message could speak for another's name.
  if (!frame.from.key.every((byte, i) => byte === signed.publicKey[i])) {
    throw new DecodeError("sender is not the signer");
  }
  return frame;
}

/** Whether the frame's signature is its sender's. */
export function verifyFrame(frame: Frame): boolean {
  return verifySigned("message", frame.signed);
}

/**
 * Reads the body of a frame.
 *
 * @throws {DecodeError} if it does not fit the kind.
 */
export function readFrameBody(frame: Frame): Message {
  const { kind, from, to, time, id } = frame;
  return { kind, from, to, time, id, body: readers[kind](frame.bodyValue) } as Message;
}
