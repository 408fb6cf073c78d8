/**
 * A decoder for the part of MessagePack that Camellia speaks: nil, booleans, integers, strings, byte
 * arrays and arrays. Maps, extensions and floats are refused.
 *
 * It allocates nothing that the input has not paid for with bytes: an array's header may announce
 * 4,000,000,000 entries, but each must then come. So time and memory are linear in the input.
 *
 * @module
 */

import { DecodeError } from "./decode_error.ts";

/** How long the parts of a decoded value may be. */
export interface DecodeLimits {
  /** Of the whole input, in bytes. */
  readonly maxBytes: number;
  /** Entries of one array. */
  readonly maxArrayLength: number;
}

/** Arrays within arrays: the deepest of ours, feed states within a message, take six. */
const depthMax = 16;

/** Strings up to this many bytes are made character by character where they are ASCII. */
const shortText = 32;

/** Integers of 64 bits with a lower upper half than this are below 2^53, which numbers hold exactly. */
const safeHigh = 2 ** 21;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Input {
  readonly #bytes: Uint8Array;
  readonly #maxArrayLength: number;
  #at = 0;

  constructor(bytes: Uint8Array, maxArrayLength: number) {
    this.#bytes = bytes;
    this.#maxArrayLength = maxArrayLength;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new DecodeError("bytes are left over");
  }

  value(depth: number): unknown {
    const type = this.#byte();
    if (type < 0x80) return type;
    if (type >= 0xe0) return type - 0x100;
    if (type >= 0xa0 && type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0x90 && type < 0xa0) return this.#array(type & 0x0f, depth);
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#unsigned(1 << (type - 0xc4)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (type - 0xcc));
      case 0xcf:
        return this.#wide(false);
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.#signed(1 << (type - 0xd0));
      case 0xd3:
        return this.#wide(true);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(type === 0xdc ? 2 : 4), depth);
      default:
        throw new DecodeError(`type ${type} is not expected`);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new DecodeError("it ends too early");
    return byte;
  }

  #unsigned(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.#byte();
    return value;
  }

  #signed(size: number): number {
    const value = this.#unsigned(size);
    const half = 2 ** (8 * size - 1);
    return value < half ? value : value - 2 * half;
  }

  #wide(signed: boolean): number | bigint {
    const high = this.#unsigned(4);
    const low = this.#unsigned(4);
    if (high < safeHigh) return high * 2 ** 32 + low;
    const value = (BigInt(high) << 32n) | BigInt(low);
    if (!signed) return value;
    const negative = BigInt.asIntN(64, value);
    return negative < 0n && negative > -(1n << 53n) ? Number(negative) : negative;
  }

  /** A view of the next bytes. */
  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new DecodeError("it ends too early");
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  #text(length: number): string {
    if (length <= shortText) {
      const start = this.#at;
      const end = start + length;
      if (end > this.#bytes.length) throw new DecodeError("it ends too early");
      let text = "";
      let at = start;
      for (; at < end; at++) {
        const byte = this.#bytes[at] ?? 0;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) {
        this.#at = end;
        return text;
      }
    }
    const bytes = this.#take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      throw new DecodeError("a string is not UTF-8");
    }
  }

  #array(length: number, depth: number): unknown[] {
    if (length > this.#maxArrayLength) throw new DecodeError(`an array has ${length} entries`);
    if (length > this.#bytes.length - this.#at) throw new DecodeError("it ends too early");
    if (depth >= depthMax) throw new DecodeError(`nested deeper than ${depthMax}`);
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(this.value(depth + 1));
    return values;
  }
}

/**
 * Decodes one value that fills the input exactly. Integers beyond 2^53 come as bigints, byte
 * arrays as views of the input.
 *
 * @throws {DecodeError} if the input is too long, malformed, or beyond the limits.
 */
export function decode(bytes: Uint8Array, limits: DecodeLimits): unknown {
  if (bytes.length > limits.maxBytes) {
    throw new DecodeError(`${bytes.length} bytes are more than the ${limits.maxBytes} allowed`);
  }
  const input = new Input(bytes, limits.maxArrayLength);
  const value = input.value(0);
  input.end();
  return value;
}
