/**
 * Records: values in the DHT, signed by their owner, under `SHA-1("<username>:<namespace>")`.
 *
 * @module
 */

import { aboutPairsMax } from "./about.ts";
import { createHash } from "node:crypto";
import { equalBytes } from "./bytes.ts";
import {
  type Body,
  type BodyIn,
  bodyKinds,
  kindOfNamespace,
  type Namespace,
} from "./record_body.ts";
import type { Identity } from "./identity.ts";
import { asArray, asInteger, asString, decode, DecodeError, encode } from "../../lib/msgpack.ts";
import { sealSigned, type Signed, verifySigned, viewSigned } from "./signed.ts";
import type { UserRef } from "./user.ts";
import { asUsername } from "./username.ts";

/** The most bytes of a record's value: what a DHT message carries (design, section 3). */
export const recordBytesMax = 8000;

/** Bytes of an envelope of a record: array and version 2, bin headers 3 + 2 + 2, key 32, signature 64. */
const recordEnvelopeBytes = 105;

/** The most bytes of a record's payload. */
export const recordPayloadBytesMax: number = recordBytesMax - recordEnvelopeBytes;

/** Entries in one array of a record; the heads of 1,024 devices are the longest there can be. */
const recordArrayMax = 1100;

/** The longest namespace, `public:4294967295:65535` with room to spare. */
const namespaceLengthMax = 32;

/** A record's payload, taken apart. */
export interface RecordContent<B extends Body = Body> {
  /** The owner's name. */
  readonly username: string;
  /** Which of the owner's records this is. */
  readonly namespace: Namespace;
  /** Of two records by one owner the higher number wins. */
  readonly sequence: number;
  /** Unix time in milliseconds from which the record no longer counts. */
  readonly expiresAt: number;
  /** What the record says, by namespace. */
  readonly body: B;
}

/** A record as it travels, together with what it says. */
export interface SignedRecord<B extends Body = Body> extends RecordContent<B> {
  /** The owner's identity key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The whole value as it is stored in the DHT. */
  readonly value: Uint8Array;
  /** SHA-256 of the payload, as a tie-breaker between equal sequence numbers. */
  readonly payloadHash: Uint8Array;
}

/** The DHT key of a record: SHA-1 of `<username>:<namespace>`, 20 bytes. */
export function recordKey(username: string, namespace: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha1").update(`${username}:${namespace}`).digest());
}

function hashOf(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(payload).digest());
}

/** Encodes and signs a record. */
export function signRecord<B extends Body>(
  content: RecordContent<B>,
  identity: Identity,
): SignedRecord<B> {
  const kind = bodyKinds[kindOfNamespace(content.namespace) ?? "public"];
  const payload = encode([
    content.username,
    content.namespace,
    content.sequence,
    content.expiresAt,
    kind.write(content.body),
  ]);
  const value = sealSigned("record", payload, identity);
  if (value.length > recordBytesMax) {
    throw new RangeError(
      `Cannot sign ${content.namespace}: ${value.length} bytes are over ${recordBytesMax}`,
    );
  }
  return { ...content, publicKey: identity.publicKey, value, payloadHash: hashOf(payload) };
}

/**
 * Decodes a record and checks its schema, not yet its signature. Nothing may change the bytes afterwards, which
 * the record keeps.
 *
 * @throws {DecodeError} if anything is malformed, too long or out of range.
 */
export function readRecord(value: Uint8Array): { record: SignedRecord; signed: Signed } {
  if (value.length > recordBytesMax) {
    throw new DecodeError(`${value.length} bytes are over the limit`);
  }
  const signed = viewSigned(value, recordPayloadBytesMax);
  const parts = asArray(
    decode(signed.payload, {
      maxBytes: recordPayloadBytesMax,
      maxArrayLength: recordArrayMax,
      maxMapLength: aboutPairsMax,
    }),
    "record",
    5,
  );
  const namespace = asString(parts[1], "namespace", namespaceLengthMax);
  const kind = kindOfNamespace(namespace);
  if (kind === undefined) throw new DecodeError("namespace is unknown");
  const { payload } = signed;
  let payloadHash: Uint8Array | undefined;
  const record: SignedRecord = {
    username: asUsername(parts[0], "username"),
    namespace: namespace as Namespace,
    sequence: asInteger(parts[2], "sequence number"),
    expiresAt: asInteger(parts[3], "expiry"),
    body: bodyKinds[kind].read(parts[4]),
    publicKey: signed.publicKey,
    value,
    // Few records ever meet one with the same number.
    get payloadHash(): Uint8Array {
      return payloadHash ??= hashOf(payload);
    },
  };
  return { record, signed };
}

/** Where in a record's value its payload's username begins: after array, version and bin header. */
const payloadHeaders: Readonly<Record<number, number>> = { 0xc4: 4, 0xc5: 5, 0xc6: 7 };

/** The text of a short MessagePack string (fixstr) at an offset, and where the next value begins. */
function shortText(value: Uint8Array, at: number): readonly [text: string, next: number] {
  const head = value[at] ?? 0;
  const end = at + 1 + (head & 0x1f);
  if ((head & 0xe0) !== 0xa0 || end > value.length) return ["", value.length];
  return [String.fromCharCode(...value.subarray(at + 1, end)), end];
}

/** Bytes from the key's header to the end: bin headers 2 and 2, key 32, signature 64. */
const keyAndSignatureBytes = 100;

/** What a look at a record's value tells. */
export interface RecordPeek {
  /** The owner's name. */
  readonly username: string;
  /** Which of the owner's records this is. */
  readonly namespace: string;
  /** The owner's key: a view of the value. */
  readonly publicKey: Uint8Array;
}

/**
 * Name, namespace and key of a value that is a record, without decoding it: for the first check of
 * what strangers send, and for going through many that have been checked. Undefined unless lengths are
 * written in their shortest form. Of what is no record it may say nonsense.
 */
export function peekRecord(value: Uint8Array): RecordPeek | undefined {
  const at = payloadHeaders[value[2] ?? 0];
  if (at === undefined || value[at] !== 0x95) return undefined;
  const tail = value.length - keyAndSignatureBytes;
  if (tail < at || value[tail] !== 0xc4 || value[tail + 1] !== 32) return undefined;
  if (value[tail + 34] !== 0xc4 || value[tail + 35] !== 64) return undefined;
  const [username, next] = shortText(value, at + 1);
  const [namespace] = shortText(value, next);
  return { username, namespace, publicKey: value.subarray(tail + 2, tail + 34) };
}

/**
 * Decodes a record and checks schema and signature.
 *
 * @throws {DecodeError} if anything about it is not as it should be.
 */
export function openRecord(value: Uint8Array): SignedRecord {
  const { record, signed } = readRecord(value);
  if (!verifySigned("record", signed)) throw new DecodeError("signature does not verify");
  return record;
}

/** Whether it is that user's record, under name and key, in that namespace. */
export function isRecordOf<N extends Namespace>(
  record: SignedRecord | undefined,
  user: UserRef,
  namespace: N,
): record is SignedRecord<BodyIn<N>> {
  return record?.namespace === namespace && record.username === user.username &&
    equalBytes(record.publicKey, user.key);
}
