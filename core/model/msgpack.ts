/**
 * MessagePack with limits. Whatever strangers send is decoded here, and here alone.
 *
 * A decoder without limits stops the program for seconds on one small packet, so every length is
 * bounded before anything is allocated. Decoded values are read through the `as…` functions, which
 * throw {@linkcode DecodeError} and nothing else.
 *
 * @module
 */

import { Encoder } from "@msgpack/msgpack";
import { copyOf } from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";

export { DecodeError };
export { decode, type DecodeLimits } from "./msgpack_decode.ts";

/** Integers from here on, and below minus half of it, take eight bytes. */
const wideInteger = 2 ** 32;

/** The encoder writes wide numbers as floats unless they are bigints; ours are always integers. */
function widen(value: unknown): unknown {
  if (typeof value === "number" && (value >= wideInteger || value < -wideInteger / 2)) {
    return BigInt(value);
  }
  return Array.isArray(value) ? value.map(widen) : value;
}

/** An encoder whose buffer has grown beyond this, for a long message, is not kept. */
const keptBufferBytesMax = 65_536;

/** Making one takes longer than encoding a post. */
let encoder = newEncoder();

function newEncoder(): Encoder {
  return new Encoder({ useBigInt64: true });
}

/** Encodes arrays, strings, integers, bigints, booleans, null and byte arrays. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const shared = encoder.encodeSharedRef(widen(value));
  const bytes = copyOf(shared);
  // It may have been secret: no copy stays behind where the caller could not erase it.
  shared.fill(0);
  if (shared.buffer.byteLength > keptBufferBytesMax) encoder = newEncoder();
  return bytes;
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
  return copyOf(value);
}

/** The value as a fresh copy of at most `max` bytes. */
export function asBytesUpTo(value: unknown, what: string, max: number): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array) || value.length > max) {
    throw new DecodeError(`${what} is not at most ${max} bytes`);
  }
  return copyOf(value);
}

/** The value as a boolean. */
export function asBoolean(value: unknown, what: string): boolean {
  if (typeof value !== "boolean") throw new DecodeError(`${what} is not true or false`);
  return value;
}
