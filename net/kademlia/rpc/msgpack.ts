/**
 * MessagePack for the few shapes of the protocol, read strictly and without throwing.
 *
 * The general library decodes whatever it meets; here a reader asks for what must come next, so that
 * hostile input costs no more than the bytes it has.
 *
 * @module
 */
import { nestingMax } from "../constants.ts";

const text = new TextDecoder("utf-8", { fatal: true });
const nothing = new Uint8Array(0);

/**
 * Reads one value after another. What does not fit sets {@link Reader.failed} and yields an empty value
 * from then on; callers check once at the end.
 */
export class Reader {
  readonly bytes: Uint8Array;
  #at: number;
  #failed = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#at = at;
  }

  /** Whether anything so far was not what was asked for. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** The next byte, without taking it; 0xc1 (never used in MessagePack) at the end. */
  peek(): number {
    return this.bytes[this.#at] ?? 0xc1;
  }

  /** Whether everything was read, and well. */
  finished(): boolean {
    return !this.#failed && this.#at === this.bytes.length;
  }

  /** Marks the input as bad. */
  fail(): void {
    this.#failed = true;
    this.#at = this.bytes.length;
  }

  #big(size: number): number {
    const end = this.#at + size;
    if (end > this.bytes.length) {
      this.fail();
      return 0;
    }
    let value = 0;
    for (let i = this.#at; i < end; i++) value = value * 256 + (this.bytes[i] ?? 0);
    this.#at = end;
    return value;
  }

  /** The length of an array of at most `max` items. */
  array(max: number): number {
    const head = this.#big(1);
    const length = (head & 0xf0) === 0x90
      ? head & 0x0f
      : head === 0xdc
      ? this.#big(2)
      : head === 0xdd
      ? this.#big(4)
      : Infinity;
    if (length <= max && !this.#failed) return length;
    this.fail();
    return 0;
  }

  /** The length of a map of at most `max` pairs. */
  map(max: number): number {
    const head = this.#big(1);
    const length = (head & 0xf0) === 0x80
      ? head & 0x0f
      : head === 0xde
      ? this.#big(2)
      : head === 0xdf
      ? this.#big(4)
      : Infinity;
    if (length <= max && !this.#failed) return length;
    this.fail();
    return 0;
  }

  #take(length: number, max: number): Uint8Array {
    const end = this.#at + length;
    if (this.#failed || length > max || end > this.bytes.length) {
      this.fail();
      return nothing;
    }
    const view = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  /** The content of a `bin` of at most `max` bytes, as a view. */
  bin(max: number): Uint8Array {
    const head = this.#big(1);
    if (head < 0xc4 || head > 0xc6) {
      this.fail();
      return nothing;
    }
    return this.#take(this.#big(1 << (head - 0xc4)), max);
  }

  /** Takes the head of a `bin` of exactly `length` bytes and returns where its content starts. */
  fixedBin(length: number): number {
    const head = this.#big(1);
    const found = head < 0xc4 || head > 0xc6 ? -1 : this.#big(1 << (head - 0xc4));
    const start = this.#at;
    if (found !== length || start + length > this.bytes.length) {
      this.fail();
      return 0;
    }
    this.#at = start + length;
    return start;
  }

  #strLength(): number {
    const head = this.#big(1);
    if ((head & 0xe0) === 0xa0) return head & 0x1f;
    if (head >= 0xd9 && head <= 0xdb) return this.#big(1 << (head - 0xd9));
    return Infinity;
  }

  /** A string of at most `max` ASCII characters. */
  ascii(max: number): string {
    const bytes = this.#take(this.#strLength(), max);
    let result = "";
    for (let i = 0; i < bytes.length; i++) {
      const c = bytes[i] ?? 0;
      if (c > 126) {
        this.fail();
        return "";
      }
      result += String.fromCharCode(c);
    }
    return result;
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint(): number {
    const head = this.#big(1);
    if (head < 0x80) return head;
    if (head >= 0xcc && head <= 0xcf) {
      const value = this.#big(1 << (head - 0xcc));
      if (Number.isSafeInteger(value)) return value;
    }
    this.fail();
    return 0;
  }

  /** True or false. */
  bool(): boolean {
    const head = this.#big(1);
    if (head !== 0xc2 && head !== 0xc3) this.fail();
    return head === 0xc3;
  }

  /** Skips a string, number, boolean or nil, and returns its whole encoding of at most `max` bytes. */
  scalar(max: number): Uint8Array {
    const start = this.#at;
    const head = this.peek();
    if ((head & 0xe0) === 0xa0 || (head >= 0xd9 && head <= 0xdb)) {
      const length = this.#strLength();
      const content = this.#take(length, max);
      try {
        text.decode(content);
      } catch {
        this.fail();
      }
    } else this.#number();
    if (this.#failed || this.#at - start > max) {
      this.fail();
      return nothing;
    }
    return this.bytes.subarray(start, this.#at);
  }

  #number(): void {
    const head = this.#big(1);
    if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) return;
    if (head === 0xca) this.#big(4);
    else if (head === 0xcb) this.#big(8);
    else if (head >= 0xcc && head <= 0xcf) this.#big(1 << (head - 0xcc));
    else if (head >= 0xd0 && head <= 0xd3) this.#big(1 << (head - 0xd0));
    else this.fail();
  }

  /** Skips any one value nested at most `nestingMax` deep. */
  skip(depth = 0): void {
    const head = this.peek();
    if (depth > nestingMax) return this.fail();
    if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) {
      for (let n = this.array(this.bytes.length); n > 0 && !this.#failed; n--) this.skip(depth + 1);
    } else if ((head & 0xf0) === 0x80 || head === 0xde || head === 0xdf) {
      for (let n = 2 * this.map(this.bytes.length); n > 0 && !this.#failed; n--) {
        this.skip(depth + 1);
      }
    } else if (head >= 0xc4 && head <= 0xc6) this.bin(this.bytes.length);
    else this.scalar(this.bytes.length);
  }
}

/** Writes into one buffer that grows never: whoever builds a message knows its longest form. */
export class Writer {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  array(length: number): void {
    if (length < 16) return this.byte(0x90 | length);
    this.byte(0xdc);
    this.byte(length >>> 8);
    this.byte(length);
  }

  bin(bytes: Uint8Array): void {
    if (bytes.length < 256) {
      this.byte(0xc4);
      this.byte(bytes.length);
    } else {
      this.byte(0xc5);
      this.byte(bytes.length >>> 8);
      this.byte(bytes.length);
    }
    this.raw(bytes);
  }

  /** ASCII of at most 255 characters. */
  ascii(value: string): void {
    if (value.length < 32) this.byte(0xa0 | value.length);
    else {
      this.byte(0xd9);
      this.byte(value.length);
    }
    for (let i = 0; i < value.length; i++) this.bytes[this.at++] = value.charCodeAt(i);
  }

  /** The shortest form, as Python's library writes it. */
  uint(value: number): void {
    if (value < 0x80) return this.byte(value);
    const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x1_0000_0000 ? 4 : 8;
    this.byte(0xcc + Math.log2(size));
    for (let i = size - 1; i >= 0; i--) this.byte(Math.floor(value / 256 ** i) & 0xff);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }
}
