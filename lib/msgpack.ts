/**
 * MessagePack with limits, for values of any shape. Whatever strangers send is decoded here, or piece
 * by piece with a `Reader`, and nowhere else.
 *
 * A decoder without limits stops the program for seconds on one small packet, so every length is
 * bounded before anything is allocated. Decoded values are read through the `as…` functions, which
 * throw {@linkcode DecodeError} and nothing else.
 *
 * @module
 */

import { type DecodeLimits, Reader } from "./msgpack_reader.ts";
import { Writer } from "./msgpack_writer.ts";

export type { DecodeLimits };

/** The one error of everything that decodes; the message says what was expected. */
export class DecodeError extends Error {
  /** Always `"DecodeError"`. */
  override readonly name = "DecodeError";
}

/** The most bytes that a value takes: 3 for each UTF-16 unit of a string (RFC 3629), 5 for a header. */
function lengthMax(value: unknown): number {
  if (typeof value === "string") return 5 + 3 * value.length;
  if (value instanceof Uint8Array) return 5 + value.length;
  if (value instanceof Map) {
    return [...value].reduce((sum, pair) => sum + lengthMax(pair[0]) + lengthMax(pair[1]), 5);
  }
  if (!Array.isArray(value)) return 9;
  let length = 5;
  for (let i = 0; i < value.length; i++) length += lengthMax(value[i]);
  return length;
}

/** Short values, which most are, are written here and copied out: a fresh buffer takes longer than a post. */
const scratch = new Writer(65_536);

/**
 * Encodes arrays, maps with strings as keys, strings, integers, bigints, booleans, null and byte arrays.
 *
 * @throws {TypeError} if the value, or a part of it, is anything else.
 */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const length = lengthMax(value);
  const writer = length <= scratch.bytes.length ? scratch : new Writer(length);
  writer.at = 0;
  try {
    writer.value(value);
    return writer.take();
  } finally {
    // The value may have been secret: no copy stays where the caller could not erase it.
    writer.bytes.fill(0, 0, length);
  }
}

/**
 * Decodes one value that fills the input exactly. Integers beyond 2^53 come as bigints, byte
 * arrays as views of the input.
 *
 * @throws {DecodeError} if the input is too long, malformed, or beyond the limits.
 */
export function decode(bytes: Uint8Array, limits: DecodeLimits): unknown {
  const reader = new Reader(bytes);
  const value = reader.value(limits);
  if (!reader.finished()) throw new DecodeError(reader.failure ?? "bytes are left over");
  return value;
}

/** Runs a reader of decoded values: undefined instead of a {@linkcode DecodeError}. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** The value as an array of exactly (or, with `to`, at least `length` and at most `to`) entries. */
export function asArray(value: unknown, what: string, length?: number, to = length): unknown[] {
  if (!Array.isArray(value)) throw new DecodeError(`${what} is not an array`);
  if (length !== undefined && (value.length < length || value.length > (to ?? length))) {
    throw new DecodeError(`${what} has ${value.length} entries`);
  }
  return value;
}

/** The value as an integer between `min` and `max`, both within the safe range. */
export function asInteger(
  value: unknown,
  what: string,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < min || number > max) {
    throw new DecodeError(`${what} is not an integer from ${min} to ${max}`);
  }
  return number;
}

/** The value as an integer of at most 63 bits, zero or more. */
export function asBigInteger(value: unknown, what: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value !== "bigint" || value < 0n || value >= 1n << 63n) {
    throw new DecodeError(`${what} is not an integer of 63 bits`);
  }
  return value;
}

/** The value as a well-formed string of at most `maxLength` UTF-16 units. */
export function asString(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== "string" || value.length > maxLength || !value.isWellFormed()) {
    throw new DecodeError(`${what} is not a string of at most ${maxLength}`);
  }
  return value;
}

/** The value as a fresh copy of exactly `length` bytes. */
export function asBytes(value: unknown, what: string, length: number): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw new DecodeError(`${what} is not ${length} bytes`);
  }
  return new Uint8Array(value);
}

/** The value as a fresh copy of at most `max` bytes. */
export function asBytesUpTo(value: unknown, what: string, max: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(asViewUpTo(value, what, max));
}

/** The value as at most `max` bytes, a view of what was decoded. */
export function asViewUpTo(value: unknown, what: string, max: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > max) {
    throw new DecodeError(`${what} is not at most ${max} bytes`);
  }
  return value;
}

/** The value as a boolean. */
export function asBoolean(value: unknown, what: string): boolean {
  if (typeof value !== "boolean") throw new DecodeError(`${what} is not true or false`);
  return value;
}
