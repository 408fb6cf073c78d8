/**
 * Looks over MessagePack before it is decoded: how deep it nests and how many values it holds.
 *
 * Decoding costs what there are values, and a frame of 1 MiB can hold a million, from a sender whose
 * signature has not been looked at. Walking over the bytes first stops at the first value too many.
 *
 * @module
 */

import { DecodeError } from "./msgpack.ts";

/** How much structure is let through. */
export interface ShapeLimits {
  /** Arrays within arrays, the outermost counted. */
  readonly maxDepth: number;
  /** Values of any kind, arrays counted too, and arrays by what their headers announce. */
  readonly maxValues: number;
}

/** Bytes behind the type byte of values of fixed length, from 0xc0 on; negative: see the branches of `#value`. */
const fixedLengths: readonly number[] = [
  ...[0, -1, 0, 0], // nil, (never used), false, true
  ...[-2, -2, -2], // bin 8, 16, 32: a length of so many bits follows
  ...[-1, -1, -1], // ext
  ...[4, 8], // float 32, 64
  ...[1, 2, 4, 8, 1, 2, 4, 8], // uint, int
  ...[-1, -1, -1, -1, -1], // fixext
  ...[-2, -2, -2], // str 8, 16, 32
  ...[-3, -3], // array 16, 32
  ...[-1, -1], // map
];

/** One walk over the bytes. */
class Walk {
  readonly #bytes: Uint8Array;
  readonly #limits: ShapeLimits;
  /** Values still to come in each array that is open, the innermost last. */
  readonly #open: number[] = [];
  #at = 0;
  #values = 1;

  constructor(bytes: Uint8Array, limits: ShapeLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  run(): void {
    do {
      const opened = this.#value();
      if (opened !== undefined) this.#enter(opened);
      this.#leave(opened === undefined);
    } while (this.#open.length > 0);
    if (this.#at !== this.#bytes.length) throw new DecodeError("bytes are left over");
  }

  /** Walks over one value; the length of the array if it is one. */
  #value(): number | undefined {
    const type = this.#number(1);
    if (type <= 0x7f || type >= 0xe0) return undefined;
    if (type <= 0x8f) throw new DecodeError("a map is not expected");
    if (type <= 0x9f) return type & 0x0f;
    if (type <= 0xbf) return this.#skip(type & 0x1f);
    const length = fixedLengths[type - 0xc0] ?? -1;
    if (length >= 0) return this.#skip(length);
    if (length === -3) return this.#number(type === 0xdc ? 2 : 4);
    if (length === -2) return this.#skip(this.#number(1 << (type - (type < 0xd9 ? 0xc4 : 0xd9))));
    throw new DecodeError(`type ${type} is not expected`);
  }

  #enter(length: number): void {
    this.#values += length;
    if (this.#values > this.#limits.maxValues) {
      throw new DecodeError(`more than ${this.#limits.maxValues} values`);
    }
    if (this.#open.length >= this.#limits.maxDepth) {
      throw new DecodeError(`nested deeper than ${this.#limits.maxDepth}`);
    }
    this.#open.push(length);
  }

  /** Counts a value that has ended, and closes the arrays that end with it. */
  #leave(ended: boolean): void {
    let count = ended;
    for (;;) {
      const last = this.#open.length - 1;
      if (last < 0) return;
      const left = (this.#open[last] ?? 0) - (count ? 1 : 0);
      this.#open[last] = left;
      if (left > 0) return;
      this.#open.pop();
      count = true;
    }
  }

  #skip(length: number): undefined {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new DecodeError("it ends too early");
  }

  #number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new DecodeError("it ends too early");
      value = value * 256 + byte;
    }
    return value;
  }
}

/**
 * Checks that the bytes are exactly one MessagePack value without maps and extensions, within limits.
 *
 * @throws {DecodeError} if they are not.
 */
export function checkShape(bytes: Uint8Array, limits: ShapeLimits): void {
  new Walk(bytes, limits).run();
}
