/**
 * Ids and the XOR metric (Kademlia, section 2.1).
 *
 * @module
 */
import { idBits, idBytes } from "../constants.ts";
import type { Random } from "../ports.ts";

/**
 * A 160-bit id as five 32-bit words, high word first.
 *
 * Words rather than bytes, because a lookup compares thousands of distances: an id takes a third of a
 * `Uint8Array`'s memory and a comparison one or two machine words.
 */
export class Id {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  readonly w4: number;

  constructor(w0: number, w1: number, w2: number, w3: number, w4: number) {
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
    this.w4 = w4 | 0;
  }

  /**
   * The id in `bytes` at `offset`.
   *
   * @throws {RangeError} if fewer than 20 bytes are there.
   */
  static from(bytes: Uint8Array, offset = 0): Id {
    if (bytes.length < offset + idBytes) {
      throw new RangeError(`Cannot read an id: ${bytes.length - offset} bytes are fewer than 20`);
    }
    return new Id(
      wordAt(bytes, offset),
      wordAt(bytes, offset + 4),
      wordAt(bytes, offset + 8),
      wordAt(bytes, offset + 12),
      wordAt(bytes, offset + 16),
    );
  }

  /** A random id. */
  static random(random: Random): Id {
    return Id.from(random.bytes(idBytes));
  }

  /** Writes the 20 bytes into `bytes` at `offset`. */
  write(bytes: Uint8Array, offset: number): void {
    writeWord(bytes, offset, this.w0);
    writeWord(bytes, offset + 4, this.w1);
    writeWord(bytes, offset + 8, this.w2);
    writeWord(bytes, offset + 12, this.w3);
    writeWord(bytes, offset + 16, this.w4);
  }

  /** The 20 bytes. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(idBytes);
    this.write(bytes, 0);
    return bytes;
  }

  /** Whether this is the id in `bytes` at `offset`. */
  isAt(bytes: Uint8Array, offset: number): boolean {
    return this.w0 === wordAt(bytes, offset) && this.w1 === wordAt(bytes, offset + 4) &&
      this.w2 === wordAt(bytes, offset + 8) && this.w3 === wordAt(bytes, offset + 12) &&
      this.w4 === wordAt(bytes, offset + 16);
  }

  /** Lower-case hexadecimal. */
  toString(): string {
    return this.toBytes().toHex();
  }

  equals(other: Id): boolean {
    return this.w0 === other.w0 && this.w1 === other.w1 && this.w2 === other.w2 &&
      this.w3 === other.w3 && this.w4 === other.w4;
  }
}

/** Four bytes as a word; what lies behind the end counts as zero. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0);
}

function writeWord(bytes: Uint8Array, at: number, w: number): void {
  bytes[at] = w >>> 24;
  bytes[at + 1] = w >>> 16;
  bytes[at + 2] = w >>> 8;
  bytes[at + 3] = w;
}

/** Below 0 when `a` is nearer to `target` than `b`, above 0 when farther, 0 when they are equal. */
export function compareDistance(target: Id, a: Id, b: Id): number {
  if (a.w0 !== b.w0) return ((a.w0 ^ target.w0) >>> 0) - ((b.w0 ^ target.w0) >>> 0);
  if (a.w1 !== b.w1) return ((a.w1 ^ target.w1) >>> 0) - ((b.w1 ^ target.w1) >>> 0);
  if (a.w2 !== b.w2) return ((a.w2 ^ target.w2) >>> 0) - ((b.w2 ^ target.w2) >>> 0);
  if (a.w3 !== b.w3) return ((a.w3 ^ target.w3) >>> 0) - ((b.w3 ^ target.w3) >>> 0);
  return ((a.w4 ^ target.w4) >>> 0) - ((b.w4 ^ target.w4) >>> 0);
}

/** The XOR distance of two ids as a number; its first 53 bits count. */
export function distance(a: Id, b: Id): number {
  return ((a.w0 ^ b.w0) >>> 0) * 2 ** 32 + ((a.w1 ^ b.w1) >>> 0);
}

/** How many leading bits two ids share: 0 to 160. */
export function commonPrefixBits(a: Id, b: Id): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  if (a.w3 !== b.w3) return 96 + Math.clz32(a.w3 ^ b.w3);
  if (a.w4 !== b.w4) return 128 + Math.clz32(a.w4 ^ b.w4);
  return idBits;
}

/** `random` made to share exactly `bits` leading bits with `own`: a point in that bucket's range. */
export function withPrefix(own: Id, bits: number, random: Id): Id {
  const from = [own.w0, own.w1, own.w2, own.w3, own.w4];
  const rest = [random.w0, random.w1, random.w2, random.w3, random.w4];
  const words = from.map((w, i) => {
    const shared = bits - 32 * i;
    if (shared >= 32) return w;
    const other = rest[i] ?? 0;
    if (shared < 0) return other;
    const mask = shared === 0 ? 0 : -1 << (32 - shared);
    const flip = 1 << (31 - shared);
    return (w & mask) | (~w & flip) | (other & ~mask & ~flip);
  });
  return new Id(words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0, words[4] ?? 0);
}
