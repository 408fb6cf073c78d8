/**
 * Writes MessagePack in its shortest forms, as Python's library does.
 *
 * @module
 */

const utf8 = new TextEncoder();

/** A whole number takes 1, 2, 4 or 8 bytes behind its head: two to this power. */
function widthOf(value: number): number {
  const magnitude = value < 0 ? -2 * value - 1 : value;
  return magnitude < 0x100 ? 0 : magnitude < 0x1_0000 ? 1 : magnitude < 0x1_0000_0000 ? 2 : 3;
}

/** Whether an integer fits 64 bits, with or without a sign. */
function hasForm(value: number | bigint): boolean {
  return value >= -(2 ** 63) && value < 2 ** 64;
}

/** Writes into one buffer that never grows: the caller knows the longest form of what it builds. */
export class Writer {
  /** The buffer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How much of it is written. */
  at = 0;

  /** A buffer of `size` bytes. */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.at);
  }

  /** A view of what was written, valid until more is written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.at);
  }

  /** The lowest eight bits of a number. */
  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The head of an array. */
  array(length: number): void {
    if (length < 16) return this.byte(0x90 | length);
    const isLong = length >= 0x1_0000;
    this.byte(isLong ? 0xdd : 0xdc);
    this.#bigEndian(length, isLong ? 4 : 2);
  }

  /** The head of a map of so many pairs. */
  map(length: number): void {
    if (length < 16) return this.byte(0x80 | length);
    const isLong = length >= 0x1_0000;
    this.byte(isLong ? 0xdf : 0xde);
    this.#bigEndian(length, isLong ? 4 : 2);
  }

  /** A byte array. */
  bin(bytes: Uint8Array): void {
    this.#sized(0xc4, bytes.length);
    this.raw(bytes);
  }

  /** A string; U+FFFD takes the place of half a surrogate pair. */
  string(text: string): void {
    const start = this.at;
    this.#stringHead(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        this.at = start;
        return this.#longString(text);
      }
      this.bytes[this.at++] = unit;
    }
  }

  /** An integer from -2^63 to 2^64 - 1. */
  integer(value: number): void {
    if (value >= -0x20 && value < 0x80) this.byte(value);
    else this.#sized(value < 0 ? 0xd0 : 0xcc, value);
  }

  /** True or false. */
  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /**
   * An array, map of strings, string, integer, bigint (always in eight bytes), boolean, null or byte array.
   *
   * @throws {TypeError} if the value, or a part of it, is anything else.
   */
  value(value: unknown): void {
    if (typeof value === "string") this.string(value);
    else if (value instanceof Uint8Array) this.bin(value);
    else if (typeof value === "boolean") this.bool(value);
    else if (value === null) this.byte(0xc0);
    else if (Array.isArray(value)) {
      this.array(value.length);
      for (let i = 0; i < value.length; i++) this.value(value[i]);
    } else if (value instanceof Map) {
      this.map(value.size);
      for (const [key, item] of value) {
        if (typeof key !== "string") throw new TypeError("Cannot encode: a key is not a string");
        this.string(key);
        this.value(item);
      }
    } else if (typeof value === "number" && Number.isInteger(value) && hasForm(value)) {
      this.integer(value);
    } else if (typeof value === "bigint" && hasForm(value)) {
      this.byte(value < 0n ? 0xd3 : 0xcf);
      this.#bigEndian(Number(value >> 32n), 4);
      this.#bigEndian(Number(value & 0xffff_ffffn), 4);
    } else throw new TypeError(`Cannot encode: this ${typeof value} has no form in MessagePack`);
  }

  /** A number in as few bytes as hold it; `head` stands before a number of one byte. */
  #sized(head: number, value: number): void {
    const width = widthOf(value);
    this.byte(head + width);
    this.#bigEndian(value, 1 << width);
  }

  /** A number in `size` bytes, a negative one as two's complement. */
  #bigEndian(value: number, size: number): void {
    let rest = value;
    for (let i = this.at + size - 1; i >= this.at; i--) {
      this.bytes[i] = rest;
      rest = Math.floor(rest / 256);
    }
    this.at += size;
  }

  /** The text is written behind the longest head, and moved once the length of its own head is known. */
  #longString(text: string): void {
    const from = this.at + 5;
    const { written } = utf8.encodeInto(text, this.bytes.subarray(from));
    this.#stringHead(written);
    this.bytes.copyWithin(this.at, from, from + written);
    this.at += written;
  }

  #stringHead(length: number): void {
    if (length < 32) this.byte(0xa0 | length);
    else this.#sized(0xd9, length);
  }
}
