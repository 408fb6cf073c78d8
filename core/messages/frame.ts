/**
 * The frame of a message: one signed envelope, addressed to one user (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import type { Identity } from "../model/identity.ts";
import { asBytes, asInteger, DecodeError, encode } from "../../lib/msgpack.ts";
import { Reader } from "../../lib/msgpack_reader.ts";
import {
  envelopeBytesMax,
  openSigned,
  sealSigned,
  type Signed,
  verifySigned,
} from "../model/signed.ts";
import { readUser, type Received, writeUser } from "./kinds/kind.ts";
import { type KindName, kindNamed, type Message } from "./kinds/mod.ts";

/** The most bytes of a frame: 1 MiB. */
export const messageBytesMax: number = 1024 * 1024;

/** Random bytes of a message's id. */
export const messageIdBytes = 16;

const payloadBytesMax = messageBytesMax - envelopeBytesMax;

/** The longest name of a kind. */
const kindLengthMax = 16;

/** What comes before the body: names, keys, time and id. */
const headLimits = { maxBytes: payloadBytesMax, maxArrayLength: 2, maxDepth: 1 };

/**
 * Encodes and signs a message.
 *
 * @throws {RangeError} if it would be over 1 MiB.
 */
export function signMessage(message: Message, identity: Identity): Uint8Array<ArrayBuffer> {
  const { kind, from, to, time, id, body } = message;
  const written = kindNamed(kind).write(body);
  const payload = encode([kind, writeUser(from), writeUser(to), time, id, written]);
  const frame = sealSigned("message", payload, identity);
  if (frame.length > messageBytesMax) {
    throw new RangeError(`Cannot send ${kind}: ${frame.length} bytes are over ${messageBytesMax}`);
  }
  return frame;
}

/**
 * A frame that has been decoded, so that cheap checks can refuse it before its signature is verified. Its
 * body is within the limits of its kind, and not read yet.
 */
export interface Frame extends Received<KindName, unknown> {
  /** The envelope, for {@linkcode verifyFrame}. */
  readonly signed: Signed;
  /** Bytes of the frame. */
  readonly bytes: number;
}

/**
 * Reads the head of a frame and decodes its body; neither signature nor meaning of the body are checked.
 *
 * @throws {DecodeError} if it is malformed, over 1 MiB, or beyond the limits of its kind.
 */
export function readFrame(bytes: Uint8Array): Frame {
  if (bytes.length > messageBytesMax) {
    throw new DecodeError(`${bytes.length} bytes are over the limit`);
  }
  const signed = openSigned(bytes, payloadBytesMax);
  const reader = new Reader(signed.payload);
  const length = reader.array(6);
  const declaration = kindNamed(reader.string(kindLengthMax));
  if (length !== 6 || declaration === undefined) throw new DecodeError("kind is unknown");
  const from = reader.value(headLimits);
  const to = reader.value(headLimits);
  const time = reader.value(headLimits);
  const id = reader.value(headLimits);
  const body = reader.value(declaration.limits);
  if (!reader.finished()) throw new DecodeError(reader.failure ?? "bytes are left over");
  const frame = {
    kind: declaration.kind,
    from: readUser(from, "sender"),
    to: readUser(to, "receiver"),
    time: asInteger(time, "time"),
    id: asBytes(id, "id", messageIdBytes),
    body,
    bytes: bytes.length,
    signed,
  };
  // One key signs and is named: otherwise a message could speak for another's name.
  if (!equalBytes(frame.from.key, signed.publicKey)) {
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
export function readFrameBody({ kind, from, to, time, id, body, bytes }: Frame): Message {
  return { kind, from, to, time, id, body: kindNamed(kind).read(body), bytes } as Message;
}
